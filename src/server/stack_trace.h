// The stack of the calling thread, for crash handlers: nothing here allocates or locks.
#pragma once

#include <cstdint>

#include "server/symbol_table.h"

namespace kvick {

// Loads what the unwinder loads lazily. Before a crash.
void PrepareStackTraces();

// One line a frame, "program(function+0x12) [0x5581...]", each given to `write_line`. In a signal handler, `from` is
// where the signal came in, so that the handler's own frames are left out; 0: from the caller.
void WriteStackTrace(const SymbolTable& symbols, uintptr_t from, void (*write_line)(const char* line));
void WriteFrame(const SymbolTable& symbols, uintptr_t address, void (*write_line)(const char* line));

}  // namespace kvick
