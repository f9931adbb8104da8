#include "engine/command_context.h"

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

uint64_t ItemCount(ValueType type, const void* object) {
  const auto item_count = OperationsOf(type).item_count;
  return item_count != nullptr ? item_count(object) : 0;
}

}  // namespace

bool CommandContext::ArgIs(size_t index, std::string_view word) const {
  return EqualsIgnoreCase(arguments_[index], word);
}

Result<int64_t> CommandContext::IntegerArg(size_t index) const {
  const std::optional<int64_t> value = ParseInt64(arguments_[index]);
  if (!value) return errors::NotInteger();
  return *value;
}

KeyTable::Slot CommandContext::Find(size_t ordinal) {
  DeclaredKey& declared = keys_[ordinal];
  const KeyTable::Slot slot = declared.database->Find(declared.key, mutation());
  if (command_.has(kReadonly)) CountRead(ordinal, slot);
  return slot;
}

void CommandContext::CountRead(size_t ordinal, const KeyTable::Slot& slot) {
  CountReadOf(*keys_[ordinal].database, keys_[ordinal].key.name, slot);
}

void CommandContext::CountReadOf(Database& database, std::string_view name, const KeyTable::Slot& slot) {
  ExecutorStats& stats = executor_.stats();
  if (slot.entry != nullptr) {
    stats.keyspace_hits.Add(1);
  } else {
    stats.keyspace_misses.Add(1);
    NotifyKey(KeyEventClass::kMissed, "keymiss", database, name);
  }
}

KeyTable::Slot CommandContext::FindUndeclared(std::string_view name) {
  KVICK_ASSERT(executor_.is_exclusive());
  const KeyTable::Slot slot = database().Find(KeyRef::Make(name), mutation());
  CountReadOf(database(), name, slot);
  return slot;
}

KeyTable::Slot CommandContext::Peek(size_t ordinal) {
  DeclaredKey& declared = keys_[ordinal];
  return declared.database->Peek(declared.key, mutation());
}

Result<std::optional<StringRef>> CommandContext::FindString(size_t ordinal) {
  const KeyTable::Slot slot = Find(ordinal);
  if (slot.entry == nullptr) return std::optional<StringRef>();
  if (slot.entry->type() != ValueType::kString) return errors::WrongType();
  return std::optional<StringRef>(slot.entry->string());
}

void CommandContext::PutString(size_t ordinal, const KeyTable::Slot& slot, StringInput value, PutOptions options) {
  DeclaredKey& declared = keys_[ordinal];
  NotifyReplaced(ordinal, slot.entry, ValueType::kString);
  if (value.shared == nullptr) value.shared = executor_.FindLargeArgument(value.bytes);
  declared.database->PutString(declared.key, slot, value, options, mutation());
}

void CommandContext::UpdateString(size_t ordinal, const KeyTable::Slot& slot, StringInput value) {
  if (slot.entry == nullptr) Notify(KeyEventClass::kNew, "new", ordinal);
  keys_[ordinal].database->PutString(keys_[ordinal].key, slot, value, {.keep_expiry = true}, mutation());
}

void CommandContext::UpdateInteger(size_t ordinal, const KeyTable::Slot& slot, int64_t value) {
  if (slot.entry == nullptr) Notify(KeyEventClass::kNew, "new", ordinal);
  keys_[ordinal].database->PutInteger(keys_[ordinal].key, slot, value, mutation());
}

void CommandContext::SetExpiry(size_t ordinal, KeyTable::Slot* slot, int64_t expiry_ms) {
  keys_[ordinal].database->SetExpiry(keys_[ordinal].key, slot, expiry_ms, mutation());
}

char* CommandContext::ResizeString(size_t ordinal, KeyTable::Slot* slot, size_t size) {
  if (slot->entry == nullptr) Notify(KeyEventClass::kNew, "new", ordinal);
  return keys_[ordinal].database->ResizeString(keys_[ordinal].key, slot, size, mutation());
}

void CommandContext::Erase(size_t ordinal, const KeyTable::Slot& slot) {
  ForgetOpen(keys_[ordinal]);
  keys_[ordinal].database->Erase(keys_[ordinal].key, slot, mutation());
}

Result<void*> CommandContext::FindObject(size_t ordinal, ValueType type, FindFor purpose) {
  const KeyTable::Slot slot = Find(ordinal);
  if (slot.entry == nullptr) return static_cast<void*>(nullptr);
  if (slot.entry->type() != type) return errors::WrongType();
  if (purpose == FindFor::kWriting) return OpenObject(ordinal, slot, type);
  if (executor_.open_values().size() != open_begin_) {
    if (const OpenValue* open = FindOpen(keys_[ordinal])) return open->object;
  }
  return const_cast<void*>(ObjectOf(*slot.entry));
}

void* CommandContext::OpenObject(size_t ordinal, const KeyTable::Slot& slot, ValueType type) {
  const DeclaredKey& declared = keys_[ordinal];
  if (executor_.open_values().size() != open_begin_) {
    if (const OpenValue* open = FindOpen(declared)) return open->object;
  }
  declared.database->WillChange(declared.key, slot, mutation());
  const bool is_packed = slot.entry->form() == ValueForm::kPacked;
  void* object = is_packed ? OperationsOf(type).unpack(slot.entry->packed()) : slot.entry->object();
  executor_.open_values().push_back({declared.database, declared.key, type, object, is_packed, slot,
                                     mutation().layout_change_count, ItemCount(type, object)});
  return object;
}

const void* CommandContext::ObjectOf(const Entry& entry) {
  if (entry.form() == ValueForm::kObject) return entry.object();
  ValueStorage* storage = nullptr;
  if (borrowed_count_ < borrowed_.size()) {
    storage = &borrowed_[borrowed_count_++];
  } else {
    storage = more_borrowed_.emplace_back(std::make_unique<ValueStorage>()).get();
  }
  OperationsOf(entry.type()).borrow(entry.packed(), storage);
  return storage->bytes;
}

void CommandContext::PutObject(size_t ordinal, ValueType type, void* object) {
  const DeclaredKey& declared = keys_[ordinal];
  ForgetOpen(declared);
  const KeyTable::Slot slot = declared.database->Peek(declared.key, mutation());
  NotifyReplaced(ordinal, slot.entry, type);
  declared.database->PutObject(declared.key, slot, type, object, {}, mutation());
  executor_.open_values().push_back({.database = declared.database,
                                     .key = declared.key,
                                     .type = type,
                                     .object = object,
                                     .is_unpacked = false,
                                     .counted_items = ItemCount(type, object)});
}

void CommandContext::PutPacked(size_t ordinal, ValueType type, const PackedValue& packed) {
  const DeclaredKey& declared = keys_[ordinal];
  NotifyReplaced(ordinal, nullptr, type);
  declared.database->PutPacked(declared.key, type, packed, Entry::kNoExpiry, mutation());
}

OpenValue* CommandContext::FindOpen(const DeclaredKey& key) {
  std::vector<OpenValue>& all = executor_.open_values();
  for (size_t i = open_begin_; i < all.size(); ++i) {
    if (all[i].database == key.database && all[i].key.hash == key.key.hash && all[i].key.name == key.key.name) {
      return &all[i];
    }
  }
  return nullptr;
}

void CommandContext::CountItems(OpenValue& open) {
  const uint64_t items = ItemCount(open.type, open.object);
  open.database->CountItems(open.key, open.type, open.counted_items, items, mutation());
  open.counted_items = items;
}

void CommandContext::ForgetOpen(const DeclaredKey& key) {
  OpenValue* open = FindOpen(key);
  if (open == nullptr) return;
  if (open->is_unpacked) {
    OperationsOf(open->type).destroy(open->object);
  } else {
    CountItems(*open);  // whoever erases the entry takes it from where it is counted as it is now
  }
  std::vector<OpenValue>& all = executor_.open_values();
  all.erase(all.begin() + (open - all.data()));
}

bool CommandContext::EraseDueParts(size_t ordinal) {
  const DeclaredKey& declared = keys_[ordinal];
  OpenValue* open = FindOpen(declared);
  // The database counts what it erases: both must know of the same.
  if (open != nullptr && !open->is_unpacked) CountItems(*open);
  if (declared.database->EraseDueParts(declared.key, mutation())) {
    if (open != nullptr) open->counted_items = ItemCount(open->type, open->object);
    return true;
  }
  if (open != nullptr) {
    std::vector<OpenValue>& all = executor_.open_values();
    all.erase(all.begin() + (open - all.data()));
  }
  return false;
}

void CommandContext::IndexDueParts(size_t ordinal) {
  const DeclaredKey& declared = keys_[ordinal];
  if (OpenValue* open = FindOpen(declared); open != nullptr && std::exchange(open->is_unpacked, false)) {
    declared.database->HoldObject(declared.key, declared.database->FindAgain(declared.key), open->object);
  }
  declared.database->IndexDueParts(declared.key, declared.database->FindAgain(declared.key).entry, now_ms());
}

void CommandContext::CloseOpenValues() {
  std::vector<OpenValue>& all = executor_.open_values();
  while (all.size() > open_begin_) {
    const OpenValue& open = all.back();
    const KeyTable::Slot slot = open.layout_change_count == mutation().layout_change_count
                                    ? KeyTable::Reread(open.slot)
                                    : open.database->FindAgain(open.key);
    // Whoever erases or replaces the key goes through this context, except expiry, which takes the parts of large
    // collections only.
    const bool is_there = slot.entry != nullptr && slot.entry->type() == open.type &&
                          (slot.entry->form() == ValueForm::kPacked) == open.is_unpacked;
    if (is_there) {
      const uint64_t items = ItemCount(open.type, open.object);
      if (items != open.counted_items) {
        open.database->CountItems(open.key, open.type, open.counted_items, items, mutation());
      }
      if (open.is_unpacked || OperationsOf(open.type).packed == nullptr ||
          OperationsOf(open.type).packed(open.object)) {
        open.database->HoldCollection(open.key, slot, open.object);
      }
    } else if (open.is_unpacked) {
      OperationsOf(open.type).destroy(open.object);
    }
    all.pop_back();
  }
}

bool CommandContext::EraseKey(size_t ordinal) {
  const DeclaredKey& declared = keys_[ordinal];
  ForgetOpen(declared);
  const KeyTable::Slot slot = declared.database->Peek(declared.key, mutation());
  if (slot.entry == nullptr) return false;
  declared.database->Erase(declared.key, slot, mutation());
  return true;
}

Status CommandContext::Block(const BlockRequest& request) {
  if (executor_.is_in_transaction()) {
    request.timeout_reply == TimeoutReply::kNull ? reply_.Null() : reply_.NullArray();
  } else {
    block_request_ = request;
  }
  return Status::Ok();
}

void CommandContext::MoveEntry(size_t ordinal, const KeyTable::Slot& source, size_t target, int64_t expiry_ms) {
  const DeclaredKey& from = keys_[ordinal];
  const DeclaredKey& to = keys_[target];
  KVICK_DEBUG_ASSERT(FindOpen(from) == nullptr && FindOpen(to) == nullptr);
  from.database->MoveEntry(from.key, source, *to.database, to.key, expiry_ms, mutation());
}

void CommandContext::CopyEntry(const KeyTable::Slot& source, size_t target, int64_t expiry_ms) {
  const DeclaredKey& to = keys_[target];
  to.database->CopyEntry(source, *to.database, to.key, expiry_ms, mutation());
}

void CommandContext::NotifyReplaced(size_t ordinal, const Entry* before, ValueType type) {
  if (executor_.change_sink() == nullptr) return;
  if (before == nullptr) return Notify(KeyEventClass::kNew, "new", ordinal);
  Notify(KeyEventClass::kOverwritten, "overwritten", ordinal);
  if (before->type() != type) Notify(KeyEventClass::kTypeChanged, "type_changed", ordinal);
}

void CommandContext::EffectIn(int database_index, std::span<const std::string_view> arguments) {
  replaces_effect_ = true;
  if (!engine().log().is_active()) return;
  effects_.push_back({database_index, CommandLog::Arguments(arguments.begin(), arguments.end())});
}

void CommandContext::NotifyKey(KeyEventClass event_class, std::string_view event, Database& database,
                               std::string_view key) {
  if (ChangeSink* sink = executor_.change_sink()) sink->OnKeyEvent(database.index(), event_class, event, key);
}

}  // namespace kvick
