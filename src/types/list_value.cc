#include "types/list_value.h"

#include <malloc.h>

#include <new>
#include <optional>

#include "base/assert.h"
#include "base/digest.h"
#include "base/numbers.h"

namespace kvick {

static_assert(sizeof(ListValue) <= ValueStorage::kBytes);

// The listpack of a small list, borrowed to be changed.
class ListValue::BorrowedPack {
 public:
  explicit BorrowedPack(ListValue& list) : list_(list), pack_(Listpack::Adopt(reinterpret_cast<void*>(list.tagged_))) {}
  ~BorrowedPack() { list_.tagged_ = reinterpret_cast<uintptr_t>(pack_.Release()); }
  BorrowedPack(const BorrowedPack&) = delete;
  BorrowedPack& operator=(const BorrowedPack&) = delete;

  Listpack* operator->() { return &pack_; }

 private:
  ListValue& list_;
  Listpack pack_;
};

ListValue::ListValue(const ListValue& other)
    : tagged_(other.is_quicklist() ? reinterpret_cast<uintptr_t>(new Quicklist(*other.quicklist())) | kQuicklistTag
                                   : reinterpret_cast<uintptr_t>(Listpack::CopyOf(other.pack()).Release())) {}

ListValue::~ListValue() {
  if (is_quicklist()) {
    delete quicklist();
  } else {
    Listpack::Adopt(reinterpret_cast<void*>(tagged_));
  }
}

size_t ListValue::memory_bytes() const {
  return malloc_usable_size(const_cast<ListValue*>(this)) +
         (is_quicklist() ? quicklist()->memory_bytes() : malloc_usable_size(reinterpret_cast<void*>(tagged_)));
}

ListCursor ListValue::Seek(int64_t index) const {
  return is_quicklist() ? quicklist()->Seek(index) : ListCursor(pack(), pack().Seek(index));
}

void ListValue::GrowFor(size_t text_bytes, size_t added_count, const ListLimits& limits) {
  if (is_quicklist() || limits.Allows(pack().size_bytes() + text_bytes, pack().count() + added_count)) return;
  auto* quicklist = new Quicklist(Listpack::Adopt(reinterpret_cast<void*>(tagged_)));
  tagged_ = reinterpret_cast<uintptr_t>(quicklist) | kQuicklistTag;
}

void ListValue::Shrink(const ListLimits& limits) {
  if (!is_quicklist()) return;
  const std::optional<ListpackView> only = quicklist()->OnlyPack();
  if (only && limits.AllowsHalf(only->size_bytes(), quicklist()->count())) BecomePack();
}

void ListValue::Compact(const ListLimits& limits) {
  if (!is_quicklist()) return;
  const std::optional<ListpackView> only = quicklist()->OnlyPack();
  if (only && limits.Allows(only->size_bytes(), quicklist()->count())) BecomePack();
}

void ListValue::BecomePack() {
  Listpack pack = quicklist()->TakeOnlyPack();
  delete quicklist();
  tagged_ = reinterpret_cast<uintptr_t>(pack.Release());
}

void ListValue::Push(ListEnd end, std::string_view text, const ListLimits& limits) {
  if (is_quicklist()) return quicklist()->Push(end, text, limits);
  BorrowedPack pack(*this);
  end == ListEnd::kHead ? pack->Prepend(text) : pack->Append(text);
}

std::optional<size_t> ListValue::PushPacked(PackedEditor& editor, ListEnd end, std::string_view text,
                                            const ListLimits& limits) {
  const ListpackView pack(editor.bytes());
  const size_t size_bytes = pack.size_bytes();
  const size_t count = pack.count();
  if (!limits.Allows(size_bytes + text.size(), count + 1)) return std::nullopt;
  const ListpackValue value = ListpackValue::FromText(text);
  const size_t at = end == ListEnd::kHead ? pack.Begin() : size_bytes - 1;
  char* bytes = editor.Splice(
      {.at = at, .inserted = ListpackView::ElementBytes(value), .items_before = count, .items_after = count + 1});
  if (bytes == nullptr) return std::nullopt;
  Listpack::FillRoom(bytes, static_cast<Listpack::Position>(at), 0, 1, {&value, 1});
  return count + 1;
}

void ListValue::Insert(const ListCursor& cursor, ListSide side, std::string_view text, const ListLimits& limits) {
  if (is_quicklist()) return quicklist()->Insert(cursor, side, text, limits);
  BorrowedPack pack(*this);
  side == ListSide::kBefore ? pack->InsertBefore(cursor.position(), text) : pack->InsertAfter(cursor.position(), text);
}

void ListValue::Replace(int64_t index, std::string_view text, const ListLimits& limits) {
  if (is_quicklist()) return quicklist()->Replace(index, text, limits);
  BorrowedPack pack(*this);
  pack->Replace(pack->Seek(index), text);
}

void ListValue::EraseRange(size_t index, size_t erased_count, const ListLimits& limits) {
  if (erased_count == 0) return;
  if (is_quicklist()) return quicklist()->EraseRange(index, erased_count, limits);
  BorrowedPack pack(*this);
  pack->EraseRange(pack->Seek(static_cast<int64_t>(index)), erased_count);
}

size_t ListValue::Remove(std::string_view text, size_t count_max, ListEnd from, const ListLimits& limits) {
  if (is_quicklist()) return quicklist()->Remove(text, count_max, from, limits);
  return BorrowedPack(*this)->RemoveEqual(ListpackValue::FromText(text), count_max, from == ListEnd::kTail);
}

void RegisterListType() {
  RegisterValueType(
      ValueType::kList,
      {
          .type_name = "list",
          .destroy = [](void* value) { delete static_cast<ListValue*>(value); },
          .copy = [](const void* value) -> void* { return new ListValue(*static_cast<const ListValue*>(value)); },
          .memory_bytes = [](const void* value) { return static_cast<const ListValue*>(value)->memory_bytes(); },
          .free_effort = [](const void* value) { return static_cast<const ListValue*>(value)->block_count(); },
          .item_count = [](const void* value) { return static_cast<const ListValue*>(value)->count(); },
          .encoding_name = [](const void* value) { return static_cast<const ListValue*>(value)->encoding_name(); },
          .packed = [](const void* value) -> std::optional<PackedValue> {
            const auto* list = static_cast<const ListValue*>(value);
            if (list->is_quicklist()) return std::nullopt;
            return PackedValue{list->pack().bytes()};
          },
          .borrow = [](const PackedValue& packed,
                       ValueStorage* storage) { new (storage->bytes) ListValue(Listpack::Borrow(packed.bytes)); },
          .unpack = [](const PackedValue& packed) -> void* {
            return new ListValue(Listpack::CopyOf(ListpackView(packed.bytes)));
          },
          .digest =
              [](const void* value, Digest* digest) {
                const auto* list = static_cast<const ListValue*>(value);
                char buffer[kInt64TextMax];
                ListCursor cursor = list->SeekEnd(ListEnd::kHead);
                for (size_t i = 0; i < list->count(); ++i, cursor.Next()) {
                  digest->Append(cursor.Get().value.Text(buffer));
                }
              },
      });
}

}  // namespace kvick
