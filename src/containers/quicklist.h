// Quicklist: a long sequence of strings as a chain of listpacks.
//
//   Quicklist list;
//   list.Push(ListEnd::kTail, "a", limits);
//   for (ListCursor cursor = list.Seek(0); cursor.is_valid(); cursor.Next()) Use(cursor.Get());
//
// A node is a listpack of up to ListLimits::node_size_max, or one huge element that is shared with replies (plain).
// With ListLimits::compress_depth, nodes further than that from both ends are kept compressed (LZF).
//
//   directory   deque of chunks, each with the sum of its elements
//   chunk       up to 64 node records: block, element count, form
//   node        a block of a few KiB
//
// Why not nodes that point to each other: reaching an index in the middle of a list of 10 M elements would follow
// some 10,000 pointers, a cache miss each; the directory has 300 chunks to add up, side by side in memory.
//
// Packed nodes may have a gap in front (GappedListpack), so that a list grows and shrinks at its head without moving
// the bytes of a node.
//
// Cost: both ends O(1) amortised; an index walks at most half of the directory, one chunk and half a node. No thread
// rule of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "containers/gapped_listpack.h"
#include "containers/listpack.h"

namespace kvick {

enum class ListEnd { kHead, kTail };
constexpr ListEnd Opposite(ListEnd end) { return end == ListEnd::kHead ? ListEnd::kTail : ListEnd::kHead; }

enum class ListSide { kBefore, kAfter };

// The settings that shape lists.
struct ListLimits {
  // Elements of a node; negative: its bytes, -1 4 KiB, -2 8, -3 16, -4 32, -5 64.
  int node_size_max = -2;
  int compress_depth = 0;
  size_t huge_bytes_min = 0;  // from which size on an element gets a node of its own; 0: follows from the node's size

  // Whether a listpack of this size may be.
  bool Allows(size_t size_bytes, size_t count) const { return AllowsPart(size_bytes, count, 1); }
  // The same for half of the limit: what shrinks changes its form later than what grows, so that a list whose size
  // moves around the limit does not change it back and forth.
  bool AllowsHalf(size_t size_bytes, size_t count) const { return AllowsPart(size_bytes, count, 2); }
  // Whether an element gets a node of its own.
  bool IsHuge(size_t element_bytes) const;
  // How large a listpack of this size may become while elements like its own are added.
  size_t GrownBytes(size_t size_bytes, size_t count) const;

 private:
  bool AllowsPart(size_t size_bytes, size_t count, size_t divisor) const;
};

// An element where it lies, valid until the list changes or the cursor that gave it moves.
struct ListElement {
  ListpackValue value;
  // For a plain node: what `value.bytes` lie in, for replies that can hold it instead of copying.
  SharedBytes* shared = nullptr;
};

class Quicklist;

// Walks a list of either form. Changing the list ends its validity.
class ListCursor {
 public:
  // Of a single listpack.
  ListCursor(ListpackView pack, Listpack::Position at) : pack_(pack), at_(at), is_valid_(at != Listpack::kNone) {}

  bool is_valid() const { return is_valid_; }
  ListElement Get() const;
  // In the listpack, when the cursor is of a single one.
  Listpack::Position position() const { return at_; }
  void Next();
  void Previous();
  void Step(ListEnd from) { from == ListEnd::kHead ? Next() : Previous(); }
  // Calls visit(const ListElement&) for the element at the cursor and those behind it, `count` in all or to the end.
  // The cursor is good for nothing afterwards.
  template <typename Visit>
  void Walk(size_t count, Visit&& visit);

 private:
  friend class Quicklist;
  explicit ListCursor(const Quicklist* list) : list_(list), pack_(std::string_view()) {}
  void EnterNode(ListEnd from);
  void EnterNextNode();

  const Quicklist* list_ = nullptr;  // null: `pack_` is all there is
  size_t chunk_ = 0;
  size_t node_ = 0;
  ListpackView pack_;  // of a node that is not plain
  Listpack::Position at_ = Listpack::kNone;
  SharedBytes* plain_ = nullptr;
  bool is_valid_ = false;
  std::optional<Listpack> unpacked_;  // what pack_ shows when the node is compressed
};

class Quicklist {
 public:
  Quicklist() = default;
  // One node.
  explicit Quicklist(Listpack pack);
  Quicklist(const Quicklist& other);
  Quicklist& operator=(const Quicklist&) = delete;
  ~Quicklist();

  size_t count() const { return count_; }
  size_t node_count() const { return node_count_; }
  size_t memory_bytes() const;

  // At this index, from the end when negative (-1: the last). Not valid when there is none.
  ListCursor Seek(int64_t index) const;
  ListCursor SeekEnd(ListEnd end) const;

  void Push(ListEnd end, std::string_view text, const ListLimits& limits);
  // Beside the element at the cursor.
  void Insert(const ListCursor& cursor, ListSide side, std::string_view text, const ListLimits& limits);
  void Replace(int64_t index, std::string_view text, const ListLimits& limits);
  // index + count must not exceed count().
  void EraseRange(size_t index, size_t count, const ListLimits& limits);
  // The same at an end.
  void EraseEnd(ListEnd end, size_t count, const ListLimits& limits);
  // Up to `count_max` elements equal to `text`, the first ones seen from `from`. Returns how many.
  size_t Remove(std::string_view text, size_t count_max, ListEnd from, const ListLimits& limits);

  // The listpack, when there is one node and it is one.
  std::optional<ListpackView> OnlyPack() const;
  // The same, taken out; the list is empty then. It must be there.
  Listpack TakeOnlyPack();

  // For loading: a node that is a listpack, or a plain one. Must not be empty.
  void AppendPack(Listpack pack, const ListLimits& limits);
  void AppendPlain(std::string_view bytes, const ListLimits& limits);

  // For saving and for inspection. `visit(bool is_plain, std::string_view bytes)` for every node in order; `bytes` are
  // a listpack or the element.
  template <typename Visit>
  void ForEachNode(Visit visit) const {
    for (const Chunk& chunk : chunks_) {
      for (const Node& node : chunk.nodes) {
        if (node.form == Form::kPlain) {
          visit(true, static_cast<const SharedBytes*>(node.block)->view());
        } else if (node.form == Form::kPacked) {
          visit(false, Listpack::ViewOf(node.block).bytes());
        } else {
          visit(false, Decompressed(node).bytes());
        }
      }
    }
  }
  size_t compressed_node_count() const { return compressed_count_; }

 private:
  friend class ListCursor;

  enum class Form : uint16_t { kPacked, kCompressed, kPlain };
  struct Node {
    void* block;  // a listpack's bytes, a CompressedBlock or SharedBytes
    uint32_t count;
    Form form;
    GappedListpack::GapBytes gap_bytes = 0;  // in front of a listpack
  };
  static_assert(sizeof(void*) != 8 || sizeof(Node) == 16);
  struct Chunk {
    std::vector<Node> nodes;
    size_t count = 0;  // elements of all nodes
  };
  static constexpr size_t kChunkNodesMax = 64;
  struct Place {
    size_t chunk;
    size_t node;
    friend bool operator==(const Place&, const Place&) = default;
  };

  Node& At(Place place) { return chunks_[place.chunk].nodes[place.node]; }
  const Node& At(Place place) const { return chunks_[place.chunk].nodes[place.node]; }
  bool IsIn(Place place) const { return place.chunk < chunks_.size(); }
  Place FirstPlace() const { return {0, 0}; }
  Place LastPlace() const { return {chunks_.size() - 1, chunks_.back().nodes.size() - 1}; }
  Place After(Place place) const;
  // Not IsIn() in front of the first one.
  Place Before(Place place) const;
  // The node with the element `*index`, which becomes the index within the node.
  Place PlaceOf(size_t* index) const;

  static Node MakePacked(Listpack pack);
  static Node MakePlain(std::string_view text);
  static Node MakeNode(std::string_view text, const ListLimits& limits);
  static void FreeNode(const Node& node);
  static Node CopyNode(const Node& node);
  static Listpack Decompressed(const Node& node);
  static GappedListpack Gapped(Node& node) { return {&node.block, &node.gap_bytes}; }
  // The listpack of a packed node, to be changed anywhere: without a gap.
  static void** Ungapped(Node& node) {
    Gapped(node).Close();
    return &node.block;
  }

  void CountChanged(Place place, int64_t difference);
  // In front of `place`, which may be the one behind the last. Returns where the node is; other places change.
  Place InsertNode(Place place, const Node& node);
  // Returns the place of the node that followed; other places change.
  Place EraseNode(Place place);
  // Cuts a packed node in front of its element `at`; returns the place of the second part.
  Place SplitNode(Place place, Listpack::Position at);
  bool TryAdd(Place place, ListEnd end, const ListpackValue& value, const ListLimits& limits) {
    return TryAddTo(chunks_[place.chunk], At(place), end, value, limits);
  }
  // `node` is one of the chunk's.
  bool TryAddTo(Chunk& chunk, Node& node, ListEnd end, const ListpackValue& value, const ListLimits& limits);
  size_t RemoveInNode(Place place, const ListpackValue& value, size_t count_max, ListEnd from);

  // Compression.
  void Unpack(Node& node);  // a compressed one becomes packed
  void Compress(Node& node);
  bool IsInner(Place place, size_t depth) const;
  // After a change at `place`: the nodes at the ends readable, those that have become inner ones compressed.
  void Settle(Place place, const ListLimits& limits) {
    if (limits.compress_depth > 0 || compressed_count_ > 0) SettleCompression(place, limits);
  }
  void SettleCompression(Place place, const ListLimits& limits);

  std::deque<Chunk> chunks_;  // none is empty
  size_t count_ = 0;
  size_t node_count_ = 0;
  size_t compressed_count_ = 0;
};

template <typename Visit>
void ListCursor::Walk(size_t count, Visit&& visit) {
  for (; count > 0 && is_valid_; EnterNextNode()) {
    if (plain_ != nullptr) {
      visit(Get());
      --count;
      continue;
    }
    for (auto at = at_; count > 0 && !pack_.IsEnd(at); --count) visit(ListElement{pack_.Take(&at)});
  }
}

}  // namespace kvick
