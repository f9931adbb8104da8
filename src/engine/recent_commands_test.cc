#include "engine/recent_commands.h"

#include <gtest/gtest.h>

#include <string>

namespace kvick {
namespace {

TEST(RecentCommandsTest, KnowsShortNamesAsTheyWereWritten) {
  Command get;
  Command set;
  RecentCommands recent;
  EXPECT_EQ(recent.Find("get"), nullptr);
  recent.Note("get", &get);
  recent.Note("SET", &set);
  recent.Note("zrangebyscore", &set);
  EXPECT_EQ(recent.Find("get"), &get);
  EXPECT_EQ(recent.Find("SET"), &set);
  EXPECT_EQ(recent.Find("zrangebyscore"), &set);
  EXPECT_EQ(recent.Find("zrangebyscorf"), nullptr);
  EXPECT_EQ(recent.Find("zrangebxscore"), nullptr);
  EXPECT_EQ(recent.Find("GET"), nullptr);
  // Zeros behind a name are not the name.
  EXPECT_EQ(recent.Find(std::string_view("get\0", 4)), nullptr);
  EXPECT_EQ(recent.Find(""), nullptr);
}

TEST(RecentCommandsTest, LeavesLongNamesAndContainersToTheTable) {
  Command object;
  object.subcommands.push_back(std::make_unique<Command>());
  object.subcommands.back()->parent = &object;
  Command long_name;
  RecentCommands recent;
  recent.Note("object", &object);
  recent.Note("object", object.subcommands.back().get());
  recent.Note("georadiusbymember", &long_name);
  recent.Note("nosuch", nullptr);
  EXPECT_EQ(recent.Find("object"), nullptr);
  EXPECT_EQ(recent.Find("georadiusbymember"), nullptr);
  EXPECT_EQ(recent.Find("nosuch"), nullptr);
}

TEST(RecentCommandsTest, ManyNamesMakeWayForEachOtherAndAreNeverConfused) {
  std::vector<Command> commands(500);
  RecentCommands recent;
  for (size_t i = 0; i < commands.size(); ++i) recent.Note("c" + std::to_string(i), &commands[i]);
  size_t known = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    const Command* found = recent.Find("c" + std::to_string(i));
    if (found == nullptr) continue;
    EXPECT_EQ(found, &commands[i]);
    ++known;
  }
  EXPECT_GT(known, 0u);
}

}  // namespace
}  // namespace kvick
