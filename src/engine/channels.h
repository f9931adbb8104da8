// Channels: who is subscribed to which channels and patterns, in all threads.
//
//   engine.channels().Subscribe(session, ChannelKind::kChannel, "news");   // in the session's thread
//   engine.channels().Publish(ChannelKind::kChannel, "news", "hello");     // any thread; how many get it
//
// Channels are spread over shards by their names, each with its lock; patterns have one lock. Messages are handed to
// the receivers' threads under these locks: so the messages of one channel have one order for all who get them, and
// what a publisher sends keeps its order. PUBLISH may run under stripes' locks (in a transaction, in a script, as a
// keyspace notification): the locks here are leaves, under which only mailboxes are locked.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "containers/pattern_index.h"
#include "engine/push.h"

namespace kvick {

enum class ChannelKind : uint8_t { kChannel, kShardChannel, kPattern };

// What one session is subscribed to. Its thread's; others may read it in an exclusive moment.
class Subscriptions {
 public:
  using Names = std::unordered_set<std::string, TextHash, std::equal_to<>>;

  const Names& names(ChannelKind kind) const { return names_[static_cast<size_t>(kind)]; }
  [[nodiscard]] size_t count(ChannelKind kind) const { return names(kind).size(); }
  [[nodiscard]] bool empty() const { return names_[0].empty() && names_[1].empty() && names_[2].empty(); }
  // Counts unsubscriptions. A message that was addressed before the latest of them is looked at more closely.
  [[nodiscard]] uint32_t epoch() const { return epoch_; }
  [[nodiscard]] bool Holds(PushMessage::Kind kind, std::string_view name) const;

 private:
  friend class Channels;
  std::array<Names, 3> names_;
  uint32_t epoch_ = 0;
};

class Channels {
 public:
  Channels() = default;
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;

  // In the session's thread. False when it was, or was not, subscribed already.
  bool Subscribe(Session& session, ChannelKind kind, std::string_view name);
  bool Unsubscribe(Session& session, ChannelKind kind, std::string_view name);
  void UnsubscribeAll(Session& session);

  // Any thread. `kind` is not kPattern; patterns match the names of ordinary channels.
  size_t Publish(ChannelKind kind, std::string_view channel, std::string_view message);

  // Any thread.
  [[nodiscard]] bool has_subscribers() const {
    return channel_count(ChannelKind::kChannel) + channel_count(ChannelKind::kPattern) != 0;
  }
  // Channels with subscribers, or patterns.
  [[nodiscard]] size_t channel_count(ChannelKind kind) const {
    return counts_[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
  }
  [[nodiscard]] size_t subscriber_count() const { return subscriber_count_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t SubscribersOf(ChannelKind kind, std::string_view channel);
  // All when `pattern` is null.
  [[nodiscard]] std::vector<std::string> Names(ChannelKind kind, const std::string_view* pattern);

 private:
  static constexpr size_t kShardCount = 64;

  struct alignas(64) Shard {
    Mutex mutex;
    std::unordered_map<std::string, Receivers, TextHash, std::equal_to<>> channels KVICK_GUARDED_BY(mutex);
  };

  Shard& ShardOf(ChannelKind kind, std::string_view name) {
    return shards_[static_cast<size_t>(kind)][TextHash()(name) % kShardCount];
  }
  void Add(ChannelKind kind, std::string_view name, PushPort& port, const PushTarget& target);
  void Remove(ChannelKind kind, std::string_view name, const PushPort& port, uint64_t session_id);
  void Count(ChannelKind kind, size_t change) {
    counts_[static_cast<size_t>(kind)].fetch_add(change, std::memory_order_relaxed);
  }
  void Forget(Session& session, ChannelKind kind, std::string_view name);

  std::array<std::array<Shard, kShardCount>, 2> shards_;
  Mutex patterns_mutex_;
  PatternIndex<Receivers> patterns_ KVICK_GUARDED_BY(patterns_mutex_);
  std::array<std::atomic<size_t>, 3> counts_{};
  std::atomic<size_t> subscriber_count_{0};
};

}  // namespace kvick
