// SharedBytes: a byte string with a reference count, one allocation for both. A large value is stored as one and
// lent to replies that are still being sent; whoever wants to change it while it is lent makes a new one.
//
// The count is atomic: any thread may hold and drop references. The bytes may be written only while `IsShared()`
// is false, under whatever protects the owner.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace kvick {

class SharedBytes {
 public:
  // Room for `capacity` bytes, the first `size` of them unset. Never null: running out of memory ends the process.
  static SharedBytes* Make(size_t size, size_t capacity);
  static SharedBytes* Make(std::string_view bytes);

  void Hold() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Drop() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Free();
  }
  bool IsShared() const { return references_.load(std::memory_order_acquire) != 1; }

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  void set_size(size_t size) { size_ = size; }
  std::string_view view() const { return {data(), size_}; }
  size_t allocated_bytes() const { return sizeof(SharedBytes) + capacity_; }

 private:
  SharedBytes(size_t size, size_t capacity) : size_(size), capacity_(capacity) {}
  void Free();

  size_t size_;
  size_t capacity_;
  std::atomic<uint64_t> references_{1};
};

// Holds one reference.
class SharedBytesRef {
 public:
  SharedBytesRef() = default;
  // Takes a new reference.
  explicit SharedBytesRef(SharedBytes* bytes) : bytes_(bytes) {
    if (bytes_ != nullptr) bytes_->Hold();
  }
  SharedBytesRef(SharedBytesRef&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)) {}
  SharedBytesRef& operator=(SharedBytesRef&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  SharedBytesRef(const SharedBytesRef&) = delete;
  SharedBytesRef& operator=(const SharedBytesRef&) = delete;
  ~SharedBytesRef() {
    if (bytes_ != nullptr) bytes_->Drop();
  }

  SharedBytes* get() const { return bytes_; }
  explicit operator bool() const { return bytes_ != nullptr; }
  std::string_view view() const { return bytes_->view(); }

 private:
  SharedBytes* bytes_ = nullptr;
};

}  // namespace kvick
