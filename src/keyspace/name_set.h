// NameSet: a set of names that never pauses to grow. Many names are spread over sets that each stay small, so that what
// a larger table costs is paid in pieces of well under a millisecond.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/secret_hash.h"

namespace kvick {

class NameSet {
 public:
  // `hash`: the name's SecretHash. False when it was there already.
  bool Add(std::string_view name, uint64_t hash) {
    if (shards_.empty()) {
      if (first_.size() < kFirstMax) return first_.emplace(name).second;
      Spread();
    }
    return ShardOf(hash).emplace(name).second;
  }
  bool Contains(std::string_view name, uint64_t hash) const {
    const Shard& shard = shards_.empty() ? first_ : shards_[hash >> kShardShift];
    return !shard.empty() && shard.count(std::string(name)) != 0;
  }

 private:
  struct Hash {
    size_t operator()(const std::string& name) const { return SecretHash(name); }
  };
  using Shard = std::unordered_set<std::string, Hash>;

  static constexpr size_t kFirstMax = 2048;
  static constexpr size_t kShardCount = 256;
  static constexpr int kShardShift = 56;

  Shard& ShardOf(uint64_t hash) { return shards_[hash >> kShardShift]; }
  void Spread() {
    shards_.resize(kShardCount);
    while (!first_.empty()) {
      auto node = first_.extract(first_.begin());
      const uint64_t hash = SecretHash(node.value());
      ShardOf(hash).insert(std::move(node));
    }
  }

  Shard first_;                // the names, as long as they are few
  std::vector<Shard> shards_;  // later
};

}  // namespace kvick
