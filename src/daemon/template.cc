// See template.h. Rendering; compiling is in template_compile.cc.
#include "daemon/template.h"

#include <algorithm>
#include <array>

#include "json/quote.h"

namespace linegate::daemon {
namespace {

using wire::Error;
using wire::Symbol;

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> table{};
  for (unsigned char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")) {
    table[c] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kUnreserved = make_unreserved();

Error refuse(const Parameter& parameter, const std::string& what) {
  Error error{Symbol::invalid_params, "parameter \"" + parameter.name + "\" " + what, ""};
  error.text("param", parameter.name);
  return error;
}

// "." and ".." cannot be escaped: servers and libcurl resolve %2e%2e and ..%2F too.
bool has_dot_piece(std::string_view text) {
  for (;;) {
    std::size_t end = text.find_first_of("/\\");
    std::string_view piece = text.substr(0, end);
    if (piece == "." || piece == "..") return true;
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
}

std::optional<Error> check_path_value(const Parameter& parameter, std::string_view value) {
  if (value.empty()) return refuse(parameter, "must not be empty");
  if (has_dot_piece(value)) return refuse(parameter, "must not have a path piece \".\" or \"..\"");
  return std::nullopt;
}

std::optional<Error> check_header_value(const Parameter& parameter, std::string_view value) {
  if (value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) return std::nullopt;
  return refuse(parameter, "must not have CR, LF or NUL");
}

void append_json_inside(std::string& out, std::string_view value) {
  std::string quoted = json::quoted(value);
  out.append(quoted, 1, quoted.size() - 2);
}

}  // namespace

void append_percent_encoded(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (kUnreserved[byte]) {
      out += c;
    } else {
      const char escape[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
      out.append(escape, 3);
    }
  }
}

bool Template::complete(const std::vector<Value>& values) const {
  return std::all_of(parameters_.begin(), parameters_.end(), [&](std::size_t i) { return values[i].given; });
}

std::optional<Error> Template::render(const std::vector<Parameter>& parameters,
                                      const std::vector<Value>& values, Rendered& out) const {
  for (const Piece& piece : pieces_) {
    if (piece.kind == Piece::Kind::literal) {
      out.append(piece.bytes);
    } else if (piece.kind == Piece::Kind::secret) {
      out.append_secret(piece.bytes);
    } else if (auto error = render_value(parameters[piece.parameter], values[piece.parameter].text, out)) {
      return error;
    }
  }
  return dots_beside_parameter_ ? check_joined(parameters, values) : std::nullopt;
}

std::optional<Error> Template::render_value(const Parameter& parameter, const std::string& value,
                                            Rendered& out) const {
  switch (place_) {
    case Place::path:
      if (auto error = check_path_value(parameter, value)) return error;
      append_percent_encoded(out.bytes, value);
      break;
    case Place::query:
    case Place::form:
      append_percent_encoded(out.bytes, value);
      break;
    case Place::header:
      if (auto error = check_header_value(parameter, value)) return error;
      out.append(value);
      break;
    case Place::json:
      append_json_inside(out.bytes, value);
      break;
  }
  return std::nullopt;
}

std::optional<Error> Template::check_joined(const std::vector<Parameter>& parameters,
                                            const std::vector<Value>& values) const {
  std::string joined;
  for (const Piece& piece : pieces_) {
    joined += piece.kind == Piece::Kind::parameter ? values[piece.parameter].text : piece.bytes;
  }
  if (!has_dot_piece(joined)) return std::nullopt;
  return refuse(parameters[parameters_.front()], "makes a path piece \".\" or \"..\"");
}

bool JsonTemplate::complete(const std::vector<Value>& values) const {
  return (kind != Kind::text && kind != Kind::whole) || value.complete(values);
}

std::optional<Error> JsonTemplate::render(const std::vector<Parameter>& parameters,
                                          const std::vector<Value>& values, Rendered& out) const {
  switch (kind) {
    case Kind::fixed:
      out.append(text);
      return std::nullopt;
    case Kind::text:
      return render_text(parameters, values, out);
    case Kind::whole: {
      std::size_t which = value.parameters().front();
      if (parameters[which].type != Type::string) {
        out.append(values[which].text);
      } else {
        json::append_quoted(out.bytes, values[which].text);
      }
      return std::nullopt;
    }
    case Kind::object:
    case Kind::array:
      return render_children(parameters, values, out);
  }
  return std::nullopt;
}

std::optional<Error> JsonTemplate::render_text(const std::vector<Parameter>& parameters,
                                               const std::vector<Value>& values, Rendered& out) const {
  out.append("\"");
  auto error = value.render(parameters, values, out);
  out.append("\"");
  return error;
}

std::optional<Error> JsonTemplate::render_children(const std::vector<Parameter>& parameters,
                                                   const std::vector<Value>& values, Rendered& out) const {
  out.append(kind == Kind::object ? "{" : "[");
  bool first = true;
  for (const JsonTemplate& child : children) {
    if (!child.complete(values)) continue;
    if (!first) out.append(",");
    first = false;
    out.append(child.key);
    if (auto error = child.render(parameters, values, out)) return error;
  }
  out.append(kind == Kind::object ? "}" : "]");
  return std::nullopt;
}

}  // namespace linegate::daemon
