#include "keyspace/database.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/block_pool.h"
#include "base/compression_use.h"
#include "base/numbers.h"
#include "keyspace/integer_text.h"
#include "keyspace/snapshot.h"

namespace kvick {
namespace {

constexpr size_t kStripeArrayBytes = Stripe::kCount * sizeof(Stripe);
// Of a stripe: some hundred kilobytes in all stripes, which a core's own caches hold.
constexpr uint32_t kCachedEntriesMax = 16;

void FreeEntryVisitor(void* /*context*/, Entry* entry) { EntryStore::Free(entry); }

template <typename Counter>
void Bump(std::atomic<Counter>& counter, int amount) {
  counter.store(static_cast<Counter>(counter.load(std::memory_order_relaxed) + static_cast<Counter>(amount)),
                std::memory_order_relaxed);
}

}  // namespace

// The array is mapped, not allocated: the memory of a database nobody selected is never touched.
Database::StripeArray Database::MakeStripes() {
  void* memory = mmap(nullptr, kStripeArrayBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  KVICK_ASSERT(memory != MAP_FAILED);
  return StripeArray(static_cast<Stripe*>(memory));
}

void Database::StripeArrayDeleter::operator()(Stripe* stripes) const { munmap(stripes, kStripeArrayBytes); }

Database::Database(int index) : index_(index), stripes_(MakeStripes()) {}
KVICK_NO_THREAD_SAFETY_ANALYSIS Database::~Database() {
  TakeContents();
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    delete stripes_[i].watchers;
    delete stripes_[i].waiters;
  }
}

BlockPool& Database::PoolOf(size_t stripe_index) const { return BlockPool::Shard(stripe_index); }

KVICK_NO_THREAD_SAFETY_ANALYSIS inline KeyTable::Slot Database::FindUnexpired(const KeyRef& key, Mutation& mutation) {
  const KeyTable::Slot slot = StripeOf(key).table.Find(key.name, key.hash);
  if (slot.entry == nullptr || !slot.entry->has_expiry() || slot.entry->expiry_ms() > mutation.now_ms) return slot;
  return HideExpired(key, slot, mutation);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS KeyTable::Slot Database::HideExpired(const KeyRef& key, const KeyTable::Slot& slot,
                                                                     Mutation& mutation) {
  if (mutation.removes_expired) {
    ++mutation.expired_count;
    // Told first: the key's name may be a view into the entry.
    if (mutation.listener != nullptr) mutation.listener->OnExpired(*this, key.name);
    Change(key, slot, mutation);
    RemoveEntry(StripeOf(key), slot, key.hash, mutation);
  }
  return {};
}

KeyTable::Slot Database::Find(const KeyRef& key, Mutation& mutation) {
  const KeyTable::Slot slot = FindUnexpired(key, mutation);
  if (slot.entry != nullptr && mutation.touches) {
    const Access access{slot.entry->access(), slot.entry->uses()};
    const Access touched = mutation.frequency_rules == nullptr
                               ? TouchRecency(access, mutation.access_clock)
                               : TouchFrequency(access, mutation.now_ms, *mutation.frequency_rules, *mutation.random);
    if (touched != access) {  // an unchanged line stays shared between cores
      slot.entry->set_access(touched.bits);
      slot.entry->set_uses(touched.uses);
    }
  }
  return slot;
}

KeyTable::Slot Database::Peek(const KeyRef& key, Mutation& mutation) { return FindUnexpired(key, mutation); }

int64_t Database::NextPartDueMs(const Entry* entry) {
  if (entry->form() != ValueForm::kObject) return KeyExpiryIndex::kNever;
  const ValueOperations& operations = OperationsOf(entry->type());
  return operations.next_due_ms == nullptr ? KeyExpiryIndex::kNever : operations.next_due_ms(entry->object());
}

int64_t Database::NextDueMs(const Entry* entry) {
  const int64_t part_due_ms = NextPartDueMs(entry);
  return entry->has_expiry() ? std::min(entry->expiry_ms(), part_due_ms) : part_due_ms;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::IndexExpiry(Stripe& stripe, const KeyRef& key, Entry* entry,
                                                           int64_t now_ms) {
  AddDueItem(stripe, key, entry->expiry_ms(), now_ms);
  EntryStore::SetInExpiryIndex(entry, true);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::AddDueItem(Stripe& stripe, const KeyRef& key, int64_t due_ms,
                                                          int64_t now_ms) {
  if (stripe.expiry_index == nullptr) {
    stripe.expiry_index = new KeyExpiryIndex;
    may_hold_expiring_.store(true, std::memory_order_relaxed);
  }
  KeyExpiryIndex& index = *stripe.expiry_index;
  // Parts that expire have items too and are not counted: what they have must double.
  if (index.item_count() > 2 * size_t{stripe.expiring_count.load(std::memory_order_relaxed)} + 128 &&
      index.has_doubled()) {
    RebuildExpiryIndex(stripe, now_ms);
  }
  index.Add(static_cast<uint32_t>(key.hash), due_ms, now_ms);
  stripe.next_due_ms.store(index.next_due_ms(), std::memory_order_relaxed);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::IndexDueParts(const KeyRef& key, Entry* entry, int64_t now_ms) {
  const int64_t due_ms = NextPartDueMs(entry);
  if (due_ms != KeyExpiryIndex::kNever) AddDueItem(StripeOf(key), key, due_ms, now_ms);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS bool Database::EraseDueParts(const KeyRef& key, Mutation& mutation) {
  constexpr size_t kPartsPerCall = 64;
  Stripe& stripe = StripeOf(key);
  const KeyTable::Slot slot = stripe.table.Find(key.name, key.hash);
  if (slot.entry == nullptr) return false;
  if (!mutation.removes_expired || NextPartDueMs(slot.entry) > mutation.now_ms) return true;
  std::vector<std::string> erased;
  WillChange(key, slot, mutation);
  const uint64_t items_before = slot.entry->value_size();
  const bool has_more = OperationsOf(slot.entry->type())
                            .erase_due(slot.entry->object(), mutation.now_ms, kPartsPerCall,
                                       [&](std::string_view name) { erased.emplace_back(name); });
  if (erased.empty()) return true;
  const ValueType type = slot.entry->type();
  CountItems(key, type, items_before, slot.entry->value_size(), mutation);
  if (mutation.listener != nullptr) mutation.listener->OnPartsExpired(*this, key.name, type, erased, !has_more);
  Modified(key, mutation);
  if (!has_more) RemoveEntry(stripe, slot, key.hash, mutation);
  return has_more;
}

// Drops the items of entries that are gone. Linear in the stripe, but only after as many additions.
KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::RebuildExpiryIndex(Stripe& stripe, int64_t now_ms) {
  struct Context {
    KeyExpiryIndex* index;
    int64_t now_ms;
  } context{stripe.expiry_index, now_ms};
  stripe.expiry_index->Clear();
  stripe.table.ForEach(&context, [](void* raw, Entry* entry) {
    const int64_t due_ms = NextDueMs(entry);
    if (due_ms == KeyExpiryIndex::kNever) return;
    const auto* to = static_cast<const Context*>(raw);
    to->index->Add(static_cast<uint32_t>(HashKey(entry->key())), due_ms, to->now_ms);
    if (entry->has_expiry()) EntryStore::SetInExpiryIndex(entry, true);
  });
  stripe.expiry_index->MarkRebuilt();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::InsertNew(const KeyRef& key, Entry* entry, Mutation& mutation) {
  Stripe& stripe = StripeOf(key);
  KVICK_DEBUG_ASSERT(mutation.is_alone || stripe.lock.IsHeld());
  entry->set_access(mutation.access_clock);
  EntryStore::SetMark(entry, cut_mark_);
  stripe.table.Insert(entry, key.hash);
  ++mutation.layout_change_count;
  key_sizes_->Add(entry->type(), entry->value_size(), key, mutation.counter_shard);
  Modified(key, mutation);
  Bump(stripe.entry_count, 1);
  if (stripe.entry_count.load(std::memory_order_relaxed) == kCachedEntriesMax) {
    outgrows_caches_.store(true, std::memory_order_relaxed);
  }
  if (entry->has_expiry()) {
    Bump(stripe.expiring_count, 1);
    IndexExpiry(stripe, key, entry, mutation.now_ms);
  }
  IndexDueParts(key, entry, mutation.now_ms);
}

// Not inlined, so that it costs those who compress nothing a comparison. What is built piece by piece does not come
// here: it is going to be changed again.
[[gnu::noinline]] static KeyTable::Slot PutCompressed(Database& database, const KeyRef& key,
                                                      const KeyTable::Slot& found, StringInput value,
                                                      PutOptions options, Mutation& mutation) {
  const ValueCompression* const compression = std::exchange(mutation.compression, nullptr);
  const CompressedBytesRef compressed = CompressedBytes::TryMake(value.bytes, *compression);
  value.compressed = compressed.get();
  const KeyTable::Slot slot = database.PutString(key, found, value, options, mutation);
  mutation.compression = compression;
  return slot;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS KeyTable::Slot Database::PutString(const KeyRef& key, const KeyTable::Slot& found,
                                                                   StringInput value, PutOptions options,
                                                                   Mutation& mutation) {
  const size_t stripe_index = key.stripe_index();
  BlockPool& pool = PoolOf(stripe_index);
  if (CompressionUse::WasNoted() && mutation.compression != nullptr &&
      mutation.compression->method != CompressionMethod::kNone && !value.is_raw) [[unlikely]] {
    return PutCompressed(*this, key, found, value, options, mutation);
  }
  if (found.entry == nullptr) {
    InsertNew(key, EntryStore::MakeString(pool, key.name, value, options.expiry_ms), mutation);
    // Callers rarely need the slot of a new key; those that do ask again.
    return {};
  }
  Stripe& stripe = stripes_[stripe_index];
  Change(key, found, mutation);
  KeyTable::Slot slot = found;
  if (slot.entry->type() == ValueType::kString) {
    const uint64_t size_before = slot.entry->value_size();
    if (size_before != value.bytes.size()) {
      key_sizes_->Change(ValueType::kString, size_before, value.bytes.size(), key, mutation.counter_shard);
    }
  } else {
    key_sizes_->Remove(slot.entry->type(), slot.entry->value_size(), key, mutation.counter_shard);
    key_sizes_->Add(ValueType::kString, value.bytes.size(), key, mutation.counter_shard);
  }
  if (!options.keep_expiry && (slot.entry->has_expiry() || options.expiry_ms != Entry::kNoExpiry)) {
    SetExpiry(key, &slot, options.expiry_ms, mutation);
  }
  const bool may_be_captured = snapshot_ != nullptr && slot.entry->form() == ValueForm::kObject;
  if (may_be_captured || (mutation.free_later != nullptr && EntryStore::IsExpensiveToFree(slot.entry))) {
    Entry* made = EntryStore::MakeString(pool, key.name, value, slot.entry->expiry_ms());
    made->set_access(slot.entry->access());
    made->set_uses(slot.entry->uses());
    EntryStore::SetInExpiryIndex(made, slot.entry->is_in_expiry_index());
    EntryStore::SetMark(made, slot.entry->mark());
    FreeEntry(slot.entry, mutation);
    slot.entry = made;
  } else {
    slot.entry = EntryStore::ReplaceByString(pool, slot.entry, value);
  }
  stripe.table.Replace(slot, slot.entry);
  return slot;
}

void Database::PutInteger(const KeyRef& key, const KeyTable::Slot& found, int64_t value, Mutation& mutation) {
  if (found.entry != nullptr && found.entry->form() == ValueForm::kInteger) {
    Change(key, found, mutation);
    const size_t size = IntegerTextSize(value);
    const uint64_t size_before = found.entry->value_size();
    if (size != size_before) key_sizes_->Change(ValueType::kString, size_before, size, key, mutation.counter_shard);
    EntryStore::ReplaceInteger(found.entry, value);
    return;
  }
  char text[kInt64TextMax];
  PutString(key, found, {{text, FormatInt64(value, text)}}, {.keep_expiry = true}, mutation);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS KeyTable::Slot Database::PutObject(const KeyRef& key, const KeyTable::Slot& found,
                                                                   ValueType type, void* object, PutOptions options,
                                                                   Mutation& mutation) {
  int64_t expiry_ms = options.expiry_ms;
  if (found.entry != nullptr) {
    if (options.keep_expiry) expiry_ms = found.entry->expiry_ms();
    Erase(key, found, mutation);
  }
  InsertNew(key, EntryStore::MakeObject(PoolOf(key.stripe_index()), key.name, type, object, expiry_ms), mutation);
  return StripeOf(key).table.Find(key.name, key.hash);
}

void Database::PutPacked(const KeyRef& key, ValueType type, const PackedValue& packed, int64_t expiry_ms,
                         Mutation& mutation) {
  InsertNew(key, EntryStore::MakePacked(PoolOf(key.stripe_index()), key.name, type, packed, expiry_ms), mutation);
}

void Database::Reserve(uint64_t entry_count) {
  const uint64_t each = entry_count / Stripe::kCount;
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    SpinLockHolder holder(stripes_[i].lock);
    stripes_[i].table.Reserve(each);
  }
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::HoldCollection(const KeyRef& key, const KeyTable::Slot& slot,
                                                              void* object) {
  Entry* entry = slot.entry;
  const ValueOperations& operations = OperationsOf(entry->type());
  const std::optional<PackedValue> packed = operations.packed != nullptr ? operations.packed(object) : std::nullopt;
  if (!packed || !EntryStore::FitsPacked(*entry, packed->bytes.size())) return HoldObject(key, slot, object);
  Entry* held = EntryStore::HoldPacked(PoolOf(key.stripe_index()), entry, *packed);
  if (held != entry) StripeOf(key).table.Replace(slot, held);
  operations.destroy(object);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::HoldObject(const KeyRef& key, const KeyTable::Slot& slot, void* object) {
  if (slot.entry->form() == ValueForm::kObject) return;
  StripeOf(key).table.Replace(slot, EntryStore::HoldObject(PoolOf(key.stripe_index()), slot.entry, object));
}

KVICK_NO_THREAD_SAFETY_ANALYSIS char* Database::SplicePacked(const KeyRef& key, KeyTable::Slot* slot,
                                                             const PackedSplice& splice, Mutation& mutation) {
  Entry* const entry = slot->entry;
  if (!EntryStore::FitsPacked(*entry, entry->packed().bytes.size() - splice.erased + splice.inserted)) return nullptr;
  WillChange(key, *slot, mutation);
  const ValueType type = entry->type();
  slot->entry = EntryStore::SplicePacked(PoolOf(key.stripe_index()), entry, splice.at, splice.erased, splice.inserted);
  if (slot->entry != entry) StripeOf(key).table.Replace(*slot, slot->entry);
  CountItems(key, type, splice.items_before, splice.items_after, mutation);
  return slot->entry->packed_bytes();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS KeyTable::Slot Database::FindAgain(const KeyRef& key) {
  return StripeOf(key).table.Find(key.name, key.hash);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS char* Database::ResizeString(const KeyRef& key, KeyTable::Slot* slot, size_t size,
                                                             Mutation& mutation) {
  Stripe& stripe = StripeOf(key);
  if (slot->entry == nullptr) {
    InsertNew(key, EntryStore::MakeString(PoolOf(key.stripe_index()), key.name, {"", false}, Entry::kNoExpiry),
              mutation);
    *slot = stripe.table.Find(key.name, key.hash);
  } else {
    Change(key, *slot, mutation);
  }
  key_sizes_->Change(ValueType::kString, slot->entry->value_size(), size, key, mutation.counter_shard);
  char* bytes = EntryStore::ResizeString(PoolOf(key.stripe_index()), &slot->entry, size);
  stripe.table.Replace(*slot, slot->entry);
  return bytes;
}

void Database::WillChange(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation) {
  KVICK_DEBUG_ASSERT(mutation.is_alone || StripeOf(key).lock.IsHeld());
  if (snapshot_ != nullptr) snapshot_->BeforeChange(cut_index_, StripeOf(key), slot.entry);
  if (mutation.touches_on_change) slot.entry->set_access(mutation.access_clock);
}

void Database::Change(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation) {
  WillChange(key, slot, mutation);
  Modified(key, mutation);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::TellModified(const KeyRef& key, Mutation& mutation) {
  const Stripe& stripe = StripeOf(key);
  if (stripe.watchers != nullptr) stripe.watchers->Touch(key.name);
  if (mutation.tells_changes != nullptr && mutation.tells_changes->load(std::memory_order_relaxed)) {
    mutation.listener->OnModified(*this, key.name);
  }
  TellAwaited(key, mutation);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::TellAwaited(const KeyRef& key, Mutation& mutation) {
  const Stripe& stripe = StripeOf(key);
  if (stripe.waiters != nullptr && mutation.listener != nullptr && stripe.waiters->Find(key.name) != nullptr) {
    mutation.listener->OnAwaitedKey(*this, key.name);
  }
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::TellAllAwaited(Mutation& mutation) {
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    if (stripes_[i].waiters == nullptr) continue;
    for (const auto& [name, queue] : stripes_[i].waiters->queues()) mutation.listener->OnAwaitedKey(*this, name);
  }
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::Watch(const KeyRef& key, WatchMark* mark) {
  Stripe& stripe = StripeOf(key);
  if (stripe.watchers == nullptr) stripe.watchers = new KeyWatchers;
  const size_t count_before = stripe.watchers->key_count();
  stripe.watchers->Add(key.name, mark);
  watched_key_count_.fetch_add(stripe.watchers->key_count() - count_before, std::memory_order_relaxed);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::Unwatch(const KeyRef& key, WatchMark* mark) {
  const Stripe& stripe = StripeOf(key);
  if (stripe.watchers == nullptr) return;
  const size_t count_before = stripe.watchers->key_count();
  stripe.watchers->Remove(key.name, mark);
  watched_key_count_.fetch_sub(count_before - stripe.watchers->key_count(), std::memory_order_relaxed);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::TouchAllWatchers(Database& other, int64_t now_ms) {
  const auto exists = [now_ms](const Stripe& stripe, const KeyRef& key) KVICK_NO_THREAD_SAFETY_ANALYSIS {
    const Entry* entry = stripe.table.Find(key.name, key.hash).entry;
    return entry != nullptr && (!entry->has_expiry() || entry->expiry_ms() > now_ms);
  };
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    KeyWatchers* watchers = stripes_[i].watchers;
    if (watchers == nullptr) continue;
    watchers->ForEachKey([&](const std::string& name) {
      const KeyRef key = KeyRef::Make(name);
      if (exists(stripes_[i], key) || exists(other.stripes_[i], key)) watchers->Touch(name);
    });
  }
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::SetExpiry(const KeyRef& key, KeyTable::Slot* slot, int64_t expiry_ms,
                                                         Mutation& mutation) {
  Stripe& stripe = StripeOf(key);
  Change(key, *slot, mutation);
  const int64_t old_expiry_ms = slot->entry->expiry_ms();
  const bool had = old_expiry_ms != Entry::kNoExpiry;
  const bool has = expiry_ms != Entry::kNoExpiry;
  const bool was_indexed = slot->entry->is_in_expiry_index();
  slot->entry = EntryStore::SetExpiry(PoolOf(key.stripe_index()), slot->entry, expiry_ms);
  stripe.table.Replace(*slot, slot->entry);
  if (had != has) Bump(stripe.expiring_count, has ? 1 : -1);
  if (!has) return;
  if (had && was_indexed && old_expiry_ms <= expiry_ms) {
    EntryStore::SetInExpiryIndex(slot->entry, true);
    return;
  }
  IndexExpiry(stripe, key, slot->entry, mutation.now_ms);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::RemoveEntry(Stripe& stripe, const KeyTable::Slot& slot, uint64_t hash,
                                                           Mutation& mutation) {
  Entry* entry = slot.entry;
  key_sizes_->Remove(entry->type(), entry->value_size(), {entry->key(), hash}, mutation.counter_shard);
  Bump(stripe.entry_count, -1);
  if (entry->has_expiry()) Bump(stripe.expiring_count, -1);
  stripe.table.Erase(slot, hash);
  ++mutation.layout_change_count;
  FreeEntry(entry, mutation);
}

void Database::FreeEntry(Entry* entry, Mutation& mutation) {
  if (snapshot_ != nullptr && entry->form() == ValueForm::kObject && snapshot_->Keep(entry->object())) {
    EntryStore::FreeBlock(entry);
  } else if (mutation.free_later != nullptr && EntryStore::IsExpensiveToFree(entry)) {
    (*mutation.free_later)(entry);
  } else {
    EntryStore::Free(entry);
  }
}

void Database::Erase(const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation) {
  Change(key, slot, mutation);
  RemoveEntry(StripeOf(key), slot, key.hash, mutation);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::MoveEntry(const KeyRef& source_key, const KeyTable::Slot& source,
                                                         Database& target, const KeyRef& target_key, int64_t expiry_ms,
                                                         Mutation& mutation) {
  Change(source_key, source, mutation);
  Stripe& stripe = StripeOf(source_key);
  Entry* entry = source.entry;
  key_sizes_->Remove(entry->type(), entry->value_size(), source_key, mutation.counter_shard);
  Bump(stripe.entry_count, -1);
  if (entry->has_expiry()) Bump(stripe.expiring_count, -1);
  stripe.table.Erase(source, source_key.hash);
  ++mutation.layout_change_count;
  Entry* moved = EntryStore::MoveValue(target.PoolOf(target_key.stripe_index()), entry, target_key.name, expiry_ms);
  const uint32_t access = moved->access();
  if (snapshot_ != nullptr && moved->form() == ValueForm::kObject) {
    snapshot_->Moved(moved->object(), target.StripeOf(target_key));
  }
  target.InsertNew(target_key, moved, mutation);
  moved->set_access(access);
}

void Database::CopyEntry(const KeyTable::Slot& source, Database& target, const KeyRef& target_key, int64_t expiry_ms,
                         Mutation& mutation) {
  BlockPool& pool = target.PoolOf(target_key.stripe_index());
  target.InsertNew(target_key, EntryStore::CopyValue(pool, source.entry, target_key.name, expiry_ms), mutation);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS bool Database::RemoveExpired(size_t stripe_index, size_t item_count_max,
                                                             Mutation& mutation) {
  Stripe& stripe = stripes_[stripe_index];
  if (stripe.expiry_index == nullptr) return false;
  constexpr size_t kItemBatch = 64;
  uint32_t items[kItemBatch];
  const size_t count = stripe.expiry_index->TakeDue(mutation.now_ms, items, std::min(item_count_max, kItemBatch));
  struct Context {
    uint32_t hash;
    Entry* found;
    uint64_t full_hash;
    int64_t due_ms;
  };
  for (size_t i = 0; i < count; ++i) stripe.table.PrefetchBucket(items[i]);
  for (size_t i = 0; i < count; ++i) stripe.table.PrefetchEntry(items[i]);
  for (size_t i = 0; i < count; ++i) {
    Context context{items[i], nullptr, 0, 0};
    stripe.table.ForEachCandidate(
        items[i], &context,
        [](void* raw, Entry* entry) {
          auto* wanted = static_cast<Context*>(raw);
          const int64_t due_ms = NextDueMs(entry);
          if (due_ms == KeyExpiryIndex::kNever) return;
          const uint64_t hash = HashKey(entry->key());
          if ((static_cast<uint32_t>(hash) & KeyExpiryIndex::kHashMask) != wanted->hash) return;
          // Two keys with the same bits: the earlier one is what this item can help.
          if (wanted->found != nullptr && wanted->due_ms <= due_ms) return;
          wanted->found = entry;
          wanted->due_ms = due_ms;
          wanted->full_hash = hash;
        },
        /*knows_all_bits=*/false);
    Entry* entry = context.found;
    if (entry == nullptr) continue;
    const KeyRef key{entry->key(), context.full_hash};
    if (context.due_ms > mutation.now_ms) {
      stripe.expiry_index->Add(items[i], context.due_ms, mutation.now_ms);
      continue;
    }
    if (!mutation.removes_expired) {
      // A replica waits for its primary's word; look again in a while.
      stripe.expiry_index->Add(items[i], mutation.now_ms + 1000, mutation.now_ms);
      continue;
    }
    if (FindUnexpired(key, mutation).entry != nullptr && EraseDueParts(key, mutation)) {
      const int64_t due_ms = NextDueMs(entry);
      if (due_ms != KeyExpiryIndex::kNever) stripe.expiry_index->Add(items[i], due_ms, mutation.now_ms);
    }
  }
  const int64_t next_due_ms = stripe.expiry_index->next_due_ms();
  stripe.next_due_ms.store(next_due_ms == KeyExpiryIndex::kNever ? 0 : next_due_ms, std::memory_order_relaxed);
  return next_due_ms <= mutation.now_ms;
}

uint64_t Database::EntryCount() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) sum += stripes_[i].entry_count.load(std::memory_order_relaxed);
  return sum;
}

uint64_t Database::ExpiringCount() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) sum += stripes_[i].expiring_count.load(std::memory_order_relaxed);
  return sum;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS std::optional<uint64_t> Database::MeasureIfFree(const KeyRef& key, ValueType type,
                                                                                bool* is_busy) {
  Stripe& stripe = StripeOf(key);
  *is_busy = !stripe.lock.TryLock();
  if (*is_busy) return std::nullopt;
  const Entry* entry = stripe.table.Find(key.name, key.hash).entry;
  std::optional<uint64_t> size;
  if (entry != nullptr && entry->type() == type) size = entry->value_size();
  stripe.lock.Unlock();
  return size;
}

size_t Database::TableBytes() {
  size_t sum = 0;
  size_t latest = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    if (stripes_[i].entry_count.load(std::memory_order_relaxed) == 0) continue;
    if (stripes_[i].lock.TryLock()) {
      latest = stripes_[i].table.memory_bytes();
      if (stripes_[i].expiry_index != nullptr) latest += stripes_[i].expiry_index->memory_bytes();
      stripes_[i].lock.Unlock();
    }
    sum += latest;
  }
  return sum;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS std::unique_ptr<Database::Contents> Database::TakeContents() {
  StripeArray fresh = MakeStripes();
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    fresh[i].watchers = std::exchange(stripes_[i].watchers, nullptr);
    fresh[i].waiters = std::exchange(stripes_[i].waiters, nullptr);
  }
  std::swap(stripes_, fresh);
  key_sizes_->Clear();
  may_hold_expiring_.store(false, std::memory_order_relaxed);
  outgrows_caches_.store(false, std::memory_order_relaxed);
  auto contents = std::make_unique<Contents>(std::move(fresh));
  if (snapshot_ != nullptr) snapshot_->Keep(&contents);
  return contents;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Database::SwapContents(Database& other) {
  std::swap(stripes_, other.stripes_);
  std::swap(key_sizes_, other.key_sizes_);
  const bool outgrows_caches = outgrows_caches_.exchange(other.outgrows_caches_.load(std::memory_order_relaxed));
  other.outgrows_caches_.store(outgrows_caches, std::memory_order_relaxed);
  std::swap(cut_index_, other.cut_index_);
  const bool mine = may_hold_expiring();
  may_hold_expiring_.store(other.may_hold_expiring(), std::memory_order_relaxed);
  other.may_hold_expiring_.store(mine, std::memory_order_relaxed);
  // Who watches or waits stays with the database number, not with the data.
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    std::swap(stripes_[i].watchers, other.stripes_[i].watchers);
    std::swap(stripes_[i].waiters, other.stripes_[i].waiters);
  }
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Database::Contents::~Contents() {
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    if (stripes_[i].entry_count.load(std::memory_order_relaxed) > 0) {
      stripes_[i].table.ForEach(nullptr, FreeEntryVisitor);
      stripes_[i].table.FreeBuckets();
    }
    delete stripes_[i].expiry_index;
  }
}

uint64_t Database::Contents::entry_count() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) sum += stripes_[i].entry_count.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace kvick
