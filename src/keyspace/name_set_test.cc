#include "keyspace/name_set.h"

#include <gtest/gtest.h>

#include <string>

namespace kvick {
namespace {

// More names than one set keeps, so that they are spread on the way.
TEST(NameSetTest, KnowsEachNameOnceHoweverManyThereAre) {
  constexpr int kCount = 20'000;
  NameSet names;
  for (int i = 0; i < kCount; ++i) {
    const std::string name = "name:" + std::to_string(i);
    EXPECT_FALSE(names.Contains(name, SecretHash(name)));
    EXPECT_TRUE(names.Add(name, SecretHash(name)));
    EXPECT_FALSE(names.Add(name, SecretHash(name)));
  }
  for (int i = 0; i < kCount; ++i) {
    const std::string name = "name:" + std::to_string(i);
    EXPECT_TRUE(names.Contains(name, SecretHash(name))) << name;
  }
  EXPECT_FALSE(names.Contains("name", SecretHash("name")));
}

}  // namespace
}  // namespace kvick
