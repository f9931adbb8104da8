#include "containers/gapped_listpack.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

// Owns what a GappedListpack borrows.
class Holder {
 public:
  Holder() : pack_(Listpack().Release()) {}
  explicit Holder(Listpack pack) : pack_(pack.Release()) {}
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { std::free(GappedListpack::BlockOf(pack_, gap_bytes_)); }

  GappedListpack Gapped() { return {&pack_, &gap_bytes_}; }
  ListpackView view() const { return Listpack::ViewOf(pack_); }
  size_t gap_bytes() const { return gap_bytes_; }
  size_t allocated_bytes() const { return malloc_usable_size(GappedListpack::BlockOf(pack_, gap_bytes_)); }
  std::deque<std::string> Texts() const {
    std::deque<std::string> texts;
    char buffer[kInt64TextMax];
    for (auto at = view().First(); at != Listpack::kNone; at = view().Next(at))
      texts.emplace_back(view().Get(at).Text(buffer));
    return texts;
  }

 private:
  void* pack_;
  GappedListpack::GapBytes gap_bytes_ = 0;
};

std::string RandomText(Random& random) {
  switch (random.Below(8)) {
    case 0: return std::to_string(static_cast<int64_t>(random.Next()));
    case 1: return std::to_string(random.Below(300));
    case 2: return std::string(random.Below(300), 's');
    case 3: return random.Below(10) == 0 ? std::string(4000 + random.Below(200), 'l') : std::string();
    default: return std::string(random.Below(70), 'a');
  }
}

TEST(GappedListpackTest, IsADequeWhateverHappensAtItsEnds) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Holder holder;
    std::deque<std::string> model;
    const uint64_t growth = 2 + random.Below(3);  // of five steps that add or take, so many add
    for (int step = 0; step < 3000; ++step) {
      if (random.Below(5) < growth) {
        const std::string text = RandomText(random);
        if (random.Below(2) == 0) {
          holder.Gapped().Append(ListpackValue::FromText(text));
          model.push_back(text);
        } else {
          holder.Gapped().Prepend(ListpackValue::FromText(text), random.Below(20'000));
          model.push_front(text);
        }
      } else if (model.size() > 1) {
        const size_t count = 1 + random.Below(std::min<uint64_t>(model.size() - 1, 3));
        if (random.Below(2) == 0) {
          holder.Gapped().EraseFirst(count);
          model.erase(model.begin(), model.begin() + static_cast<ptrdiff_t>(count));
        } else {
          holder.Gapped().EraseLast(count);
          model.erase(model.end() - static_cast<ptrdiff_t>(count), model.end());
        }
      }
      if (random.Below(200) == 0) holder.Gapped().Trim();
      if (random.Below(200) == 0) {
        holder.Gapped().Close();
        ASSERT_EQ(holder.gap_bytes(), 0u);
      }
      ASSERT_EQ(holder.view().count(), model.size());
      ASSERT_LE(holder.gap_bytes() + holder.view().size_bytes(), holder.allocated_bytes());
      if (step % 100 == 0) {
        ASSERT_TRUE(ListpackView::IsValid(holder.view().bytes(), ListpackView::Check::kDeep));
        ASSERT_EQ(holder.Texts(), model);
      }
    }
    ASSERT_EQ(holder.Texts(), model);
  }
}

TEST(GappedListpackTest, AnElementLongerThanAnyGapIsPutInFrontAllTheSame) {
  Holder holder;
  const std::string huge(200'000, 'h');
  holder.Gapped().Append(ListpackValue::FromText("b"));
  holder.Gapped().Prepend(ListpackValue::FromText("a"), 100'000);
  holder.Gapped().Prepend(ListpackValue::FromText(huge), 1'000'000);
  EXPECT_EQ(holder.Texts(), (std::deque<std::string>{huge, "a", "b"}));
  holder.Gapped().EraseFirst(1);
  EXPECT_EQ(holder.Texts(), (std::deque<std::string>{"a", "b"}));
  EXPECT_LT(holder.allocated_bytes(), 1000u);
}

TEST(GappedListpackTest, GrowsInFrontWithinWhatItsOwnerSays) {
  Holder holder;
  constexpr size_t kBytesMax = 8192;
  const ListpackValue value = ListpackValue::FromText("value-of-sixteen");
  size_t moves = 0;
  while (holder.view().size_bytes() + ListpackView::ElementBytes(value) <= kBytesMax) {
    const size_t gap_before = holder.gap_bytes();
    holder.Gapped().Prepend(value, kBytesMax);
    if (holder.gap_bytes() >= gap_before) ++moves;
  }
  EXPECT_LE(holder.allocated_bytes(), Listpack::RoomFor(kBytesMax));
  EXPECT_LT(moves, 15u);
}

TEST(GappedListpackTest, AQueueOfTheSameLengthKeepsItsBlockSmall) {
  for (const size_t length : {2U, 30U, 300U}) {
    Holder holder;
    for (size_t i = 0; i < length; ++i) holder.Gapped().Append(ListpackValue::FromText("value-of-sixteen"));
    const size_t allocated_before = holder.allocated_bytes();
    for (int i = 0; i < 10'000; ++i) {
      holder.Gapped().Append(ListpackValue::FromText("value-of-sixteen"));
      holder.Gapped().EraseFirst(1);
      ASSERT_LE(holder.allocated_bytes(), allocated_before * 3 / 2 + 600);
    }
  }
}

TEST(GappedListpackTest, WhatIsErasedAtEitherEndIsGivenBack) {
  for (const bool from_front : {true, false}) {
    for (const bool is_gapped : {true, false}) {
      Holder holder;
      for (int i = 0; i < 400; ++i) {
        const ListpackValue value = ListpackValue::FromText("value-of-sixteen");
        is_gapped ? holder.Gapped().Prepend(value, 16384) : holder.Gapped().Append(value);
      }
      for (int i = 0; i < 395; ++i) from_front ? holder.Gapped().EraseFirst(1) : holder.Gapped().EraseLast(1);
      EXPECT_LE(holder.allocated_bytes(), 1280u);
      EXPECT_EQ(holder.view().count(), 5u);
    }
  }
}

}  // namespace
}  // namespace kvick
