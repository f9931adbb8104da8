#include "commands/key_expiry.h"

#include "base/numbers.h"

namespace kvick {

bool IsDue(CommandContext& context, int64_t expiry_ms) {
  return expiry_ms <= context.now_ms() && context.mutation().removes_expired && !context.engine().is_loading;
}

void EraseDueKey(CommandContext& context, size_t ordinal, const KeyTable::Slot& slot) {
  context.Erase(ordinal, slot);
  context.Changed();
  context.Notify(KeyEventClass::kGeneric, "del", ordinal);
  context.Effect({context.settings().lazy_free_on_expire ? "UNLINK" : "DEL", context.KeyName(ordinal)});
}

void ExpireKeyAt(CommandContext& context, size_t ordinal, KeyTable::Slot slot, int64_t expiry_ms) {
  if (IsDue(context, expiry_ms)) return EraseDueKey(context, ordinal, slot);
  context.SetExpiry(ordinal, &slot, expiry_ms);
  context.Changed();
  context.Notify(KeyEventClass::kGeneric, "expire", ordinal);
  char moment[kInt64TextMax];
  context.Effect({"PEXPIREAT", context.KeyName(ordinal), {moment, FormatInt64(expiry_ms, moment)}});
}

}  // namespace kvick
