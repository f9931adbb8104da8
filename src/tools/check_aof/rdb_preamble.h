// The RDB file at the beginning of an append-only file: whether it is whole, and where it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace kvick {

// Prints what it finds, as redis-check-aof does. Nothing when the file is not sound.
std::optional<uint64_t> CheckRdbPreamble(std::string_view bytes, std::string_view name,
                                         const std::function<void(std::string_view)>& print);

}  // namespace kvick
