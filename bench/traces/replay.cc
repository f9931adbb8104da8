// trace_replay: a cache-aside client. It asks a server for the keys of a trace, one after the other, sets those that
// are not there, and says how many were.
//
//   trace_replay PORT TRACE CACHE_KEYS REQUESTS REQUESTS_PER_SECOND SEED TTL_SECONDS
//
// prints "hits requests keys": what was counted after the first quarter, in which the cache fills, and the keys that
// the server holds in the end. TTL_SECONDS 0: keys do not expire.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/numbers.h"
#include "resp/request_encoder.h"
#include "tools/client/connection.h"
#include "trace.h"

namespace kvick {
namespace {

// Requests on their way at a time.
constexpr uint64_t kBatch = 32;
constexpr uint64_t kUncountedShare = 4;

struct Replay {
  int port = 0;
  const TraceShape* shape = nullptr;
  Trace::Sizes sizes{};
  double requests_per_second = 0;
  uint64_t ttl_seconds = 0;
};

std::string NameOf(uint64_t key) { return "item:" + std::to_string(key); }
// 32 to 159 bytes, always the same for a key.
std::string ValueOf(uint64_t key) { return std::string(32 + ScaleBelow(key * 0x9e3779b97f4a7c15, 128), 'v'); }

class Client {
 public:
  Client(client::Connection connection, uint64_t ttl_seconds)
      : connection_(std::move(connection)), ttl_seconds_(ttl_seconds) {}

  // How many of the keys are there. A key that comes again is asked for when it has been set, as it would be by a
  // client that asks for one key at a time.
  Result<uint64_t> Ask(const std::vector<uint64_t>& keys) {
    std::unordered_set<uint64_t> seen;
    std::vector<uint64_t> first;
    std::vector<uint64_t> again;
    for (const uint64_t key : keys) (seen.insert(key).second ? first : again).push_back(key);
    std::string requests;
    for (const uint64_t key : first) AppendRequest({"GET", NameOf(key)}, &requests);
    KVICK_RETURN_IF_ERROR(connection_.SendBytes(requests));
    requests.clear();
    uint64_t missed = 0;
    for (const uint64_t key : first) {
      KVICK_ASSIGN_OR_RETURN(const Value reply, connection_.Receive());
      if (reply.type != Value::Type::kNull) continue;
      ++missed;
      AppendSet(key, &requests);
    }
    for (const uint64_t key : again) AppendRequest({"GET", NameOf(key)}, &requests);
    KVICK_RETURN_IF_ERROR(connection_.SendBytes(requests));
    const uint64_t reply_count = missed + again.size();
    for (uint64_t i = 0; i < reply_count; ++i) {
      KVICK_ASSIGN_OR_RETURN(const Value reply, connection_.Receive());
      if (reply.type == Value::Type::kNull) ++missed;
    }
    return keys.size() - missed;
  }

  Result<int64_t> CountKeys() {
    KVICK_ASSIGN_OR_RETURN(const Value reply, connection_.Call({"DBSIZE"}));
    return reply.integer;
  }

 private:
  void AppendSet(uint64_t key, std::string* out) const {
    std::vector<std::string> set{"SET", NameOf(key), ValueOf(key)};
    if (ttl_seconds_ != 0) set.insert(set.end(), {"EX", std::to_string(ttl_seconds_)});
    AppendRequest(set, out);
  }

  client::Connection connection_;
  uint64_t ttl_seconds_;
};

Status Run(const Replay& replay) {
  client::ServerAddress address;
  address.port = replay.port;
  KVICK_ASSIGN_OR_RETURN(client::Connection connection, client::Connection::Open(address));
  Client client(std::move(connection), replay.ttl_seconds);
  Trace trace(*replay.shape, replay.sizes);
  const auto start = std::chrono::steady_clock::now();
  uint64_t hits = 0;
  uint64_t counted = 0;
  std::vector<uint64_t> keys;
  for (uint64_t done = 0; done < replay.sizes.requests; done += keys.size()) {
    keys.clear();
    for (uint64_t i = 0; i < std::min(kBatch, replay.sizes.requests - done); ++i) keys.push_back(trace.Next());
    KVICK_ASSIGN_OR_RETURN(const uint64_t hit, client.Ask(keys));
    if (done >= replay.sizes.requests / kUncountedShare) {
      hits += hit;
      counted += keys.size();
    }
    std::this_thread::sleep_until(
        start + std::chrono::duration<double>(static_cast<double>(done) / replay.requests_per_second));
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t held, client.CountKeys());
  std::printf("%llu %llu %lld\n", static_cast<unsigned long long>(hits), static_cast<unsigned long long>(counted),
              static_cast<long long>(held));
  return Status::Ok();
}

std::optional<Replay> Parse(char** arguments) {
  const auto number = [&](int index) { return ParseUint64(arguments[index]).value_or(0); };
  Replay replay;
  replay.port = static_cast<int>(number(1));
  replay.shape = FindTraceShape(arguments[2]);
  replay.sizes = {.cache_keys = number(3), .requests = number(4), .seed = number(6)};
  replay.requests_per_second = static_cast<double>(number(5));
  replay.ttl_seconds = number(7);
  const bool is_complete = replay.port != 0 && replay.shape != nullptr && replay.sizes.cache_keys != 0 &&
                           replay.sizes.requests >= kUncountedShare && replay.requests_per_second != 0;
  return is_complete ? std::optional(replay) : std::nullopt;
}

}  // namespace
}  // namespace kvick

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--list") {
    for (const kvick::TraceShape& shape : kvick::TraceShapes()) {
      std::printf("%s\t%s\n", std::string(shape.name).c_str(), std::string(shape.about).c_str());
    }
    return 0;
  }
  const auto replay = count == 8 ? kvick::Parse(arguments) : std::nullopt;
  if (!replay) {
    std::fprintf(stderr, "usage: trace_replay PORT TRACE CACHE_KEYS REQUESTS REQUESTS_PER_SECOND SEED TTL_SECONDS\n");
    return 1;
  }
  const kvick::Status status = kvick::Run(*replay);
  if (status.ok()) return 0;
  std::fprintf(stderr, "trace_replay: %s\n", std::string(status.text()).c_str());
  return 1;
}
