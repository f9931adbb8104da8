#include "server/stack_trace.h"

#include <dlfcn.h>
#include <execinfo.h>

#include <cstdio>

namespace kvick {
namespace {

constexpr int kFramesMax = 100;
constexpr size_t kNameMax = 300;

}  // namespace

// The first call of backtrace() loads a library, which allocates.
void PrepareStackTraces() {
  void* frame = nullptr;
  static_cast<void>(backtrace(&frame, 1));
}

void WriteFrame(const SymbolTable& symbols, uintptr_t address, void (*write_line)(const char* line)) {
  char name[kNameMax];
  char line[2 * kNameMax];
  SymbolTable::Function function = symbols.Find(address);
  Dl_info library{};
  const bool is_known = dladdr(reinterpret_cast<void*>(address), &library) != 0;
  if (function.name == nullptr && is_known && library.dli_sname != nullptr) {
    function = {library.dli_sname, address - reinterpret_cast<uintptr_t>(library.dli_saddr)};
  }
  if (function.name == nullptr && is_known) {
    function = {"", address - reinterpret_cast<uintptr_t>(library.dli_fbase)};
  }
  WriteReadableName(function.name == nullptr ? "" : function.name, name, sizeof(name));
  std::snprintf(line, sizeof(line), "%.200s(%s+0x%lx)[0x%lx]", is_known ? library.dli_fname : "?", name,
                static_cast<unsigned long>(function.offset), static_cast<unsigned long>(address));
  write_line(line);
}

void WriteStackTrace(const SymbolTable& symbols, uintptr_t from, void (*write_line)(const char* line)) {
  void* frames[kFramesMax];
  const int count = backtrace(frames, kFramesMax);
  int first = 0;
  for (int i = 0; i < count; ++i) {
    if (reinterpret_cast<uintptr_t>(frames[i]) == from) first = i;
  }
  for (int i = first; i < count; ++i) WriteFrame(symbols, reinterpret_cast<uintptr_t>(frames[i]), write_line);
}

}  // namespace kvick
