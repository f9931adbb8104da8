// The commands on strings as a store that does one thing at a time behaves, written down without regard to speed.
#include <set>

#include "base/assert.h"
#include "base/numbers.h"
#include "support/linearizability.h"

namespace kvick::test {
namespace {

using State = Model::State;

std::string Bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }
std::string Integer(int64_t number) { return ":" + std::to_string(number) + "\r\n"; }
const std::string kOk = "+OK\r\n";
const std::string kNull = "$-1\r\n";

std::string ValueOf(const State& state, const std::string& key) {
  const auto found = state.find(key);
  return found == state.end() ? kNull : Bulk(found->second);
}

// SET key value with NX, XX and GET in any order.
std::string Set(State& state, const Request& request) {
  const std::set<std::string> options(request.begin() + 3, request.end());
  const bool exists = state.count(request[1]) != 0;
  const bool sets = !(options.count("NX") != 0 && exists) && !(options.count("XX") != 0 && !exists);
  const std::string old = ValueOf(state, request[1]);
  if (sets) state[request[1]] = request[2];
  if (options.count("GET") != 0) return old;
  return sets ? kOk : kNull;
}

std::string IncrementBy(State& state, const std::string& key, int64_t amount) {
  const auto found = state.find(key);
  const std::optional<int64_t> old = found == state.end() ? std::optional<int64_t>(0) : ParseInt64(found->second);
  if (!old) return "-ERR value is not an integer or out of range\r\n";
  state[key] = std::to_string(*old + amount);
  return Integer(*old + amount);
}

bool AnyExists(const State& state, const Request& request) {
  for (size_t i = 1; i + 1 < request.size(); i += 2) {
    if (state.count(request[i]) != 0) return true;
  }
  return false;
}

void SetPairs(State& state, const Request& request) {
  for (size_t i = 1; i + 1 < request.size(); i += 2) state[request[i]] = request[i + 1];
}

std::string ValuesOf(const State& state, const Request& request) {
  std::string reply = "*" + std::to_string(request.size() - 1) + "\r\n";
  for (size_t i = 1; i < request.size(); ++i) reply += ValueOf(state, request[i]);
  return reply;
}

std::string Rename(State& state, const Request& request, bool may_replace) {
  const auto source = state.find(request[1]);
  if (source == state.end()) return "-ERR no such key\r\n";
  if (!may_replace && state.count(request[2]) != 0) return Integer(0);
  const std::string value = source->second;
  state.erase(source);
  state[request[2]] = value;
  return may_replace ? kOk : Integer(1);
}

std::string Copy(State& state, const Request& request) {
  const bool replaces = request.size() > 3 && request[3] == "REPLACE";
  if (state.count(request[1]) == 0 || (!replaces && state.count(request[2]) != 0)) return Integer(0);
  state[request[2]] = state[request[1]];
  return Integer(1);
}

std::string Apply(State& state, const Request& request) {
  const std::string& name = request[0];
  if (name == "GET") return ValueOf(state, request[1]);
  if (name == "SET") return Set(state, request);
  if (name == "SETNX") return Set(state, {"SET", request[1], request[2], "NX"}) == kOk ? Integer(1) : Integer(0);
  if (name == "GETSET") return Set(state, {"SET", request[1], request[2], "GET"});
  if (name == "INCR") return IncrementBy(state, request[1], 1);
  if (name == "INCRBY") return IncrementBy(state, request[1], *ParseInt64(request[2]));
  if (name == "APPEND") return Integer(static_cast<int64_t>((state[request[1]] += request[2]).size()));
  if (name == "GETDEL") {
    const std::string old = ValueOf(state, request[1]);
    state.erase(request[1]);
    return old;
  }
  if (name == "DEL" || name == "EXISTS") {
    size_t count = 0;
    for (size_t i = 1; i < request.size(); ++i) {
      count += name == "DEL" ? state.erase(request[i]) : state.count(request[i]);
    }
    return Integer(static_cast<int64_t>(count));
  }
  if (name == "MGET") return ValuesOf(state, request);
  if (name == "MSET") {
    SetPairs(state, request);
    return kOk;
  }
  if (name == "MSETNX") {
    if (AnyExists(state, request)) return Integer(0);
    SetPairs(state, request);
    return Integer(1);
  }
  if (name == "RENAME" || name == "RENAMENX") return Rename(state, request, name == "RENAME");
  if (name == "COPY") return Copy(state, request);
  if (name == "FLUSHALL") {
    state.clear();
    return kOk;
  }
  KVICK_ASSERT(false && "the model does not know this command");
  return {};
}

std::vector<std::string> KeysOf(const Request& request) {
  const std::string& name = request[0];
  if (name == "FLUSHALL") return {};
  std::vector<std::string> keys;
  if (name == "MSET" || name == "MSETNX") {
    for (size_t i = 1; i < request.size(); i += 2) keys.push_back(request[i]);
  } else if (name == "MGET" || name == "DEL" || name == "EXISTS") {
    keys.assign(request.begin() + 1, request.end());
  } else if (name == "RENAME" || name == "RENAMENX" || name == "COPY") {
    keys = {request[1], request[2]};
  } else {
    keys = {request[1]};
  }
  return keys;
}

}  // namespace

Model StringCommandsModel() { return {Apply, KeysOf}; }

}  // namespace kvick::test
