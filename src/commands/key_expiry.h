// Giving a key a moment at which it expires, as EXPIRE, GETEX and others do: at once when the moment has passed.
#pragma once

#include "engine/command_context.h"

namespace kvick {

// Whether a key with this expiry is to be deleted here and now. A replica and a loading server leave that to whom
// they listen to.
bool IsDue(CommandContext& context, int64_t expiry_ms);

// Deletes the key because its moment has passed; the log says so in plain words.
void EraseDueKey(CommandContext& context, size_t ordinal, const KeyTable::Slot& slot);

// Sets the expiry, or deletes the key when it is due. Announces either.
void ExpireKeyAt(CommandContext& context, size_t ordinal, KeyTable::Slot slot, int64_t expiry_ms);

}  // namespace kvick
