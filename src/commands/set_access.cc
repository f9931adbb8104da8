#include "commands/set_access.h"

namespace kvick {
namespace {

// Each call of EraseDueParts erases some tens of members.
constexpr int kErasingCallsMax = 16;

SetValue* WithoutDue(CommandContext& context, size_t ordinal, SetValue* set) {
  const int64_t now_ms = context.now_ms();
  if (set == nullptr || !set->MayHoldDue(now_ms)) return set;
  // Once for a command: its other names for the same key have the value in hand.
  for (int i = 0; i < kErasingCallsMax && !set->IsSeenAt(now_ms) && set->next_due_ms() <= now_ms; ++i) {
    if (!context.EraseDueParts(ordinal)) return nullptr;
  }
  set->SeeAt(now_ms);
  return set->count() > 0 ? set : nullptr;
}

}  // namespace

Result<const SetValue*> FindSet(CommandContext& context, size_t ordinal) {
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, context.FindValue<SetValue>(ordinal));
  return WithoutDue(context, ordinal, const_cast<SetValue*>(set));
}

Result<SetValue*> FindSetForWrite(CommandContext& context, size_t ordinal) {
  KVICK_ASSIGN_OR_RETURN(SetValue * set, context.FindValueForWrite<SetValue>(ordinal));
  return WithoutDue(context, ordinal, set);
}

SetValue* OpenSetForWrite(CommandContext& context, size_t ordinal, const KeyTable::Slot& slot) {
  return WithoutDue(context, ordinal, context.OpenForWrite<SetValue>(ordinal, slot));
}

SetValue* SetOf(CommandContext& context, size_t ordinal, const Entry& entry) {
  return WithoutDue(context, ordinal, const_cast<SetValue*>(context.ValueOf<SetValue>(entry)));
}

void IndexMemberExpiries(CommandContext& context, size_t ordinal, const SetValue& set, int64_t was_due_ms) {
  // What is in the index for an earlier moment will look again then.
  if (set.next_due_ms() >= was_due_ms) return;
  context.IndexDueParts(ordinal);
}

void EraseIfEmpty(CommandContext& context, const SetValue& set, size_t ordinal) {
  if (!set.is_empty()) return;
  context.EraseKey(ordinal);
  context.Notify(KeyEventClass::kGeneric, "del", ordinal);
}

}  // namespace kvick
