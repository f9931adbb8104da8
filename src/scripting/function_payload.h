// The payload of FUNCTION DUMP and FUNCTION RESTORE: libraries as an RDB file holds them, with the footer of DUMP.
//
//   payload = *library version crc
//   library = %xF5 string         ; the text with its first line
//   string  = length bytes        ; as in RDB: 6, 14, 32 or 64 bits of length
//           / %xC0 1OCTET / %xC1 2OCTET / %xC2 4OCTET    ; an integer as text
//           / %xC3 length length bytes                   ; compressed by LZF: compressed size, size
//   version = 2OCTET              ; of the RDB format, little endian
//   crc     = 8OCTET              ; CRC-64 of all before it, little endian
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kvick {

// `compresses`: texts that become smaller are compressed.
std::string EncodeFunctionPayload(std::span<const std::string_view> texts, bool compresses);

// The texts of all libraries. Trusts nothing: sizes are checked against what is there.
Result<std::vector<std::string>> DecodeFunctionPayload(std::string_view payload);

}  // namespace kvick
