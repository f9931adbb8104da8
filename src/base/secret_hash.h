// SecretHash: a 64-bit hash keyed with a secret that each process draws at start, so that no client can prepare
// keys or members that meet in one bucket. Differs from process to process: never stored, never shown.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvick {

uint64_t SecretHash(std::string_view bytes);

}  // namespace kvick
