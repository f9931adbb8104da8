// FunctionLibrary: what FUNCTION LOAD brought: a text, and the functions that it registers. Shared by all executors,
// each of which runs the text once in its own interpreter.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/script_traits.h"

namespace kvick {

struct LibraryFunction {
  std::string name;
  std::string description;
  bool has_description = false;
  uint32_t flags = 0;  // ScriptFlags
  ScriptTraits traits;
};

struct FunctionLibrary {
  std::string name;
  std::string text;  // with its first line
  size_t code_begin = 0;
  std::vector<std::unique_ptr<LibraryFunction>> functions;

  std::string_view code() const { return std::string_view(text).substr(code_begin); }
  size_t memory_bytes() const;
};

using LibraryRef = std::shared_ptr<const FunctionLibrary>;

// All libraries. Exclusive state: changed when nobody else runs, read by any executor.
class FunctionRegistry {
 public:
  struct Found {
    const LibraryRef* library = nullptr;  // null: no such function
    LibraryFunction* function = nullptr;
  };
  Found Find(std::string_view function) const;
  const LibraryRef* FindLibrary(std::string_view name) const;
  const std::map<std::string, LibraryRef, std::less<>>& libraries() const { return libraries_; }

  // Puts a library in the place of the one of its name. Fails when another library has a function of the same name.
  Status Add(LibraryRef library);
  bool Remove(std::string_view name);
  void Clear();
  // Grows with each change: what executors made of older libraries is of no use any more.
  uint64_t generation() const { return generation_; }
  size_t function_count() const { return functions_.size(); }
  size_t memory_bytes() const;

 private:
  std::map<std::string, LibraryRef, std::less<>> libraries_;
  std::unordered_map<std::string_view, Found> functions_;  // names are those of the libraries' own functions
  uint64_t generation_ = 0;
};

}  // namespace kvick
