// The packed forms of collections that listpacks replaced. Files of old servers hold them; they are read once and
// become listpacks.
//
//   ziplist  = bytes:u32 last:u32 count:u16 element* 0xFF      count: 65535 when it is not known
//   element  = previous-size code                              previous-size: u8, or 0xFE u32
//   code     = 00nnnnnn | 01nnnnnn n | 0x80 n:u32              then that many bytes; big endian
//            | 0xC0 i16 | 0xD0 i32 | 0xE0 i64 | 0xF0 i24 | 0xFE i8 | 0xF1 to 0xFD: 0 to 12     little endian
//
//   zipmap   = count:u8 (size name size unused:u8 value byte{unused})* 0xFF    count: 254 when it is not known
//   size     = u8 | 0xFE u32
#pragma once

#include <optional>
#include <string_view>

#include "containers/listpack.h"

namespace kvick {

// Null when the bytes are no whole ziplist.
std::optional<Listpack> ListpackOfZiplist(std::string_view ziplist);
// Names and values, one after the other; null when the bytes are no whole zipmap.
std::optional<Listpack> ListpackOfZipmap(std::string_view zipmap);

}  // namespace kvick
