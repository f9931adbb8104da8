// CommandContext: what a handler works with. It reaches the keys that the command declared, by their ordinal, and no
// others.
//
//   Status Strlen(CommandContext& context) {
//     KVICK_ASSIGN_OR_RETURN(const std::optional<StringRef> value, context.FindString(0));
//     context.Reply().Integer(value ? static_cast<int64_t>(value->size()) : 0);
//     return Status::Ok();
//   }
//
// A handler that returns an error must not have written to Reply(); the dispatcher answers the Status. A handler that
// changed something says so by Changed(), and the command is logged as it came, unless it named other effects.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/blocking.h"
#include "engine/engine.h"
#include "engine/entry_editor.h"
#include "engine/errors.h"
#include "engine/executor.h"
#include "engine/session.h"
#include "keyspace/database.h"
#include "resp/reply_writer.h"

namespace kvick {

class CommandContext {
 public:
  CommandContext(Executor& executor, Session& session, const Command& command,
                 std::span<const std::string_view> arguments, std::span<DeclaredKey> keys, ReplyWriter& reply)
      : executor_(executor),
        session_(session),
        command_(command),
        arguments_(arguments),
        keys_(keys),
        reply_(reply),
        open_begin_(executor.open_values().size()) {}
  CommandContext(const CommandContext&) = delete;
  CommandContext& operator=(const CommandContext&) = delete;

  // The request. Argument 0 is the command's name.
  std::span<const std::string_view> arguments() const { return arguments_; }
  size_t argument_count() const { return arguments_.size(); }
  std::string_view Arg(size_t index) const { return arguments_[index]; }
  bool ArgIs(size_t index, std::string_view word) const;  // any case
  Result<int64_t> IntegerArg(size_t index) const;
  const Command& command() const { return command_; }

  Session& session() { return session_; }
  Engine& engine() { return executor_.engine(); }
  Executor& executor() { return executor_; }
  const Settings& settings() { return engine().settings(); }
  Mutation& mutation() { return executor_.mutation(); }
  Database& database() { return engine().database(session_.database_index); }
  int64_t now_ms() const { return executor_.now_ms(); }
  int64_t wall_ms() const { return executor_.wall_ms(); }
  ReplyWriter& Reply() { return reply_; }

  // Keys.
  size_t key_count() const { return keys_.size(); }
  const DeclaredKey& key(size_t ordinal) const { return keys_[ordinal]; }
  std::span<const DeclaredKey> keys() const { return keys_; }
  std::string_view KeyName(size_t ordinal) const { return keys_[ordinal].key.name; }
  // The entry, if it exists and has not expired. Counts hits and misses of reading commands.
  KeyTable::Slot Find(size_t ordinal);
  // The same without counting it as an access.
  KeyTable::Slot Peek(size_t ordinal);
  // A key of the selected database that the request does not declare, counted as Find counts it. Only while the command
  // runs alone (CommandSpec::must_run_alone, kExclusive).
  KeyTable::Slot FindUndeclared(std::string_view name);
  Result<std::optional<StringRef>> FindString(size_t ordinal);  // WRONGTYPE
  // Counts a hit or a miss, for what Find does not count by itself: reads by commands that also write, and Peek.
  void CountRead(size_t ordinal, const KeyTable::Slot& slot);

  // Changes of the key `ordinal`; `slot` is what Find returned for it.
  // PutString replaces whatever was there as a whole ("overwritten"); its expiry goes, unless options say otherwise.
  void PutString(size_t ordinal, const KeyTable::Slot& slot, StringInput value, PutOptions options = {});
  // The new state of a string that was changed; keeps the expiry.
  void UpdateString(size_t ordinal, const KeyTable::Slot& slot, StringInput value);
  void UpdateInteger(size_t ordinal, const KeyTable::Slot& slot, int64_t value);
  void SetExpiry(size_t ordinal, KeyTable::Slot* slot, int64_t expiry_ms);
  char* ResizeString(size_t ordinal, KeyTable::Slot* slot, size_t size);
  void Erase(size_t ordinal, const KeyTable::Slot& slot);
  // Moves or copies the value at `source` to the key `target`, which must not exist.
  void MoveEntry(size_t ordinal, const KeyTable::Slot& source, size_t target, int64_t expiry_ms);
  void CopyEntry(const KeyTable::Slot& source, size_t target, int64_t expiry_ms);

  // Collections (types/): `Value::kType` says which ValueType a class is. What is found or put is valid until the
  // command ends, or the key is erased or put again.
  // Null when the key is missing; WRONGTYPE when it holds something else.
  template <typename Value>
  Result<const Value*> FindValue(size_t ordinal) {
    KVICK_ASSIGN_OR_RETURN(void* object, FindObject(ordinal, Value::kType, FindFor::kReading));
    return static_cast<const Value*>(object);
  }
  // The same for a value that may be changed in place. What really changes it then says Modified(ordinal).
  template <typename Value>
  Result<Value*> FindValueForWrite(size_t ordinal) {
    KVICK_ASSIGN_OR_RETURN(void* object, FindObject(ordinal, Value::kType, FindFor::kWriting));
    return static_cast<Value*>(object);
  }
  // The former in two steps, for who looks at the entry in between: Slot::entry is null when the key is missing.
  template <typename Value>
  Result<KeyTable::Slot> FindOf(size_t ordinal) {
    const KeyTable::Slot slot = Find(ordinal);
    if (slot.entry != nullptr && slot.entry->type() != Value::kType) return errors::WrongType();
    return slot;
  }
  template <typename Value>
  Value* OpenForWrite(size_t ordinal, const KeyTable::Slot& slot) {
    return slot.entry == nullptr ? nullptr : static_cast<Value*>(OpenObject(ordinal, slot, Value::kType));
  }
  // For changes in place of a small collection that lies in its entry (ValueForm::kPacked) and that the command does
  // not hold for writing. Modified follows if it was changed.
  EntryEditor EditPacked(size_t ordinal, const KeyTable::Slot& slot) {
    return EntryEditor(*keys_[ordinal].database, keys_[ordinal].key, slot, mutation());
  }
  // The collection of an entry that a Find returned.
  template <typename Value>
  const Value* ValueOf(const Entry& entry) {
    return static_cast<const Value*>(ObjectOf(entry));
  }
  // Stores a new value under the key, in the place of whatever it held; keeps no expiry. The entry owns `value`.
  template <typename Value>
  Value* PutValue(size_t ordinal, std::unique_ptr<Value> value) {
    Value* raw = value.release();
    PutObject(ordinal, Value::kType, raw);
    return raw;
  }
  // The same for a key that is missing, from the bytes of a small collection.
  void PutPacked(size_t ordinal, ValueType type, const PackedValue& packed);
  // Tells watchers and waiting clients of a key whose value changed in place.
  void Modified(size_t ordinal) { keys_[ordinal].database->Modified(keys_[ordinal].key, mutation()); }
  // The latter only.
  void WakeWaiting(size_t ordinal) { keys_[ordinal].database->TellAwaited(keys_[ordinal].key, mutation()); }
  // Erases parts of the key's collection that are due, some of them if they are many, and the key with its last. False
  // when it is gone.
  bool EraseDueParts(size_t ordinal);
  // Says that the earliest moment at which a part of the key's collection is due has come nearer.
  void IndexDueParts(size_t ordinal);
  // For the dispatcher, when the handler is done: small collections that were found for writing go back into their
  // entries.
  void CloseValues() {
    if (executor_.open_values().size() != open_begin_) CloseOpenValues();
  }
  // Removes the key if it exists: for a collection that has become empty, and for replaced keys.
  bool EraseKey(size_t ordinal);

  // Waiting (engine/blocking.h). The keys that a command which can wait may look at: all, or the one that is ready.
  struct KeyRange {
    size_t first;
    size_t last;  // behind the last
  };
  KeyRange ServableKeys(size_t first, size_t count) const {
    return served_ordinal_ ? KeyRange{*served_ordinal_, *served_ordinal_ + 1} : KeyRange{first, first + count};
  }
  // It has waited, and runs again.
  bool is_served() const { return served_ordinal_.has_value(); }
  // Waits; in a transaction or a script, where nobody waits, answers as if the time were up.
  Status Block(const BlockRequest& request);
  const BlockRequest* block_request() const { return block_request_ ? &*block_request_ : nullptr; }
  // The call was blocked, and runs now because this key is ready.
  void ServeOnly(size_t ordinal) { served_ordinal_ = ordinal; }

  // Says that `count` things changed, for save points and for the log.
  void Changed(uint64_t count = 1) { change_count_ += count; }
  uint64_t change_count() const { return change_count_; }

  // What the log records instead of the command as it came. Nothing is copied while nobody reads the log.
  void Effect(std::initializer_list<std::string_view> arguments) { EffectIn(session_.database_index, arguments); }
  void EffectIn(int database_index, std::span<const std::string_view> arguments);
  // Records nothing though something changed.
  void NoEffect() { replaces_effect_ = true; }

  // A keyspace notification.
  void Notify(KeyEventClass event_class, std::string_view event, size_t ordinal) {
    if (executor_.change_sink() == nullptr) return;
    NotifyKey(event_class, event, *keys_[ordinal].database, keys_[ordinal].key.name);
  }
  void NotifyKey(KeyEventClass event_class, std::string_view event, Database& database, std::string_view key);

  // "new", or "overwritten" and "type_changed": `before` is replaced by a value of type `type`.
  void NotifyReplaced(size_t ordinal, const Entry* before, ValueType type);

  bool replaces_effect() const { return replaces_effect_; }
  const std::vector<CommandLog::Entry>& effects() const { return effects_; }

 private:
  enum class FindFor { kReading, kWriting };
  Result<void*> FindObject(size_t ordinal, ValueType type, FindFor purpose);
  void* OpenObject(size_t ordinal, const KeyTable::Slot& slot, ValueType type);
  void PutObject(size_t ordinal, ValueType type, void* object);
  const void* ObjectOf(const Entry& entry);
  void CloseOpenValues();
  OpenValue* FindOpen(const DeclaredKey& key);
  // Tells the database how many items a collection has that is held for writing and lies in its entry by a pointer.
  void CountItems(OpenValue& open);
  // What is held for writing under this key is no longer wanted.
  void ForgetOpen(const DeclaredKey& key);
  void CountReadOf(Database& database, std::string_view name, const KeyTable::Slot& slot);

  Executor& executor_;
  Session& session_;
  const Command& command_;
  std::span<const std::string_view> arguments_;
  std::span<DeclaredKey> keys_;
  ReplyWriter& reply_;
  uint64_t change_count_ = 0;
  std::optional<size_t> served_ordinal_;
  std::optional<BlockRequest> block_request_;
  bool replaces_effect_ = false;
  std::vector<CommandLog::Entry> effects_;
  size_t open_begin_;                     // our values in Executor::open_values, which are the last there
  std::array<ValueStorage, 2> borrowed_;  // where small collections are read from
  size_t borrowed_count_ = 0;
  std::vector<std::unique_ptr<ValueStorage>> more_borrowed_;
};

}  // namespace kvick
