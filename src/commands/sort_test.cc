// What SORT logs and announces, what it wakes, and that its patterns make it run alone.
#include <string>

#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"

namespace kvick {
namespace {

class SortTest : public CommandFixture {
 protected:
  SortTest()
      : CommandFixture({SortCommands(), ListCommands(), SetCommands(), HashCommands(), StringCommands(),
                        StringMultiCommands(), GenericCommands(), TransactionCommands()}) {
    RegisterListType();
    RegisterSetType();
    RegisterHashType();
    RegisterSortedSetType();
  }

  bool RunsAlone(std::string_view request) {
    const auto words = Words(request);
    return engine_.commands().Find(words[0])->RunsAlone(words);
  }
};

TEST_F(SortTest, AStoredResultIsLoggedAsItCame) {
  Execute("RPUSH l 2 1");
  Forget();
  EXPECT_EQ(Execute("SORT l STORE to"), ":2");
  EXPECT_EQ(Logged(), "SORT l STORE to");
  EXPECT_EQ(Events(), "new:to sortstore:to");
  Execute("SORT l DESC STORE to");
  EXPECT_EQ(Events(), "overwritten:to sortstore:to");
  Execute("SET s x");
  Forget();
  Execute("SORT l STORE s");
  EXPECT_EQ(Events(), "overwritten:s type_changed:s sortstore:s");
}

TEST_F(SortTest, AnEmptyResultDeletesTheDestination) {
  Execute("RPUSH to 1");
  Forget();
  EXPECT_EQ(Execute("SORT missing STORE to"), ":0");
  EXPECT_EQ(Logged(), "SORT missing STORE to");
  EXPECT_EQ(Events(), "keymiss:missing del:to");
  EXPECT_EQ(Execute("SORT missing STORE to"), ":0");
  EXPECT_EQ(Logged(), "");
}

TEST_F(SortTest, WhatIsOnlyShownIsNotLogged) {
  Execute("RPUSH l 2 1");
  Forget();
  Execute("SORT l");
  Execute("SORT_RO l BY w_* GET w_*");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "keymiss:w_2 keymiss:w_1 keymiss:w_1 keymiss:w_2");
}

TEST_F(SortTest, RunsAloneWhenAPatternNamesKeys) {
  EXPECT_FALSE(RunsAlone("SORT l"));
  EXPECT_FALSE(RunsAlone("SORT l BY nosort GET # STORE a*"));
  EXPECT_FALSE(RunsAlone("SORT l LIMIT by a*"));
  EXPECT_TRUE(RunsAlone("SORT l BY w_*"));
  EXPECT_TRUE(RunsAlone("SORT_RO l get # get w_*->f"));
  EXPECT_TRUE(RunsAlone("SORT l LIMIT 0 1 GET *"));
}

TEST_F(SortTest, ReadsPatternsInTheSelectedDatabaseAndInATransaction) {
  Execute("RPUSH l 1 2");
  Execute("MSET w_1 9 w_2 8");
  Execute("MULTI");
  Execute("SORT l BY w_* GET w_*");
  EXPECT_EQ(Execute("EXEC"), "*1\r\n*2\r\n$1\r\n8\r\n$1\r\n9");
}

TEST_F(SortTest, AKeyThatHasExpiredIsMissing) {
  Execute("RPUSH l 1");
  Execute("SET k_1 v PX 5");
  clock_.AdvanceMs(5);
  EXPECT_EQ(Execute("SORT l GET k_*"), "*1\r\n$-1");
}

TEST_F(SortTest, ManyElementsComeInOrderAndInWindows) {
  std::string words = "RPUSH l";
  for (int i = 0; i < 1000; ++i) words += " " + std::to_string(i * 7919 % 1000);
  Execute(words);
  Execute("SORT l STORE sorted");
  for (const int at : {0, 1, 500, 999}) {
    const std::string index = std::to_string(at);
    EXPECT_EQ(Execute("LINDEX sorted " + index), "$" + std::to_string(index.size()) + "\r\n" + index);
  }
  EXPECT_EQ(Execute("SORT l LIMIT 998 5"), "*2\r\n$3\r\n998\r\n$3\r\n999");
  EXPECT_EQ(Execute("SORT l DESC LIMIT 998 5"), "*2\r\n$1\r\n1\r\n$1\r\n0");
}

}  // namespace
}  // namespace kvick
