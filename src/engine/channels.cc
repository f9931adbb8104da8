#include "engine/channels.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/numbers.h"
#include "engine/session.h"

namespace kvick {
namespace {

// What fits is encoded on the stack: most messages are small, and their sending costs little more than its allocations.
constexpr size_t kStackBytes = 512;

class MessageWriter {
 public:
  explicit MessageWriter(char* out) : begin_(out), end_(out) {}
  void Text(std::string_view text) { end_ = std::copy(text.begin(), text.end(), end_); }
  void Number(uint64_t number) { end_ += FormatUint64(number, end_); }
  std::string_view written() const { return {begin_, static_cast<size_t>(end_ - begin_)}; }

 private:
  char* begin_;
  char* end_;
};

std::shared_ptr<const PushMessage> Encode(PushMessage::Kind kind, std::string_view source,
                                          std::initializer_list<std::string_view> parts) {
  constexpr size_t kHeaderBytesMax = 25;  // of each part, with its end
  size_t size_max = kHeaderBytesMax;
  for (const std::string_view part : parts) size_max += part.size() + kHeaderBytesMax;
  char stack[2 * kStackBytes];
  std::string large;
  if (size_max > kStackBytes) large.resize(2 * size_max);
  char* const resp2 = large.empty() ? stack : large.data();
  MessageWriter writer(resp2);
  writer.Text("*");
  writer.Number(parts.size());
  writer.Text("\r\n");
  for (const std::string_view part : parts) {
    writer.Text("$");
    writer.Number(part.size());
    writer.Text("\r\n");
    writer.Text(part);
    writer.Text("\r\n");
  }
  // A push of RESP3 is the same but for its first byte.
  const std::string_view in_resp2 = writer.written();
  char* const resp3 = resp2 + in_resp2.size();
  std::copy(in_resp2.begin(), in_resp2.end(), resp3);
  resp3[0] = '>';
  return std::make_shared<const PushMessage>(kind, source, in_resp2, std::string_view(resp3, in_resp2.size()));
}

}  // namespace

bool Subscriptions::Holds(PushMessage::Kind kind, std::string_view name) const {
  switch (kind) {
    case PushMessage::Kind::kChannel: return names(ChannelKind::kChannel).contains(name);
    case PushMessage::Kind::kShardChannel: return names(ChannelKind::kShardChannel).contains(name);
    case PushMessage::Kind::kPattern: return names(ChannelKind::kPattern).contains(name);
    default: return false;
  }
}

void Channels::Add(ChannelKind kind, std::string_view name, PushPort& port, const PushTarget& target) {
  if (kind == ChannelKind::kPattern) {
    MutexLock lock(patterns_mutex_);
    Receivers& receivers = patterns_.Get(name);
    if (receivers.count() == 0) Count(kind, 1);
    receivers.Add(port, target);
    return;
  }
  Shard& shard = ShardOf(kind, name);
  MutexLock lock(shard.mutex);
  const auto [channel, is_new] = shard.channels.try_emplace(std::string(name));
  if (is_new) Count(kind, 1);
  channel->second.Add(port, target);
}

void Channels::Remove(ChannelKind kind, std::string_view name, const PushPort& port, uint64_t session_id) {
  if (kind == ChannelKind::kPattern) {
    MutexLock lock(patterns_mutex_);
    Receivers* receivers = patterns_.Find(name);
    if (receivers == nullptr) return;
    receivers->Remove(port, session_id);
    if (receivers->count() > 0) return;
    patterns_.Remove(name);
    return Count(kind, static_cast<size_t>(-1));
  }
  Shard& shard = ShardOf(kind, name);
  MutexLock lock(shard.mutex);
  const auto channel = shard.channels.find(name);
  if (channel == shard.channels.end()) return;
  channel->second.Remove(port, session_id);
  if (channel->second.count() > 0) return;
  shard.channels.erase(channel);
  Count(kind, static_cast<size_t>(-1));
}

bool Channels::Subscribe(Session& session, ChannelKind kind, std::string_view name) {
  if (session.transport == nullptr) return false;
  if (session.subscriptions == nullptr) session.subscriptions = std::make_shared<Subscriptions>();
  Subscriptions& subscriptions = *session.subscriptions;
  const bool was_subscriber = !subscriptions.empty();
  if (!subscriptions.names_[static_cast<size_t>(kind)].emplace(name).second) return false;
  if (!was_subscriber) subscriber_count_.fetch_add(1, std::memory_order_relaxed);
  session.restrictions |= Session::kSubscriber;
  Add(kind, name, session.transport->push_port(), TargetOf(session));
  return true;
}

void Channels::Forget(Session& session, ChannelKind kind, std::string_view name) {
  Remove(kind, name, session.transport->push_port(), session.id);
  ++session.subscriptions->epoch_;
  if (!session.subscriptions->empty()) return;
  subscriber_count_.fetch_sub(1, std::memory_order_relaxed);
  session.restrictions &= ~static_cast<uint32_t>(Session::kSubscriber);
}

bool Channels::Unsubscribe(Session& session, ChannelKind kind, std::string_view name) {
  if (session.subscriptions == nullptr) return false;
  Subscriptions::Names& names = session.subscriptions->names_[static_cast<size_t>(kind)];
  const auto found = names.find(name);
  if (found == names.end()) return false;
  names.erase(found);
  Forget(session, kind, name);
  return true;
}

void Channels::UnsubscribeAll(Session& session) {
  if (session.subscriptions == nullptr) return;
  for (const ChannelKind kind : {ChannelKind::kChannel, ChannelKind::kShardChannel, ChannelKind::kPattern}) {
    Subscriptions::Names& names = session.subscriptions->names_[static_cast<size_t>(kind)];
    while (!names.empty()) {
      const std::string name = std::move(names.extract(names.begin()).value());
      Forget(session, kind, name);
    }
  }
}

size_t Channels::Publish(ChannelKind kind, std::string_view channel, std::string_view message) {
  size_t receiver_count = 0;
  if (channel_count(kind) != 0) {
    Shard& shard = ShardOf(kind, channel);
    MutexLock lock(shard.mutex);
    const auto found = shard.channels.find(channel);
    if (found != shard.channels.end()) {
      receiver_count = found->second.count();
      found->second.Deliver(kind == ChannelKind::kChannel
                                ? Encode(PushMessage::Kind::kChannel, channel, {"message", channel, message})
                                : Encode(PushMessage::Kind::kShardChannel, channel, {"smessage", channel, message}));
    }
  }
  if (kind == ChannelKind::kShardChannel || channel_count(ChannelKind::kPattern) == 0) return receiver_count;
  MutexLock lock(patterns_mutex_);
  patterns_.ForEachMatch(channel, [&](const std::string& pattern, const Receivers& receivers) {
    receiver_count += receivers.count();
    receivers.Deliver(Encode(PushMessage::Kind::kPattern, pattern, {"pmessage", pattern, channel, message}));
  });
  return receiver_count;
}

size_t Channels::SubscribersOf(ChannelKind kind, std::string_view channel) {
  Shard& shard = ShardOf(kind, channel);
  MutexLock lock(shard.mutex);
  const auto found = shard.channels.find(channel);
  return found == shard.channels.end() ? 0 : found->second.count();
}

std::vector<std::string> Channels::Names(ChannelKind kind, const std::string_view* pattern) {
  std::vector<std::string> names;
  for (Shard& shard : shards_[static_cast<size_t>(kind)]) {
    MutexLock lock(shard.mutex);
    for (const auto& [name, receivers] : shard.channels) {
      if (pattern == nullptr || MatchesGlob(*pattern, name)) names.push_back(name);
    }
  }
  return names;
}

}  // namespace kvick
