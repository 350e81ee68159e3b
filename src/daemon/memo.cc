#include "daemon/memo.h"

#include <utility>

#include "base/keyed_hash.h"

namespace linegate::daemon {

const Memo::Known* Memo::find(std::string_view line) const {
  if (slots_.empty() || line.size() > kMaxLine) return nullptr;
  const Slot& slot = slots_[keyed_hash(line) % kLines];
  return slot.line == line && slot.known.route ? &slot.known : nullptr;
}

void Memo::note(std::string_view line, const Route& route, RequestKey key) {
  if (line.size() > kMaxLine) return;
  if (slots_.empty()) slots_.resize(kLines);
  slots_[keyed_hash(line) % kLines] = {std::string(line), {&route, std::move(key)}};
}

}  // namespace linegate::daemon
