// Database: the numbered key spaces of SELECT. All reading and changing of entries goes through its methods; this
// is the one door where expiry is enforced, changes are counted, and listeners (watchers, snapshots, tracking) are
// told.
//
//   const KeyRef key = KeyRef::Make(database, "user:1");
//   ... the stripe of `key` is locked ...
//   KeyTable::Slot slot = database.Find(key, mutation);
//   if (slot.entry == nullptr) slot = database.PutString(key, slot, {value}, {.expiry_ms = ...}, mutation);
//
// Unless it says otherwise a method requires the lock of the key's stripe. Which stripes a command holds is known
// only at run time, so the analysis is off for these methods; debug builds assert the lock instead.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keyspace/access_clock.h"
#include "keyspace/entry.h"
#include "keyspace/key_hash.h"
#include "keyspace/key_sizes.h"
#include "keyspace/key_table.h"
#include "keyspace/stripe.h"
#include "types/packed_editor.h"

namespace kvick {

class Database;
class Snapshot;

// A key with its hash, computed once a command. The name is a view into the command's arguments.
struct KeyRef {
  std::string_view name;
  uint64_t hash = 0;

  static KeyRef Make(std::string_view name) { return {name, HashKey(name)}; }
  size_t stripe_index() const { return Stripe::IndexOf(hash); }
};

// Told of what happens to keys, under the stripe's lock and in the thread that does it.
class KeyspaceListener {
 public:
  virtual ~KeyspaceListener() = default;
  // A key was removed because its time had passed.
  virtual void OnExpired(Database& database, std::string_view key) = 0;
  // Parts of a value (fields of a hash, members of a set) were removed because their time had passed; `is_emptied`: and
  // so was the key, with the last.
  virtual void OnPartsExpired(Database& /*database*/, std::string_view /*key*/, ValueType /*type*/,
                              std::span<const std::string> /*parts*/, bool /*is_emptied*/) {}
  // A key was made, changed or removed; only while Mutation::tells_changes.
  virtual void OnModified(Database& /*database*/, std::string_view /*key*/) {}
  // A key for which somebody waits was made or changed.
  virtual void OnAwaitedKey(Database& database, std::string_view key) = 0;
};

// Who changes the keyspace, and when: one for each thread that executes commands.
struct Mutation {
  int64_t now_ms = 0;
  KeyspaceListener* listener = nullptr;
  // Whether the listener wants to know of every change. Null: no.
  const std::atomic<bool>* tells_changes = nullptr;
  // In an exclusive moment: no lock is needed, and none is held.
  bool is_alone = false;
  // False on a replica: expired keys are hidden but left for the primary's DEL.
  bool removes_expired = true;
  // Whether reading an entry updates its access bits; what a recency policy writes, and a new key gets.
  bool touches = true;
  // Changing an entry does: access bits tell when it was last modified. Then `touches` is false.
  bool touches_on_change = false;
  uint32_t access_clock = 0;
  // Set under a frequency policy: access bits count instead.
  const FrequencyRules* frequency_rules = nullptr;
  Random* random = nullptr;
  // Of strings that are written as a whole; null: they are kept as they are.
  const ValueCompression* compression = nullptr;
  // Large values go here instead of being freed on the spot; null frees at once.
  std::function<void(Entry*)>* free_later = nullptr;
  uint64_t expired_count = 0;  // keys removed because they had expired
  // Entries put into tables and taken out: until the next, what Find returned is where it was.
  uint64_t layout_change_count = 0;
  // Where this thread counts sizes of values.
  uint32_t counter_shard = NextCounterShard();
};

// What PutString does with the expiry of a key that was there.
struct PutOptions {
  bool keep_expiry = false;
  int64_t expiry_ms = Entry::kNoExpiry;
};

class Database {
 public:
  explicit Database(int index);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  int index() const { return index_; }
  Stripe& StripeAt(size_t stripe_index) { return stripes_[stripe_index]; }
  Stripe& StripeOf(const KeyRef& key) { return stripes_[key.stripe_index()]; }

  // Finds a key that has not expired. A key that has is removed first (Mutation::removes_expired) or hidden.
  KeyTable::Slot Find(const KeyRef& key, Mutation& mutation);
  // The same without moving the access clock: EXISTS, TTL, OBJECT and others that only look.
  KeyTable::Slot Peek(const KeyRef& key, Mutation& mutation);

  // Creates the key or replaces the value in `found` (what Find returned for the key, found or not).
  KeyTable::Slot PutString(const KeyRef& key, const KeyTable::Slot& found, StringInput value, PutOptions options,
                           Mutation& mutation);
  // The same with the text of an integer, keeping the expiry. In place when the value was stored as an integer.
  void PutInteger(const KeyRef& key, const KeyTable::Slot& found, int64_t value, Mutation& mutation);
  // The same with a collection, which becomes the entry's.
  KeyTable::Slot PutObject(const KeyRef& key, const KeyTable::Slot& found, ValueType type, void* object,
                           PutOptions options, Mutation& mutation);
  // Makes a key, which must not exist, from the bytes of a small collection.
  void PutPacked(const KeyRef& key, ValueType type, const PackedValue& packed, int64_t expiry_ms, Mutation& mutation);
  // Makes room for about so many keys in all, to spare the work of growing while they come. Takes the stripes' locks.
  void Reserve(uint64_t entry_count);
  // Resizes a string in place for writing (EntryStore::ResizeString); creates the key when it was not found.
  char* ResizeString(const KeyRef& key, KeyTable::Slot* slot, size_t size, Mutation& mutation);
  // Marks the watchers of a key and tells of those who wait for it; done by all methods that change one.
  void Modified(const KeyRef& key, Mutation& mutation) {
    if (IsObserved(key, mutation)) [[unlikely]] {
      TellModified(key, mutation);
    }
  }
  // Only the latter: for what is no change to watchers, but may be what somebody waits for.
  void TellAwaited(const KeyRef& key, Mutation& mutation);
  // Tells of every key here for which somebody waits (SWAPDB, FLUSHALL). Requires an exclusive moment.
  void TellAllAwaited(Mutation& mutation);
  void Watch(const KeyRef& key, WatchMark* mark);
  void Unwatch(const KeyRef& key, WatchMark* mark);
  // Any thread, without locks.
  uint64_t watched_key_count() const { return watched_key_count_.load(std::memory_order_relaxed); }
  // Marks the watchers of every key that exists here or, at the same place, in `other`: before the contents of the
  // two are swapped, or (with itself) all are removed. Requires an exclusive moment.
  void TouchAllWatchers(Database& other, int64_t now_ms);

  // A collection was changed or made: it is held in the entry if it is small, by a pointer otherwise. `object` is the
  // entry's own, or was unpacked from its bytes; it may be gone afterwards. WillChange came before.
  void HoldCollection(const KeyRef& key, const KeyTable::Slot& slot, void* object);
  // The same, by a pointer in any case: `object` stays what it is.
  void HoldObject(const KeyRef& key, const KeyTable::Slot& slot, void* object);
  // Makes room in the packed bytes of a collection, which change (PackedEditor::Splice): where they begin now. Null,
  // with nothing changed, when they would not fit. Modified follows.
  char* SplicePacked(const KeyRef& key, KeyTable::Slot* slot, const PackedSplice& splice, Mutation& mutation);
  // What Find found, as it is now. Nothing expires, nothing is counted.
  KeyTable::Slot FindAgain(const KeyRef& key);

  // To be called before a collection found by Find may be changed in place. Modified follows if it was.
  void WillChange(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation);

  // A collection that was changed in place has so many items now; it had `items_before` when it was counted last. What
  // else changes a value is counted here by itself.
  void CountItems(const KeyRef& key, ValueType type, uint64_t items_before, uint64_t items, Mutation& mutation) {
    key_sizes_->Change(type, items_before, items, key, mutation.counter_shard);
  }

  // Sets or removes (kNoExpiry) the expiry; the time may lie in the past.
  void SetExpiry(const KeyRef& key, KeyTable::Slot* slot, int64_t expiry_ms, Mutation& mutation);
  void Erase(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation);

  // For collections whose parts expire one by one (ValueOperations::next_due_ms). To be called when the earliest
  // moment of one has come nearer.
  void IndexDueParts(const KeyRef& key, Entry* entry, int64_t now_ms);
  // Erases parts that are due, some of them if they are many, and the key with its last. False when it is gone.
  bool EraseDueParts(const KeyRef& key, Mutation& mutation);

  // Moves or copies the value of `source` to `target_key` of `target`, which must not exist there (erase it
  // first), with the given expiry. Both stripes are held.
  void MoveEntry(const KeyRef& source_key, const KeyTable::Slot& source, Database& target, const KeyRef& target_key,
                 int64_t expiry_ms, Mutation& mutation);
  void CopyEntry(const KeyTable::Slot& source, Database& target, const KeyRef& target_key, int64_t expiry_ms,
                 Mutation& mutation);

  // Removes the entries that are due in one stripe, at most `item_count_max` of them; true when more are due.
  // The caller holds the stripe's lock.
  bool RemoveExpired(size_t stripe_index, size_t item_count_max, Mutation& mutation);

  // Any thread, inside the gate.
  const KeySizes& key_sizes() const { return *key_sizes_; }
  // Bytes of a string, items of everything else that KeySizes counts, as it lies there now. None: the key is missing,
  // or is of another type. `is_busy`: somebody holds its stripe, and nothing is known. MeasureIfFree found that the key
  // is none of the biggest any more. Any thread.
  void ForgetBiggest(ValueType type, const KeyRef& key) {
    key_sizes_->biggest().Forget(KeySizes::RowOf(type), key.hash, key.name);
  }
  std::optional<uint64_t> MeasureIfFree(const KeyRef& key, ValueType type, bool* is_busy);

  // Sums over all stripes; no lock needed, exact when nothing changes meanwhile.
  uint64_t EntryCount() const;
  uint64_t ExpiringCount() const;
  // False for a database that never held an expiry since it was last emptied: its stripes need no visit.
  bool may_hold_expiring() const { return may_hold_expiring_.load(std::memory_order_relaxed); }
  // It has held more, since it was last emptied, than the processor's caches are sure to keep: looking up a key costs
  // a wait for memory then, which is worth overlapping with others'.
  bool outgrows_caches() const { return outgrows_caches_.load(std::memory_order_relaxed); }
  // Of tables and expiry indexes. Tries each stripe's lock; one that is held counts as its neighbour did.
  size_t TableBytes();

  // All contents, taken out for good: freeing them can happen in another thread.
  class Contents;
  // Requires that nobody else runs (exclusive moment). The database is empty afterwards.
  std::unique_ptr<Contents> TakeContents();
  // Exchanges the contents of two databases. Requires an exclusive moment.
  void SwapContents(Database& other);

 private:
  friend class Snapshot;
  struct StripeArrayDeleter {
    void operator()(Stripe* stripes) const;
  };
  using StripeArray = std::unique_ptr<Stripe[], StripeArrayDeleter>;
  static StripeArray MakeStripes();

  BlockPool& PoolOf(size_t stripe_index) const;
  // Whether anybody may want to know of a change of the key.
  KVICK_NO_THREAD_SAFETY_ANALYSIS bool IsObserved(const KeyRef& key, const Mutation& mutation) const {
    const Stripe& stripe = stripes_[key.stripe_index()];
    return stripe.watchers != nullptr || stripe.waiters != nullptr ||
           (mutation.tells_changes != nullptr && mutation.tells_changes->load(std::memory_order_relaxed));
  }
  void TellModified(const KeyRef& key, Mutation& mutation);
  void IndexExpiry(Stripe& stripe, const KeyRef& key, Entry* entry, int64_t now_ms);
  void AddDueItem(Stripe& stripe, const KeyRef& key, int64_t due_ms, int64_t now_ms);
  // When something of the entry is due: itself, or a part. KeyExpiryIndex::kNever if nothing ever is.
  static int64_t NextDueMs(const Entry* entry);
  static int64_t NextPartDueMs(const Entry* entry);
  void InsertNew(const KeyRef& key, Entry* entry, Mutation& mutation);
  void RemoveEntry(Stripe& stripe, const KeyTable::Slot& slot, uint64_t hash, Mutation& mutation);
  void FreeEntry(Entry* entry, Mutation& mutation);
  void RebuildExpiryIndex(Stripe& stripe, int64_t now_ms);
  void Change(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation);
  KeyTable::Slot FindUnexpired(const KeyRef& key, Mutation& mutation);
  KeyTable::Slot HideExpired(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation);

  int index_;
  StripeArray stripes_;
  std::unique_ptr<KeySizes> key_sizes_ = std::make_unique<KeySizes>();  // of the contents
  std::atomic<bool> may_hold_expiring_{false};
  std::atomic<bool> outgrows_caches_{false};
  std::atomic<uint64_t> watched_key_count_{0};

  // Changed in exclusive moments, by Snapshot.
  Snapshot* snapshot_ = nullptr;  // the one being walked
  bool cut_mark_ = false;         // the mark of entries that it captured, or need not capture
  int cut_index_ = 0;             // the number under which it knows the contents
};

// Owns what a database held.
class Database::Contents {
 public:
  explicit Contents(StripeArray stripes) : stripes_(std::move(stripes)) {}
  ~Contents();  // frees every entry
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;
  uint64_t entry_count() const;

 private:
  friend class Snapshot;
  StripeArray stripes_;
};

}  // namespace kvick
