#include "security/user_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "security/acl_fixture.h"

namespace kvick {
namespace {

constexpr char kUnchanged[] =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

class UserFileTest : public AclFixture {
 protected:
  // The users' lines, or the problem.
  std::string Parse(std::string_view text) {
    const auto users = ParseUsers(text, "users.acl", catalog(), defaults());
    if (!users.ok()) return std::string(users.status().text());
    std::string lines;
    for (const User& user : *users) lines += user.Line() + "\n";
    return lines;
  }
};

TEST_F(UserFileTest, ALineIsAUser) {
  EXPECT_EQ(Parse(""), "");
  EXPECT_EQ(Parse("\n# nobody\n\n  user a on   ~x +get\r\nuser b (+set  ~y) off"),
            "a on sanitize-payload ~x resetchannels -@all +get\n"
            "b off sanitize-payload resetchannels -@all (~y resetchannels -@all +set)\n");
}

TEST_F(UserFileTest, ProblemsAreToldAll) {
  EXPECT_EQ(Parse("user a on foo\n"), std::string("users.acl:1: Syntax error. ") + kUnchanged);
  EXPECT_EQ(Parse("user a on foo bar\nuser b ~*\n"), std::string("users.acl:1: Syntax error. ") + kUnchanged);
  EXPECT_EQ(Parse("user a on\nuser a on\n"), std::string("WARNING: Duplicate user 'a' found on line 2. ") + kUnchanged);
  EXPECT_EQ(Parse("foo a on\n\nuser\n"),
            std::string("users.acl:1 should start with user keyword followed by the username. users.acl:3 should start "
                        "with user keyword followed by the username. ") +
                kUnchanged);
  EXPECT_EQ(Parse("user a (+get\n"),
            std::string("users.acl:1: Unmatched parenthesis in selector definition.") + kUnchanged);
  EXPECT_EQ(Parse("user a +foo -@bar x y\n"),
            std::string("users.acl:1: Error in applying operation '+foo': Unknown command or category name in ACL. "
                        "users.acl:1: Error in applying operation '-@bar': Unknown command or category name in ACL. "
                        "users.acl:1: Syntax error. ") +
                kUnchanged);
}

TEST_F(UserFileTest, WhatIsSavedLoads) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("kvick-acl-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = folder / "users.acl";
  const std::vector<std::string> lines = {MakeUser("a", {"on", "~x"}).Line(), MakeUser("b", {"(+get)"}).Line()};
  EXPECT_TRUE(SaveUserFile(path, lines).ok());
  const auto users = LoadUserFile(path, catalog(), defaults());
  ASSERT_TRUE(users.ok());
  ASSERT_EQ(users->size(), 2u);
  EXPECT_EQ((*users)[0].Line(), lines[0]);
  EXPECT_EQ((*users)[1].Line(), lines[1]);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()), 1);

  EXPECT_EQ(LoadUserFile(folder, catalog(), defaults()).status().text(),
            "Error loading ACLs, opening file '" + folder.string() + "': Is a directory");
  EXPECT_EQ(LoadUserFile(folder / "none", catalog(), defaults()).status().text(),
            "Error loading ACLs, opening file '" + (folder / "none").string() + "': No such file or directory");
  std::filesystem::create_directory(folder / "taken");
  EXPECT_EQ(SaveUserFile(folder / "taken", lines).text(), "Renaming ACL file for ACL SAVE: Is a directory");
  EXPECT_EQ(SaveUserFile(folder / "none" / "users.acl", lines).text(),
            "Opening temp ACL file for ACL SAVE: No such file or directory");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kvick
