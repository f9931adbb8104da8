#include "stress/stress_store.h"

#include <thread>

#include "engine/compaction.h"
#include "server/features.h"
#include "support/concurrency_commands.h"

namespace kvick::test {

StressStore::StressStore() : engine_(&settings_, clock_) {
  RegisterFeatures(engine_);
  engine_.hooks.change_sink = &pauses_;
  engine_.set_concurrent(true);
}

void StressStore::Pauses::OnKeyEvent(int, KeyEventClass, std::string_view, std::string_view) {
  if (count_.fetch_add(1, std::memory_order_relaxed) % 5 == 0) std::this_thread::yield();
}

Value StressClient::Call(const std::vector<std::string>& words) { return test::Call(client_, words); }

std::string StressClient::Execute(const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  return client_.Execute(views);
}

void StressClient::Disturb() {
  const std::string noise = "noise:" + std::to_string(Below(2000));
  switch (Below(22)) {
    case 0: Call({"CONFIG", "SET", "slowlog-log-slower-than", std::to_string(Below(1000))}); return;
    case 1: Call({"CONFIG", "SET", "maxmemory-policy", Chance(2) ? "allkeys-lfu" : "noeviction"}); return;
    case 2: Call({"CLIENT", "LIST"}); return;
    case 3: Call({"INFO", "everything"}); return;
    case 4: store_.clock().AdvanceMs(static_cast<int64_t>(Below(20))); return;
    case 5: client_.executor().RemoveExpired(Below(4), 4, 500); return;
    case 6: Call({"SWAPDB", "5", "6"}); return;
    case 7: Call({"APPEND", noise, "more"}); return;
    case 8: Call({"SLOWLOG", Chance(4) ? "RESET" : "GET"}); return;
    case 9: Call({"SCAN", "0", "COUNT", "100"}); return;
    case 10: Call({Chance(2) ? "RANDOMKEY" : "DBSIZE"}); return;
    case 11:
      Call(Chance(2) ? std::vector<std::string>{"CONFIG", "RESETSTAT"}
                     : std::vector<std::string>{"CONFIG", "GET", "*"});
      return;
    case 12: Call({"OBJECT", "FREQ", noise}); return;
    case 13: Call({"KEYS", "noise:1*"}); return;
    case 14:
      // Sometimes a user without limits, sometimes one whose every call is looked at.
      Call({"ACL", "SETUSER", "tested", "on", "nopass", "allkeys", "allchannels", "+@all", Chance(2) ? "-debug" : ""});
      Call({"AUTH", Chance(2) ? "tested" : "default", "x"});
      return;
    case 15: Call({"ACL", Chance(2) ? "SETUSER" : "DELUSER", "other"}); return;
    case 16: Call({"ACL", Chance(2) ? "LIST" : "LOG"}); return;
    case 17:
      if (Chance(20)) Call({"MEMORY", "PURGE"});
      return;
    case 18:
    case 19:
      // What lies in the way of a pass is moved by whoever comes by.
      if (store_.engine().compaction().share() == 0) store_.engine().compaction().Begin();
      client_.executor().Compact(static_cast<int64_t>(Below(300)));
      return;
    default: Call({"SET", noise, std::string(Below(700), 'x'), "PX", std::to_string(1 + Below(50))});
  }
}

std::vector<std::string> Joined(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace kvick::test
