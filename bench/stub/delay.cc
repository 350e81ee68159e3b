// Parses and draws delays.
#include "stub/delay.h"

#include <cstdlib>
#include <sstream>
#include <vector>

namespace bench {
namespace {

std::optional<double> duration(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  if (end == text.c_str() || value < 0) return std::nullopt;
  if (unit == "s") return value * 1e9;
  if (unit == "ms") return value * 1e6;
  if (unit == "us") return value * 1e3;
  if (unit.empty() && value == 0) return 0;
  return std::nullopt;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) out.push_back(part);
  return out;
}

}  // namespace

std::optional<Delay> Delay::parse(const std::string& text) {
  const auto colon = text.find(':');
  const std::string shape = colon == text.npos ? "fixed" : text.substr(0, colon);
  const auto parts = split(colon == text.npos ? text : text.substr(colon + 1));
  const std::size_t wanted = shape == "tail" ? 3 : shape == "uniform" ? 2 : 1;
  if (parts.size() != wanted) return std::nullopt;
  const auto first = duration(parts[0]);
  const auto second = wanted > 1 ? duration(parts[1]) : 0;
  if (!first || !second) return std::nullopt;
  if (shape == "exp" && *first == 0) return std::nullopt;
  if (shape == "uniform" && *second < *first) return std::nullopt;
  Delay delay;
  delay.first_ = *first;
  delay.second_ = *second;
  if (shape == "fixed") return delay;
  if (shape == "uniform")
    delay.shape_ = Shape::uniform;
  else if (shape == "exp")
    delay.shape_ = Shape::exponential;
  else if (shape == "tail")
    delay.shape_ = Shape::tail;
  else
    return std::nullopt;
  return delay.read_share(parts) ? std::optional(delay) : std::nullopt;
}

bool Delay::read_share(const std::vector<std::string>& parts) {
  if (parts.size() < 3) return true;
  char* end = nullptr;
  share_ = std::strtod(parts[2].c_str(), &end);
  return !parts[2].empty() && *end == 0 && share_ >= 0 && share_ <= 1;
}

std::uint64_t Delay::next() {
  std::uniform_real_distribution<double> unit(0, 1);
  switch (shape_) {
    case Shape::fixed:
      return std::uint64_t(first_);
    case Shape::uniform:
      return std::uint64_t(first_ + (second_ - first_) * unit(random_));
    case Shape::exponential:
      return std::uint64_t(std::exponential_distribution<double>(1 / first_)(random_));
    case Shape::tail:
      return std::uint64_t(unit(random_) < share_ ? second_ : first_);
  }
  return 0;
}

}  // namespace bench
