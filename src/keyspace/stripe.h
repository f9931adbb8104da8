// Stripe: one of the parts into which a database is cut, the unit of locking. A key belongs to the stripe that the
// top bits of its hash name.
//
// Why 1,024: eight random keys meet on one stripe in about one run of 37 (28 pairs / 1,024), and two cache lines a
// stripe keep a database at 128 KiB. All-zero bytes are an empty, unlocked stripe: the array of an unused database
// is untouched memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/sync.h"
#include "containers/expiry_index.h"
#include "keyspace/key_table.h"
#include "keyspace/key_waiters.h"
#include "keyspace/key_watchers.h"

namespace kvick {

struct alignas(64) Stripe {
  static constexpr int kIndexBits = 10;
  static constexpr size_t kCount = size_t{1} << kIndexBits;

  static constexpr size_t IndexOf(uint64_t hash) { return hash >> (64 - kIndexBits); }

  SpinLock lock;
  KeyTable table KVICK_GUARDED_BY(lock);
  KeyExpiryIndex* expiry_index KVICK_GUARDED_BY(lock) = nullptr;  // made with the first expiry
  KeyWatchers* watchers KVICK_GUARDED_BY(lock) = nullptr;         // made with the first, kept
  KeyWaiters* waiters KVICK_GUARDED_BY(lock) = nullptr;           // likewise
  void RemoveWaiter(std::string_view key, const KeyWaiter* waiter) KVICK_REQUIRES(lock) {
    if (waiters != nullptr) waiters->Remove(key, waiter);
  }

  // Written under the lock, read by anyone for sums and to see whether a visit is due.
  std::atomic<uint32_t> entry_count{0};
  std::atomic<uint32_t> expiring_count{0};  // entries with an expiry
  std::atomic<int64_t> next_due_ms{0};      // 0: nothing in the expiry index
};
static_assert(sizeof(Stripe) == 128);

}  // namespace kvick
