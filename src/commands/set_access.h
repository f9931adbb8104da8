// How the commands on sets find them: members whose time has passed are never seen.
#pragma once

#include "config/settings.h"
#include "engine/command_context.h"
#include "types/set_value.h"

namespace kvick {

inline SetLimits SetLimitsOf(const Settings& settings) {
  return {.intset_entries_max = settings.set_intset_entries_max,
          .listpack_entries_max = settings.set_listpack_entries_max,
          .listpack_value_max_bytes = settings.set_listpack_value_max_bytes};
}

// The set of a key, or null. Members that are due are erased first, the key with its last; if they are very many, or
// not ours to erase (a replica's), the rest is hidden from the command and erased later.
Result<const SetValue*> FindSet(CommandContext& context, size_t ordinal);
Result<SetValue*> FindSetForWrite(CommandContext& context, size_t ordinal);
// The latter for what context.FindOf<SetValue> found.
SetValue* OpenSetForWrite(CommandContext& context, size_t ordinal, const KeyTable::Slot& slot);
// The same for a value that was found already, by a command that takes other types too.
SetValue* SetOf(CommandContext& context, size_t ordinal, const Entry& entry);

// To be called when members of the set were given expiries, so that they are removed in time. `was_due_ms`:
// SetValue::next_due_ms() before.
void IndexMemberExpiries(CommandContext& context, size_t ordinal, const SetValue& set, int64_t was_due_ms);

// An emptied set is no key: erases it and announces that.
void EraseIfEmpty(CommandContext& context, const SetValue& set, size_t ordinal);

}  // namespace kvick
