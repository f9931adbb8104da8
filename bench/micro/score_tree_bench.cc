// The tree of large sorted sets, against the usual choice of the standard library, at 1 M members.
#include <benchmark/benchmark.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "containers/score_tree.h"

namespace kvick {
namespace {

constexpr size_t kCount = 1'000'000;
constexpr double kScoreMax = 1e6;

struct FilledTree {
  FilledTree() {
    Random random(1);
    members.reserve(kCount);
    for (size_t i = 0; i < kCount; ++i) {
      const std::string bytes = "member:" + std::to_string(100'000'000 + i);
      members.push_back(ScoredMember::Make(BlockPool::Shard(0), random.Unit() * kScoreMax, bytes));
      tree.Insert(members.back());
    }
  }
  ~FilledTree() {
    for (ScoredMember* member : members) ScoredMember::Free(member);
  }

  ScoreTree tree;
  std::vector<ScoredMember*> members;
};

FilledTree& Filled() {
  static FilledTree filled;
  return filled;
}

void BM_EraseAndInsert(benchmark::State& state) {
  FilledTree& filled = Filled();
  Random random(2);
  for (auto _ : state) {
    ScoredMember* member = filled.members[random.Below(kCount)];
    filled.tree.Erase(*member);
    filled.tree.Insert(member);
  }
  state.counters["node_bytes_per_member"] = static_cast<double>(filled.tree.memory_bytes()) / kCount;
}
BENCHMARK(BM_EraseAndInsert);

void BM_RankOf(benchmark::State& state) {
  const FilledTree& filled = Filled();
  Random random(3);
  for (auto _ : state) benchmark::DoNotOptimize(filled.tree.RankOf(*filled.members[random.Below(kCount)]));
}
BENCHMARK(BM_RankOf);

void BM_CountBeforeScore(benchmark::State& state) {
  const FilledTree& filled = Filled();
  Random random(4);
  for (auto _ : state) {
    benchmark::DoNotOptimize(filled.tree.CountBefore(ScoreTreeBound::BeforeScore(random.Unit() * kScoreMax)));
  }
}
BENCHMARK(BM_CountBeforeScore);

void BM_WalkHundred(benchmark::State& state) {
  const FilledTree& filled = Filled();
  Random random(5);
  for (auto _ : state) {
    auto at = filled.tree.At(random.Below(kCount - 100));
    for (int i = 0; i < 100; ++i, at.Next()) benchmark::DoNotOptimize(at.member()->score());
  }
}
BENCHMARK(BM_WalkHundred);

void BM_StdSetEraseAndInsert(benchmark::State& state) {
  std::set<std::pair<double, std::string>> set;
  std::vector<std::pair<double, std::string>> items;
  Random random(1);
  for (size_t i = 0; i < kCount; ++i) {
    items.emplace_back(random.Unit() * kScoreMax, "member:" + std::to_string(100'000'000 + i));
    set.insert(items.back());
  }
  for (auto _ : state) {
    const auto& item = items[random.Below(kCount)];
    set.erase(item);
    set.insert(item);
  }
}
BENCHMARK(BM_StdSetEraseAndInsert);

}  // namespace
}  // namespace kvick
