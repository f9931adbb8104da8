// ScriptTraits: what the engine has learned of a script by running it. It decides what the script takes before it
// starts, and never whether it runs right: a script that behaves otherwise than before starts over or waits.
//
// Any thread; shared by all executors that run the script.
#pragma once

#include <atomic>
#include <cstdint>

namespace kvick {

struct ScriptTraits {
  // So many runs that changed something without reaching an undeclared key, and it is trusted to go on like that.
  static constexpr uint32_t kTrustedRunCount = 16;

  std::atomic<bool> reaches_undeclared{false};
  // It calls commands that walk the keyspace or run alone.
  std::atomic<bool> needs_alone{false};
  std::atomic<uint32_t> clean_run_count{0};

  // It may change something without the turn of scripts (Engine::script_turn).
  bool IsTrusted() const {
    return !reaches_undeclared.load(std::memory_order_relaxed) &&
           clean_run_count.load(std::memory_order_relaxed) >= kTrustedRunCount;
  }
};

}  // namespace kvick
