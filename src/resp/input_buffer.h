// InputBuffer: bytes that came from a socket and were not used up yet.
//
//   const ssize_t got = read(fd, input.Reserve(size), size);
//   input.Commit(got);
//   ... parse input.view() ...
//   input.Consume(used);
//
// Memory is never cleared before it is read into, which a std::string would do: a large argument that comes in many
// pieces would be cleared once a piece. An empty buffer holds no memory. One thread at a time.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace kvick {

class InputBuffer {
 public:
  InputBuffer() = default;
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;
  ~InputBuffer();

  // Room for `size` bytes behind those that are there, until the next call. What is not committed is forgotten.
  char* Reserve(size_t size);
  void Commit(size_t size) { end_ += size; }
  void Append(std::string_view bytes);
  // Forgets `size` bytes from the front. Costs nothing: the rest moves when room is needed.
  void Consume(size_t size);
  // Forgets all but the first `size` bytes.
  void Truncate(size_t size);
  // Gives memory back that the bytes do not need.
  void Shrink();

  std::string_view view() const { return {memory_ + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

 private:
  void Release();

  char* memory_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace kvick
