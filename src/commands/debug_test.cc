// DEBUG DIGEST: equal data has equal digests, however it came about and is stored, and different data others.
#include <string>

#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"

namespace kvick {
namespace {

class DebugTest : public CommandFixture {
 protected:
  DebugTest()
      : CommandFixture({DebugCommands(), ListCommands(), SetCommands(), HashCommands(), SortedSetCommands(),
                        StringCommands(), KeyspaceCommands()}) {
    settings_.debug_command = AccessPermission::kYes;
    RegisterListType();
    RegisterSetType();
    RegisterHashType();
    RegisterSortedSetType();
  }

  void PackNothing() {
    settings_.list_listpack_size_max = 1;
    settings_.set_intset_entries_max = settings_.set_listpack_entries_max = 0;
    settings_.hash_listpack_entries_max = 0;
    settings_.zset_listpack_entries_max = 0;
  }
  std::string DigestOf(const std::string& key) { return Execute("DEBUG DIGEST-VALUE " + key); }
};

TEST_F(DebugTest, EqualValuesHaveEqualDigests) {
  const std::string requests[] = {"RPUSH l 1 a 2", "SADD s 1 2 3", "HSET h f v g w", "ZADD z 1 a 2.5 b -0 c"};
  std::string packed;
  for (const std::string& request : requests) Execute(request);
  packed = Execute("DEBUG DIGEST");
  for (const std::string key : {"l", "s", "h", "z"}) {
    EXPECT_EQ(DigestOf(key).find(std::string(40, '0')), std::string::npos) << key;
  }
  Execute("FLUSHALL");
  PackNothing();
  Execute("LPUSH l 2 a 1");
  Execute("SADD s 3 1 2");
  Execute("HSET h g w f v");
  Execute("ZADD z 0 c 2.5 b 1 a");
  EXPECT_EQ(Execute("DEBUG DIGEST"), packed);
}

TEST_F(DebugTest, DifferentValuesHaveDifferentDigests) {
  Execute("RPUSH l a b");
  const std::string list = DigestOf("l");
  Execute("RPUSH l2 b a");
  EXPECT_NE(DigestOf("l2"), list);
  Execute("ZADD z 1 a 2 b");
  Execute("ZADD z2 2 a 1 b");
  EXPECT_NE(DigestOf("z"), DigestOf("z2"));
  Execute("SADD s a b");
  EXPECT_NE(DigestOf("s"), list);
}

}  // namespace
}  // namespace kvick
