// StressStore: a whole store in the test's process, with every feature of kvick-server but the sockets, whose threads
// are made to meet: commands pause at random in the middle of their work, while they hold their locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/local_client.h"
#include "resp/value.h"

namespace kvick::test {

class StressStore {
 public:
  StressStore();
  StressStore(const StressStore&) = delete;
  StressStore& operator=(const StressStore&) = delete;

  Engine& engine() { return engine_; }
  ManualClock& clock() { return clock_; }
  const Settings& settings() const { return settings_; }

 private:
  // Told of key events under the stripe's lock: now and then gives the processor away there.
  class Pauses final : public ChangeSink {
   public:
    void OnKeyEvent(int database_index, KeyEventClass event_class, std::string_view event,
                    std::string_view key) override;

   private:
    std::atomic<uint64_t> count_{0};
  };

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
  Pauses pauses_;
};

// A client of one thread, with its dice.
class StressClient {
 public:
  StressClient(StressStore& store, uint64_t seed, int thread)
      : store_(store), client_(store.engine()), random_(seed * 1000 + static_cast<uint64_t>(thread)), thread_(thread) {}

  Value Call(const std::vector<std::string>& words);
  std::string Execute(const std::vector<std::string>& words);
  // True one time in `bound`.
  bool Chance(uint64_t bound) { return random_.Below(bound) == 0; }
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  const std::string& Pick(const std::vector<std::string>& from) { return from[random_.Below(from.size())]; }
  Random& random() { return random_; }
  int thread() const { return thread_; }

  // One of the things that happen beside the work: exclusive commands, settings that change, time that passes, keys
  // that expire. None of them touches keys that do not start with "noise:" in the databases 0 to 3.
  void Disturb();

 private:
  StressStore& store_;
  LocalClient client_;
  Random random_;
  int thread_;
};

// {"MGET"} + {"a", "b"}
std::vector<std::string> Joined(std::vector<std::string> words, const std::vector<std::string>& more);

}  // namespace kvick::test
