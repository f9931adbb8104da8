// OutputBuffer: bytes on their way to a socket. Small pieces are copied into blocks; large values are lent as
// references (AppendShared) and never copied.
//
// One thread at a time. Keeps its first block between uses, so that a worker's buffer allocates nothing while
// replies are small.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"

namespace kvick {

class OutputBuffer {
 public:
  OutputBuffer() = default;
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;
  OutputBuffer(OutputBuffer&& other) noexcept { Swap(other); }
  OutputBuffer& operator=(OutputBuffer&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~OutputBuffer();

  void Swap(OutputBuffer& other) noexcept;

  // Room for `count` bytes (at most kReserveMax) to be written at the result; then Commit what was written.
  static constexpr size_t kReserveMax = 256;
  char* Reserve(size_t count) {
    if (static_cast<size_t>(limit_ - cursor_) < count) AddBlock(count);
    return cursor_;
  }
  void Commit(size_t count) { cursor_ += count; }

  void Append(std::string_view bytes) {
    if (bytes.empty()) return;  // there may be no block to copy nothing to
    if (static_cast<size_t>(limit_ - cursor_) < bytes.size()) return AppendSlow(bytes);
    std::memcpy(cursor_, bytes.data(), bytes.size());
    cursor_ += bytes.size();
  }
  void AppendShared(SharedBytesRef bytes);
  // What another buffer holds, without copying it.
  void AppendAll(OutputBuffer other);

  // A hole to be filled later by exactly one FillHole: the header of an aggregate whose length is not known yet.
  using Hole = size_t;
  Hole MakeHole();
  void FillHole(Hole hole, std::string_view bytes);

  bool empty() const { return size_bytes() == 0; }
  // Bytes not yet consumed.
  size_t size_bytes() const {
    if (cursor_ == nullptr) return sealed_bytes_;
    const Segment& last = segments_.back();
    return sealed_bytes_ + static_cast<size_t>(cursor_ - last.block) - last.begin;
  }
  // What the buffer occupies, lent values included.
  size_t memory_bytes() const;
  // The first piece that is not yet consumed, when it is a block of ours, and what is behind it.
  struct Shape {
    size_t block_bytes = 0;
    size_t block_used_bytes = 0;
    size_t rest_count = 0;
    size_t rest_memory_bytes = 0;
  };
  Shape MeasureShape() const;

  // The next unconsumed pieces for writev; returns how many.
  size_t Peek(iovec* pieces, size_t piece_count_max) const;
  // Forgets `count` bytes from the front; blocks are freed as they empty.
  void Consume(size_t count);
  void Clear();
  // All unconsumed bytes in one string; for tests and for in-process callers.
  std::string ToString() const;

 private:
  static constexpr size_t kBlockBytes = size_t{16} * 1024;

  struct Segment {
    char* block = nullptr;  // owned, or null when the bytes are lent or fill a hole
    size_t capacity = 0;
    size_t begin = 0;
    size_t end = 0;
    SharedBytesRef shared;
    std::string hole;  // small
    bool is_hole = false;

    std::string_view bytes() const {
      if (shared) return shared.view().substr(begin);
      if (is_hole) return std::string_view(hole).substr(begin);
      return {block + begin, end - begin};
    }
  };

  void AddBlock(size_t size_min);
  void AppendSlow(std::string_view bytes);
  // Writes the cursor back into the last block's segment; the next append starts a new one.
  void Seal();

  std::vector<Segment> segments_;
  size_t first_ = 0;        // segments before it are consumed
  char* cursor_ = nullptr;  // in the block of the last segment
  char* limit_ = nullptr;
  char* spare_ = nullptr;    // one empty block, kept
  size_t sealed_bytes_ = 0;  // unconsumed bytes of all segments but the open one
};

}  // namespace kvick
