#include "keyspace/entry.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/block_pool.h"
#include "base/numbers.h"
#include "keyspace/integer_text.h"

namespace kvick {
namespace {

constexpr size_t kPointerBytes = sizeof(void*);
// A value of more separate allocations than this is freed in the background.
constexpr size_t kFreeEffortMax = 64;
// SharedBytes up to this size are freed at once: the allocator keeps them in its thread cache.
constexpr size_t kFreeBytesMax = size_t{256} * 1024;

// Strings longer than this are never integers.
bool MayBeInteger(std::string_view bytes) {
  return bytes.size() <= kInt64TextMax && !bytes.empty() && (bytes[0] == '-' || (bytes[0] >= '0' && bytes[0] <= '9'));
}

SharedBytes* HoldOrCopy(const StringInput& value) {
  if (value.shared == nullptr) return SharedBytes::Make(value.bytes);
  value.shared->Hold();
  return value.shared;
}

// A function of its own, so that strings that are not compressed are read without a frame on the stack.
[[gnu::noinline]] StringRef Unpack(CompressedBytes* packed) {
  StringRef ref;
  ref.shared = UnpackScope::Unpack(packed);
  ref.bytes = ref.shared->view();
  return ref;
}

}  // namespace

std::string_view StringRef::Text(char* buffer) const {
  return is_integer ? std::string_view(buffer, FormatInt64(integer, buffer)) : bytes;
}

size_t StringRef::size() const { return is_integer ? IntegerTextSize(integer) : bytes.size(); }

StringRef Entry::string() const {
  StringRef ref;
  const char* value = data() + ValueOffset();
  if (form() == ValueForm::kInline) {
    ref.bytes = {value, inline_size_};
    return ref;
  }
  switch (form()) {
    case ValueForm::kInline: break;
    case ValueForm::kInteger:
      ref.is_integer = true;
      std::memcpy(&ref.integer, value, sizeof(ref.integer));
      break;
    case ValueForm::kShared:
      ref.shared = static_cast<SharedBytes*>(ReadValuePointer());
      ref.bytes = ref.shared->view();
      break;
    case ValueForm::kCompressed: return Unpack(compressed());
    case ValueForm::kObject:
    case ValueForm::kPacked: KVICK_ASSERT(false); break;
  }
  return ref;
}

CollectionView::CollectionView(const Entry& entry) {
  if (entry.form() == ValueForm::kObject) {
    value_ = entry.object();
  } else {
    OperationsOf(entry.type()).borrow(entry.packed(), &storage_);
    value_ = storage_.bytes;
  }
}

std::string_view Entry::encoding_name() const {
  constexpr size_t kEmbeddedStringMax = 44;
  if (type() != ValueType::kString) return OperationsOf(type()).encoding_name(CollectionView(*this).get());
  if (form() == ValueForm::kInteger) return "int";
  return is_raw() || value_size() > kEmbeddedStringMax ? "raw" : "embstr";
}

// Of a collection. A function of its own, so that the length of a string is told without a frame on the stack.
[[gnu::noinline]] static uint64_t ItemCount(const Entry& entry) {
  const auto item_count = OperationsOf(entry.type()).item_count;
  return item_count != nullptr ? item_count(CollectionView(entry).get()) : 0;
}

uint64_t Entry::value_size() const {
  // The common case by far, before the jump through a table.
  if (form() == ValueForm::kInline) return inline_size_;
  switch (form()) {
    case ValueForm::kInline: break;
    case ValueForm::kInteger: {
      int64_t integer;
      std::memcpy(&integer, data() + ValueOffset(), sizeof(integer));
      return IntegerTextSize(integer);
    }
    case ValueForm::kShared: return static_cast<SharedBytes*>(ReadValuePointer())->size();
    case ValueForm::kCompressed: return compressed()->plain_size();
    case ValueForm::kObject:
    case ValueForm::kPacked: break;
  }
  return ItemCount(*this);
}

size_t Entry::block_bytes() const { return sizeof(Entry) + ValueOffset() + ValueBytes(); }

size_t Entry::HangingBytes() const {
  return form() == ValueForm::kShared ? static_cast<SharedBytes*>(ReadValuePointer())->allocated_bytes()
                                      : compressed()->allocated_bytes();
}

size_t Entry::memory_bytes() const {
  size_t total = BlockPool::BlockSize(block_bytes());
  if (hangs_bytes()) total += HangingBytes();
  if (form() == ValueForm::kObject) total += OperationsOf(type()).memory_bytes(object());
  if (form() == ValueForm::kPacked && packed().kind != 0) {
    const ValueOperations& operations = OperationsOf(type());
    if (operations.packed_share_bytes != nullptr) total += operations.packed_share_bytes(packed());
  }
  return total;
}

bool EntryStore::FitsInline(size_t key_size, bool has_expiry, size_t value_size) {
  return sizeof(Entry) + (has_expiry ? 8 : 0) + (key_size > Entry::kShortKeyMax ? 4 : 0) + key_size + value_size <=
         Entry::kInlineBlockMax;
}

Entry* EntryStore::MakeBlock(BlockPool& pool, const Shape& shape) {
  const bool has_expiry = shape.expiry_ms != Entry::kNoExpiry;
  const bool long_key = shape.key.size() > Entry::kShortKeyMax;
  const size_t size = sizeof(Entry) + (has_expiry ? 8 : 0) + (long_key ? 4 : 0) + shape.key.size() + shape.value_bytes;
  Entry* entry = new (pool.Allocate(size)) Entry;
  entry->type_and_form_ =
      static_cast<uint8_t>(static_cast<unsigned>(shape.type) | static_cast<unsigned>(shape.form) << 4);
  entry->flags_ = static_cast<uint8_t>((has_expiry ? Entry::kHasExpiry : 0) | (long_key ? Entry::kLongKey : 0));
  entry->set_access(0);
  entry->short_key_size_ = long_key ? 0 : static_cast<uint8_t>(shape.key.size());
  entry->inline_size_ = entry->holds_bytes() ? static_cast<uint16_t>(shape.value_bytes) : 0;
  char* out = entry->data();
  if (has_expiry) {
    std::memcpy(out, &shape.expiry_ms, sizeof(shape.expiry_ms));
    out += sizeof(shape.expiry_ms);
  }
  if (long_key) {
    const auto key_size = static_cast<uint32_t>(shape.key.size());
    std::memcpy(out, &key_size, sizeof(key_size));
    out += sizeof(key_size);
  }
  std::memcpy(out, shape.key.data(), shape.key.size());
  return entry;
}

Entry* EntryStore::MakeString(BlockPool& pool, std::string_view key, StringInput value, int64_t expiry_ms) {
  Shape shape{key, ValueType::kString, ValueForm::kInline, value.bytes.size(), expiry_ms};
  if (value.try_integer && MayBeInteger(value.bytes)) {
    if (const auto integer = ParseInt64(value.bytes)) {
      shape.form = ValueForm::kInteger;
      shape.value_bytes = sizeof(int64_t);
      Entry* entry = MakeBlock(pool, shape);
      WriteValue(entry, &*integer, sizeof(*integer));
      return entry;
    }
  }
  Entry* entry = nullptr;
  if (value.compressed == nullptr && FitsInline(key.size(), expiry_ms != Entry::kNoExpiry, value.bytes.size())) {
    entry = MakeBlock(pool, shape);
    WriteValue(entry, value.bytes.data(), value.bytes.size());
  } else {
    shape.form = FormOfLong(value);
    shape.value_bytes = kPointerBytes;
    entry = MakeBlock(pool, shape);
    HoldLong(entry, value);
  }
  SetRaw(entry, value.is_raw);
  return entry;
}

Entry* EntryStore::MakeObject(BlockPool& pool, std::string_view key, ValueType type, void* object, int64_t expiry_ms) {
  Entry* entry = MakeBlock(pool, {key, type, ValueForm::kObject, kPointerBytes, expiry_ms});
  WriteValue(entry, &object, kPointerBytes);
  return entry;
}

Entry* EntryStore::MakePacked(BlockPool& pool, std::string_view key, ValueType type, const PackedValue& packed,
                              int64_t expiry_ms) {
  if (!FitsInline(key.size(), expiry_ms != Entry::kNoExpiry, packed.bytes.size())) {
    return MakeObject(pool, key, type, OperationsOf(type).unpack(packed), expiry_ms);
  }
  Entry* entry = MakeBlock(pool, {key, type, ValueForm::kPacked, packed.bytes.size(), expiry_ms});
  WriteValue(entry, packed.bytes.data(), packed.bytes.size());
  if (packed.kind != 0) {
    entry->flags_ |= Entry::kPackedKind;
    HoldReference(type, packed);
  }
  return entry;
}

void EntryStore::KeepBits(Entry* made, const Entry* before) {
  KeepBitsButIndexed(made, before);
  made->flags_ |= before->flags_ & Entry::kInExpiryIndex;
}

void EntryStore::KeepBitsButIndexed(Entry* made, const Entry* before) {
  made->set_access(before->access());
  made->set_uses(before->uses());
  SetMark(made, before->mark());
}

Entry* EntryStore::HoldPacked(BlockPool& pool, Entry* entry, const PackedValue& packed) {
  const size_t size = packed.bytes.size();
  if (entry->form() == ValueForm::kPacked && BlockPool::BlockSize(entry->block_bytes() - entry->inline_size_ + size) ==
                                                 BlockPool::BlockSize(entry->block_bytes())) {
    if (packed.kind != 0) HoldReference(entry->type(), packed);
    DropReference(entry);
    WriteValue(entry, packed.bytes.data(), size);
    entry->inline_size_ = static_cast<uint16_t>(size);
    entry->flags_ = static_cast<uint8_t>(packed.kind != 0 ? entry->flags_ | Entry::kPackedKind
                                                          : entry->flags_ & ~Entry::kPackedKind);
    return entry;
  }
  Entry* made = MakePacked(pool, entry->key(), entry->type(), packed, entry->expiry_ms());
  KeepBits(made, entry);
  FreeBlock(entry);
  return made;
}

Entry* EntryStore::SplicePacked(BlockPool& pool, Entry* entry, size_t at, size_t erased, size_t inserted) {
  const size_t size = entry->inline_size_;
  const size_t front = entry->ValueOffset() + at;  // bytes that stay where they are
  const size_t block_bytes = sizeof(Entry) + entry->ValueOffset() + size;
  const size_t made_bytes = block_bytes - erased + inserted;
  char* const behind = entry->data() + front + erased;
  const size_t behind_bytes = size - at - erased;
  Entry* held = entry;
  if (BlockPool::BlockSize(made_bytes) == BlockPool::BlockSize(block_bytes)) {
    if (erased != inserted) std::memmove(entry->data() + front + inserted, behind, behind_bytes);
  } else {
    held = static_cast<Entry*>(pool.Allocate(made_bytes));
    std::memcpy(static_cast<void*>(held), entry, sizeof(Entry) + front);
    std::memcpy(held->data() + front + inserted, behind, behind_bytes);
    BlockPool::Free(entry, block_bytes);  // what the bytes refer to, they go on referring to
  }
  held->inline_size_ = static_cast<uint16_t>(size - erased + inserted);
  return held;
}

Entry* EntryStore::HoldObject(BlockPool& pool, Entry* entry, void* object) {
  Entry* made = MakeObject(pool, entry->key(), entry->type(), object, entry->expiry_ms());
  KeepBits(made, entry);
  FreeBlock(entry);
  return made;
}

Entry* EntryStore::ReplaceByString(BlockPool& pool, Entry* entry, StringInput value) {
  // The common case by far: bytes of the same length, or an integer by an integer.
  if (entry->form() == ValueForm::kInline && !(value.try_integer && MayBeInteger(value.bytes)) &&
      entry->inline_size_ == value.bytes.size()) {
    WriteValue(entry, value.bytes.data(), value.bytes.size());
    SetRaw(entry, value.is_raw);
    return entry;
  }
  if (entry->form() == ValueForm::kInteger && value.try_integer && MayBeInteger(value.bytes)) {
    if (const auto integer = ParseInt64(value.bytes)) {
      WriteValue(entry, &*integer, sizeof(*integer));
      return entry;
    }
  }
  if (entry->hangs_bytes() && (value.compressed != nullptr || value.bytes.size() > Entry::kInlineBlockMax)) {
    // First the one and then the other: the value may be the entry's own.
    void* const dropped = entry->ReadValuePointer();
    const ValueForm form_before = entry->form();
    HoldLong(entry, value);
    DropLong(form_before, dropped);
    SetRaw(entry, value.is_raw);
    return entry;
  }
  Entry* made = MakeString(pool, entry->key(), value, entry->expiry_ms());
  KeepBits(made, entry);
  Free(entry);
  return made;
}

Entry* EntryStore::SetExpiry(BlockPool& pool, Entry* entry, int64_t expiry_ms) {
  if (entry->has_expiry() == (expiry_ms != Entry::kNoExpiry)) {
    if (entry->has_expiry()) std::memcpy(entry->data(), &expiry_ms, sizeof(expiry_ms));
    return entry;
  }
  if (entry->form() == ValueForm::kInline &&
      !FitsInline(entry->key_size(), expiry_ms != Entry::kNoExpiry, entry->inline_size_)) {
    Entry* made = MakeString(pool, entry->key(), {entry->string().bytes, false, entry->is_raw()}, expiry_ms);
    KeepBitsButIndexed(made, entry);
    FreeBlock(entry);
    return made;
  }
  if (entry->form() == ValueForm::kPacked) {
    Entry* made = MakePacked(pool, entry->key(), entry->type(), entry->packed(), expiry_ms);
    KeepBitsButIndexed(made, entry);
    FreeBlock(entry);
    return made;
  }
  Entry* made = MakeBlock(pool, {entry->key(), entry->type(), entry->form(), entry->ValueBytes(), expiry_ms});
  WriteValue(made, entry->data() + entry->ValueOffset(), entry->ValueBytes());
  KeepBitsButIndexed(made, entry);
  made->flags_ |= entry->flags_ & Entry::kRaw;
  FreeBlock(entry);
  return made;
}

void EntryStore::SetInExpiryIndex(Entry* entry, bool value) {
  entry->flags_ =
      static_cast<uint8_t>(value ? entry->flags_ | Entry::kInExpiryIndex : entry->flags_ & ~Entry::kInExpiryIndex);
}

char* EntryStore::ResizeString(BlockPool& pool, Entry** entry, size_t size) {
  Entry* old = *entry;
  char integer_text[kInt64TextMax];
  const StringRef value = old->string();
  const std::string_view bytes = value.Text(integer_text);
  if (old->form() == ValueForm::kShared && !value.shared->IsShared() && size <= value.shared->capacity()) {
    if (size > bytes.size()) std::memset(value.shared->data() + bytes.size(), 0, size - bytes.size());
    value.shared->set_size(size);
    old->flags_ |= Entry::kRaw;
    return value.shared->data();
  }
  if (old->form() == ValueForm::kInline && size == bytes.size()) {
    SetRaw(old, true);
    return old->data() + old->ValueOffset();
  }
  const size_t kept = std::min(bytes.size(), size);
  Shape shape{old->key(), ValueType::kString, ValueForm::kInline, size, old->expiry_ms()};
  char* out = nullptr;
  Entry* made = nullptr;
  if (FitsInline(old->key_size(), old->has_expiry(), size)) {
    made = MakeBlock(pool, shape);
    out = made->data() + made->ValueOffset();
  } else {
    shape.form = ValueForm::kShared;
    shape.value_bytes = kPointerBytes;
    made = MakeBlock(pool, shape);
    // Slack as the field gives it: double up to 1 MiB, then 1 MiB more; none for a value that does not grow.
    constexpr size_t kSlackMax = size_t{1024} * 1024;
    const size_t slack = size > bytes.size() && !bytes.empty() ? std::min(size, kSlackMax) : 0;
    SharedBytes* shared = SharedBytes::Make(size, size + slack);
    WriteValue(made, &shared, kPointerBytes);
    out = shared->data();
  }
  std::memcpy(out, bytes.data(), kept);
  std::memset(out + kept, 0, size - kept);
  made->flags_ |= Entry::kRaw;
  KeepBits(made, old);
  Free(old);
  *entry = made;
  return out;
}

Entry* EntryStore::MoveValue(BlockPool& pool, Entry* source, std::string_view key, int64_t expiry_ms) {
  Entry* made = nullptr;
  if (source->form() == ValueForm::kInline &&
      !FitsInline(key.size(), expiry_ms != Entry::kNoExpiry, source->inline_size_)) {
    made = MakeString(pool, key, {source->string().bytes, false, source->is_raw()}, expiry_ms);
  } else if (source->form() == ValueForm::kPacked) {
    made = MakePacked(pool, key, source->type(), source->packed(), expiry_ms);
  } else {
    made = MakeBlock(pool, {key, source->type(), source->form(), source->ValueBytes(), expiry_ms});
    WriteValue(made, source->data() + source->ValueOffset(), source->ValueBytes());
    SetRaw(made, source->is_raw());
  }
  made->set_access(source->access());
  made->set_uses(source->uses());
  FreeBlock(source);
  return made;
}

Entry* EntryStore::CopyValue(BlockPool& pool, const Entry* source, std::string_view key, int64_t expiry_ms) {
  if (source->form() == ValueForm::kObject) {
    return MakeObject(pool, key, source->type(), OperationsOf(source->type()).copy(source->object()), expiry_ms);
  }
  if (source->form() == ValueForm::kPacked) {
    return MakePacked(pool, key, source->type(), source->packed(), expiry_ms);
  }
  if (source->form() == ValueForm::kCompressed) {
    return MakeString(
        pool, key, {.bytes = {}, .try_integer = false, .is_raw = false, .compressed = source->compressed()}, expiry_ms);
  }
  char text[kInt64TextMax];
  const bool is_integer = source->form() == ValueForm::kInteger;
  return MakeString(pool, key, {source->string().Text(text), is_integer, source->is_raw()}, expiry_ms);
}

void EntryStore::FreeValue(Entry* entry) {
  if (entry->hangs_bytes()) DropLong(entry->form(), entry->ReadValuePointer());
  if (entry->form() == ValueForm::kObject) OperationsOf(entry->type()).destroy(entry->object());
}

ValueForm EntryStore::FormOfLong(const StringInput& value) {
  return value.compressed != nullptr ? ValueForm::kCompressed : ValueForm::kShared;
}

void EntryStore::HoldLong(Entry* entry, const StringInput& value) {
  const void* held = value.compressed;
  if (value.compressed != nullptr) {
    value.compressed->Hold();
  } else {
    held = HoldOrCopy(value);
  }
  entry->set_form(FormOfLong(value));
  WriteValue(entry, &held, kPointerBytes);
}

void EntryStore::DropLong(ValueForm form, void* bytes) {
  if (form == ValueForm::kCompressed) {
    static_cast<CompressedBytes*>(bytes)->Drop();
  } else {
    static_cast<SharedBytes*>(bytes)->Drop();
  }
}

void EntryStore::FreeBlock(Entry* entry) {
  DropReference(entry);
  BlockPool::Free(entry, entry->block_bytes());
}

void EntryStore::HoldReference(ValueType type, const PackedValue& packed) {
  const ValueOperations& operations = OperationsOf(type);
  if (operations.hold_packed != nullptr) operations.hold_packed(packed);
}

void EntryStore::DropReference(const Entry* entry) {
  if (entry->form() != ValueForm::kPacked || (entry->flags_ & Entry::kPackedKind) == 0) return;
  const ValueOperations& operations = OperationsOf(entry->type());
  if (operations.drop_packed != nullptr) operations.drop_packed(entry->packed());
}

void EntryStore::Free(Entry* entry) {
  FreeValue(entry);
  FreeBlock(entry);
}

bool EntryStore::IsExpensiveToFree(const Entry* entry) {
  if (entry->hangs_bytes()) return entry->HangingBytes() > kFreeBytesMax;
  return entry->form() == ValueForm::kObject &&
         OperationsOf(entry->type()).free_effort(entry->object()) > kFreeEffortMax;
}

}  // namespace kvick
