// HeavyHitters: the keys with the greatest sums of weights in a stream, in bounded memory (the algorithm is
// "space-saving" of Metwally, Agrawal and El Abbadi).
//
//   HeavyHitters hitters(256);
//   hitters.Add({.hash = HashKey(name), .database = 0, .name = name}, 12);
//   for (const HeavyHitters::Item& item : hitters.Items()) ... item.sum_min() ...
//
// A key that is not known takes the place of the one with the least sum, and inherits that sum as its error. So every
// key whose sum exceeds total / item_count_max is there, and its true sum is between sum - error and sum. Where no key
// stands out, errors are as large as sums: sum_min() is what was certainly seen.
//
// Cost: O(log item_count_max) an addition. No thread rule of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kvick {

class HeavyHitters {
 public:
  // Longer names are not kept, and not counted: a few of them could fill the memory.
  static constexpr size_t kNameBytesMax = 4096;

  // Keys of the same hash and database are taken for one.
  struct Key {
    uint64_t hash = 0;
    int database = 0;
    std::string_view name;
  };
  struct Item {
    uint64_t id = 0;
    uint64_t sum = 0;
    uint64_t error = 0;
    int database = 0;
    std::string name;

    [[nodiscard]] uint64_t sum_min() const { return sum - error; }
  };

  explicit HeavyHitters(size_t item_count_max) : item_count_max_(item_count_max) {}

  void Add(const Key& key, uint64_t weight);
  // Divides all that was added by two: done now and then, it makes the past count less.
  void Halve();
  void Clear();

  [[nodiscard]] const std::vector<Item>& Items() const { return items_; }
  // Of all weights.
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] size_t memory_bytes() const;

 private:
  void SiftDown(size_t position);
  void SiftUp(size_t position);
  void Place(size_t position, uint32_t index);

  size_t item_count_max_;
  uint64_t total_ = 0;
  std::vector<Item> items_;
  std::unordered_map<uint64_t, uint32_t> index_by_id_;  // into items_
  std::vector<uint32_t> heap_;                          // indexes of items, the least sum first
  std::vector<uint32_t> position_of_;                   // in heap_, by index of the item
};

}  // namespace kvick
