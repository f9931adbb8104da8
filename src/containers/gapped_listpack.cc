#include "containers/gapped_listpack.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"

namespace kvick {
namespace {

// Of the listpack: a gap of this part of it is worth closing, which moves all of it.
constexpr size_t kWorthClosingPart = 8;
// A block that is mostly gap is left alone up to here.
constexpr size_t kGapKeptBytes = 512;

}  // namespace

void GappedListpack::CloseGap() {
  void* const start = block();
  std::memmove(start, *pack_, size_bytes());
  *pack_ = start;
  *gap_bytes_ = 0;
}

void GappedListpack::Trim() {
  const size_t size = size_bytes();
  if (*gap_bytes_ >= size / kWorthClosingPart) CloseAndShrink();
}

void GappedListpack::Append(const ListpackValue& value) {
  const size_t element_bytes = ListpackView::ElementBytes(value);
  const size_t size = size_bytes();
  const size_t used_bytes = *gap_bytes_ + size;
  // Within a class there is room.
  const bool leaves_class = Listpack::RoomFor(used_bytes + element_bytes) != Listpack::RoomFor(used_bytes);
  if (leaves_class && used_bytes + element_bytes > malloc_usable_size(block())) {
    // A queue that is as long all the time moves its elements when it has turned over a part of them, not each time.
    if (*gap_bytes_ >= element_bytes + size / kWorthClosingPart) {
      CloseGap();
    } else {
      void* const grown = std::realloc(block(), Listpack::RoomFor(used_bytes + element_bytes));
      KVICK_ASSERT(grown != nullptr);
      *pack_ = static_cast<char*>(grown) + *gap_bytes_;
    }
  }
  BorrowedListpack(pack_)->AppendBehind(value);
}

void GappedListpack::Prepend(const ListpackValue& value, size_t size_bytes_max) {
  const size_t element_bytes = ListpackView::ElementBytes(value);
  if (*gap_bytes_ < element_bytes) {
    if (element_bytes > kGapBytesMax) {
      Close();
      BorrowedListpack(pack_)->Prepend(value);
      return;
    }
    MakeGap(element_bytes, size_bytes_max);
  }
  BorrowedListpack(pack_)->PrependInFront(value);
  *gap_bytes_ = static_cast<GapBytes>(*gap_bytes_ - element_bytes);
}

void GappedListpack::MakeGap(size_t wanted_bytes, size_t size_bytes_max) {
  const size_t size = size_bytes();
  const size_t needed_bytes = size + wanted_bytes;
  void* const old = block();
  size_t capacity = malloc_usable_size(old);
  void* start = old;
  // What is behind may do, if it lasts for a while.
  if (capacity < needed_bytes + size / kWorthClosingPart) {
    capacity = Listpack::RoomFor(std::max(needed_bytes, std::min(2 * needed_bytes, size_bytes_max)));
    start = std::malloc(capacity);
    KVICK_ASSERT(start != nullptr);
  }
  const size_t gap_bytes = std::min(capacity - size, kGapBytesMax);
  char* const pack = static_cast<char*>(start) + gap_bytes;
  std::memmove(pack, *pack_, size);
  if (start != old) std::free(old);
  *pack_ = pack;
  *gap_bytes_ = static_cast<GapBytes>(gap_bytes);
}

void GappedListpack::EraseFirst(size_t count) {
  const ListpackView view = Listpack::ViewOf(*pack_);
  const size_t erased_bytes = view.Skip(view.Begin(), count) - view.Begin();
  if (*gap_bytes_ + erased_bytes > kGapBytesMax) {
    Close();
    BorrowedListpack pack(pack_);
    pack->EraseRange(pack->First(), count);
    return;
  }
  BorrowedListpack(pack_)->EraseFirst(count, erased_bytes);
  *gap_bytes_ = static_cast<GapBytes>(*gap_bytes_ + erased_bytes);
  // Moves no more than was erased since the last time.
  if (*gap_bytes_ > kGapKeptBytes && *gap_bytes_ > size_bytes()) CloseAndShrink();
}

void GappedListpack::EraseLast(size_t count) {
  const size_t used_before = *gap_bytes_ + size_bytes();
  BorrowedListpack(pack_)->EraseLast(count);
  const size_t used_bytes = *gap_bytes_ + size_bytes();
  // Not at every step: what grows and shrinks by one element would pay for a new block each time.
  const bool leaves_class = Listpack::RoomFor(used_bytes) != Listpack::RoomFor(used_before);
  if (leaves_class && used_bytes < malloc_usable_size(block()) / 2) CloseAndShrink();
}

void GappedListpack::CloseAndShrink() {
  Close();
  BorrowedListpack(pack_)->ShrinkToFit();
}

}  // namespace kvick
