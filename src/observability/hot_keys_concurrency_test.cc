// HOTKEYS and INFO's figures about keys while many threads run commands (tests/support/concurrency_commands.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "engine/local_client.h"
#include "keyspace/key_sizes.h"
#include "observability/features.h"
#include "observability/hot_keys.h"
#include "observability/key_figures.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick {
namespace {

using test::Call;

class HotKeysConcurrencyTest : public ::testing::Test {
 protected:
  static constexpr int kThreadCount = 4;

  HotKeysConcurrencyTest() : engine_(&settings_, SystemClock::Instance()) {
    settings_.top_keys_sample_ratio = 4;
    test::AddConcurrencyCommands(engine_);
    engine_.commands().Add(HotKeysCommands());
    AttachHotKeys(engine_);
    engine_.set_concurrent(true);
  }

  Settings settings_;
  Engine engine_;
};

TEST_F(HotKeysConcurrencyTest, TrackingsComeAndGoWhileCommandsRun) {
  const std::vector<std::string> keys = test::KeysAnywhere("key:", 50);
  const uint64_t seed = test::Seed();
  const test::Deadline deadline;
  test::RunThreads(kThreadCount + 2, [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    while (!deadline.HasPassed()) {
      if (thread < kThreadCount) {
        // Half of the uses are of one key.
        Call(client, {"ADD", random.Below(2) == 0 ? keys[0] : keys[random.Below(keys.size())], "1"});
      } else if (thread == kThreadCount) {
        switch (random.Below(4)) {
          case 0: Call(client, {"HOTKEYS", "START", "METRICS", "2", "CPU", "NET", "SAMPLE", "2"}); break;
          case 1: Call(client, {"HOTKEYS", "STOP"}); break;
          case 2: Call(client, {"HOTKEYS", "RESET"}); break;
          default: std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      } else {
        const std::optional<HotKeys::Report> report = engine_.hooks.hot_keys->MakeReport();
        if (report) {
          // Sums are read from one executor after the other, so only their order is certain.
          EXPECT_TRUE(std::is_sorted(report->by_network_bytes.begin(), report->by_network_bytes.end(),
                                     [](const auto& a, const auto& b) { return a.amount > b.amount; }));
          EXPECT_LE(report->by_network_bytes.size(), 10U);
        }
        MostUsedKeys(engine_, 5);
        BiggestOfType(engine_, ValueType::kString, 5);
        KeySizeHistogram(engine_.database(0).key_sizes(), 0);
      }
    }
  });
  const std::vector<HotKey> hottest = MostUsedKeys(engine_, 1);
  // The threads' executors are gone, and with them what they sampled.
  EXPECT_TRUE(hottest.empty());
}

TEST_F(HotKeysConcurrencyTest, SizesAreExactWhenThreadsMadeReplacedMovedAndRemovedKeys) {
  const std::vector<std::string> keys = test::KeysAnywhere("key:", 40);
  const uint64_t seed = test::Seed();
  const test::Deadline deadline;
  test::RunThreads(kThreadCount, [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    const auto key = [&] { return keys[random.Below(keys.size())]; };
    while (!deadline.HasPassed()) {
      switch (random.Below(8)) {
        case 0: Call(client, {"DEL", key()}); break;
        case 1: Call(client, {"COPY", key(), key()}); break;
        case 2: Call(client, {"PUTEX", key(), std::to_string(1 + random.Below(3)), "x"}); break;
        case 3: Call(client, {"ADD", key(), "1"}); break;
        case 4: Call(client, {"CHOOSE", std::to_string(random.Below(2))}); break;
        case 5:
          if (random.Below(50) == 0) Call(client, {"EXCHANGE", "0", "1"});
          if (random.Below(200) == 0) Call(client, {"EMPTY"});
          break;
        default: Call(client, {"PUT", key(), std::string(random.Below(2000), 'v')});
      }
    }
  });
  for (int index = 0; index < 2; ++index) {
    std::vector<uint64_t> counts(KeySizes::kBinCount);
    Database& database = engine_.database(index);
    for (size_t i = 0; i < Stripe::kCount; ++i) {
      Stripe& stripe = database.StripeAt(i);
      SpinLockHolder holder(stripe.lock);
      stripe.table.ForEach(&counts, [](void* context, Entry* entry) {
        ++(*static_cast<std::vector<uint64_t>*>(context))[KeySizes::BinOf(entry->value_size())];
      });
    }
    for (size_t bin = 0; bin < counts.size(); ++bin) {
      EXPECT_EQ(database.key_sizes().Count(0, bin), counts[bin]) << "database " << index << ", bin " << bin;
    }
  }
}

}  // namespace
}  // namespace kvick
