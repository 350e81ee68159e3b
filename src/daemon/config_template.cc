// Reads the templates of an upstream or a route: headers, query, form and JSON bodies.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/printable.h"
#include "daemon/config_read.h"
#include "json/quote.h"

namespace linegate::daemon {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string in_quotes(std::string_view text) {
  return '"' + printable(text) + '"';
}

std::string real_text(double value) {
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

void collapse(JsonTemplate& node) {
  using Kind = JsonTemplate::Kind;
  auto fixed = [](const JsonTemplate& child) { return child.kind == Kind::fixed; };
  if (!std::all_of(node.children.begin(), node.children.end(), fixed)) return;
  Rendered text;
  (void)node.render({}, {}, text);  // without parameters nothing can be refused
  node.text = std::move(text.bytes);
  node.kind = Kind::fixed;
  node.children.clear();
}

}  // namespace

bool is_token(std::string_view name) {
  auto token_byte = [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), token_byte);
}

bool same_header(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_framing_header(std::string_view name) {
  static constexpr std::string_view kFraming[] = {
      "Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect"};
  return std::any_of(std::begin(kFraming), std::end(kFraming),
                     [&](std::string_view framing) { return same_header(name, framing); });
}

std::optional<std::string> scalar_text(const Node& node) {
  if (node.kind == Node::Kind::integer) return std::to_string(node.integer);
  if (node.kind == Node::Kind::boolean) return node.flag ? "true" : "false";
  if (node.kind == Node::Kind::real && std::isfinite(node.real)) return real_text(node.real);
  return std::nullopt;
}

std::optional<Template> TemplateReader::text(std::string_view name, const Node& node, Place place) {
  auto text = read_text(reading_.out, name, node);
  return text ? compiled(node, *text, place) : std::nullopt;
}

std::optional<Template> TemplateReader::compiled(const Node& node, std::string_view text, Place place) {
  auto compiled = Template::compile(text, place, parameters_, reading_.secrets);
  if (!compiled.error.empty()) return reading_.out.error(node.at, compiled.error), std::nullopt;
  for (std::size_t which : compiled.value.parameters()) used_[which] = true;
  if (compiled.value.has_secret() && in_clear_) {
    reading_.out.warning(node.at, "a secret is sent over http://, where anybody on the way can read it");
  }
  return std::move(compiled.value);
}

// A string with holes, or a number or flag as it is.
std::optional<Template> TemplateReader::scalar(std::string_view name, const Node& node, Place place) {
  if (node.is_string()) return compiled(node, node.text, place);
  if (auto text = scalar_text(node)) return compiled(node, *text, place);
  reading_.out.error(node.at, in_quotes(name) + " must be a string, a number, true or false");
  return std::nullopt;
}

bool TemplateReader::check_header_name(const Node::Member& member, const std::vector<Field>& others) {
  auto same = [&](const Field& other) { return same_header(other.name, member.key); };
  std::string name = in_quotes(member.key);
  if (!is_token(member.key)) {
    reading_.out.error(member.at, name + " is no header name");
  } else if (is_framing_header(member.key)) {
    reading_.out.error(
        member.at, "header " + name + " cannot be set: it frames the request or belongs to the connection");
  } else if (std::any_of(others.begin(), others.end(), same)) {
    reading_.out.error(member.at, "header " + name + " stands here twice");
  } else {
    return true;
  }
  return false;
}

std::vector<Field> TemplateReader::headers(const Node& table) {
  std::vector<Field> fields;
  if (!expect_table(reading_.out, "headers", table)) return fields;
  for (const Node::Member& member : table.members) {
    bool good_name = check_header_name(member, fields);
    auto value = text(in_quotes(member.key), member.value, Place::header);
    if (good_name && value) fields.push_back({member.key, *std::move(value)});
  }
  return fields;
}

std::vector<Field> TemplateReader::fields(std::string_view name, const Node& table, Place place) {
  std::vector<Field> fields;
  if (!expect_table(reading_.out, name, table)) return fields;
  for (const Node::Member& member : table.members) {
    auto value = scalar(member.key, member.value, place);
    if (!value) continue;
    Field& field = fields.emplace_back();
    append_percent_encoded(field.name, member.key);
    field.value = *std::move(value);
  }
  return fields;
}

std::optional<JsonTemplate> TemplateReader::json(const Node& node) {
  if (node.is_table() || node.is_array()) return json_value(node);
  reading_.out.error(node.at, "json must be a table or an array");
  return std::nullopt;
}

std::optional<JsonTemplate> TemplateReader::json_value(const Node& node) {
  JsonTemplate made;
  if (node.is_string()) return json_text(node);
  if (node.is_table() || node.is_array()) {
    made.kind = node.is_table() ? JsonTemplate::Kind::object : JsonTemplate::Kind::array;
    for (const Node::Member& member : node.members) {
      add_json_child(made, member.value, json::quoted(member.key) + ':');
    }
    for (const Node& element : node.elements) add_json_child(made, element, "");
    collapse(made);
    return made;
  }
  auto text = scalar_text(node);
  if (!text) return reading_.out.error(node.at, "JSON cannot hold this; put it in quotes"), std::nullopt;
  made.text = *std::move(text);
  return made;
}

void TemplateReader::add_json_child(JsonTemplate& parent, const Node& node, std::string key) {
  auto child = json_value(node);
  if (!child) return;
  child->key = std::move(key);
  parent.children.push_back(*std::move(child));
}

std::optional<JsonTemplate> TemplateReader::json_text(const Node& node) {
  auto value = compiled(node, node.text, Place::json);
  if (!value) return std::nullopt;
  JsonTemplate made;
  if (value->fixed() && !value->has_secret()) {
    Rendered text;
    (void)value->render({}, {}, text);
    made.text = '"' + text.bytes + '"';
    return made;
  }
  made.kind = value->whole_parameter() ? JsonTemplate::Kind::whole : JsonTemplate::Kind::text;
  made.value = *std::move(value);
  return made;
}

}  // namespace linegate::daemon
