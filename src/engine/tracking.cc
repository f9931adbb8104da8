#include "engine/tracking.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/hooks.h"
#include "engine/session.h"

namespace kvick {
namespace {

// Where clients of RESP2 get what they had redirected.
constexpr std::string_view kInvalidationChannel = "__redis__:invalidate";

std::string Header(char type, size_t count) { return type + std::to_string(count) + "\r\n"; }

std::shared_ptr<const PushMessage> BrokenRedirect(uint64_t redirect_id) {
  std::string text = Header('>', 2);
  AppendBulk(&text, "tracking-redir-broken");
  text += ":" + std::to_string(redirect_id) + "\r\n";
  return std::make_shared<const PushMessage>(PushMessage::Kind::kNotice, std::string_view(), text, text);
}

}  // namespace

// Gathers who is told, by threads, and tells them at its end.
class Tracking::Invalidation {
 public:
  // No keys: all of them.
  explicit Invalidation(std::vector<std::string_view> keys) : keys_(std::move(keys)) {}
  Invalidation(const Invalidation&) = delete;
  Invalidation& operator=(const Invalidation&) = delete;
  ~Invalidation() {
    if (direct_.count() > 0) direct_.Deliver(Encode(PushMessage::Kind::kInvalidation));
    if (redirected_.count() > 0) redirected_.Deliver(Encode(PushMessage::Kind::kRedirectedInvalidation));
  }

  void Add(const Client& client) {
    const uint64_t redirect_id = client.state->options.redirect_id;
    if (redirect_id == 0) {
      direct_.Add(*client.port, client.target);
    } else if (client.redirect_port != nullptr) {
      redirected_.Add(*client.redirect_port, client.redirect_target);
    } else {
      client.state->is_redirect_broken.store(true, std::memory_order_relaxed);
      client.port->Deliver(BrokenRedirect(redirect_id), {client.target});
    }
  }

 private:
  std::shared_ptr<const PushMessage> Encode(PushMessage::Kind kind) const {
    std::string keys = keys_.empty() ? std::string() : Header('*', keys_.size());
    for (const std::string_view key : keys_) AppendBulk(&keys, key);
    std::string pushed = Header('>', 2);
    AppendBulk(&pushed, "invalidate");
    pushed += keys_.empty() ? "_\r\n" : keys;
    std::string published;
    if (kind == PushMessage::Kind::kRedirectedInvalidation) {
      published = Header('*', 3);
      AppendBulk(&published, "message");
      AppendBulk(&published, kInvalidationChannel);
      published += keys_.empty() ? "*-1\r\n" : keys;
    }
    return std::make_shared<const PushMessage>(kind, std::string_view(), published, pushed);
  }

  std::vector<std::string_view> keys_;
  Receivers direct_;
  Receivers redirected_;
};

void Tracking::AddPrefixes(uint64_t id, const TrackingOptions& options) {
  broadcast_count_.fetch_add(1, std::memory_order_relaxed);
  for (const std::string& prefix : options.prefixes) {
    const auto [found, is_new] = prefixes_.try_emplace(prefix);
    if (is_new) ++prefix_lengths_[prefix.size()];
    found->second.push_back(id);
  }
  prefix_count_.store(prefixes_.size(), std::memory_order_relaxed);
}

void Tracking::RemoveClient(uint64_t id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  const TrackingOptions& options = found->second.state->options;
  if (options.broadcasts) {
    broadcast_count_.fetch_sub(1, std::memory_order_relaxed);
    for (const std::string& prefix : options.prefixes) {
      const auto entry = prefixes_.find(prefix);
      Ids& ids = entry->second;
      ids.erase(std::find(ids.begin(), ids.end(), id));
      if (!ids.empty()) continue;
      const auto length = prefix_lengths_.find(prefix.size());
      if (--length->second == 0) prefix_lengths_.erase(length);
      prefixes_.erase(entry);
    }
    prefix_count_.store(prefixes_.size(), std::memory_order_relaxed);
  }
  clients_.erase(found);
  client_count_.store(clients_.size(), std::memory_order_relaxed);
}

void Tracking::Enable(Session& session, TrackingOptions options, Session* redirect) {
  Client client;
  client.port = &session.transport->push_port();
  client.target = TargetOf(session);
  client.state = std::make_shared<TrackingState>();
  client.state->options = std::move(options);
  if ((session.restrictions & Session::kRestrictedUser) != 0) client.state->restricted_user = session.acl_user;
  if (redirect != nullptr) {
    client.redirect_port = &redirect->transport->push_port();
    client.redirect_target = TargetOf(*redirect);
    redirect->is_redirect_target = true;
  }
  session.tracking = client.state;
  MutexLock lock(clients_mutex_);
  RemoveClient(session.id);
  if (client.state->options.broadcasts) AddPrefixes(session.id, client.state->options);
  clients_.emplace(session.id, std::move(client));
  client_count_.store(clients_.size(), std::memory_order_relaxed);
  is_active_.store(true, std::memory_order_release);
}

void Tracking::Disable(Session& session) {
  if (session.tracking == nullptr) return;
  session.tracking.reset();
  MutexLock lock(clients_mutex_);
  RemoveClient(session.id);
  if (!clients_.empty()) return;
  is_active_.store(false, std::memory_order_release);
  // Whoever begins to track now waits for the lock: no key of his is among them.
  ForgetAllKeys();
}

void Tracking::Forget(Session& session) {
  Disable(session);
  if (!session.is_redirect_target) return;
  session.is_redirect_target = false;
  MutexLock lock(clients_mutex_);
  for (auto& [id, client] : clients_) {
    if (client.state->options.redirect_id == session.id) client.redirect_port = nullptr;
  }
}

void Tracking::Remember(const Session& session, std::string_view key, size_t key_count_max) {
  Shard& shard = ShardOf(key);
  {
    MutexLock lock(shard.mutex);
    auto found = shard.keys.find(key);
    if (found == shard.keys.end()) {
      found = shard.keys.emplace(std::string(key), Ids()).first;
      key_count_.fetch_add(1, std::memory_order_relaxed);
    }
    Ids& ids = found->second;
    if (std::find(ids.begin(), ids.end(), session.id) != ids.end()) return;
    ids.push_back(session.id);
    item_count_.fetch_add(1, std::memory_order_relaxed);
  }
  if (key_count_max != 0 && key_count() > key_count_max) EvictKeys(key_count_max);
}

// Who had read a key that is forgotten must take it for changed.
void Tracking::EvictKeys(size_t key_count_max) {
  static std::atomic<size_t> cursor{0};
  for (size_t tries = 0; tries < kShardCount && key_count() > key_count_max; ++tries) {
    Shard& shard = shards_[cursor.fetch_add(1, std::memory_order_relaxed) % kShardCount];
    std::string key;
    Ids ids;
    {
      MutexLock lock(shard.mutex);
      if (shard.keys.empty()) continue;
      auto evicted = shard.keys.extract(shard.keys.begin());
      key = std::move(evicted.key());
      ids = std::move(evicted.mapped());
      key_count_.fetch_sub(1, std::memory_order_relaxed);
      item_count_.fetch_sub(ids.size(), std::memory_order_relaxed);
    }
    Tell(key, ids, 0);
  }
}

void Tracking::Invalidate(std::string_view key, uint64_t writer_id) {
  if (key_count() == 0) return;
  Shard& shard = ShardOf(key);
  Ids ids;
  {
    MutexLock lock(shard.mutex);
    const auto found = shard.keys.find(key);
    if (found == shard.keys.end()) return;
    ids = std::move(found->second);
    shard.keys.erase(found);
    key_count_.fetch_sub(1, std::memory_order_relaxed);
    item_count_.fetch_sub(ids.size(), std::memory_order_relaxed);
  }
  Tell(key, ids, writer_id);
}

void Tracking::Tell(std::string_view key, const Ids& ids, uint64_t writer_id) {
  MutexLock lock(clients_mutex_);
  Invalidation invalidation({key});
  for (const uint64_t id : ids) {
    const auto client = clients_.find(id);
    // Who has gone, or tracks otherwise now, is left in the table until the key changes.
    if (client == clients_.end() || client->second.state->options.broadcasts) continue;
    if (id == writer_id && client->second.state->options.skips_own) continue;
    invalidation.Add(client->second);
  }
}

void Tracking::Broadcast(const std::set<std::string>& keys, uint64_t writer_id, const Authorizer* authorizer) {
  MutexLock lock(clients_mutex_);
  std::map<std::string_view, std::vector<std::string_view>> hits;
  for (const std::string& key : keys) {
    for (const auto& [length, count] : prefix_lengths_) {
      if (length > key.size()) break;
      const auto prefix = prefixes_.find(std::string_view(key).substr(0, length));
      if (prefix != prefixes_.end()) hits[prefix->first].push_back(key);
    }
  }
  for (const auto& [prefix, hit_keys] : hits) {
    Invalidation invalidation(hit_keys);
    for (const uint64_t id : prefixes_.find(prefix)->second) {
      const Client& client = clients_.at(id);
      if (id == writer_id && client.state->options.skips_own) continue;
      const User* user = client.state->restricted_user.load(std::memory_order_relaxed);
      if (user == nullptr || authorizer == nullptr) {
        invalidation.Add(client);
        continue;
      }
      std::vector<std::string_view> readable;
      for (const std::string_view key : hit_keys) {
        if (authorizer->MayReadKey(*user, key)) readable.push_back(key);
      }
      if (!readable.empty()) Invalidation(std::move(readable)).Add(client);
    }
  }
}

void Tracking::ForgetAllKeys() {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [key, ids] : shard.keys) item_count_.fetch_sub(ids.size(), std::memory_order_relaxed);
    key_count_.fetch_sub(shard.keys.size(), std::memory_order_relaxed);
    shard.keys.clear();
  }
}

void Tracking::InvalidateAll() {
  if (!is_active_.load(std::memory_order_relaxed)) return;
  ForgetAllKeys();
  MutexLock lock(clients_mutex_);
  Invalidation invalidation({});
  for (const auto& [id, client] : clients_) invalidation.Add(client);
}

}  // namespace kvick
