#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/sorted_set_value.h"

namespace kvick {
namespace {

class GeoCommandsTest : public CommandFixture {
 protected:
  GeoCommandsTest()
      : CommandFixture({GenericCommands(), GeoCommands(), GeoSearchCommands(), SortedSetCommands(), StringCommands()}) {
    RegisterSortedSetType();
  }
};

TEST_F(GeoCommandsTest, PointsAreLoggedAsScores) {
  EXPECT_EQ(Execute("GEOADD g CH 13.361389 38.115556 Palermo"), ":1");
  EXPECT_EQ(Logged(), "ZADD g CH 3479099956230698 Palermo");
  EXPECT_EQ(Events(), "new:g zadd:g");
  EXPECT_EQ(Execute("GEOADD g NX 1 1 Palermo"), ":0");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "");
}

TEST_F(GeoCommandsTest, StoredResultsAreLoggedAsTheSearch) {
  Execute("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
  Forget();
  EXPECT_EQ(Execute("GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 1 km"), ":1");
  EXPECT_EQ(Logged(), "GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 1 km");
  EXPECT_EQ(Events(), "new:d geosearchstore:d");
  EXPECT_EQ(Execute("GEORADIUS g 15 37 200 km STORE x STORE d"), ":2");
  EXPECT_EQ(Logged(), "GEORADIUS g 15 37 200 km STORE x STORE d");
  EXPECT_EQ(Events(), "overwritten:d georadiusstore:d");
  EXPECT_EQ(Execute("GEORADIUS g 15 37 200 km"), "*2\r\n$7\r\nPalermo\r\n$7\r\nCatania");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Execute("GEORADIUS g 0 0 1 km STORE d"), ":0");
  EXPECT_EQ(Logged(), "GEORADIUS g 0 0 1 km STORE d");
  EXPECT_EQ(Events(), "del:d");
  EXPECT_EQ(Execute("GEORADIUS g 0 0 1 km STORE d"), ":0");
  EXPECT_EQ(Logged(), "");
}

TEST_F(GeoCommandsTest, SearchesOfALargeSetFindWhatACompactOneFinds) {
  for (const size_t entries_max : {size_t{0}, size_t{1000}}) {
    settings_.zset_listpack_entries_max = entries_max;
    Execute("DEL g");
    for (int i = 0; i < 200; ++i) {
      // A member that is a number is one in the listpack, too.
      Execute("GEOADD g " + std::to_string(i % 20) + " " + std::to_string(i / 20) + " " + std::to_string(i));
    }
    EXPECT_EQ(Execute("GEOSEARCH g FROMLONLAT 5 5 BYBOX 100 100 km"), "*1\r\n$3\r\n105") << entries_max;
    EXPECT_EQ(Execute("GEOSEARCH g FROMMEMBER 105 BYRADIUS 120 km COUNT 2 DESC").substr(0, 2), "*2") << entries_max;
    EXPECT_EQ(Execute("GEOSEARCHSTORE d g FROMLONLAT 5 5 BYRADIUS 30000 km"), ":200") << entries_max;
  }
}

}  // namespace
}  // namespace kvick
