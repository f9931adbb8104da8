#include "scripting/function_library.h"

namespace kvick {

size_t FunctionLibrary::memory_bytes() const {
  size_t bytes = sizeof(FunctionLibrary) + name.capacity() + text.capacity();
  for (const auto& function : functions) {
    bytes += sizeof(LibraryFunction) + function->name.capacity() + function->description.capacity();
  }
  return bytes;
}

FunctionRegistry::Found FunctionRegistry::Find(std::string_view function) const {
  const auto found = functions_.find(function);
  return found == functions_.end() ? Found{} : found->second;
}

const LibraryRef* FunctionRegistry::FindLibrary(std::string_view name) const {
  const auto found = libraries_.find(name);
  return found == libraries_.end() ? nullptr : &found->second;
}

Status FunctionRegistry::Add(LibraryRef library) {
  for (const auto& function : library->functions) {
    const Found found = Find(function->name);
    if (found.library != nullptr && (*found.library)->name != library->name) {
      return Status::Error("ERR Function " + function->name + " already exists");
    }
  }
  Remove(library->name);
  const auto place = libraries_.emplace(library->name, library).first;
  for (const auto& function : library->functions) functions_[function->name] = {&place->second, function.get()};
  ++generation_;
  return Status::Ok();
}

bool FunctionRegistry::Remove(std::string_view name) {
  const auto found = libraries_.find(name);
  if (found == libraries_.end()) return false;
  for (const auto& function : found->second->functions) functions_.erase(function->name);
  libraries_.erase(found);
  ++generation_;
  return true;
}

void FunctionRegistry::Clear() {
  functions_.clear();
  libraries_.clear();
  ++generation_;
}

size_t FunctionRegistry::memory_bytes() const {
  size_t bytes = 0;
  for (const auto& [name, library] : libraries_) bytes += library->memory_bytes();
  return bytes;
}

}  // namespace kvick
