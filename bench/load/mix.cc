// Reads a mix and spreads its kinds.
#include "load/mix.h"

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/item.h"

namespace bench {
namespace {

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const auto word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

std::size_t number(std::string_view word) {
  std::size_t value = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || result.ptr != word.data() + word.size()) throw std::runtime_error("expected a number");
  return value;
}

void expect(Kind& kind, std::string_view word, Dialect dialect) {
  if (word.starts_with('!')) {
    kind.error = word.substr(1);
  } else if (word.starts_with('=')) {
    kind.reply = reply_form(dialect, word.substr(1));
  } else {
    const ItemBody body = item_body(number(word));
    kind.reply = reply_form(dialect, body.before + "{id}" + body.after);
  }
}

Kind parse_kind(std::string_view line, Dialect dialect) {
  Kind kind;
  kind.weight = std::uint32_t(number(next_word(line)));
  expect(kind, next_word(line), dialect);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (line.empty()) throw std::runtime_error("expected a request");
  kind.request = request_form(dialect, line);
  return kind;
}

}  // namespace

Mix Mix::parse(std::string_view text, Dialect dialect) {
  Mix mix;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int at = 1; std::getline(lines, line); ++at) {
    if (line.empty() || line[0] == '#') continue;
    try {
      mix.kinds_.push_back(parse_kind(line, dialect));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("mix line " + std::to_string(at) + ": " + error.what());
    }
  }
  if (mix.kinds_.empty()) throw std::runtime_error("the mix is empty");
  mix.spread();
  return mix;
}

Mix Mix::read(const std::string& path, Dialect dialect) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.str(), dialect);
}

// Each step goes to the kind that is furthest behind its share.
void Mix::spread() {
  std::size_t total = 0;
  for (const Kind& kind : kinds_) total += kind.weight;
  if (total == 0) throw std::runtime_error("all weights of the mix are 0");
  std::vector<std::int64_t> credit(kinds_.size());
  for (std::size_t step = 0; step < total; ++step) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      credit[i] += kinds_[i].weight;
      if (credit[i] > credit[most]) most = i;
    }
    order_.push_back(std::uint32_t(most));
    credit[most] -= std::int64_t(total);
  }
}

}  // namespace bench
