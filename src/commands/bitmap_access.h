// What the command files of bitmaps share: offsets of bits.
#pragma once

#include "base/status.h"
#include "engine/command_context.h"

namespace kvick {

// The offset of a bit that a string of the allowed size can have. "#3" counts fields of `field_bits` bits, where that
// is not 0.
Result<uint64_t> BitOffsetArg(CommandContext& context, size_t index, unsigned field_bits = 0);

// The bytes of a value, the text of an integer in `buffer` (kInt64TextMax bytes), none for a missing key. WRONGTYPE.
Result<std::string_view> BitmapBytes(const Entry* entry, char* buffer);

}  // namespace kvick
