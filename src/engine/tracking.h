// Tracking: which clients are told of changed keys, so that they can keep values of their own (CLIENT TRACKING).
//
// By default a client is told once of each key that it has read. The table of these keys is spread over shards by the
// keys' names. In broadcast mode a client names prefixes and is told of every change of a key that begins so.
//
// No change is missed: a key is remembered while its stripe is locked for reading it, and a change is told while the
// stripe is locked for changing it. The flag is_active, which changes look at first, was set before the key was
// remembered, hence under an earlier hold of the same lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "containers/pattern_index.h"
#include "engine/push.h"

namespace kvick {

class Authorizer;
class User;

// What CLIENT TRACKING ON says.
struct TrackingOptions {
  bool broadcasts = false;
  bool opt_in = false;
  bool opt_out = false;
  bool skips_own = false;    // NOLOOP
  uint64_t redirect_id = 0;  // 0: to itself
  std::vector<std::string> prefixes;
};

// Of a session that tracks. Its thread's, but for the flag; others may read it in an exclusive moment.
struct TrackingState {
  TrackingOptions options;
  bool is_caching_chosen = false;               // CLIENT CACHING, for the next command
  std::atomic<bool> is_redirect_broken{false};  // set by whoever finds it out
  // The session's user, when there is anything that he may not do. Changes as Session::acl_user does.
  std::atomic<const User*> restricted_user{nullptr};

  [[nodiscard]] bool RemembersReads() const {
    if (options.broadcasts) return false;
    if (options.opt_in) return is_caching_chosen;
    return !options.opt_out || !is_caching_chosen;
  }
};

class Tracking {
 public:
  Tracking() = default;
  Tracking(const Tracking&) = delete;
  Tracking& operator=(const Tracking&) = delete;

  // In the session's thread. `redirect` is the session that gets the messages instead, or null; then this must be an
  // exclusive moment. `options` are whole: prefixes that were there before are among them.
  void Enable(Session& session, TrackingOptions options, Session* redirect);
  void Disable(Session& session);
  // The session ends or is reset: it does not track, and whoever redirects to it has lost his messages.
  void Forget(Session& session);

  // Any thread.
  const std::atomic<bool>& is_active() const { return is_active_; }
  [[nodiscard]] bool has_broadcasts() const { return broadcast_count_.load(std::memory_order_relaxed) != 0; }

  // With the key's stripe locked. Forgets other keys when there are more than `key_count_max` (0: no limit).
  void Remember(const Session& session, std::string_view key, size_t key_count_max);
  // The same. `writer_id`: of the session that changed it, 0 when none did.
  void Invalidate(std::string_view key, uint64_t writer_id);
  // To those who asked for prefixes; of keys that they may not read they learn nothing. `authorizer` may be null.
  void Broadcast(const std::set<std::string>& keys, uint64_t writer_id, const Authorizer* authorizer);
  // All keys, to everybody: after FLUSHALL and its like.
  void InvalidateAll();

  // For INFO. Any thread.
  [[nodiscard]] size_t client_count() const { return client_count_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t key_count() const { return key_count_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t item_count() const { return item_count_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t prefix_count() const { return prefix_count_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kShardCount = 64;
  using Ids = std::vector<uint64_t>;

  struct alignas(64) Shard {
    Mutex mutex;
    std::unordered_map<std::string, Ids, TextHash, std::equal_to<>> keys KVICK_GUARDED_BY(mutex);
  };
  struct Client {
    PushPort* port = nullptr;
    PushTarget target;
    std::shared_ptr<TrackingState> state;
    PushPort* redirect_port = nullptr;  // null though there is a redirection: the target is gone
    PushTarget redirect_target;
  };
  // Messages of one content, made when first somebody needs them.
  class Invalidation;

  Shard& ShardOf(std::string_view key) { return shards_[TextHash()(key) % kShardCount]; }
  void Tell(std::string_view key, const Ids& ids, uint64_t writer_id);
  void EvictKeys(size_t key_count_max);
  void ForgetAllKeys();
  void AddPrefixes(uint64_t id, const TrackingOptions& options) KVICK_REQUIRES(clients_mutex_);
  void RemoveClient(uint64_t id) KVICK_REQUIRES(clients_mutex_);

  std::atomic<bool> is_active_{false};
  std::array<Shard, kShardCount> shards_;
  std::atomic<size_t> key_count_{0};
  std::atomic<size_t> item_count_{0};

  Mutex clients_mutex_;  // may be held when a shard's is locked, not the other way round
  std::unordered_map<uint64_t, Client> clients_ KVICK_GUARDED_BY(clients_mutex_);
  std::unordered_map<std::string, Ids, TextHash, std::equal_to<>> prefixes_ KVICK_GUARDED_BY(clients_mutex_);
  std::map<size_t, size_t> prefix_lengths_ KVICK_GUARDED_BY(clients_mutex_);  // and how many prefixes have each
  std::atomic<size_t> client_count_{0};
  std::atomic<size_t> broadcast_count_{0};
  std::atomic<size_t> prefix_count_{0};
};

}  // namespace kvick
