// MappedFile: a whole file to be read as bytes in memory.
//
//   KVICK_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
//   Use(file.bytes());
//
// The system reads it page by page as it is looked at. Nobody may cut the file meanwhile. The error is the system's
// reason alone.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace kvick {

class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace kvick
