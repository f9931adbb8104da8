// BlockPool hands out small blocks in steps of eight bytes.
//
// Why not the allocator alone: both packaged allocators round to sixteen bytes, which costs a 40-byte entry
// (16-byte key, 16-byte value) a fifth of its size. The pool takes pages of 32 KiB from the allocator's big end
// and cuts each into blocks of one size; a page whose blocks are all free goes back.
//
// A pool is shared by the stripes of one shard (stripe index modulo the number of shards); its own lock makes it safe
// between them. Allocate and Free are O(1): pop or push on the page's free list.
//
// When most blocks were freed here and there, every page keeps a few. BeginEmptying chooses the emptiest pages, as many
// as the others have room for; no block is taken from them any more. Whoever owns blocks asks of each whether it lies
// in such a page (MustMove) and, if so, moves it (Move) and mends what points to it: BlockMover, and
// engine/compaction.h, which decides when. A page whose last block has gone goes back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/sync.h"

namespace kvick {

class BlockPool {
 public:
  static constexpr size_t kBlockMax = 1024;  // larger blocks come from the allocator
  static constexpr size_t kShardCountMax = 32;
  static constexpr size_t kPageBytes = size_t{32} * 1024;

  // Four shards a thread, so that two threads seldom want the same, and no more, because each has pages that are partly
  // empty. To be said before threads run; 32 until then.
  static void ChooseShardCount(size_t thread_count);
  // The pool of shard `shard` (taken modulo their number). Pools live as long as the process.
  static BlockPool& Shard(size_t shard);
  // One more, for the buckets of all tables: they are asked for rarely.
  static BlockPool& ForTables();

  // `size` bytes, aligned to eight, and to a cache line when `size` is a multiple of one. Never null.
  void* Allocate(size_t size);
  // `size` is what was asked for. The block may come from any pool: it goes back to the one it was taken from.
  static void Free(void* block, size_t size);

  // Chooses the pages to be emptied, of all pools, and says how many bytes they are. Until EndEmptying; of several
  // engines in a process the last to call decides. Each lock is held for some microseconds; a page costs 0.2 of them.
  static size_t BeginEmptying();
  // Pages that still hold blocks serve again; how many bytes they are.
  static size_t EndEmptying();
  // Whether the block lies in a page that is to be emptied. For who owns the block. `size` is what was asked for.
  static bool MustMove(const void* block, size_t size);
  // Gives the block another place in its pool.
  static void* Move(void* block, size_t size);
  // Brings into the cache what MustMove reads.
  static void PrefetchPageOf(const void* block);

  // Gives free pages back to the kernel, and backs what was filled since the last call by huge pages, which save a page
  // walk on most look-ups of a large data set. To be called some times a second, by any thread but those that run
  // commands: it takes some milliseconds for every 20 MiB.
  static void TendPages();
  // The former only, and of all free pages, those included that are kept for the next blocks. The same threads.
  static void ReleasePages();

  // What a block of `size` bytes really occupies.
  static size_t BlockSize(size_t size);
  // Bytes in blocks that are handed out, and in pages, over all shards.
  static size_t BlockBytes();
  static size_t PageBytes();

 private:
  struct Page;
  struct PageList {
    Page* first = nullptr;  // pages with at least one free block
  };
  static constexpr size_t kStep = 8;
  static constexpr size_t kCacheLineBytes = 64;
  static constexpr size_t kClassCount = kBlockMax / kStep + 1;

  static size_t shard_mask_;
  static BlockPool* Pools();
  static Page* PageOf(const void* block) {
    return reinterpret_cast<Page*>(reinterpret_cast<uintptr_t>(block) & ~(kPageBytes - 1));
  }
  static void Link(PageList& list, Page* page);
  void Unlink(PageList& list, Page* page) KVICK_REQUIRES(lock_);
  Page* AddPage(size_t size_class) KVICK_REQUIRES(lock_);
  void FreeBlock(Page* page, void* block) KVICK_EXCLUDES(lock_);
  void OnEmptied(Page* page) KVICK_REQUIRES(lock_);
  void GiveBack(Page* page) KVICK_REQUIRES(lock_);
  template <typename Visit>
  void VisitPartial(size_t size_class, Visit&& visit) KVICK_EXCLUDES(lock_);
  size_t ChoosePages(size_t size_class) KVICK_EXCLUDES(lock_);
  size_t ServeAgain() KVICK_EXCLUDES(lock_);

  SpinLock lock_;
  PageList partial_[kClassCount] KVICK_GUARDED_BY(lock_);
  PageList emptying_ KVICK_GUARDED_BY(lock_);
  Page* cursor_ KVICK_GUARDED_BY(lock_) = nullptr;  // of VisitPartial: the next page
  std::atomic<size_t> block_bytes_{0};
  std::atomic<size_t> page_bytes_{0};
};

}  // namespace kvick
