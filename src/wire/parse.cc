#include "wire/parse.h"

#include <algorithm>

#include "wire/text.h"

namespace linegate::wire {
namespace {

constexpr std::string_view kBlanks = " \t";

}  // namespace

bool is_blank(std::string_view line) {
  return line.find_first_not_of(kBlanks) == line.npos;
}

Dialect dialect_of(std::string_view line) {
  std::size_t first = line.find_first_not_of(kBlanks);
  if (first == line.npos) return Dialect::text;
  return line[first] == '{' || line[first] == '[' ? Dialect::jsonrpc : Dialect::text;
}

ReplyTo anonymous(Dialect dialect) {
  ReplyTo to;
  to.dialect = dialect;
  if (dialect == Dialect::jsonrpc) to.id = "null";
  return to;
}

Message parse(std::string_view line, const JsonRpcLimits& limits) {
  return dialect_of(line) == Dialect::jsonrpc ? parse_jsonrpc(line, limits) : parse_text(line);
}

}  // namespace linegate::wire
