// ListValue: the value of a list. Small lists are one listpack, larger ones a quicklist.
//
//   list->GrowFor(text.size(), 1, limits);
//   list->Push(ListEnd::kTail, text, limits);
//
// Whoever adds says so by GrowFor first, whoever has removed calls Shrink: the two places where the form changes. They
// are apart from the changes because a command decides once, by all of its arguments.
//
// The object itself is one tagged pointer, so that a list of ten short elements is two blocks and little more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "containers/listpack.h"
#include "containers/quicklist.h"
#include "types/packed_editor.h"
#include "types/value_type.h"

namespace kvick {

class ListValue {
 public:
  static constexpr ValueType kType = ValueType::kList;

  ListValue() : ListValue(Listpack()) {}
  explicit ListValue(Listpack pack) : tagged_(reinterpret_cast<uintptr_t>(pack.Release())) {}
  explicit ListValue(Quicklist* quicklist) : tagged_(reinterpret_cast<uintptr_t>(quicklist) | kQuicklistTag) {}
  ListValue(const ListValue& other);
  // What is moved from is an empty list.
  ListValue(ListValue&& other) noexcept : ListValue() { std::swap(tagged_, other.tagged_); }
  ListValue& operator=(const ListValue&) = delete;
  ~ListValue();

  bool is_quicklist() const { return (tagged_ & kQuicklistTag) != 0; }
  std::string_view encoding_name() const { return is_quicklist() ? "quicklist" : "listpack"; }
  size_t count() const { return is_quicklist() ? quicklist()->count() : pack().count(); }
  size_t memory_bytes() const;
  // How many blocks a destroy frees.
  size_t block_count() const { return is_quicklist() ? quicklist()->node_count() : 1; }

  // From the end when negative (-1: the last). Not valid when there is none.
  ListCursor Seek(int64_t index) const;
  ListCursor SeekEnd(ListEnd end) const {
    if (is_quicklist()) return quicklist()->SeekEnd(end);
    return ListCursor(pack(), end == ListEnd::kHead ? pack().First() : pack().Last());
  }

  // Before `count` elements with `text_bytes` together are added.
  void GrowFor(size_t text_bytes, size_t count, const ListLimits& limits);
  // For loading: a single node that the limits allow becomes the small form.
  void Compact(const ListLimits& limits);
  // After elements were removed or replaced.
  void Shrink(const ListLimits& limits);

  // `text` must not lie in this list.
  void Push(ListEnd end, std::string_view text, const ListLimits& limits);
  // The same for a list that lies in its entry: how many elements it has then. None: declined (PackedEditor).
  static std::optional<size_t> PushPacked(PackedEditor& editor, ListEnd end, std::string_view text,
                                          const ListLimits& limits);
  // Beside the element at the cursor, which ends the cursor's validity. GrowFor must be called before Seek.
  void Insert(const ListCursor& cursor, ListSide side, std::string_view text, const ListLimits& limits);
  // The element must exist.
  void Replace(int64_t index, std::string_view text, const ListLimits& limits);
  // index + count must not exceed count().
  void EraseRange(size_t index, size_t count, const ListLimits& limits);
  void EraseEnd(ListEnd end, size_t erased_count, const ListLimits& limits) {
    if (is_quicklist()) return quicklist()->EraseEnd(end, erased_count, limits);
    EraseRange(end == ListEnd::kHead ? 0 : count() - erased_count, erased_count, limits);
  }
  // Up to `count_max` elements equal to `text`, the first ones seen from `from`. Returns how many.
  size_t Remove(std::string_view text, size_t count_max, ListEnd from, const ListLimits& limits);

  // For saving.
  ListpackView pack() const { return Listpack::ViewOf(reinterpret_cast<const void*>(tagged_)); }
  Quicklist* quicklist() const { return reinterpret_cast<Quicklist*>(tagged_ & ~kQuicklistTag); }

 private:
  // The top bit, which no pointer of a process has set. A listpack that lies in an entry may have any address, so the
  // low ones are not free.
  static constexpr uintptr_t kQuicklistTag = uintptr_t{1} << 63;
  class BorrowedPack;

  // The only node is a listpack: it becomes the list.
  void BecomePack();

  uintptr_t tagged_;  // the block of a listpack, or a Quicklist and the tag
};
static_assert(sizeof(ListValue) == 8);

// Called at start.
void RegisterListType();

}  // namespace kvick
