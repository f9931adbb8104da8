#include "server/rename_check.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

TEST(RenameCheckTest, AcceptsNewNamesAndRemoval) {
  RenameCheck check;
  EXPECT_TRUE(check.Try({.name = "get", .new_name = "fetch"}).ok());
  EXPECT_TRUE(check.Try({.name = "SET", .new_name = "get"}).ok()) << "the name was given away a line before";
  EXPECT_TRUE(check.Try({.name = "fetch", .new_name = ""}).ok());
}

TEST(RenameCheckTest, RefusesUnknownCommandsAndNamesInUse) {
  RenameCheck check;
  EXPECT_EQ(check.Try({.name = "nosuch", .new_name = "x"}).text(), "No such command in rename-command");
  EXPECT_EQ(check.Try({.name = "get", .new_name = "set"}).text(), "Target command name already exists");
  EXPECT_TRUE(check.Try({.name = "get", .new_name = ""}).ok());
  EXPECT_EQ(check.Try({.name = "get", .new_name = "x"}).text(), "No such command in rename-command");
}

}  // namespace
}  // namespace kvick
