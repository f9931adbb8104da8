#include "base/clock.h"

#include <ctime>

namespace kvick {
namespace {

int64_t ReadClockUs(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

double MeasureCyclesPerMicrosecond() {
  const int64_t start_us = ReadClockUs(CLOCK_MONOTONIC);
  const uint64_t start_cycles = CycleClock::Now();
  int64_t elapsed_us = 0;
  while (elapsed_us < 2000) elapsed_us = ReadClockUs(CLOCK_MONOTONIC) - start_us;
  return static_cast<double>(CycleClock::Now() - start_cycles) / static_cast<double>(elapsed_us);
}

}  // namespace

int64_t SystemClock::NowUs() const { return ReadClockUs(CLOCK_REALTIME); }
int64_t SystemClock::MonotonicUs() const { return ReadClockUs(CLOCK_MONOTONIC); }

const SystemClock& SystemClock::Instance() {
  static const SystemClock clock;
  return clock;
}

double CycleClock::CyclesPerMicrosecond() {
  static const double rate = MeasureCyclesPerMicrosecond();
  return rate;
}

}  // namespace kvick
