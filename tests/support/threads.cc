#include "support/threads.h"

#include <gtest/gtest.h>

#include <errno.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/random.h"

namespace kvick::test {
namespace {

constexpr int64_t kBudgetMs = 300;
constexpr int kQuestionsMin = 100;

std::optional<uint64_t> NumberFromEnvironment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : ParseUint64(text);
}

}  // namespace

uint64_t Seed() {
  uint64_t seed = 0;
  FillWithSecretBytes(&seed, sizeof(seed));
  seed = NumberFromEnvironment("KVICK_TEST_SEED").value_or(seed % 1'000'000'000);
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::printf("seed %llu: repeat with KVICK_TEST_SEED=%llu %s --gtest_filter=%s.%s\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed),
              program_invocation_short_name, test->test_suite_name(), test->name());
  std::fflush(stdout);
  return seed;
}

Deadline::Deadline()
    : end_us_(SystemClock::Instance().MonotonicUs() +
              static_cast<int64_t>(NumberFromEnvironment("KVICK_TEST_MS").value_or(kBudgetMs)) * 1000) {}

bool Deadline::HasPassed() const {
  if (question_count_.load(std::memory_order_relaxed) < kQuestionsMin) {
    question_count_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  return SystemClock::Instance().MonotonicUs() >= end_us_;
}

void RunThreads(int count, const std::function<void(int thread)>& body) {
  std::atomic<int> waiting{count};
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      waiting.fetch_sub(1);
      while (waiting.load() > 0) std::this_thread::yield();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace kvick::test
