// Protected mode: as long as anybody could do anything, only clients of this machine are served.
#pragma once

#include <string_view>

#include "engine/engine.h"

namespace kvick {

// What a client that comes over TCP is told before it is disconnected; empty: it may stay. Inside the gate.
std::string_view RefusalOfStranger(const Engine& engine, bool is_local);

}  // namespace kvick
