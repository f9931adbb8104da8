#include "base/block_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include "base/assert.h"
#include "base/prefetch.h"

namespace kvick {
namespace {

#ifdef MADV_COLLAPSE
constexpr int kAdviceCollapse = MADV_COLLAPSE;
#else
constexpr int kAdviceCollapse = 25;  // the C library's headers are older than the kernel
#endif

// Keeps free pages of all pools. Pages are cut from regions of kRegionBytes of address space; a page that comes
// back keeps its address; Tend gives its memory to the kernel, unless it is one of the few that are kept warm.
class PageSource {
 public:
  explicit PageSource(size_t page_bytes) : page_bytes_(page_bytes) {}

  void* Take() {
    MutexLock lock(mutex_);
    if (!warm_.empty()) return Pop(warm_);
    if (!cold_.empty()) return Pop(cold_);
    if (next_ == end_) AddRegion();
    char* page = next_;
    next_ += page_bytes_;
    if (reinterpret_cast<uintptr_t>(next_) % kHugePageBytes == 0) full_.push_back({next_ - kHugePageBytes});
    return page;
  }

  void Give(void* page) {
    MutexLock lock(mutex_);
    warm_.push_back(page);
  }

  // What would hold a command up. Huge pages are made of stretches whose pages have all been handed out: if they were
  // asked for beforehand, the kernel would clear two megabytes in the middle of a command, and the last of them would
  // lie half empty. Free pages give their memory back.
  void Tend() {
    std::vector<Stretch> full;
    std::vector<void*> spare;
    std::vector<void*> cold;
    {
      MutexLock lock(mutex_);
      full.swap(full_);
      if (!full.empty()) cold = cold_;
      if (warm_.size() > kWarmMax) {
        spare.assign(warm_.begin() + kWarmMax, warm_.end());
        warm_.resize(kWarmMax);
      }
    }
    std::erase_if(full, [&cold](Stretch& stretch) {
      // What has been given back would come back with it.
      const bool has_cold = std::any_of(cold.begin(), cold.end(), [&stretch](const void* page) {
        return page >= stretch.start && page < stretch.start + kHugePageBytes;
      });
      if (has_cold || madvise(stretch.start, kHugePageBytes, kAdviceCollapse) == 0) return true;
      // A kernel before 6.1 does not know it, and does it in its own time: also when pages have been given back
      // meanwhile, which then stand in memory again. So that is not asked for where it was only not possible just now.
      if (errno == EINVAL) madvise(stretch.start, kHugePageBytes, MADV_HUGEPAGE);
      return errno == EINVAL || ++stretch.tries == kTriesMax;
    });
    GiveToKernel(spare);
    MutexLock lock(mutex_);
    full_.insert(full_.end(), full.begin(), full.end());
  }

  // All of them.
  void Release() {
    std::vector<void*> spare;
    {
      MutexLock lock(mutex_);
      spare.swap(warm_);
    }
    GiveToKernel(spare);
  }

 private:
  static constexpr size_t kRegionBytes = size_t{16} * 1024 * 1024;
  static constexpr size_t kHugePageBytes = size_t{2} * 1024 * 1024;
  static constexpr size_t kWarmMax = 64;
  static constexpr int kTriesMax = 3;

  // Two megabytes whose pages have all been handed out, to be made one huge page.
  struct Stretch {
    char* start;
    int tries = 0;
  };

  static void* Pop(std::vector<void*>& pages) {
    void* page = pages.back();
    pages.pop_back();
    return page;
  }

  void GiveToKernel(std::vector<void*>& pages) {
    // Neighbours go together: one call of the system for what may be megabytes.
    std::sort(pages.begin(), pages.end());
    for (size_t begin = 0; begin < pages.size();) {
      size_t end = begin + 1;
      auto* start = static_cast<char*>(pages[begin]);
      while (end < pages.size() && pages[end] == start + (end - begin) * page_bytes_) ++end;
      madvise(start, (end - begin) * page_bytes_, MADV_DONTNEED);
      begin = end;
    }
    MutexLock lock(mutex_);
    cold_.insert(cold_.end(), pages.begin(), pages.end());
  }

  void AddRegion() KVICK_REQUIRES(mutex_) {
    // Twice the address space, so that an aligned region lies inside; the rest is given back at once.
    void* raw =
        mmap(nullptr, 2 * kRegionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    KVICK_ASSERT(raw != MAP_FAILED);
    const auto start = reinterpret_cast<uintptr_t>(raw);
    const uintptr_t aligned = (start + kRegionBytes - 1) & ~(kRegionBytes - 1);
    if (aligned > start) munmap(raw, aligned - start);
    const uintptr_t tail = start + 2 * kRegionBytes - (aligned + kRegionBytes);
    if (tail > 0) munmap(reinterpret_cast<void*>(aligned + kRegionBytes), tail);
    next_ = reinterpret_cast<char*>(aligned);
    end_ = next_ + kRegionBytes;
  }

  const size_t page_bytes_;
  Mutex mutex_;
  char* next_ KVICK_GUARDED_BY(mutex_) = nullptr;
  char* end_ KVICK_GUARDED_BY(mutex_) = nullptr;
  std::vector<void*> warm_ KVICK_GUARDED_BY(mutex_);
  std::vector<void*> cold_ KVICK_GUARDED_BY(mutex_);
  std::vector<Stretch> full_ KVICK_GUARDED_BY(mutex_);  // not collapsed yet
};

}  // namespace

// Lies at the start of its bytes, which are aligned to their size: a block finds its page by masking its address.
struct BlockPool::Page {
  enum class Place : uint8_t {
    kNone,      // full
    kPartial,   // blocks are taken from it
    kEmptying,  // and are not, though it has free ones
  };

  BlockPool* pool;
  Page* next;
  Page* previous;
  char* free_list;     // each free block begins with the address of the next
  uint32_t untouched;  // offset of the first block never handed out; such blocks are on no list
  uint32_t block_size;
  uint32_t used_count;
  // On which list of its pool it is. Changed under the pool's lock; whoever owns a block of the page may read it.
  std::atomic<Place> place;

  size_t FirstOffset() const {
    const size_t alignment = block_size % kCacheLineBytes == 0 ? kCacheLineBytes : kStep;
    return (sizeof(Page) + alignment - 1) / alignment * alignment;
  }
  size_t capacity() const { return (kPageBytes - FirstOffset()) / block_size; }
};

static PageSource& Pages() {
  static PageSource* source = new PageSource(BlockPool::kPageBytes);  // never destroyed: entries may outlive statics
  return *source;
}

void BlockPool::TendPages() { Pages().Tend(); }

void BlockPool::ReleasePages() { Pages().Release(); }

BlockPool* BlockPool::Pools() {
  static BlockPool* pools = new BlockPool[kShardCountMax + 1];
  return pools;
}

size_t BlockPool::shard_mask_ = kShardCountMax - 1;

void BlockPool::ChooseShardCount(size_t thread_count) {
  shard_mask_ = std::bit_ceil(std::clamp<size_t>(thread_count * 4, 4, kShardCountMax)) - 1;
}

BlockPool& BlockPool::Shard(size_t shard) { return Pools()[shard & shard_mask_]; }

BlockPool& BlockPool::ForTables() { return Pools()[kShardCountMax]; }

size_t BlockPool::BlockSize(size_t size) {
#ifdef KVICK_SANITIZED
  return size;
#else
  return size > kBlockMax ? size : (size + kStep - 1) / kStep * kStep;
#endif
}

void BlockPool::Link(PageList& list, Page* page) {
  page->next = list.first;
  page->previous = nullptr;
  if (list.first != nullptr) list.first->previous = page;
  list.first = page;
}

void BlockPool::Unlink(PageList& list, Page* page) {
  if (page->previous != nullptr) {
    page->previous->next = page->next;
  } else {
    list.first = page->next;
  }
  if (page->next != nullptr) page->next->previous = page->previous;
  if (cursor_ == page) cursor_ = page->next;
  page->place.store(Page::Place::kNone, std::memory_order_relaxed);
}

BlockPool::Page* BlockPool::AddPage(size_t size_class) {
  Page* page = new (Pages().Take()) Page{};
  page->pool = this;
  page->block_size = static_cast<uint32_t>(size_class * kStep);
  page->untouched = static_cast<uint32_t>(page->FirstOffset());
  page_bytes_.store(page_bytes_.load(std::memory_order_relaxed) + kPageBytes, std::memory_order_relaxed);
  Link(partial_[size_class], page);
  page->place.store(Page::Place::kPartial, std::memory_order_relaxed);
  return page;
}

void* BlockPool::Allocate(size_t size) {
#ifndef KVICK_SANITIZED  // under a sanitizer every block is an allocation of its own, so that misuse is seen
  if (size <= kBlockMax) {
    const size_t size_class = (size + kStep - 1) / kStep;
    SpinLockHolder holder(lock_);
    Page* page = partial_[size_class].first;
    if (page == nullptr) page = AddPage(size_class);
    char* block = page->free_list;
    if (block != nullptr) {
      page->free_list = *reinterpret_cast<char**>(block);
    } else {
      block = reinterpret_cast<char*>(page) + page->untouched;
      page->untouched += page->block_size;
    }
    ++page->used_count;
    if (page->free_list == nullptr && page->untouched + page->block_size > kPageBytes)
      Unlink(partial_[size_class], page);
    block_bytes_.store(block_bytes_.load(std::memory_order_relaxed) + page->block_size, std::memory_order_relaxed);
    return block;
  }
#endif
  void* block = size % kCacheLineBytes == 0 ? std::aligned_alloc(kCacheLineBytes, size) : std::malloc(size);
  KVICK_ASSERT(block != nullptr);
  return block;
}

void BlockPool::Free(void* block, size_t size) {
#ifndef KVICK_SANITIZED
  if (size <= kBlockMax) {
    Page* page = PageOf(block);
    page->pool->FreeBlock(page, block);
    return;
  }
#endif
  static_cast<void>(size);
  std::free(block);
}

void BlockPool::FreeBlock(Page* page, void* block) {
  SpinLockHolder holder(lock_);
  *static_cast<char**>(block) = page->free_list;
  page->free_list = static_cast<char*>(block);
  block_bytes_.store(block_bytes_.load(std::memory_order_relaxed) - page->block_size, std::memory_order_relaxed);
  if (page->place.load(std::memory_order_relaxed) == Page::Place::kNone) {
    Link(partial_[page->block_size / kStep], page);
    page->place.store(Page::Place::kPartial, std::memory_order_relaxed);
  }
  if (--page->used_count == 0) OnEmptied(page);
}

// It goes back, except the last of its size: a key set and deleted in turn must not cost a page each.
void BlockPool::OnEmptied(Page* page) {
  if (page->place.load(std::memory_order_relaxed) == Page::Place::kEmptying) {
    Unlink(emptying_, page);
    GiveBack(page);
  } else if (page->next != nullptr || page->previous != nullptr) {
    Unlink(partial_[page->block_size / kStep], page);
    GiveBack(page);
  }
}

void BlockPool::GiveBack(Page* page) {
  page_bytes_.store(page_bytes_.load(std::memory_order_relaxed) - kPageBytes, std::memory_order_relaxed);
  Pages().Give(page);
}

#ifdef KVICK_SANITIZED

// There are no pages: while it lasts, every second block is moved, so that whatever still points to one is seen.
namespace {
std::atomic<bool> moves_blocks{false};
}  // namespace

size_t BlockPool::BeginEmptying() {
  moves_blocks.store(true, std::memory_order_relaxed);
  return kPageBytes;
}

size_t BlockPool::EndEmptying() {
  moves_blocks.store(false, std::memory_order_relaxed);
  return 0;
}

bool BlockPool::MustMove(const void* block, size_t /*size*/) {
  return moves_blocks.load(std::memory_order_relaxed) && (reinterpret_cast<uintptr_t>(block) >> 4) % 2 == 0;
}

void* BlockPool::Move(void* block, size_t size) {
  void* moved = Shard(0).Allocate(size);
  std::memcpy(moved, block, size);
  Free(block, size);
  return moved;
}

void BlockPool::PrefetchPageOf(const void* /*block*/) {}

#else

// Calls `visit` for the pages of a size that have free blocks, some under each lock; it may take the page off the list.
template <typename Visit>
void BlockPool::VisitPartial(size_t size_class, Visit&& visit) {
  constexpr int kPagesPerLock = 64;
  bool begins = true;
  while (true) {
    SpinLockHolder holder(lock_);
    if (begins) cursor_ = partial_[size_class].first;
    begins = false;
    for (int i = 0; i < kPagesPerLock && cursor_ != nullptr; ++i) {
      Page* page = cursor_;
      cursor_ = page->next;
      visit(page);
    }
    if (cursor_ == nullptr) return;
  }
}

// The emptiest pages of a size, as many as what they hold fits into the others. Of pages that are about equally empty
// those at higher addresses, so that what stays lies together, and whole huge pages become free.
size_t BlockPool::ChoosePages(size_t size_class) {
  constexpr size_t kBandCount = 8;
  // A page that is fuller costs more copying than it gives.
  constexpr size_t kBandMax = kBandCount - 2;
  struct Candidate {
    size_t band;
    const Page* page;  // an address: it may be gone
    bool IsBefore(const Candidate& other) const {
      return band != other.band ? band < other.band : std::less<>()(other.page, page);
    }
  };
  {
    SpinLockHolder holder(lock_);
    Page* first = partial_[size_class].first;
    if (first == nullptr) return 0;
    if (first->next == nullptr) {
      // One that was kept for the next block of its size has been waiting long enough.
      if (first->used_count == 0) {
        Unlink(partial_[size_class], first);
        GiveBack(first);
      }
      return 0;
    }
  }
  const auto candidate_of = [](const Page* page) {
    return Candidate{page->used_count * kBandCount / page->capacity(), page};
  };
  std::vector<Candidate> candidates;
  size_t used_count = 0;
  size_t capacity = 1;
  VisitPartial(size_class, [&](const Page* page) {
    candidates.push_back(candidate_of(page));
    used_count += page->used_count;
    capacity = page->capacity();
  });
  const size_t needed = (used_count + capacity - 1) / capacity + 1;
  if (candidates.size() <= needed) return 0;
  const size_t surplus = candidates.size() - needed;
  std::nth_element(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(surplus), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.IsBefore(b); });
  const Candidate first_kept = candidates[surplus];
  size_t chosen = 0;
  // The pool's lock is held by VisitPartial, which the analysis does not see.
  VisitPartial(size_class, [&](Page* page) KVICK_NO_THREAD_SAFETY_ANALYSIS {
    const Candidate candidate = candidate_of(page);
    if (candidate.band > kBandMax || !candidate.IsBefore(first_kept)) return;
    Unlink(partial_[size_class], page);
    ++chosen;
    if (page->used_count == 0) return GiveBack(page);
    Link(emptying_, page);
    page->place.store(Page::Place::kEmptying, std::memory_order_relaxed);
  });
  return chosen;
}

namespace {
// Held while pages are chosen, by whichever of several engines in one process.
Mutex& EmptyingMutex() {
  static Mutex* mutex = new Mutex;
  return *mutex;
}
}  // namespace

size_t BlockPool::BeginEmptying() {
  MutexLock lock(EmptyingMutex());
  size_t chosen = 0;
  for (size_t i = 0; i <= kShardCountMax; ++i) {
    for (size_t size_class = 1; size_class < kClassCount; ++size_class) chosen += Pools()[i].ChoosePages(size_class);
  }
  return chosen * kPageBytes;
}

size_t BlockPool::ServeAgain() {
  constexpr int kPagesPerLock = 64;
  size_t count = 0;
  bool has_more = true;
  while (has_more) {
    SpinLockHolder holder(lock_);
    for (int i = 0; i < kPagesPerLock && emptying_.first != nullptr; ++i) {
      Page* page = emptying_.first;
      ++count;
      PageList& list = partial_[page->block_size / kStep];
      Unlink(emptying_, page);
      page->place.store(Page::Place::kPartial, std::memory_order_relaxed);
      if (list.first == nullptr) {
        Link(list, page);
        continue;
      }
      // Behind the first, which is fuller and goes on serving.
      page->previous = list.first;
      page->next = list.first->next;
      if (page->next != nullptr) page->next->previous = page;
      list.first->next = page;
    }
    has_more = emptying_.first != nullptr;
  }
  return count;
}

size_t BlockPool::EndEmptying() {
  MutexLock lock(EmptyingMutex());
  size_t count = 0;
  for (size_t i = 0; i <= kShardCountMax; ++i) count += Pools()[i].ServeAgain();
  return count * kPageBytes;
}

bool BlockPool::MustMove(const void* block, size_t size) {
  return size <= kBlockMax && PageOf(block)->place.load(std::memory_order_relaxed) == Page::Place::kEmptying;
}

void* BlockPool::Move(void* block, size_t size) {
  void* moved = PageOf(block)->pool->Allocate(size);
  std::memcpy(moved, block, size);
  Free(block, size);
  return moved;
}

void BlockPool::PrefetchPageOf(const void* block) { PrefetchLine(PageOf(block)); }

#endif

size_t BlockPool::BlockBytes() {
  size_t sum = 0;
  for (size_t i = 0; i <= kShardCountMax; ++i) sum += Pools()[i].block_bytes_.load(std::memory_order_relaxed);
  return sum;
}

size_t BlockPool::PageBytes() {
  size_t sum = 0;
  for (size_t i = 0; i <= kShardCountMax; ++i) sum += Pools()[i].page_bytes_.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace kvick
