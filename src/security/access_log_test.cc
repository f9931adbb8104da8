#include "security/access_log.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

DeniedAccess Denied(std::string object, int64_t now_ms, std::string user = "u") {
  DeniedAccess access;
  access.context = "toplevel";
  access.object = std::move(object);
  access.user = std::move(user);
  access.updated_ms = now_ms;
  return access;
}

TEST(AccessLogTest, TheSameWithinAMinuteIsOneEntry) {
  AccessLog log;
  log.Record(Denied("get", 1'000), 128);
  log.Record(Denied("set", 2'000), 128);
  log.Record(Denied("get", 61'000), 128);
  std::vector<DeniedAccess> entries = log.Latest(10);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].object, "get");
  EXPECT_EQ(entries[0].count, 2u);
  EXPECT_EQ(entries[0].id, 0u);
  EXPECT_EQ(entries[0].created_ms, 1'000);
  EXPECT_EQ(entries[0].updated_ms, 61'000);
  EXPECT_EQ(entries[1].object, "set");
  log.Record(Denied("get", 121'001), 128);
  EXPECT_EQ(log.Latest(10).size(), 3u);
  log.Record(Denied("get", 121'002, "another"), 128);
  EXPECT_EQ(log.Latest(10).size(), 4u);
  EXPECT_EQ(log.Latest(10)[0].id, 3u);
}

TEST(AccessLogTest, OnlyTheLatestAreKept) {
  AccessLog log;
  for (int i = 0; i < 5; ++i) log.Record(Denied(std::to_string(i), i), 3);
  ASSERT_EQ(log.Latest(10).size(), 3u);
  EXPECT_EQ(log.Latest(10)[0].object, "4");
  EXPECT_EQ(log.Latest(1).size(), 1u);
  log.Record(Denied("x", 10), 0);
  EXPECT_TRUE(log.Latest(10).empty());
  log.Record(Denied("y", 10), 3);
  log.Clear();
  EXPECT_TRUE(log.Latest(10).empty());
}

}  // namespace
}  // namespace kvick
