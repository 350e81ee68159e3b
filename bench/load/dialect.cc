// Forms and framing of the dialects.
#include "load/dialect.h"

#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

namespace bench {
namespace {

constexpr std::string_view kRpc = R"({"jsonrpc":"2.0","id":)";

constexpr std::pair<std::string_view, Dialect> kNames[] = {{"text", Dialect::text},
                                                           {"tagged", Dialect::tagged},
                                                           {"jsonrpc", Dialect::jsonrpc},
                                                           {"http", Dialect::http},
                                                           {"resp", Dialect::resp}};

std::vector<std::string_view> split(std::string_view words) {
  std::vector<std::string_view> out;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (end > 0) out.push_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

bool all_named(const std::vector<std::string_view>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].find('=') == std::string_view::npos) return false;
  }
  return words.size() > 1;
}

std::string rpc_params(const std::vector<std::string_view>& words) {
  const bool named = all_named(words);
  std::string out;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    if (!out.empty()) out += ',';
    if (named) out += quoted(words[i].substr(0, equals)) + ':';
    out += quoted(equals == std::string_view::npos ? words[i] : words[i].substr(equals + 1));
  }
  return named ? '{' + out + '}' : '[' + out + ']';
}

Form rpc_request(const std::vector<std::string_view>& words) {
  Form form;
  form.literal(kRpc).slot().literal(R"(,"method":)" + quoted(words[0]) + R"(,"params":)");
  return form.text_with_token(rpc_params(words) + "}\n");
}

Form http_request(const std::vector<std::string_view>& words) {
  std::string path, query;
  for (const std::string_view word : words) {
    if (word.find('=') == std::string_view::npos) {
      path += '/' + std::string(word);
    } else {
      query += (query.empty() ? '?' : '&') + std::string(word);
    }
  }
  return Form().text_with_token("GET " + path + query + " HTTP/1.1\r\nHost: bench\r\n\r\n");
}

// GET with the words up to the first option, joined by colons, as the key: item:TOKEN.
Form resp_request(const std::vector<std::string_view>& words) {
  std::string key;
  for (const std::string_view word : words) {
    if (word.find('=') == std::string_view::npos) key += (key.empty() ? "" : ":") + std::string(word);
  }
  const std::string_view hole = "{id}";
  const bool token = key.find(hole) != key.npos;
  const std::size_t length = key.size() + (token ? kTokenSize - hole.size() : 0);
  return Form().text_with_token("*2\r\n$3\r\nGET\r\n$" + std::to_string(length) + "\r\n" + key + "\r\n");
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

Reply next_line(std::string_view bytes, std::size_t& scanned) {
  const void* lf = std::memchr(bytes.data() + scanned, '\n', bytes.size() - scanned);
  if (lf == nullptr) {
    scanned = bytes.size();
    return {};
  }
  const auto length = std::size_t(static_cast<const char*>(lf) - bytes.data());
  scanned = 0;
  return {length + 1, bytes.substr(0, length)};
}

// nginx, and the stub, write the name like this.
std::optional<std::size_t> content_length(std::string_view head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  std::size_t length = 0;
  const auto at = head.find(name);
  if (at == head.npos || !parse(head.substr(at + name.size()), length)) return std::nullopt;
  return length;
}

Reply next_response(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return {};
  int status = 0;
  const auto length = content_length(bytes.substr(0, end));
  if (!length || !bytes.starts_with("HTTP/1.1 ") || !parse(bytes.substr(9), status))
    return {bytes.size(), bytes, 0};
  if (bytes.size() < end + 4 + *length) return {};
  return {end + 4 + *length, bytes.substr(end + 4, *length), status};
}

// A bulk string, its absence, or an error; GET answers nothing else.
Reply next_value(std::string_view bytes) {
  const auto end = bytes.find("\r\n");
  if (end == bytes.npos) return {};
  const std::string_view head = bytes.substr(0, end);
  if (head == "$-1") return {end + 2, head, 404};
  if (head.starts_with('-')) return {end + 2, head, 500};
  std::size_t length = 0;
  if (!head.starts_with('$') || !parse(head.substr(1), length)) return {bytes.size(), bytes, 0};
  if (bytes.size() < end + length + 4) return {};
  return {end + length + 4, bytes.substr(end + 2, length)};
}

std::string resp_error(const Reply& reply) {
  if (reply.status == 404) return "no_such_key";
  return reply.status == 500 ? std::string(reply.message.substr(1, reply.message.find(' ') - 1)) : "";
}

std::string word_behind(std::string_view message, std::string_view before, std::string_view stop) {
  const auto at = message.find(before);
  if (at == message.npos) return "";
  message.remove_prefix(at + before.size());
  return std::string(message.substr(0, message.find_first_of(stop)));
}

}  // namespace

std::optional<Dialect> dialect_named(std::string_view name) {
  for (const auto& [known, dialect] : kNames) {
    if (known == name) return dialect;
  }
  return std::nullopt;
}

const char* name_of(Dialect dialect) {
  return kNames[std::size_t(dialect)].first.data();
}

Form request_form(Dialect dialect, std::string_view words) {
  const std::string line = std::string(words) + '\n';
  switch (dialect) {
    case Dialect::text:
      return Form().text_with_token(line);
    case Dialect::tagged:
      return Form().literal("@id=").slot().literal(" ").text_with_token(line);
    case Dialect::jsonrpc:
      return rpc_request(split(words));
    case Dialect::http:
      return http_request(split(words));
    case Dialect::resp:
      return resp_request(split(words));
  }
  return {};
}

Form reply_form(Dialect dialect, std::string_view json) {
  switch (dialect) {
    case Dialect::text:
      return Form().literal("OK ").text_with_token(json);
    case Dialect::tagged:
      return Form().literal("#").slot().literal(" OK ").text_with_token(json);
    case Dialect::jsonrpc:
      return Form().literal(kRpc).slot().literal(R"(,"result":)").text_with_token(json).literal("}");
    case Dialect::http:
    case Dialect::resp:
      return Form().text_with_token(json);
  }
  return {};
}

Reply next_reply(Dialect dialect, std::string_view bytes, std::size_t& scanned) {
  if (dialect == Dialect::http) return next_response(bytes);
  if (dialect == Dialect::resp) return next_value(bytes);
  return next_line(bytes, scanned);
}

std::optional<std::uint32_t> slot_of(Dialect dialect, std::string_view message) {
  const std::string_view before = dialect == Dialect::tagged ? std::string_view("#") : kRpc;
  std::uint32_t slot = 0;
  if (!message.starts_with(before) || !parse(message.substr(before.size()), slot)) return std::nullopt;
  return slot;
}

std::string error_symbol(Dialect dialect, const Reply& reply) {
  if (dialect == Dialect::http) return reply.status == 200 ? "" : "http_" + std::to_string(reply.status);
  if (dialect == Dialect::resp) return resp_error(reply);
  if (dialect != Dialect::jsonrpc) {
    const std::size_t tag = dialect == Dialect::tagged ? reply.message.find(' ') + 1 : 0;
    return reply.message.substr(tag).starts_with("ERR ") ? word_behind(reply.message, "ERR ", " ") : "";
  }
  if (reply.message.find(R"(,"error":{)") > 300) return "";
  const std::string symbol = word_behind(reply.message, R"("symbol":")", "\"");
  return symbol.empty() ? "error" : symbol;
}

}  // namespace bench
