#include "containers/field_table.h"

#include "base/assert.h"
#include "base/block_pool.h"
#include "containers/tag_table_impl.h"

namespace kvick {

template class TagTable<FieldKind>;

Field* Field::Make(BlockPool& pool, std::string_view name, std::string_view value, int64_t expiry_ms) {
  KVICK_DEBUG_ASSERT(name.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  const bool is_long_name = name.size() >= kLongName;
  const bool is_long_value = value.size() >= kLongValue;
  const bool expires = expiry_ms != kNoExpiry;
  const size_t size =
      sizeof(Field) + (is_long_name ? 4 : 0) + (is_long_value ? 4 : 0) + (expires ? 8 : 0) + name.size() + value.size();
  auto* field = static_cast<Field*>(pool.Allocate(size));
  field->head_ = static_cast<uint8_t>((is_long_name ? kLongName : name.size()) | (expires ? kHasExpiry : 0));
  field->short_value_size_ = static_cast<uint8_t>(is_long_value ? kLongValue : value.size());
  char* at = field->data();
  const auto put = [&at](const void* bytes, size_t count) {
    if (count > 0) std::memcpy(at, bytes, count);  // an empty text may have no address
    at += count;
  };
  const auto name_size = static_cast<uint32_t>(name.size());
  const auto value_size = static_cast<uint32_t>(value.size());
  if (is_long_name) put(&name_size, sizeof(name_size));
  if (is_long_value) put(&value_size, sizeof(value_size));
  if (expires) put(&expiry_ms, sizeof(expiry_ms));
  put(name.data(), name.size());
  put(value.data(), value.size());
  return field;
}

void Field::Free(Field* field) { BlockPool::Free(field, field->block_bytes()); }

uint64_t FieldTable::MoveBlocks(uint64_t position, BlockMover& mover) {
  // The table may have shrunk since the last call.
  if (position >= table_.bucket_count()) return 0;
  table_.MoveBucket(position, mover, [&](Field* field) { return mover.Follow(field, field->block_bytes()); });
  return position + 1 < table_.bucket_count() ? position + 1 : 0;
}

FieldTable::~FieldTable() {
  if (listener_ != nullptr) {
    ForEach([this](const Field& field) {
      TellOfChange(field);
      return true;
    });
    listener_->OnGone();
  }
  table_.ForEach(nullptr, [](void*, Field* field) { Field::Free(field); });
}

// Tables spread over the pools by their address, so that threads seldom meet at a pool's lock.
BlockPool& FieldTable::pool() const { return BlockPool::Shard(reinterpret_cast<uintptr_t>(this) >> 6); }

Field* FieldTable::MakeField(std::string_view name, std::string_view value, int64_t expiry_ms) {
  Field* field = Field::Make(pool(), name, value, expiry_ms);
  field_bytes_ += BlockPool::BlockSize(field->block_bytes());
  return field;
}

void FieldTable::FreeField(Field* field) {
  field_bytes_ -= BlockPool::BlockSize(field->block_bytes());
  Field::Free(field);
}

bool FieldTable::Set(std::string_view name, std::string_view value, FieldExpiry expiry) {
  const uint64_t hash = SecretHash(name);
  const Slot slot = table_.Find(name, hash);
  if (slot.entry != nullptr) {
    Replace(slot, hash, value, expiry);
    return false;
  }
  if (listener_ != nullptr) listener_->BeforeAdding(name);
  table_.Insert(MakeField(name, value, expiry.expiry_ms), hash);
  CountExpiry(Field::kNoExpiry, expiry, hash);
  return true;
}

void FieldTable::SetExpiry(std::string_view name, FieldExpiry expiry) {
  const uint64_t hash = SecretHash(name);
  const Slot slot = table_.Find(name, hash);
  KVICK_ASSERT(slot.entry != nullptr);
  Replace(slot, hash, slot.entry->value(), expiry);
}

void FieldTable::Replace(const Slot& slot, uint64_t hash, std::string_view value, FieldExpiry expiry) {
  Field* old = slot.entry;
  TellOfChange(*old);
  const int64_t old_expiry_ms = old->expiry_ms();
  if (old->value_size() == value.size() && old_expiry_ms == expiry.expiry_ms) {
    std::memmove(old->data() + old->NameOffset() + old->name_size(), value.data(), value.size());
    return;
  }
  // The value may lie in the old block.
  Field* made = MakeField(old->name(), value, expiry.expiry_ms);
  table_.Replace(slot, made);
  FreeField(old);
  CountExpiry(old_expiry_ms, expiry, hash);
}

bool FieldTable::Erase(std::string_view name) {
  const uint64_t hash = SecretHash(name);
  const Slot slot = table_.Find(name, hash);
  if (slot.entry == nullptr) return false;
  EraseAt(slot, hash);
  return true;
}

void FieldTable::EraseField(const Field* field) {
  const uint64_t hash = SecretHash(field->name());
  EraseAt(table_.Find(field->name(), hash), hash);
}

void FieldTable::EraseAt(const Slot& slot, uint64_t hash) {
  TellOfChange(*slot.entry);
  if (slot.entry->has_expiry()) --expiring_count_;
  table_.Erase(slot, hash);
  FreeField(slot.entry);
}

// Called when the field is in the table with its new expiry.
void FieldTable::CountExpiry(int64_t old_expiry_ms, FieldExpiry expiry, uint64_t hash) {
  if (old_expiry_ms != Field::kNoExpiry) --expiring_count_;
  if (expiry.expiry_ms == Field::kNoExpiry) return;
  ++expiring_count_;
  // The item of an earlier moment moves when it comes due.
  if (old_expiry_ms != Field::kNoExpiry && old_expiry_ms <= expiry.expiry_ms) return;
  if (expiry_index_ == nullptr) expiry_index_ = std::make_unique<ExpiryIndex>();
  if (expiry_index_->item_count() > 2 * expiring_count_ + 128) return RebuildExpiryIndex(expiry.now_ms);
  expiry_index_->Add(static_cast<uint32_t>(hash), expiry.expiry_ms, expiry.now_ms);
}

// Drops the items of fields that are gone. Linear, but only after as many additions.
void FieldTable::RebuildExpiryIndex(int64_t now_ms) {
  struct Target {
    ExpiryIndex* index;
    int64_t now_ms;
  } target{expiry_index_.get(), now_ms};
  expiry_index_->Clear();
  table_.ForEach(&target, [](void* raw, Field* field) {
    if (!field->has_expiry()) return;
    const auto* to = static_cast<const Target*>(raw);
    to->index->Add(static_cast<uint32_t>(SecretHash(field->name())), field->expiry_ms(), to->now_ms);
  });
}

const Field* FieldTable::TakeDue(uint32_t hash, int64_t now_ms) {
  struct Search {
    uint32_t hash;
    const Field* earliest;
  } search{hash, nullptr};
  table_.ForEachCandidate(hash, &search, [](void* raw, Field* field) {
    auto* wanted = static_cast<Search*>(raw);
    if (!field->has_expiry() || static_cast<uint32_t>(SecretHash(field->name())) != wanted->hash) return;
    // Two fields with the same 32 bits: the earlier one is what this item can help.
    if (wanted->earliest != nullptr && wanted->earliest->expiry_ms() <= field->expiry_ms()) return;
    wanted->earliest = field;
  });
  if (search.earliest == nullptr || search.earliest->expiry_ms() <= now_ms) return search.earliest;
  expiry_index_->Add(hash, search.earliest->expiry_ms(), now_ms);
  return nullptr;
}

}  // namespace kvick
