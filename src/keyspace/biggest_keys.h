// BiggestKeys: the largest values of each type in a database, known without a scan.
//
// Told of a value when the power of two that its size reaches changes, so what is kept are candidates: whoever shows
// them looks up what they measure now. Approximate in one way: a key that had to make way, or never came in, is not
// taken back when a larger one is removed, but when its own size reaches another power of two.
//
// Cost: one comparison (Admits) for keys that are small beside those that are listed; a lock for the others.
//
// Any thread may call any method.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"

namespace kvick {

class BiggestKeys {
 public:
  // As KeySizes numbers types and sizes.
  static constexpr size_t kRowCount = 6;
  // How many candidates each row keeps: more than anybody is shown, since some will be gone by then.
  static constexpr size_t kCandidatesMax = 64;
  // A key with a longer name is not listed.
  static constexpr size_t kNameBytesMax = 1024;

  struct Candidate {
    uint64_t hash = 0;
    unsigned bin = 0;
    std::string name;
  };

  // Whether a value of this bin is of interest.
  [[nodiscard]] bool Admits(size_t row, unsigned bin) const {
    return bin > rows_[row].floor.load(std::memory_order_relaxed);
  }
  // The key's value has this bin now, which Admits.
  void Offer(size_t row, unsigned bin, uint64_t hash, std::string_view name);
  // The key is gone, or its value is smaller than what is admitted.
  void Forget(size_t row, uint64_t hash, std::string_view name);
  // Copies, in no order.
  [[nodiscard]] std::vector<Candidate> Candidates(size_t row) const;
  void Clear();

 private:
  struct Row {
    // The smallest bin in a full list; 0 while there are places.
    std::atomic<unsigned> floor{0};
    mutable SpinLock lock;
    std::vector<Candidate> candidates KVICK_GUARDED_BY(lock);
  };
  static void SetFloor(Row& row) KVICK_REQUIRES(row.lock);

  std::array<Row, kRowCount> rows_;
};

}  // namespace kvick
