// What tests with many threads and random choices share: the seed, how long they go on, and threads that start
// together.
//
//   const uint64_t seed = test::Seed();                  // prints how to repeat the run
//   test::RunThreads(4, [&](int thread) {
//     Random random(seed + static_cast<uint64_t>(thread));
//     for (test::Deadline deadline; !deadline.HasPassed();) ...
//   });
//
// KVICK_TEST_SEED fixes the seed, KVICK_TEST_MS is how long one test goes on. Threads run as the machine schedules
// them, so a seed repeats the choices and not the moment; a failure usually comes back within some repetitions:
// --gtest_repeat=100 --gtest_break_on_failure.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace kvick::test {

// One seed a call; announced on standard output with the line that repeats the running test.
uint64_t Seed();

// Passes KVICK_TEST_MS (300 unless told) after it was made, but not before it was asked a hundred times: on a busy
// machine the threads may have begun late. Any thread may ask.
class Deadline {
 public:
  Deadline();
  [[nodiscard]] bool HasPassed() const;

 private:
  int64_t end_us_;
  mutable std::atomic<int> question_count_{0};
};

// Calls `body` with 0 … count - 1, each in a thread of its own, all released at the same moment, and waits for them.
void RunThreads(int count, const std::function<void(int thread)>& body);

}  // namespace kvick::test
