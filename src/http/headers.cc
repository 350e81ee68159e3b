#include "http/headers.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/printable.h"

namespace linegate {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

constexpr std::array<std::string_view, 7> kFraming = {
    "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect", "Keep-Alive"};

// Without a value a name only switches off what libcurl would add.
constexpr std::array<std::string_view, 2> kSwitchedOff = {"Expect:", "Content-Type:"};

}  // namespace

bool same_name(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || kMarks.find(c) != kMarks.npos;
  });
}

bool valid_field(std::string_view name, std::string_view value) {
  using namespace std::string_view_literals;
  bool framing = std::any_of(kFraming.begin(), kFraming.end(), [&](auto f) { return same_name(f, name); });
  return !framing && is_token(name) && value.find_first_of("\r\n\0"sv) == value.npos;
}

std::string header_line(std::string_view name, std::string_view value) {
  std::string line(name);
  line += value.empty() ? ";" : ": ";  // libcurl's way to send an empty value
  line += value;
  return line;
}

// ---- Headers

std::pair<std::string_view, std::string_view> Headers::next_field(std::string_view& rest) {
  std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  std::size_t colon = line.find(':');
  if (colon == line.npos) return {};
  return {trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (std::string_view rest = block_; !rest.empty();) {
    auto [found, value] = next_field(rest);
    if (!found.empty() && same_name(found, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for_each([&](std::string_view found, std::string_view value) {
    if (same_name(found, name)) values.push_back(value);
  });
  return values;
}

// ---- HeaderList

struct HeaderList::Nodes {
  std::vector<std::string> lines;
  std::vector<curl_slist> nodes;
};

HeaderList::HeaderList() : HeaderList(Fields{}) {}

HeaderList::HeaderList(const Fields& fields) : fields_(fields), nodes_(std::make_unique<Nodes>()) {
  nodes_->lines = {kSwitchedOff.begin(), kSwitchedOff.end()};
  for (const auto& [name, value] : fields_) {
    if (!valid_field(name, value)) {
      throw std::invalid_argument("the header field \"" + printable(name) + "\" cannot be sent");
    }
    nodes_->lines.push_back(header_line(name, value));
    names_encoding_ |= same_name(name, "Accept-Encoding");
  }
  nodes_->nodes.resize(nodes_->lines.size());
  for (std::size_t i = 0; i < nodes_->lines.size(); ++i) {
    curl_slist* next = i + 1 < nodes_->lines.size() ? &nodes_->nodes[i + 1] : nullptr;
    nodes_->nodes[i] = {nodes_->lines[i].data(), next};
  }
}

HeaderList::~HeaderList() = default;

curl_slist* HeaderList::list(bool with_body) const {
  if (with_body) return nodes_->nodes.data();
  return fields_.empty() ? nullptr : &nodes_->nodes[kSwitchedOff.size()];
}

}  // namespace linegate
