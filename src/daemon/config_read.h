// The parts that read one table of linegate.toml each, and what they share. Internal to the config_*.cc
// files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/config.h"
#include "daemon/schema.h"

namespace linegate::daemon {

// What reading carries along.
struct Reading {
  Diagnostics& out;
  const LoadOptions& options;
  Config& config;
  SecretValues secrets;
};

// config_server.cc
void read_server(Reading& reading, const Node& table);
void read_log(Reading& reading, const Node& table);
void read_admin(Reading& reading, const Node& table);
void read_client(Reading& reading, const Node::Member& member);
void read_cache(Reading& reading, const Node& table);
// A listen address that others can reach needs a protection that is in effect.
void check_listen(Reading& reading, const Node& root);
void check_client_routes(Reading& reading, const Node& clients);

// config_policy.cc
const Keys<PolicyConfig>& policy_keys();
void read_rate(Diagnostics& out, const Node& node, std::optional<RateConfig>& rate);

// config_upstream.cc
void read_upstream(Reading& reading, const Node::Member& member);

// config_route.cc; the upstreams must have been read.
void read_route(Reading& reading, const Node::Member& member);

// config_parameter.cc
std::vector<Parameter> read_parameters(Diagnostics& out, const Node& array);

// config_template.cc. Reads templates of one upstream or route. Null or left out after reporting.
class TemplateReader {
 public:
  // `in_clear`: the upstream is http://, so that secrets are warned about.
  TemplateReader(Reading& reading, const std::vector<Parameter>& parameters, bool in_clear)
      : reading_(reading), parameters_(parameters), in_clear_(in_clear), used_(parameters.size()) {}

  std::optional<Template> text(std::string_view name, const Node& node, Place place);
  std::vector<Field> headers(const Node& table);
  std::vector<Field> fields(std::string_view name, const Node& table, Place place);
  // A table or an array.
  std::optional<JsonTemplate> json(const Node& node);

  // Whether the parameter stands in anything read so far.
  bool used(std::size_t parameter) const { return used_[parameter]; }

 private:
  std::optional<Template> compiled(const Node& node, std::string_view text, Place place);
  std::optional<Template> scalar(std::string_view name, const Node& node, Place place);
  std::optional<JsonTemplate> json_value(const Node& node);
  std::optional<JsonTemplate> json_text(const Node& node);
  void add_json_child(JsonTemplate& parent, const Node& node, std::string key);
  bool check_header_name(const Node::Member& member, const std::vector<Field>& others);

  Reading& reading_;
  const std::vector<Parameter>& parameters_;
  bool in_clear_;
  std::vector<bool> used_;
};
// The text of a number or flag as JSON and every other place write it; nullopt for strings, times, inf and
// nan.
std::optional<std::string> scalar_text(const Node& node);
// RFC 9110 section 5.6.2.
bool is_token(std::string_view name);
// Headers that frame the message or belong to the connection: linegate and libcurl write them.
bool is_framing_header(std::string_view name);
bool same_header(std::string_view a, std::string_view b);

// config_effect.cc: what is accepted but not built yet.
void warn_not_in_effect(Diagnostics& out, const Node& root);
bool in_effect(std::string_view path);  // "client.*"

// config_doubt.cc: what is valid but hardly meant. After everything was read without an error.
void warn_doubtful(Reading& reading, const Node& root);

// config.cc
void read_config(Reading& reading, const Node& root);
LoadedConfig finish(std::shared_ptr<Config> config, Diagnostics& out, const SecretValues& secrets);

// All keys of `inner` as keys of the T that holds it in `field`.
template <typename T, typename Inner>
void add_keys_within(Keys<T>& keys, Inner T::*field, const Keys<Inner>& inner) {
  for (const Key<Inner>& key : inner) {
    keys.push_back({key.name, [key, field](Diagnostics& out, const Node& node, T& target) {
                      key.read(out, node, target.*field);
                    }});
  }
}

// A table whose keys are fields of the same struct.
template <typename T>
Key<T> section_key(std::string name, Keys<T> keys) {
  return {name, [name, keys](Diagnostics& out, const Node& node, T& target) {
            read_table(out, name, node, keys, target);
          }};
}

// `pattern`: [first][rest]{0,63} of ASCII.
bool is_route_name(std::string_view name);      // [a-z][a-z0-9_.-]{0,63}
bool is_parameter_name(std::string_view name);  // [a-z][a-z0-9_]{0,63}
bool is_entry_name(std::string_view name);      // [A-Za-z0-9][A-Za-z0-9_.-]{0,63}: upstreams and clients

inline constexpr Duration kLongTime = 24h * 366;
inline constexpr std::uint64_t kManyBytes = std::uint64_t{1} << 40;
inline constexpr std::uint64_t kMany = 10'000'000;

}  // namespace linegate::daemon
