// CompressedBytes: the bytes of a large value, compressed, and what reads them.
//
//   if (const CompressedBytesRef packed = CompressedBytes::TryMake(text, compression)) Keep(packed.get());
//   ...
//   const UnpackScope scope;                                  // the executor has one around each command
//   SharedBytes* text = UnpackScope::Unpack(packed);          // until the scope ends
//
// What was unpacked belongs to the innermost scope of its thread, so who reads a value has it, as if it lay in memory,
// for as long as the command takes, and a reply that is lent it holds it longer by a reference of its own. The value
// itself never changes: it is replaced.
//
// The bytes come from TryMake of this process alone, never from a file or a client.
//
// Thread rule: CompressedBytes may be held and dropped by any thread, like SharedBytes. A scope belongs to its thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/shared_bytes.h"

namespace kvick {

enum class CompressionMethod : uint8_t { kNone, kLz4, kZstd };

// Which values are to be compressed, and how.
struct ValueCompression {
  CompressionMethod method = CompressionMethod::kNone;
  uint64_t bytes_min = 2048;

  bool operator==(const ValueCompression&) const = default;
};

class CompressedBytesRef;

class CompressedBytes {
 public:
  // Nothing unless that saves an eighth at least. Texts of more than kSizeMax are left alone.
  static constexpr size_t kSizeMax = size_t{1} << 30;
  static CompressedBytesRef TryMake(std::string_view text, const ValueCompression& compression);

  void Hold() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Drop() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Free();
  }

  // Of the text.
  size_t plain_size() const { return plain_size_; }
  size_t allocated_bytes() const { return sizeof(CompressedBytes) + packed_size_; }
  // The text, for the caller to drop.
  SharedBytes* Unpack() const;

  // Those that there are now, of the whole process. Any thread.
  struct Usage {
    int64_t count = 0;
    int64_t bytes = 0;  // that they take
    int64_t plain_bytes = 0;
  };
  static Usage MeasureUsage();

 private:
  explicit CompressedBytes(CompressionMethod method) : method_(method) {}
  void Count(int64_t sign) const;
  void Free();
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }

  std::atomic<uint32_t> references_{1};
  uint32_t plain_size_ = 0;
  uint32_t packed_size_ = 0;
  const CompressionMethod method_;
};

// Holds one reference.
class CompressedBytesRef {
 public:
  CompressedBytesRef() = default;
  // Takes over the caller's.
  explicit CompressedBytesRef(CompressedBytes* bytes) : bytes_(bytes) {}
  CompressedBytesRef(CompressedBytesRef&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)) {}
  CompressedBytesRef& operator=(CompressedBytesRef&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  CompressedBytesRef(const CompressedBytesRef&) = delete;
  CompressedBytesRef& operator=(const CompressedBytesRef&) = delete;
  ~CompressedBytesRef() {
    if (bytes_ != nullptr) bytes_->Drop();
  }

  CompressedBytes* get() const { return bytes_; }
  explicit operator bool() const { return bytes_ != nullptr; }

 private:
  CompressedBytes* bytes_ = nullptr;
};

// Keeps what was unpacked in its thread since it began. Scopes nest. Costs two writes where nothing is compressed.
class UnpackScope {
 public:
  UnpackScope() : outer_(innermost_) { innermost_ = this; }
  UnpackScope(const UnpackScope&) = delete;
  UnpackScope& operator=(const UnpackScope&) = delete;
  ~UnpackScope() {
    innermost_ = outer_;
    if (latest_ != nullptr) DropAll();
  }

  // There must be a scope. Whoever asks again for what was just unpacked gets the same.
  static SharedBytes* Unpack(CompressedBytes* packed);

 private:
  struct Unpacked;

  void DropAll();

  static constinit thread_local UnpackScope* innermost_;

  UnpackScope* const outer_;
  Unpacked* latest_ = nullptr;
};

}  // namespace kvick
