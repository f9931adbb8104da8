#include "keyspace/access_clock.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

TEST(AccessClockTest, IdleTimeCountsFromTheLastUse) {
  EXPECT_EQ(IdleSeconds(RecencyClock(kNowMs), kNowMs + 60'000), 60u);
  EXPECT_EQ(IdleSeconds(RecencyClock(kNowMs), kNowMs), 0u);
}

TEST(AccessClockTest, WhatWasUsedBeforeTheClockWasSetBackIsNotIdle) {
  EXPECT_EQ(IdleSeconds(RecencyClock(kNowMs), kNowMs - 1'000), 0u);
  EXPECT_EQ(IdleSeconds(RecencyClock(kNowMs), kNowMs - 3'600'000), 0u);
}

}  // namespace
}  // namespace kvick
