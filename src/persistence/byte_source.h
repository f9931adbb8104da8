// ByteSource: where bytes come from that are read from front to back: a file, a socket, a string.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/socket.h"

namespace kvick {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `capacity` bytes; 0 at the end.
  virtual Result<size_t> Read(char* buffer, size_t capacity) = 0;
  // How many bytes there are in all; 0 when nobody knows.
  virtual uint64_t total_bytes() const = 0;
};

class FileSource final : public ByteSource {
 public:
  // From `offset` on.
  static Result<std::unique_ptr<FileSource>> Open(const std::string& path, uint64_t offset = 0);

  Result<size_t> Read(char* buffer, size_t capacity) override;
  uint64_t total_bytes() const override { return total_bytes_; }

 private:
  FileSource(FileDescriptor file, std::string path, uint64_t total_bytes)
      : file_(std::move(file)), path_(std::move(path)), total_bytes_(total_bytes) {}

  FileDescriptor file_;
  std::string path_;
  uint64_t total_bytes_;
};

class StringSource final : public ByteSource {
 public:
  // The bytes outlive it.
  explicit StringSource(std::string_view bytes) : left_(bytes), total_bytes_(bytes.size()) {}

  Result<size_t> Read(char* buffer, size_t capacity) override {
    const size_t count = std::min(capacity, left_.size());
    left_.copy(buffer, count);
    left_.remove_prefix(count);
    return count;
  }
  uint64_t total_bytes() const override { return total_bytes_; }

 private:
  std::string_view left_;
  uint64_t total_bytes_;
};

}  // namespace kvick
