#include "containers/score_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

TEST(ScoredMemberTest, TakesLessForAnIntegerScore) {
  const std::string bytes(16, 'm');
  for (const double score : {0.0, 1.0, -1.0, 2147483647.0, -2147483648.0}) {
    ScoredMember* member = ScoredMember::Make(BlockPool::Shard(0), score, bytes);
    EXPECT_LE(member->memory_bytes(), 24u) << score;
    EXPECT_EQ(member->score(), score);
    EXPECT_EQ(member->bytes(), bytes);
    EXPECT_TRUE(member->CanHold(7));
    EXPECT_FALSE(member->CanHold(-0.0));
    EXPECT_FALSE(member->CanHold(0.5));
    ScoredMember::Free(member);
  }
  for (const double score : {-0.0, 0.5, 2147483648.0, -2147483649.0, std::numeric_limits<double>::infinity()}) {
    ScoredMember* member = ScoredMember::Make(BlockPool::Shard(0), score, bytes);
    EXPECT_GT(member->memory_bytes(), 24u) << score;
    EXPECT_LE(member->memory_bytes(), 32u) << score;
    EXPECT_EQ(member->score(), score);
    EXPECT_EQ(std::signbit(member->score()), std::signbit(score));
    EXPECT_TRUE(member->CanHold(7));
    ScoredMember::Free(member);
  }
}

TEST(ScoredMemberTest, HoldsMembersOfAnyLength) {
  for (const size_t size : {0u, 1u, 126u, 127u, 128u, 255u, 256u, 70'000u}) {
    for (const double score : {3.0, 3.5}) {
      const std::string bytes(size, 'x');
      ScoredMember* member = ScoredMember::Make(BlockPool::Shard(0), score, bytes);
      EXPECT_EQ(member->bytes(), bytes);
      EXPECT_EQ(member->score(), score);
      ScoredMember::Free(member);
    }
  }
}

// A tree beside the plain model: a std::set of (score, bytes).
class ScoreTreeTest : public ::testing::Test {
 protected:
  using Item = std::pair<double, std::string>;

  ~ScoreTreeTest() override {
    for (auto& [bytes, member] : members_) ScoredMember::Free(member);
  }

  void Insert(double score, const std::string& bytes) {
    ScoredMember* member = ScoredMember::Make(BlockPool::Shard(0), score, bytes);
    members_[bytes] = member;
    model_.insert({score, bytes});
    tree_.Insert(member);
  }
  void Erase(const std::string& bytes) {
    const auto found = members_.find(bytes);
    tree_.Erase(*found->second);
    model_.erase({found->second->score(), bytes});
    ScoredMember::Free(found->second);
    members_.erase(found);
  }
  void SetScore(const std::string& bytes, double score) {
    ScoredMember* member = members_[bytes];
    model_.erase({member->score(), bytes});
    model_.insert({score, bytes});
    if (member->CanHold(score)) return tree_.SetScore(member, score);
    ScoredMember* replacement = ScoredMember::Make(BlockPool::Shard(0), score, bytes);
    tree_.Replace(*member, replacement);
    ScoredMember::Free(member);
    members_[bytes] = replacement;
  }
  size_t ModelCountBefore(const ScoreTreeBound& bound) const {
    size_t count = 0;
    for (const Item& item : model_) count += bound.IsBehind(item.first, *members_.at(item.second)) ? 1 : 0;
    return count;
  }
  void CompareAll() {
    tree_.Check();
    ASSERT_EQ(tree_.count(), model_.size());
    auto at = tree_.At(0);
    size_t rank = 0;
    for (const Item& item : model_) {
      ASSERT_NE(at.member(), nullptr);
      ASSERT_EQ(at.rank(), rank);
      ASSERT_EQ(at.member()->bytes(), item.second);
      ASSERT_EQ(at.member()->score(), item.first);
      ASSERT_EQ(tree_.RankOf(*at.member()), rank);
      at.Next();
      ++rank;
    }
    ASSERT_EQ(at.member(), nullptr);
    if (model_.empty()) return;
    at = tree_.At(model_.size() - 1);
    for (auto item = model_.rbegin(); item != model_.rend(); ++item, at.Previous()) {
      ASSERT_NE(at.member(), nullptr);
      ASSERT_EQ(at.member()->bytes(), item->second);
    }
    ASSERT_EQ(at.member(), nullptr);
  }

  ScoreTree tree_;
  std::map<std::string, ScoredMember*> members_;
  std::set<Item> model_;
};

TEST_F(ScoreTreeTest, IsEmptyAtFirst) {
  EXPECT_EQ(tree_.count(), 0u);
  EXPECT_EQ(tree_.At(0).member(), nullptr);
  EXPECT_EQ(tree_.CountBefore(ScoreTreeBound::AfterScore(1)), 0u);
  EXPECT_EQ(tree_.memory_bytes(), 0u);
}

TEST_F(ScoreTreeTest, KeepsAscendingMembersInFullLeaves) {
  constexpr size_t kCount = 20'000;
  for (size_t i = 0; i < kCount; ++i) Insert(static_cast<double>(i), std::to_string(i));
  CompareAll();
  EXPECT_LT(static_cast<double>(tree_.memory_bytes()) / kCount, 8.5);
}

TEST_F(ScoreTreeTest, TakesMembersInDescendingOrder) {
  for (int i = 20'000; i > 0; --i) Insert(i, std::to_string(i));
  CompareAll();
}

TEST_F(ScoreTreeTest, NeedsNineBytesAMemberForRandomScores) {
  Random random(1);
  constexpr size_t kCount = 50'000;
  for (size_t i = 0; i < kCount; ++i) Insert(random.Unit() * 1e6, std::to_string(i));
  tree_.Check();
  EXPECT_LT(static_cast<double>(tree_.memory_bytes()) / kCount, 9.0);
}

TEST_F(ScoreTreeTest, OrdersEqualScoresByBytes) {
  Random random(2);
  for (int i = 0; i < 3'000; ++i) Insert(0, std::to_string(random.Next()));
  CompareAll();
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = std::to_string(random.Next());
    ASSERT_EQ(tree_.CountBefore(ScoreTreeBound::BeforeBytes(bytes)),
              ModelCountBefore(ScoreTreeBound::BeforeBytes(bytes)));
    ASSERT_EQ(tree_.CountBefore(ScoreTreeBound::AfterBytes(bytes)),
              ModelCountBefore(ScoreTreeBound::AfterBytes(bytes)));
  }
}

TEST_F(ScoreTreeTest, KnowsInfinitiesAndBothZeros) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double largest = std::numeric_limits<double>::max();
  const double smallest = std::numeric_limits<double>::denorm_min();
  int i = 0;
  for (int round = 0; round < 100; ++round) {
    for (const double score : {infinity, -infinity, largest, -largest, smallest, -smallest, 0.0, -0.0, 1.0}) {
      Insert(score, std::to_string(i++));
    }
  }
  tree_.Check();
  for (const double score : {infinity, -infinity, largest, -largest, smallest, 0.0, -0.0, 2.0}) {
    ASSERT_EQ(tree_.CountBefore(ScoreTreeBound::BeforeScore(score)),
              ModelCountBefore(ScoreTreeBound::BeforeScore(score)));
    ASSERT_EQ(tree_.CountBefore(ScoreTreeBound::AfterScore(score)),
              ModelCountBefore(ScoreTreeBound::AfterScore(score)));
  }
}

// Insertions, erasures and changes of scores, with phases of growth and of shrinking.
TEST_F(ScoreTreeTest, AgreesWithAPlainSet) {
  for (const uint64_t seed : {11u, 12u, 13u, 14u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto draw_score = [&]() -> double {
      switch (random.Below(4)) {
        case 0: return static_cast<double>(random.Below(10));
        case 1: return random.Unit() * 1000;
        case 2: return std::pow(10, random.Unit() * 40 - 20);
        default: return -static_cast<double>(random.Below(100'000));
      }
    };
    for (int phase = 0; phase < 6; ++phase) {
      const uint64_t insert_share = phase % 2 == 0 ? 70 : 10;
      for (int i = 0; i < 3'000; ++i) {
        const std::string bytes = std::to_string(random.Below(6'000));
        const bool is_there = members_.count(bytes) != 0;
        if (!is_there && random.Below(100) < insert_share) {
          Insert(draw_score(), bytes);
        } else if (is_there && random.Below(100) >= insert_share) {
          Erase(bytes);
        } else if (is_there) {
          SetScore(bytes, random.Below(2) == 0 ? draw_score() : members_[bytes]->score() + 0.001);
        }
        if (i % 500 == 0) {
          const double score = draw_score();
          ASSERT_EQ(tree_.CountBefore(ScoreTreeBound::BeforeScore(score)),
                    ModelCountBefore(ScoreTreeBound::BeforeScore(score)));
          ASSERT_EQ(tree_.CountBefore(ScoreTreeBound::AfterScore(score)),
                    ModelCountBefore(ScoreTreeBound::AfterScore(score)));
        }
      }
      ASSERT_NO_FATAL_FAILURE(CompareAll());
    }
    while (!members_.empty()) Erase(members_.begin()->first);
    ASSERT_NO_FATAL_FAILURE(CompareAll());
    ASSERT_EQ(tree_.memory_bytes(), 0u);
  }
}

TEST_F(ScoreTreeTest, GivesMemoryBackAsItShrinks) {
  Random random(3);
  for (int i = 0; i < 50'000; ++i) Insert(random.Unit(), std::to_string(i));
  for (int i = 0; i < 49'000; ++i) Erase(std::to_string(i));
  tree_.Check();
  EXPECT_LT(tree_.memory_bytes(), 1'000u * 20);
}

}  // namespace
}  // namespace kvick
