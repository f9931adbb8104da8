#include "security/failed_attempts.h"

#include <gtest/gtest.h>

#include <string>

namespace kvick {
namespace {

TEST(FailedAttemptsTest, AnAddressIsCountedForAMinute) {
  FailedAttempts attempts;
  EXPECT_EQ(attempts.CountOf("a", 0), 0u);
  attempts.Add("a", 1'000);
  attempts.Add("b", 2'000);
  attempts.Add("a", 60'000);
  EXPECT_EQ(attempts.CountOf("a", 60'999), 2u);
  EXPECT_EQ(attempts.CountOf("b", 60'999), 1u);
  EXPECT_EQ(attempts.CountOf("a", 61'000), 0u) << "from the first failure on";
  attempts.Add("a", 61'000);
  EXPECT_EQ(attempts.CountOf("a", 61'000), 1u);
  EXPECT_EQ(attempts.CountOf("b", 61'000), 1u);
}

TEST(FailedAttemptsTest, ManyAddressesDoNotTakeAllMemory) {
  FailedAttempts attempts;
  for (int i = 0; i < 30'000; ++i) attempts.Add(std::to_string(i), 1'000);
  EXPECT_EQ(attempts.CountOf("0", 1'000), 0u);
  EXPECT_EQ(attempts.CountOf("29999", 1'000), 1u);
}

}  // namespace
}  // namespace kvick
