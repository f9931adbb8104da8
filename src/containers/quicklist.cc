#include "containers/quicklist.h"

#include <liblzf/lzf.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "base/assert.h"

namespace kvick {
namespace {

constexpr std::array<size_t, 5> kSizeClasses = {4096, 8192, 16384, 32768, 65536};
// With a limit on elements, nodes stay within this all the same.
constexpr size_t kSafetyBytes = 8192;
// Node records count in 32 bits and listpacks know their count below this.
constexpr size_t kNodeElementsMax = 32767;

size_t BytesLimit(int node_size_max) {
  const auto index = static_cast<size_t>(-static_cast<int64_t>(node_size_max)) - 1;
  return kSizeClasses[std::min(index, kSizeClasses.size() - 1)];
}

// Shorter listpacks are left alone, and so are those that would save less than a few bytes.
constexpr size_t kCompressBytesMin = 48;
constexpr size_t kCompressSavingMin = 8;

struct CompressedBlock {
  uint32_t listpack_bytes;
  uint32_t compressed_bytes;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};

}  // namespace

bool ListLimits::IsHuge(size_t element_bytes) const {
  if (huge_bytes_min != 0) return element_bytes >= huge_bytes_min;
  return element_bytes > (node_size_max < 0 ? BytesLimit(node_size_max) : kSafetyBytes);
}

bool ListLimits::AllowsPart(size_t size_bytes, size_t count, size_t divisor) const {
  if (node_size_max < 0) return size_bytes <= BytesLimit(node_size_max) / divisor;
  const size_t count_max = std::clamp<size_t>(static_cast<size_t>(node_size_max), 1, kNodeElementsMax);
  return size_bytes <= kSafetyBytes && count <= count_max / divisor;
}

size_t ListLimits::GrownBytes(size_t size_bytes, size_t count) const {
  if (node_size_max < 0) return BytesLimit(node_size_max);
  const size_t count_max = std::clamp<size_t>(static_cast<size_t>(node_size_max), 1, kNodeElementsMax);
  return count == 0 ? size_bytes : std::min(kSafetyBytes, size_bytes * count_max / count);
}

// ---- ListCursor

ListElement ListCursor::Get() const {
  if (plain_ != nullptr) return {{false, 0, plain_->view()}, plain_};
  return {pack_.Get(at_)};
}

void ListCursor::Next() {
  if (plain_ == nullptr) {
    at_ = pack_.Next(at_);
    if (at_ != Listpack::kNone) return;
  }
  EnterNextNode();
}

void ListCursor::EnterNextNode() {
  is_valid_ = false;
  if (list_ == nullptr) return;
  const Quicklist::Place next = list_->After({chunk_, node_});
  if (!list_->IsIn(next)) return;
  chunk_ = next.chunk;
  node_ = next.node;
  EnterNode(ListEnd::kHead);
}

void ListCursor::Previous() {
  if (plain_ == nullptr) {
    at_ = pack_.Previous(at_);
    if (at_ != Listpack::kNone) return;
  }
  is_valid_ = false;
  if (list_ == nullptr) return;
  const Quicklist::Place previous = list_->Before({chunk_, node_});
  if (!list_->IsIn(previous)) return;
  chunk_ = previous.chunk;
  node_ = previous.node;
  EnterNode(ListEnd::kTail);
}

void ListCursor::EnterNode(ListEnd from) {
  const Quicklist::Node& node = list_->At({chunk_, node_});
  is_valid_ = true;
  plain_ = nullptr;
  switch (node.form) {
    case Quicklist::Form::kPlain: plain_ = static_cast<SharedBytes*>(node.block); return;
    case Quicklist::Form::kPacked: pack_ = Listpack::ViewOf(node.block); break;
    case Quicklist::Form::kCompressed:
      unpacked_ = Quicklist::Decompressed(node);
      pack_ = *unpacked_;
      break;
  }
  at_ = from == ListEnd::kHead ? pack_.First() : pack_.Last();
}

// ---- Quicklist: nodes

Quicklist::Quicklist(Listpack pack) {
  if (!pack.empty()) InsertNode(FirstPlace(), MakePacked(std::move(pack)));
}

Quicklist::Quicklist(const Quicklist& other)
    : chunks_(other.chunks_),
      count_(other.count_),
      node_count_(other.node_count_),
      compressed_count_(other.compressed_count_) {
  for (Chunk& chunk : chunks_) {
    for (Node& node : chunk.nodes) node = CopyNode(node);
  }
}

Quicklist::~Quicklist() {
  for (const Chunk& chunk : chunks_) {
    for (const Node& node : chunk.nodes) FreeNode(node);
  }
}

Quicklist::Node Quicklist::MakePacked(Listpack pack) {
  const auto count = static_cast<uint32_t>(pack.count());
  return {pack.Release(), count, Form::kPacked};
}

Quicklist::Node Quicklist::MakePlain(std::string_view text) { return {SharedBytes::Make(text), 1, Form::kPlain}; }

Quicklist::Node Quicklist::MakeNode(std::string_view text, const ListLimits& limits) {
  if (limits.IsHuge(text.size())) return MakePlain(text);
  Listpack pack;
  pack.Append(text);
  return MakePacked(std::move(pack));
}

void Quicklist::FreeNode(const Node& node) {
  if (node.form == Form::kPlain) {
    static_cast<SharedBytes*>(node.block)->Drop();
  } else {
    std::free(GappedListpack::BlockOf(node.block, node.gap_bytes));
  }
}

Quicklist::Node Quicklist::CopyNode(const Node& node) {
  Node copy = node;
  switch (node.form) {
    // Never written again, so both lists can hold the same bytes.
    case Form::kPlain: static_cast<SharedBytes*>(node.block)->Hold(); break;
    case Form::kPacked:
      copy.block = Listpack::CopyOf(Listpack::ViewOf(node.block)).Release();
      copy.gap_bytes = 0;
      break;
    case Form::kCompressed: {
      const size_t size_bytes = sizeof(CompressedBlock) + static_cast<CompressedBlock*>(node.block)->compressed_bytes;
      copy.block = std::malloc(size_bytes);
      KVICK_ASSERT(copy.block != nullptr);
      std::memcpy(copy.block, node.block, size_bytes);
    }
  }
  return copy;
}

size_t Quicklist::memory_bytes() const {
  size_t total = sizeof(*this);
  for (const Chunk& chunk : chunks_) {
    total += sizeof(Chunk) + chunk.nodes.capacity() * sizeof(Node);
    for (const Node& node : chunk.nodes) {
      total += node.form == Form::kPlain ? static_cast<SharedBytes*>(node.block)->allocated_bytes()
                                         : malloc_usable_size(GappedListpack::BlockOf(node.block, node.gap_bytes));
    }
  }
  return total;
}

Quicklist::Place Quicklist::After(Place place) const {
  if (place.node + 1 < chunks_[place.chunk].nodes.size()) return {place.chunk, place.node + 1};
  return {place.chunk + 1, 0};
}

Quicklist::Place Quicklist::Before(Place place) const {
  if (place.node > 0) return {place.chunk, place.node - 1};
  if (place.chunk == 0) return {chunks_.size(), 0};
  return {place.chunk - 1, chunks_[place.chunk - 1].nodes.size() - 1};
}

Quicklist::Place Quicklist::PlaceOf(size_t* index) const {
  KVICK_DEBUG_ASSERT(*index < count_);
  Place place{};
  if (*index < count_ / 2) {
    while (*index >= chunks_[place.chunk].count) *index -= chunks_[place.chunk++].count;
  } else {
    place.chunk = chunks_.size();
    size_t first = count_;  // index of the chunk's first element
    while (*index < first) first -= chunks_[--place.chunk].count;
    *index -= first;
  }
  const std::vector<Node>& nodes = chunks_[place.chunk].nodes;
  while (*index >= nodes[place.node].count) *index -= nodes[place.node++].count;
  return place;
}

void Quicklist::CountChanged(Place place, int64_t difference) {
  const auto amount = static_cast<uint64_t>(difference);  // wraps around for less
  At(place).count += static_cast<uint32_t>(amount);
  chunks_[place.chunk].count += amount;
  count_ += amount;
}

Quicklist::Place Quicklist::InsertNode(Place place, const Node& node) {
  // A place behind a chunk's last node is the front of the next chunk; the end of the chunk in front is as good.
  if (place.node == 0 && place.chunk > 0 && chunks_[place.chunk - 1].nodes.size() < kChunkNodesMax) {
    place = {place.chunk - 1, chunks_[place.chunk - 1].nodes.size()};
  } else if (!IsIn(place)) {
    chunks_.emplace_back();
    place = {chunks_.size() - 1, 0};
  } else if (chunks_[place.chunk].nodes.size() == kChunkNodesMax) {
    if (place.node == 0) {
      // Pushing at the head fills new chunks.
      chunks_.emplace(chunks_.begin() + static_cast<ptrdiff_t>(place.chunk));
    } else {
      chunks_.emplace(chunks_.begin() + static_cast<ptrdiff_t>(place.chunk) + 1);
      Chunk& full = chunks_[place.chunk];
      Chunk& half = chunks_[place.chunk + 1];
      const auto middle = full.nodes.begin() + kChunkNodesMax / 2;
      half.nodes.assign(middle, full.nodes.end());
      full.nodes.erase(middle, full.nodes.end());
      for (const Node& moved : half.nodes) half.count += moved.count;
      full.count -= half.count;
      if (place.node > full.nodes.size()) place = {place.chunk + 1, place.node - full.nodes.size()};
    }
  }
  Chunk& chunk = chunks_[place.chunk];
  chunk.nodes.insert(chunk.nodes.begin() + static_cast<ptrdiff_t>(place.node), node);
  chunk.count += node.count;
  count_ += node.count;
  ++node_count_;
  return place;
}

Quicklist::Place Quicklist::EraseNode(Place place) {
  Chunk& chunk = chunks_[place.chunk];
  const Node node = chunk.nodes[place.node];
  if (node.form == Form::kCompressed) --compressed_count_;
  chunk.count -= node.count;
  count_ -= node.count;
  --node_count_;
  chunk.nodes.erase(chunk.nodes.begin() + static_cast<ptrdiff_t>(place.node));
  FreeNode(node);
  if (chunk.nodes.empty()) {
    chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(place.chunk));
    return {place.chunk, 0};
  }
  return place.node < chunk.nodes.size() ? place : Place{place.chunk + 1, 0};
}

Quicklist::Place Quicklist::SplitNode(Place place, Listpack::Position at) {
  Node second{};
  {
    BorrowedListpack pack(Ungapped(At(place)));
    second = MakePacked(pack->SplitAt(at));
  }
  CountChanged(place, -static_cast<int64_t>(second.count));
  return InsertNode(After(place), second);
}

// ---- Quicklist: compression

Listpack Quicklist::Decompressed(const Node& node) {
  const auto* block = static_cast<const CompressedBlock*>(node.block);
  void* bytes = Listpack(block->listpack_bytes).Release();  // with the room that a listpack of this size has
  const unsigned size = lzf_decompress(block->data(), block->compressed_bytes, bytes, block->listpack_bytes);
  KVICK_ASSERT(size == block->listpack_bytes);
  return Listpack::Adopt(bytes);
}

void Quicklist::Unpack(Node& node) {
  if (node.form != Form::kCompressed) return;
  void* bytes = Decompressed(node).Release();
  std::free(node.block);
  node.block = bytes;
  node.form = Form::kPacked;
  --compressed_count_;
}

void Quicklist::Compress(Node& node) {
  if (node.form != Form::kPacked) return;
  const std::string_view bytes = Listpack::ViewOf(node.block).bytes();
  if (bytes.size() < kCompressBytesMin) return;
  const size_t room = bytes.size() - kCompressSavingMin;
  const auto scratch = std::make_unique<char[]>(room);
  const unsigned size =
      lzf_compress(bytes.data(), static_cast<unsigned>(bytes.size()), scratch.get(), static_cast<unsigned>(room));
  if (size == 0) return;
  auto* block = static_cast<CompressedBlock*>(std::malloc(sizeof(CompressedBlock) + size));
  KVICK_ASSERT(block != nullptr);
  block->listpack_bytes = static_cast<uint32_t>(bytes.size());
  block->compressed_bytes = size;
  std::memcpy(block->data(), scratch.get(), size);
  FreeNode(node);
  node.block = block;
  node.gap_bytes = 0;
  node.form = Form::kCompressed;
  ++compressed_count_;
}

bool Quicklist::IsInner(Place place, size_t depth) const {
  if (node_count_ <= 2 * depth) return false;
  Place front = FirstPlace();
  Place back = LastPlace();
  for (size_t i = 0; i < depth; ++i) {
    if (front == place || back == place) return false;
    front = After(front);
    back = Before(back);
  }
  return true;
}

void Quicklist::SettleCompression(Place place, const ListLimits& limits) {
  if (chunks_.empty()) return;
  const auto depth = static_cast<size_t>(std::max(limits.compress_depth, 0));
  // Also after the setting went to 0 the end nodes are to be readable.
  const size_t readable = std::min(std::max<size_t>(depth, 1), node_count_);
  Place front = FirstPlace();
  Place back = LastPlace();
  for (size_t i = 0; i < readable; ++i) {
    Unpack(At(front));
    Unpack(At(back));
    front = After(front);
    back = Before(back);
  }
  if (depth == 0 || node_count_ <= 2 * depth) return;
  Compress(At(front));
  Compress(At(back));
  if (IsIn(place) && IsInner(place, depth)) Compress(At(place));
}

// ---- Quicklist: elements

ListCursor Quicklist::Seek(int64_t index) const {
  ListCursor cursor(this);
  if (index < 0) index += static_cast<int64_t>(count_);
  if (index < 0 || static_cast<size_t>(index) >= count_) return cursor;
  auto rest = static_cast<size_t>(index);
  const Place place = PlaceOf(&rest);
  cursor.chunk_ = place.chunk;
  cursor.node_ = place.node;
  cursor.EnterNode(ListEnd::kHead);
  if (cursor.plain_ == nullptr) cursor.at_ = cursor.pack_.Seek(static_cast<int64_t>(rest));
  return cursor;
}

ListCursor Quicklist::SeekEnd(ListEnd end) const {
  ListCursor cursor(this);
  if (count_ == 0) return cursor;
  const Place place = end == ListEnd::kHead ? FirstPlace() : LastPlace();
  cursor.chunk_ = place.chunk;
  cursor.node_ = place.node;
  cursor.EnterNode(end);
  return cursor;
}

bool Quicklist::TryAddTo(Chunk& chunk, Node& node, ListEnd end, const ListpackValue& value, const ListLimits& limits) {
  if (node.form == Form::kPlain) return false;
  Unpack(node);
  const size_t size_bytes = Listpack::ViewOf(node.block).size_bytes() + ListpackView::ElementBytes(value);
  if (!limits.Allows(size_bytes, node.count + 1)) return false;
  if (end == ListEnd::kHead) {
    Gapped(node).Prepend(value, limits.GrownBytes(size_bytes, node.count + 1));
  } else {
    Gapped(node).Append(value);
  }
  ++node.count;
  ++chunk.count;
  ++count_;
  return true;
}

void Quicklist::Push(ListEnd end, std::string_view text, const ListLimits& limits) {
  if (!chunks_.empty() && !limits.IsHuge(text.size())) {
    Chunk& chunk = end == ListEnd::kHead ? chunks_.front() : chunks_.back();
    Node& node = end == ListEnd::kHead ? chunk.nodes.front() : chunk.nodes.back();
    if (TryAddTo(chunk, node, end, ListpackValue::FromText(text), limits)) return;
  }
  if (end == ListEnd::kTail) return Settle(InsertNode({chunks_.size(), 0}, MakeNode(text, limits)), limits);
  // What was the head is full, and needs no room in front any more.
  if (!chunks_.empty() && At(FirstPlace()).form == Form::kPacked) Gapped(At(FirstPlace())).Trim();
  Settle(InsertNode(FirstPlace(), MakeNode(text, limits)), limits);
}

void Quicklist::Insert(const ListCursor& cursor, ListSide side, std::string_view text, const ListLimits& limits) {
  Place place{cursor.chunk_, cursor.node_};
  const bool is_huge = limits.IsHuge(text.size());
  const ListpackValue value = ListpackValue::FromText(text);
  bool at_front = true;                         // the new element goes in front of the whole node
  bool at_back = true;                          // or behind it
  Listpack::Position second = Listpack::kNone;  // the element that will follow the new one
  Node& node = At(place);
  if (node.form != Form::kPlain) {
    Unpack(node);
    const ListpackView view = Listpack::ViewOf(node.block);
    second = side == ListSide::kBefore ? cursor.at_ : view.Next(cursor.at_);
    at_front = second == view.First();
    at_back = second == Listpack::kNone;
    const size_t size_bytes = view.size_bytes() + ListpackView::ElementBytes(value);
    if (!is_huge && limits.Allows(size_bytes, node.count + 1)) {
      {
        BorrowedListpack pack(Ungapped(node));
        at_back ? pack->Append(value) : pack->InsertBefore(second, value);
      }
      CountChanged(place, 1);
      Settle(place, limits);
      return;
    }
  } else {
    at_front = side == ListSide::kBefore;
    at_back = !at_front;
  }

  // Between two nodes: at the nearer end of the neighbour, else as a node of its own.
  Place between = place;  // the place in front of which the new element goes
  if (at_back) between = After(place);
  if (!at_front && !at_back) {
    between = SplitNode(place, second);
    if (!is_huge && TryAdd(between, ListEnd::kHead, value, limits)) {
      // The first part: the second has been touched and is settled with it below.
      Settle(between, limits);
      Settle(Before(between), limits);
      return;
    }
  } else if (!is_huge) {
    const Place neighbour = at_front ? Before(place) : After(place);
    if (IsIn(neighbour) && TryAdd(neighbour, at_front ? ListEnd::kTail : ListEnd::kHead, value, limits)) {
      Settle(neighbour, limits);
      Settle(place, limits);
      return;
    }
  }
  const Place added = InsertNode(between, MakeNode(text, limits));
  Settle(added, limits);
  const Place next = After(added);
  if (IsIn(next)) Settle(next, limits);
  const Place previous = Before(added);
  if (IsIn(previous)) Settle(previous, limits);
}

void Quicklist::Replace(int64_t index, std::string_view text, const ListLimits& limits) {
  auto position = static_cast<size_t>(index < 0 ? index + static_cast<int64_t>(count_) : index);
  size_t rest = position;
  const Place place = PlaceOf(&rest);
  Node& node = At(place);
  const bool is_huge = limits.IsHuge(text.size());
  if (node.form == Form::kPlain && is_huge) {
    FreeNode(node);
    node = MakePlain(text);
    return;
  }
  if (node.form != Form::kPlain && !is_huge) {
    Unpack(node);
    const ListpackView view = Listpack::ViewOf(node.block);
    const Listpack::Position at = view.Seek(static_cast<int64_t>(rest));
    const ListpackValue value = ListpackValue::FromText(text);
    const size_t size_bytes = view.size_bytes() - view.ElementBytesAt(at) + ListpackView::ElementBytes(value);
    if (limits.Allows(size_bytes, node.count) || node.count == 1) {
      BorrowedListpack(Ungapped(node))->Replace(at, value);
      Settle(place, limits);
      return;
    }
  }
  // The element changes its kind of node, or does not fit where the old one was.
  if (position + 1 == count_) {
    EraseRange(position, 1, limits);
    Push(ListEnd::kTail, text, limits);
  } else {
    EraseRange(position, 1, limits);
    Insert(Seek(static_cast<int64_t>(position)), ListSide::kBefore, text, limits);
  }
}

void Quicklist::EraseRange(size_t index, size_t count, const ListLimits& limits) {
  if (count == 0) return;
  size_t rest = index;
  Place place = PlaceOf(&rest);
  while (count > 0) {
    Node& node = At(place);
    const size_t erased = std::min<size_t>(count, node.count - rest);
    count -= erased;
    if (erased == node.count) {
      place = EraseNode(place);
    } else {
      Unpack(node);
      {
        BorrowedListpack pack(Ungapped(node));
        pack->EraseRange(pack->Seek(static_cast<int64_t>(rest)), erased);
      }
      CountChanged(place, -static_cast<int64_t>(erased));
      Settle(place, limits);
      place = After(place);
    }
    rest = 0;
  }
  Settle(place, limits);
}

void Quicklist::EraseEnd(ListEnd end, size_t count, const ListLimits& limits) {
  while (count > 0) {
    const Place place = end == ListEnd::kHead ? FirstPlace() : LastPlace();
    Node& node = At(place);
    if (count >= node.count) {
      count -= node.count;
      EraseNode(place);
      continue;
    }
    Unpack(node);
    end == ListEnd::kHead ? Gapped(node).EraseFirst(count) : Gapped(node).EraseLast(count);
    CountChanged(place, -static_cast<int64_t>(count));
    count = 0;
  }
  Settle(Place{chunks_.size(), 0}, limits);
}

size_t Quicklist::RemoveInNode(Place place, const ListpackValue& value, size_t count_max, ListEnd from) {
  Node& node = At(place);
  if (node.form == Form::kCompressed) {
    const Listpack unpacked = Decompressed(node);
    if (unpacked.Find(value, unpacked.First()) == Listpack::kNone) return 0;
    Unpack(node);
  }
  const size_t removed = BorrowedListpack(Ungapped(node))->RemoveEqual(value, count_max, from == ListEnd::kTail);
  CountChanged(place, -static_cast<int64_t>(removed));
  return removed;
}

size_t Quicklist::Remove(std::string_view text, size_t count_max, ListEnd from, const ListLimits& limits) {
  const ListpackValue value = ListpackValue::FromText(text);
  size_t removed = 0;
  Place place = from == ListEnd::kHead ? FirstPlace() : LastPlace();
  while (IsIn(place) && removed < count_max) {
    const Node& node = At(place);
    size_t removed_here = 0;
    bool erases_node = false;
    if (node.form == Form::kPlain) {
      erases_node = static_cast<SharedBytes*>(node.block)->view() == text;
      removed_here = erases_node ? 1 : 0;
    } else {
      removed_here = RemoveInNode(place, value, count_max - removed, from);
      erases_node = At(place).count == 0;
    }
    removed += removed_here;
    if (erases_node) {
      // Towards the head nothing that is still to be visited moves; the place in front stays what it is, except that
      // the directory may have lost the chunk behind it.
      const Place before = Before(place);
      const bool has_before = IsIn(before);
      const Place next = EraseNode(place);
      place = from == ListEnd::kHead ? next : (has_before ? before : Place{chunks_.size(), 0});
      if (removed_here > 0) Settle(Place{chunks_.size(), 0}, limits);
    } else {
      if (removed_here > 0) Settle(place, limits);
      place = from == ListEnd::kHead ? After(place) : Before(place);
    }
  }
  return removed;
}

std::optional<ListpackView> Quicklist::OnlyPack() const {
  if (node_count_ != 1 || At(FirstPlace()).form != Form::kPacked) return std::nullopt;
  return Listpack::ViewOf(At(FirstPlace()).block);
}

Listpack Quicklist::TakeOnlyPack() {
  Listpack pack = Listpack::Adopt(*Ungapped(At(FirstPlace())));
  chunks_.clear();
  count_ = 0;
  node_count_ = 0;
  return pack;
}

void Quicklist::AppendPack(Listpack pack, const ListLimits& limits) {
  Settle(InsertNode({chunks_.size(), 0}, MakePacked(std::move(pack))), limits);
}

void Quicklist::AppendPlain(std::string_view bytes, const ListLimits& limits) {
  Settle(InsertNode({chunks_.size(), 0}, MakePlain(bytes)), limits);
}

}  // namespace kvick
