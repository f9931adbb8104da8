#include "base/block_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "base/block_mover.h"
#include "base/random.h"

namespace kvick {
namespace {

constexpr size_t kSize = 40;
constexpr size_t kCount = 20'000;  // some 25 pages

uintptr_t PageNumber(const void* block) { return reinterpret_cast<uintptr_t>(block) / BlockPool::kPageBytes; }

// Under a sanitizer there are no pages.
#ifdef KVICK_SANITIZED
constexpr bool kHasPages = false;
#else
constexpr bool kHasPages = true;
#endif

class BlockPoolTest : public ::testing::Test {
 protected:
  ~BlockPoolTest() override {
    BlockPool::EndEmptying();
    for (uint64_t* block : blocks_) BlockPool::Free(block, kSize);
  }

  void Fill(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      auto* block = static_cast<uint64_t*>(pool_.Allocate(kSize));
      *block = block[kSize / 8 - 1] = next_++;
      blocks_.push_back(block);
    }
  }
  // Keeps one of `step`, drawn at random.
  void FreeMost(uint64_t step) {
    std::vector<uint64_t*> kept;
    for (uint64_t* block : blocks_) {
      if (random_.Below(step) == 0) {
        kept.push_back(block);
      } else {
        BlockPool::Free(block, kSize);
      }
    }
    blocks_ = kept;
  }
  std::set<uintptr_t> Pages() const {
    std::set<uintptr_t> pages;
    for (const uint64_t* block : blocks_) pages.insert(PageNumber(block));
    return pages;
  }
  void MoveAll() {
    for (uint64_t*& block : blocks_) {
      const uint64_t value = *block;
      block = mover_.Follow(block, kSize);
      ASSERT_EQ(*block, value);
      ASSERT_EQ(block[kSize / 8 - 1], value);
    }
  }

  BlockPool& pool_ = BlockPool::Shard(5);
  Random random_{3};
  uint64_t next_ = 1;
  std::vector<uint64_t*> blocks_;
  BlockMover mover_;
};

TEST_F(BlockPoolTest, AlignsToEightBytesAndToCacheLines) {
  for (size_t size = 1; size <= BlockPool::kBlockMax + 64; ++size) {
    void* block = pool_.Allocate(size);
    std::memset(block, 0xff, size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % (size % 64 == 0 ? 64 : 8), 0U) << size;
    BlockPool::Free(block, size);
  }
}

TEST_F(BlockPoolTest, NothingMovesUnlessPagesAreBeingEmptied) {
  Fill(kCount);
  FreeMost(10);
  MoveAll();
  EXPECT_EQ(mover_.moved_count(), 0U);
  EXPECT_EQ(mover_.left_count(), blocks_.size());
}

TEST_F(BlockPoolTest, WhatLiesScatteredComesTogetherInTheFewestPages) {
  if (!kHasPages) GTEST_SKIP() << "there are no pages under a sanitizer";
  Fill(kCount);
  const size_t pages_when_full = Pages().size();
  FreeMost(10);
  ASSERT_EQ(Pages().size(), pages_when_full);
  const size_t page_bytes = BlockPool::PageBytes();
  const size_t chosen_bytes = BlockPool::BeginEmptying();
  EXPECT_GE(chosen_bytes, (pages_when_full * 8 / 10) * BlockPool::kPageBytes);
  MoveAll();
  EXPECT_LE(Pages().size(), pages_when_full / 10 + 2);
  EXPECT_LE(BlockPool::PageBytes() + chosen_bytes, page_bytes);
  EXPECT_GT(mover_.moved_count(), blocks_.size() / 2);
}

TEST_F(BlockPoolTest, NewBlocksDoNotComeFromPagesThatAreBeingEmptied) {
  if (!kHasPages) GTEST_SKIP() << "there are no pages under a sanitizer";
  Fill(kCount);
  FreeMost(4);
  BlockPool::BeginEmptying();
  const size_t before = blocks_.size();
  Fill(kCount);
  for (size_t i = before; i < blocks_.size(); ++i) ASSERT_FALSE(BlockPool::MustMove(blocks_[i], kSize));
}

TEST_F(BlockPoolTest, PagesThatWereNotEmptiedServeAgain) {
  if (!kHasPages) GTEST_SKIP() << "there are no pages under a sanitizer";
  Fill(kCount);
  FreeMost(4);
  const size_t page_bytes = BlockPool::PageBytes();
  BlockPool::BeginEmptying();
  BlockPool::EndEmptying();
  Fill(kCount / 2);
  EXPECT_EQ(BlockPool::PageBytes(), page_bytes);
  MoveAll();
  EXPECT_EQ(mover_.moved_count(), 0U);
}

TEST_F(BlockPoolTest, FullPagesStayWhereTheyAre) {
  if (!kHasPages) GTEST_SKIP() << "there are no pages under a sanitizer";
  Fill(kCount);
  BlockPool::BeginEmptying();
  MoveAll();
  EXPECT_EQ(mover_.moved_count(), 0U);
}

// Who frees what lies in a page that is being emptied, and who takes, meet whoever chooses and moves.
TEST_F(BlockPoolTest, ConcurrencyOfTakingFreeingAndEmptying) {
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([seed, this] {
      Random random(seed);
      std::vector<uint64_t*> own;
      BlockMover mover;
      for (uint64_t i = 0; i < 60'000; ++i) {
        const uint64_t draw = random.Below(100);
        if (draw < (i / 5000 % 2 == 0 ? 70U : 20U) || own.empty()) {
          own.push_back(static_cast<uint64_t*>(pool_.Allocate(kSize)));
          *own.back() = seed * 1'000'000 + i;
          continue;
        }
        uint64_t*& block = own[random.Below(own.size())];
        const uint64_t value = *block;
        block = mover.Follow(block, kSize);
        ASSERT_EQ(*block, value);
        ASSERT_EQ(value / 1'000'000, seed);
        if (draw % 2 == 0) {
          BlockPool::Free(block, kSize);
          block = own.back();
          own.pop_back();
        }
      }
      for (uint64_t* block : own) BlockPool::Free(block, kSize);
    });
  }
  for (int i = 0; i < 200; ++i) {
    BlockPool::BeginEmptying();
    std::this_thread::yield();
    BlockPool::EndEmptying();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace kvick
