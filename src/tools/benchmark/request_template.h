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

// Numbers for the marks of a request (__rand_int__): random below a bound, counting up, or each below a bound once.
class KeyNumbers {
 public:
  static KeyNumbers Randomly(uint64_t seed, uint64_t bound) { return {Order::kRandom, seed, bound}; }
  static KeyNumbers InSequence(uint64_t first) { return {Order::kSequence, 0, first}; }
  // For every mark all numbers below `bound`, then the same again; scattered, and each mark in an order of its own,
  // so that no sorted structure sees a sequence.
  static KeyNumbers EachOnce(uint64_t bound);

  // The next number of the request's mark number `mark`.
  uint64_t Next(size_t mark);

 private:
  enum class Order { kRandom, kSequence, kEachOnce };
  KeyNumbers(Order order, uint64_t seed, uint64_t bound)
      : order_(order), random_(seed), bound_(bound), next_(order == Order::kSequence ? bound : 0) {}

  struct Walk {
    uint64_t step;  // has no divisor in common with the bound
    uint64_t at;
  };

  Order order_;
  Random random_;
  uint64_t bound_;
  uint64_t next_;
  std::vector<Walk> walks_;  // of each mark
};

class RequestTemplate {
 public:
  // __rand_int__ in a word becomes twelve digits, __rand_6__ six, and __data__ becomes `data`.
  static RequestTemplate Make(const std::vector<std::string>& words, std::string_view data);
  // Bytes as they are, for inline commands.
  static RequestTemplate Raw(std::string bytes);

  void AppendTo(std::string& out, KeyNumbers& numbers) const;
  size_t size_bytes() const { return bytes_.size(); }

 private:
  struct Place {
    size_t offset;
    size_t digit_count;
  };
  static std::string Expand(std::string_view word, std::string_view data, std::vector<Place>* numbers);

  std::string bytes_;
  std::vector<Place> numbers_;
};

}  // namespace kvick::benchmark
