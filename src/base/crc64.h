// CRC-64 as RDB files and DUMP payloads carry it (Jones polynomial, reflected, starting with zero).
#pragma once

#include <cstdint>
#include <string_view>

namespace kvick {

// The sum over `bytes`, going on from that of the bytes before them.
uint64_t Crc64(std::string_view bytes, uint64_t before = 0);

}  // namespace kvick
