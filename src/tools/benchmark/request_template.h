// RequestTemplate is one command as bytes on the wire, with places that are filled anew for each request.
//
//   const RequestTemplate set = RequestTemplate::Make({"SET", "key:__rand_int__", "__data__"}, data);
//   set.AppendTo(buffer, random_keys);
//
// A request then costs a copy and the digits of its numbers. Immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace kvick::benchmark {

// Numbers for __rand_int__: random below a bound, or counting up (to fill a key space without gaps).
class KeyNumbers {
 public:
  static KeyNumbers Randomly(uint64_t seed, uint64_t bound) { return KeyNumbers(seed, bound, 0); }
  static KeyNumbers InSequence(uint64_t first) { return KeyNumbers(0, 0, first); }

  uint64_t Next() { return bound_ == 0 ? next_++ : random_.Below(bound_); }

 private:
  KeyNumbers(uint64_t seed, uint64_t bound, uint64_t first) : random_(seed), bound_(bound), next_(first) {}

  Random random_;
  uint64_t bound_;  // 0: in sequence
  uint64_t next_;
};

class RequestTemplate {
 public:
  // __rand_int__ in a word becomes twelve digits, __data__ becomes `data`.
  static RequestTemplate Make(const std::vector<std::string>& words, std::string_view data);
  // Bytes as they are, for inline commands.
  static RequestTemplate Raw(std::string bytes);

  void AppendTo(std::string& out, KeyNumbers& numbers) const;
  size_t size_bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;
  std::vector<size_t> number_offsets_;
};

}  // namespace kvick::benchmark
