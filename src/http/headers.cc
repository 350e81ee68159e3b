#include "http/headers.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

#include "base/printable.h"
#include "base/serial.h"

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

// Of a 304: these tell of that message, or of a body that it does not have (RFC 9111 sections 3.1 and 3.2).
constexpr std::array<std::string_view, 13> kNotUpdated = {
    "Content-Length",    "Content-Encoding",          "Content-Range",    "Content-Type", "Connection",
    "Keep-Alive",        "Proxy-Authenticate",        "Proxy-Connection", "TE",           "Trailer",
    "Transfer-Encoding", "Proxy-Authentication-Info", "Upgrade"};

// Of the stored response: what the newer message does not tell again is not known any more. Kept, they would
// make what was just confirmed as old as before.
constexpr std::array<std::string_view, 2> kOutdated = {"Date", "Age"};

template <typename Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view one) { return same_name(one, name); });
}

struct LessName {
  bool operator()(std::string_view one, std::string_view other) const {
    return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end(),
                                        [](char a, char b) { return lower(a) < lower(b); });
  }
};

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
  return !is_one_of(name, kFraming) && is_token(name) && value.find_first_of("\r\n\0"sv) == value.npos;
}

std::string header_line(std::string_view name, std::string_view value) {
  std::string line(name);
  line += value.empty() ? ";" : ": ";  // libcurl's way to send an empty value
  line += value;
  return line;
}

// ---- Headers

std::pair<std::string_view, std::string_view> Headers::next_field(std::string_view& rest) {
  std::string_view line = next_line(rest);
  if (is_folded(line)) return {};
  std::size_t colon = line.find(':');
  if (colon == line.npos) return {};
  return {trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

// `line` is a field of that name, which is as long as `name` and may have white space behind it.
std::optional<std::string_view> Headers::value_of(std::string_view line, std::string_view name) {
  if (!same_name(line.substr(0, name.size()), name)) return std::nullopt;
  std::string_view rest = trim(line.substr(name.size()));
  if (!rest.starts_with(':')) return std::nullopt;
  return trim(rest.substr(1));
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (std::string_view rest = block_; !rest.empty();) {
    std::string_view line = next_line(rest);
    if (line.size() <= name.size() || !may_end_name(line[name.size()])) continue;
    if (auto value = value_of(line, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for_each_of(name, [&](std::string_view value) { values.push_back(value); });
  return values;
}

void Headers::update(const Headers& newer) {
  std::set<std::string_view, LessName> replaced;
  newer.for_each([&](std::string_view name, std::string_view) { replaced.insert(name); });
  std::string block;
  auto append = [&](std::string_view name, std::string_view value) {
    block.append(name).append(": ").append(value).append("\r\n");
  };
  for_each([&](std::string_view name, std::string_view value) {
    bool stays = is_one_of(name, kNotUpdated) || replaced.count(name) == 0;
    if (stays && !is_one_of(name, kOutdated)) append(name, value);
  });
  newer.for_each([&](std::string_view name, std::string_view value) {
    if (!is_one_of(name, kNotUpdated)) append(name, value);
  });
  block_ = std::move(block);
}

// ---- HeaderList

struct HeaderList::Nodes {
  std::vector<std::string> lines;
  std::vector<curl_slist> nodes;
};

HeaderList::HeaderList() : HeaderList(Fields{}) {}

HeaderList::HeaderList(const Fields& fields)
    : fields_(fields), id_(next_serial()), nodes_(std::make_unique<Nodes>()) {
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
