// SymbolTable finds the function at an address of this program, from the symbols in the program's own file: those of
// file-private functions too, which the dynamic linker does not know.
//
// For crash handlers: nothing here allocates or locks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvick {

class SymbolTable {
 public:
  // Maps /proc/self/exe. False when the file has no symbols or is none of this machine's.
  bool Open();

  struct Function {
    const char* name = nullptr;  // as the linker knows it; null: not found
    uintptr_t offset = 0;        // of the address in the function
  };
  [[nodiscard]] Function Find(uintptr_t address) const;

 private:
  const void* symbols_ = nullptr;
  size_t symbol_count_ = 0;
  const char* names_ = nullptr;
  size_t names_size_ = 0;
  uintptr_t load_address_ = 0;
};

// Writes the qualified name of a C++ function, without its parameters and template arguments, or the name as it is
// when it is no C++ name that is understood. Always ends with a zero byte.
void WriteReadableName(const char* name, char* out, size_t out_size);

}  // namespace kvick
