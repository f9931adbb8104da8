#include "resp/output_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/assert.h"

namespace kvick {

// The last segment is "open" while cursor_ is not null: its `end` is stale, the cursor counts.

OutputBuffer::~OutputBuffer() {
  for (const Segment& segment : segments_) std::free(segment.block);
  std::free(spare_);
}

void OutputBuffer::Swap(OutputBuffer& other) noexcept {
  std::swap(segments_, other.segments_);
  std::swap(first_, other.first_);
  std::swap(cursor_, other.cursor_);
  std::swap(limit_, other.limit_);
  std::swap(spare_, other.spare_);
  std::swap(sealed_bytes_, other.sealed_bytes_);
}

void OutputBuffer::Seal() {
  if (cursor_ == nullptr) return;
  Segment& last = segments_.back();
  last.end = static_cast<size_t>(cursor_ - last.block);
  sealed_bytes_ += last.end - last.begin;
  cursor_ = limit_ = nullptr;
}

void OutputBuffer::AddBlock(size_t size_min) {
  Seal();
  Segment segment;
  segment.capacity = std::max(size_min, kBlockBytes);
  if (segment.capacity == kBlockBytes && spare_ != nullptr) {
    segment.block = std::exchange(spare_, nullptr);
  } else {
    segment.block = static_cast<char*>(std::malloc(segment.capacity));
    KVICK_ASSERT(segment.block != nullptr);
  }
  cursor_ = segment.block;
  limit_ = segment.block + segment.capacity;
  segments_.push_back(std::move(segment));
}

void OutputBuffer::AppendSlow(std::string_view bytes) {
  const auto room = static_cast<size_t>(limit_ - cursor_);
  if (room > 0) {
    std::memcpy(cursor_, bytes.data(), room);
    cursor_ += room;
    bytes.remove_prefix(room);
  }
  AddBlock(bytes.size());
  std::memcpy(cursor_, bytes.data(), bytes.size());
  cursor_ += bytes.size();
}

void OutputBuffer::AppendShared(SharedBytesRef bytes) {
  Seal();
  sealed_bytes_ += bytes.view().size();
  Segment segment;
  segment.shared = std::move(bytes);
  segments_.push_back(std::move(segment));
}

void OutputBuffer::AppendAll(OutputBuffer other) {
  if (empty()) return Swap(other);
  Seal();
  other.Seal();
  for (size_t i = other.first_; i < other.segments_.size(); ++i) {
    segments_.push_back(std::move(other.segments_[i]));
    other.segments_[i].block = nullptr;
  }
  sealed_bytes_ += std::exchange(other.sealed_bytes_, 0);
}

OutputBuffer::Hole OutputBuffer::MakeHole() {
  Seal();
  Segment segment;
  segment.is_hole = true;
  segments_.push_back(std::move(segment));
  return segments_.size() - 1;
}

void OutputBuffer::FillHole(Hole hole, std::string_view bytes) {
  segments_[hole].hole = bytes;
  sealed_bytes_ += bytes.size();
}

size_t OutputBuffer::memory_bytes() const {
  size_t total = segments_.capacity() * sizeof(Segment) + (spare_ != nullptr ? kBlockBytes : 0);
  for (size_t i = first_; i < segments_.size(); ++i) {
    total += segments_[i].shared ? segments_[i].shared.view().size() : segments_[i].capacity;
  }
  return total;
}

OutputBuffer::Shape OutputBuffer::MeasureShape() const {
  Shape shape;
  for (size_t i = first_; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (i == first_ && segment.block != nullptr) {
      const bool is_open = cursor_ != nullptr && i + 1 == segments_.size();
      const size_t end = is_open ? static_cast<size_t>(cursor_ - segment.block) : segment.end;
      shape.block_bytes = segment.capacity;
      shape.block_used_bytes = end - segment.begin;
    } else {
      ++shape.rest_count;
      shape.rest_memory_bytes += segment.shared ? segment.shared.view().size() : segment.capacity;
    }
  }
  return shape;
}

size_t OutputBuffer::Peek(iovec* pieces, size_t piece_count_max) const {
  size_t count = 0;
  for (size_t i = first_; i < segments_.size() && count < piece_count_max; ++i) {
    std::string_view bytes = segments_[i].bytes();
    if (cursor_ != nullptr && i + 1 == segments_.size()) {
      bytes = {segments_[i].block + segments_[i].begin,
               static_cast<size_t>(cursor_ - segments_[i].block) - segments_[i].begin};
    }
    if (bytes.empty()) continue;
    pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  return count;
}

void OutputBuffer::Consume(size_t count) {
  // The common case: everything was sent from one block.
  if (count == size_bytes()) return Clear();
  Seal();
  sealed_bytes_ -= count;
  while (count > 0) {
    Segment& segment = segments_[first_];
    const size_t available = segment.bytes().size();
    if (count < available) {
      segment.begin += count;
      break;
    }
    count -= available;
    std::free(segment.block);
    segment = Segment();
    ++first_;
  }
  // Consumed segments are dropped when they are the larger part.
  if (first_ > 32 && first_ > segments_.size() / 2) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputBuffer::Clear() {
  if (segments_.size() == 1 && cursor_ != nullptr && segments_[0].capacity == kBlockBytes) {
    segments_[0].begin = 0;
    cursor_ = segments_[0].block;
    sealed_bytes_ = 0;
    return;
  }
  for (const Segment& segment : segments_) {
    if (segment.block != nullptr && segment.capacity == kBlockBytes && spare_ == nullptr) {
      spare_ = segment.block;
    } else {
      std::free(segment.block);
    }
  }
  segments_.clear();
  first_ = 0;
  cursor_ = limit_ = nullptr;
  sealed_bytes_ = 0;
}

std::string OutputBuffer::ToString() const {
  std::string text;
  for (size_t i = first_; i < segments_.size(); ++i) {
    if (cursor_ != nullptr && i + 1 == segments_.size()) {
      const Segment& last = segments_[i];
      text.append(last.block + last.begin, static_cast<size_t>(cursor_ - last.block) - last.begin);
    } else {
      text.append(segments_[i].bytes());
    }
  }
  return text;
}

}  // namespace kvick
