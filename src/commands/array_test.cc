#include <memory>

#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/array_value.h"

namespace kvick {
namespace {

class ArrayCommandsTest : public CommandFixture {
 protected:
  ArrayCommandsTest()
      : CommandFixture({ArrayCommands(), ArraySearchCommands(), ExpireCommands(), GenericCommands(), RelocateCommands(),
                        StringCommands()}) {
    RegisterArrayType();
  }
};

TEST_F(ArrayCommandsTest, ChangesAreLoggedAsTheyCameAndAnnounced) {
  EXPECT_EQ(Execute("ARSET a 3 x y"), ":2");
  EXPECT_EQ(Logged(), "ARSET a 3 x y");
  EXPECT_EQ(Events(), "new:a arset:a");
  Execute("ARMSET a 0 x 9 y");
  EXPECT_EQ(Logged(), "ARMSET a 0 x 9 y");
  EXPECT_EQ(Events(), "armset:a");
  Execute("ARINSERT a z");
  EXPECT_EQ(Logged(), "ARINSERT a z");
  EXPECT_EQ(Events(), "arinsert:a");
  Execute("ARRING a 2 z");
  EXPECT_EQ(Logged(), "ARRING a 2 z");
  EXPECT_EQ(Events(), "arring:a");
  Execute("ARSEEK a 1");
  EXPECT_EQ(Logged(), "ARSEEK a 1");
  EXPECT_EQ(Events(), "arseek:a");
  Execute("ARSET a 100 x");
  Forget();
  Execute("ARDEL a 100 200");
  EXPECT_EQ(Logged(), "ARDEL a 100 200");
  EXPECT_EQ(Events(), "ardel:a");
  Execute("ARDELRANGE a 0 1000");
  EXPECT_EQ(Logged(), "ARDELRANGE a 0 1000");
  EXPECT_EQ(Events(), "ardelrange:a del:a");
}

TEST_F(ArrayCommandsTest, WhatChangesNothingIsNeitherLoggedNorAnnounced) {
  Execute("ARSET a 3 x y");
  Forget();
  for (const char* request : {"ARDEL a 0", "ARDELRANGE a 10 20", "ARSEEK b 1", "ARGET a 3", "ARLASTITEMS a 2",
                              "ARSCAN a 0 10", "ARGREP a - + MATCH x", "AROP a 0 9 SUM", "ARINFO a", "ARNEXT a",
                              "ARSET a x y", "ARMSET a 0 x 1", "ARRING a 0 x", "ARGETRANGE a 0 5"}) {
    Execute(request);
    EXPECT_EQ(Logged(), "") << request;
    EXPECT_EQ(Events(), "") << request;
  }
}

TEST_F(ArrayCommandsTest, PredicatesAndPatternsHaveLimits) {
  Execute("ARSET a 0 x");
  std::string request = "ARGREP a - +";
  for (int i = 0; i < 250; ++i) request += " MATCH x";
  EXPECT_EQ(Execute(request), "*1\r\n:0");
  EXPECT_EQ(Execute(request + " MATCH x"), "-ERR too many predicates, maximum is 250");
  EXPECT_EQ(Execute("ARGREP a - + MATCH " + std::string(2048, 'x')), "*0");
  EXPECT_EQ(Execute("ARGREP a - + RE " + std::string(2049, 'x')), "-ERR pattern is too long, maximum is 2048 bytes");
}

TEST_F(ArrayCommandsTest, ARegularExpressionTakesLinearTime) {
  Execute("ARSET a 0 " + std::string(50'000, 'a'));
  EXPECT_EQ(Execute("ARGREP a - + RE (a*)*b"), "*0");
}

TEST_F(ArrayCommandsTest, ACopyIsItsOwn) {
  Execute("ARINSERT a one two");
  EXPECT_EQ(Execute("COPY a b"), ":1");
  Execute("ARSET a 0 changed");
  EXPECT_EQ(Execute("ARGET b 0"), "$3\r\none");
  EXPECT_EQ(Execute("ARNEXT b"), ":2");
}

TEST(ArrayValueTest, ARingKeepsTheLatestHoweverItsSizeChanges) {
  const ArrayLimits limits;
  ArrayValue array(limits.slice_size);
  uint64_t next = 0;
  for (const uint64_t size : {5u, 3u, 8u, 8u, 1u, 4u, 4u, 100u, 7u}) {
    for (int i = 0; i < 6; ++i) {
      array.PrepareRing(size, limits);
      array.InsertInRing(size, std::to_string(next++), limits);
      ASSERT_LE(array.items().length(), size);
      // From the newest on, without a gap.
      uint64_t expected = next;
      for (const uint64_t index : array.LatestIndexes(size)) {
        char buffer[ArrayItem::kTextMax];
        ASSERT_NE(array.items().Find(index), nullptr) << size;
        ASSERT_EQ(array.items().Find(index)->Text(buffer), std::to_string(--expected)) << size;
      }
    }
  }
}

}  // namespace
}  // namespace kvick
