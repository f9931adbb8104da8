// The types a key can have, and what the keyspace must know about a type's large values: how to free, measure and
// copy one. Each type fills one ValueOperations and registers it at start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace kvick {

class BlockMover;
class Digest;
class PartListener;
class PartVisitor;

// The numbers are those of kvick's entries, not of any file format.
enum class ValueType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kSortedSet = 3,
  kHash = 4,
  kStream = 5,
  kArray = 6,
};
inline constexpr size_t kValueTypeCount = 16;

// A small value as its entry holds it: the bytes of its only block. A type that has two such forms tells them apart by
// the kind, 0 or 1.
struct PackedValue {
  std::string_view bytes;
  uint8_t kind = 0;
};

// Where ValueOperations::borrow makes a value.
struct ValueStorage {
  static constexpr size_t kBytes = 24;
  alignas(8) std::byte bytes[kBytes];
};

// What a collection type tells the keyspace about its values. `value` is the pointer that the entry stores.
struct ValueOperations {
  std::string_view type_name;  // what TYPE answers
  void (*destroy)(void* value) = nullptr;
  void* (*copy)(const void* value) = nullptr;
  size_t (*memory_bytes)(const void* value) = nullptr;
  // How many separate allocations a destroy frees: large ones are freed in the background.
  size_t (*free_effort)(const void* value) = nullptr;
  // How many items: of all types that INFO keysizes shows.
  size_t (*item_count)(const void* value) = nullptr;
  // What OBJECT ENCODING answers.
  std::string_view (*encoding_name)(const void* value) = nullptr;
  // For types with small values, all three: the bytes of one, none if it has another form; a value for reading that
  // uses the bytes where they lie, and is never destroyed; a value with a copy of them, as `copy` makes it.
  std::optional<PackedValue> (*packed)(const void* value) = nullptr;
  void (*borrow)(const PackedValue& packed, ValueStorage* storage) = nullptr;
  void* (*unpack)(const PackedValue& packed) = nullptr;
  // For types whose small values of kind 1 refer to something shared, both: the reference that an entry's bytes are is
  // counted, or given up. Any thread.
  void (*hold_packed)(const PackedValue& packed) = nullptr;
  void (*drop_packed)(const PackedValue& packed) = nullptr;
  // And their part of what is shared, in bytes.
  size_t (*packed_share_bytes)(const PackedValue& packed) = nullptr;
  // For types whose parts expire one by one: when the first can be erased (INT64_MAX: none will), and erasing
  // parts that are due, `count_max` at most; `on_erase` is called before each. False when nothing is left.
  int64_t (*next_due_ms)(const void* value) = nullptr;
  bool (*erase_due)(void* value, int64_t now_ms, size_t count_max,
                    const std::function<void(std::string_view name)>& on_erase) = nullptr;
  // For types with large values whose parts can be told apart by their names and captured one by one, all three:
  // whether this is such a value; who is told of its changes (PartListener; null: nobody); a piece of its parts from
  // `position` on, the position behind it comes back, 0 at the end (TagTable::ScanBucket).
  bool (*has_parts)(const void* value) = nullptr;
  void (*listen)(void* value, PartListener* listener) = nullptr;
  uint64_t (*scan_parts)(const void* value, uint64_t position, PartVisitor& visitor) = nullptr;
  // For types whose large values consist of blocks of BlockPool: moves those that the mover wants to be moved, of a
  // piece from `position` on; the position behind it comes back, 0 at the end. The value itself stays where it is.
  uint64_t (*move_blocks)(void* value, uint64_t position, BlockMover& mover) = nullptr;
  // Adds the contents, in a way that does not depend on the encoding (DEBUG DIGEST).
  void (*digest)(const void* value, Digest* digest) = nullptr;
};

// Called at start, before any worker runs.
void RegisterValueType(ValueType type, const ValueOperations& operations);
extern std::array<ValueOperations, kValueTypeCount> operations_by_type;
inline const ValueOperations& OperationsOf(ValueType type) { return operations_by_type[static_cast<size_t>(type)]; }

}  // namespace kvick
