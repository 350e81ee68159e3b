// Header fields: those of a response, kept as the block that arrived, and those of requests, prebuilt once
// and sent many times.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/url.h"

struct curl_slist;

namespace linegate {

// The header fields of one response, in one block: looking one up is a scan, nothing is parsed before
// somebody asks.
class Headers {
 public:
  static constexpr std::size_t kMaxBytes = 256 * 1024;

  // The value of the first field of that name (any case), white space around it cut off. Views into this
  // object.
  std::optional<std::string_view> get(std::string_view name) const;
  std::vector<std::string_view> get_all(std::string_view name) const;

  // visit(value) for each field of that name, in the order of arrival.
  template <typename Visit>
  void for_each_of(std::string_view name, Visit visit) const {
    for (std::string_view rest = block_; !rest.empty();) {
      std::string_view line = next_line(rest);
      if (line.size() <= name.size() || !may_end_name(line[name.size()])) continue;
      if (auto value = value_of(line, name)) visit(*value);
    }
  }

  // visit(name, value) for each field, in the order of arrival.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::string_view rest = block_; !rest.empty();) {
      auto [name, value] = next_field(rest);
      if (!name.empty()) visit(name, value);
    }
  }

  // "Name: value\r\n" per field, as received; no status line, no empty line.
  const std::string& raw() const { return block_; }

  void append_line(std::string_view line) {  // with its line end
    if (block_.empty()) block_.reserve(kUsualBytes);
    block_.append(line);
  }
  void clear() { block_.clear(); }
  void shrink_to_fit() { block_.shrink_to_fit(); }

  // What a 304 with the fields `newer` makes of these (RFC 9111 section 3.2): its fields replace those of the
  // same name. Its fields that describe the message or the body are ignored: Content-Encoding, -Length,
  // -Range and -Type, and those of the connection. Date and Age of the older message go in any case.
  void update(const Headers& newer);

 private:
  static constexpr std::size_t kUsualBytes = 480;
  static std::string_view next_line(std::string_view& rest) {
    std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return line;
  }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
  // The rest of the field before it (RFC 9112 section 5.2): no field of its own, whatever it looks like.
  static bool is_folded(std::string_view line) { return !line.empty() && is_space(line.front()); }
  static bool may_end_name(char c) { return c == ':' || is_space(c); }
  static std::optional<std::string_view> value_of(std::string_view line, std::string_view name);
  static std::pair<std::string_view, std::string_view> next_field(std::string_view& rest);
  std::string block_;
};

// Fields of requests that are the same for many of them. Immutable and shared; must outlive the transfers
// that use it. Never sends Expect, and no Content-Type but one that is given (libcurl would add both).
class HeaderList {
 public:
  HeaderList();
  // Throws std::invalid_argument for a field that valid_field() refuses.
  explicit HeaderList(const Fields& fields);
  ~HeaderList();
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  const Fields& fields() const { return fields_; }
  // Above 0. Two lists never share one in the life of the process, so that a key can name it.
  std::uint64_t id() const { return id_; }
  // Null if there is nothing to say. What keeps libcurl from adding fields is in it only where libcurl would:
  // for requests with a body. Each line of a list costs several comparisons in each transfer.
  curl_slist* list(bool with_body) const;
  // Whether a field says which encodings are wanted; else the origin's default goes out.
  bool names_encoding() const { return names_encoding_; }

 private:
  struct Nodes;
  Fields fields_;
  std::uint64_t id_;
  std::unique_ptr<Nodes> nodes_;
  bool names_encoding_ = false;
};

// A field may be sent: its name is a token (RFC 9110 section 5.6.2) that does not belong to the connection's
// framing (Content-Length, Transfer-Encoding, Connection, Upgrade, TE, Expect, Keep-Alive), its value has no
// CR, LF or NUL.
bool valid_field(std::string_view name, std::string_view value);

// "Name: value" as libcurl wants it.
std::string header_line(std::string_view name, std::string_view value);

bool is_token(std::string_view text);  // RFC 9110 section 5.6.2

bool same_name(std::string_view one, std::string_view other);  // ASCII, any case

}  // namespace linegate
