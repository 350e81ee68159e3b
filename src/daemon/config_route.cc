// Reads [route.NAME].
#include <algorithm>

#include "base/printable.h"
#include "daemon/config_read.h"
#include "daemon/router.h"

namespace linegate::daemon {
namespace {

const std::vector<std::string>& methods() {
  static const std::vector<std::string> names{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  return names;
}

void read_method(Diagnostics& out, const Node& node, RouteConfig& route) {
  if (auto which = read_choice(out, "method", node, methods())) route.method = methods()[*which];
}

void read_hedge(Diagnostics& out, const Node& node, RouteConfig& route) {
  static const Keys<HedgeConfig> keys{
      {"after",
       [](Diagnostics& diagnostics, const Node& after, HedgeConfig& hedge) {
         hedge.p95 = after.is_string() && after.text == "p95";
         if (hedge.p95) return;
         if (auto value = read_duration(diagnostics, "after", after, 1ms, 1h)) hedge.after = *value;
       }},
      real_key("budget", &HedgeConfig::budget, 0, 1),
  };
  read_table(out, "hedge", node, keys, route.hedge.emplace());
}

void read_reply_headers(Diagnostics& out, const Node& node, RouteConfig& route) {
  auto names = read_texts(out, "reply_headers", node);
  if (!names) return;
  for (std::size_t i = 0; i < names->size(); ++i) {
    if (!is_token((*names)[i]))
      out.error(node.elements[i].at, '"' + printable((*names)[i]) + "\" is no header name");
  }
  route.reply_headers = *std::move(names);
}

void read_idempotency_key(Diagnostics& out, const Node& node, RouteConfig& route) {
  auto name = read_text(out, "idempotency_key", node);
  if (!name) return;
  if (!is_token(*name) || is_framing_header(*name))
    return out.error(node.at, '"' + printable(*name) + "\" is no header name for this");
  route.idempotency_key = *std::move(name);
}

Keys<RouteConfig> make_keys() {
  using R = RouteConfig;
  Keys<R> keys{
      text_key("help", &R::help),
      later<R>("upstream"),
      {"method", read_method},
      later<R>("path"),
      later<R>("query"),
      later<R>("headers"),
      later<R>("json"),
      later<R>("form"),
      later<R>("params"),
      later<R>("idempotent"),
      {"reply_headers", read_reply_headers},
      choice_key("response", &R::response, {"json", "text"}),
      {"hedge", read_hedge},
      {"idempotency_key", read_idempotency_key},
  };
  add_keys_within(keys, &R::policy, policy_keys());
  return keys;
}

// Reads one route; the upstream's policy must be in place before the route's own keys go over it.
class RouteReader {
 public:
  RouteReader(Reading& reading, const Node::Member& member)
      : reading_(reading), out_(reading.out), table_(member.value), name_(member.key), at_(member.at) {}

  void run() {
    static const Keys<RouteConfig> keys = make_keys();
    check_name();
    if (!expect_table(out_, title(), table_)) return;
    read_upstream_name();
    if (const Node* params = table_.find("params")) route_.params = read_parameters(out_, *params);
    read_table(out_, title(), table_, keys, route_);
    read_idempotent();
    route_.own_breaker = table_.find("breaker") != nullptr;
    read_templates();
    route_.name = name_;
    reading_.config.routes.push_back(std::move(route_));
  }

 private:
  std::string title() const { return "[route." + printable(name_) + ']'; }

  void check_name() {
    std::string shown = '"' + printable(name_) + '"';
    if (!is_route_name(name_)) {
      out_.error(at_, shown + " is no route name: a lower-case letter, then at most 63 of a-z 0-9 _ . -");
    } else if (is_builtin_word(name_)) {
      out_.error(at_, shown + " is a built-in word and cannot be a route");
    } else if (name_.starts_with("rpc.")) {
      out_.error(at_, shown + " cannot be a route: names that begin with rpc. are built in");
    }
  }

  void read_upstream_name() {
    const Node* node = table_.find("upstream");
    if (!node) return out_.error(table_.at, title() + " needs upstream");
    auto wanted = read_text(out_, "upstream", *node);
    if (!wanted) return;
    std::vector<std::string> known;
    for (const UpstreamConfig& upstream : reading_.config.upstreams) known.push_back(upstream.name);
    auto found = std::find(known.begin(), known.end(), *wanted);
    if (found == known.end()) {
      return out_.error(node->at,
                        "unknown upstream \"" + printable(*wanted) + '"' + did_you_mean(*wanted, known));
    }
    route_.upstream = static_cast<std::size_t>(found - known.begin());
    const UpstreamConfig& upstream = reading_.config.upstreams[route_.upstream];
    route_.policy = upstream.policy;
    in_clear_ = !upstream.base_url.https;
  }

  void read_idempotent() {
    route_.idempotent = route_.method != "POST" && route_.method != "PATCH";
    const Node* node = table_.find("idempotent");
    auto value = node ? read_flag(out_, "idempotent", *node) : std::nullopt;
    if (!value) return;
    route_.idempotent = *value;
    route_.says_idempotent = true;
  }

  void read_templates() {
    TemplateReader templates(reading_, route_.params, in_clear_);
    read_path(templates);
    if (const Node* query = table_.find("query"))
      route_.query = templates.fields("query", *query, Place::query);
    if (const Node* headers = table_.find("headers")) route_.headers = templates.headers(*headers);
    read_body(templates);
    check_used(templates);
  }

  void read_path(TemplateReader& templates) {
    const Node* node = table_.find("path");
    if (!node) return out_.error(table_.at, title() + " needs path");
    if (node->is_string() && !node->text.starts_with('/'))
      return out_.error(node->at, "path must begin with \"/\"");
    auto path = templates.text("path", *node, Place::path);
    if (!path) return;
    for (std::size_t which : path->parameters()) {
      const Parameter& parameter = route_.params[which];
      if (parameter.required || parameter.fallback) continue;
      out_.error(node->at, "parameter \"" + parameter.name +
                               "\" stands in the path, so it needs required = true or a default");
    }
    route_.path = *std::move(path);
  }

  void read_body(TemplateReader& templates) {
    const Node* json = table_.find("json");
    const Node* form = table_.find("form");
    const Node* body = json ? json : form;
    if (!body) return;
    if (json && form) out_.error(form->at, "a route has json or form, not both");
    if (route_.method == "GET" || route_.method == "HEAD")
      out_.error(body->at, "a " + route_.method + " has no body");
    if (json) route_.json = templates.json(*json);
    if (form) route_.form = templates.fields("form", *form, Place::form);
  }

  void check_used(const TemplateReader& templates) {
    const Node* params = table_.find("params");
    for (std::size_t i = 0; i < route_.params.size(); ++i) {
      const std::string& name = route_.params[i].name;
      auto first = std::find_if(route_.params.begin(), route_.params.end(),
                                [&](const Parameter& other) { return other.name == name; });
      bool reported = name.empty() || first != route_.params.begin() + static_cast<std::ptrdiff_t>(i);
      if (templates.used(i) || reported) continue;
      out_.error(params->elements[i].at,
                 "parameter \"" + printable(name) + "\" is not used in path, query, headers or body");
    }
  }

  Reading& reading_;
  Diagnostics& out_;
  const Node& table_;
  const std::string& name_;
  Position at_;
  RouteConfig route_;
  bool in_clear_ = false;
};

}  // namespace

void read_route(Reading& reading, const Node::Member& member) {
  RouteReader(reading, member).run();
}

}  // namespace linegate::daemon
