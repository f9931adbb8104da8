#include "containers/intset.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/random.h"

namespace kvick {
namespace {

std::string Bytes(const Intset& integers) { return std::string(integers.bytes()); }

TEST(IntsetTest, HasTheBytesOfTheFormat) {
  Intset integers;
  EXPECT_EQ(Bytes(integers), std::string("\x02\0\0\0\0\0\0\0", 8));
  EXPECT_TRUE(integers.Add(5));
  EXPECT_TRUE(integers.Add(-1));
  EXPECT_EQ(Bytes(integers), std::string("\x02\0\0\0\x02\0\0\0\xff\xff\x05\0", 12));
  EXPECT_TRUE(integers.Add(65536));
  EXPECT_EQ(Bytes(integers), std::string("\x04\0\0\0\x03\0\0\0\xff\xff\xff\xff\x05\0\0\0\0\0\x01\0", 20));
}

TEST(IntsetTest, KeepsItsWidthWhenTheWideOneGoes) {
  Intset integers;
  integers.Add(int64_t{1} << 40);
  integers.Add(1);
  EXPECT_TRUE(integers.Remove(int64_t{1} << 40));
  EXPECT_EQ(integers.bytes().size(), Intset::kHeaderBytes + 8);
  EXPECT_TRUE(integers.Contains(1));
}

TEST(IntsetTest, HoldsTheLimitsOfEachWidth) {
  Intset integers;
  std::set<int64_t> model;
  for (const int64_t value :
       {int64_t{INT16_MIN}, int64_t{INT16_MAX}, int64_t{INT16_MAX} + 1, int64_t{INT16_MIN} - 1, int64_t{INT32_MIN},
        int64_t{INT32_MAX}, int64_t{INT32_MAX} + 1, int64_t{INT32_MIN} - 1, INT64_MIN, INT64_MAX}) {
    EXPECT_FALSE(integers.Contains(value));
    EXPECT_TRUE(integers.Add(value));
    EXPECT_FALSE(integers.Add(value));
    model.insert(value);
    size_t index = 0;
    for (const int64_t expected : model) EXPECT_EQ(integers.At(index++), expected);
  }
}

TEST(IntsetTest, AgreesWithAModelUnderRandomChanges) {
  Random random(3);
  for (const uint64_t range : {50U, 100000U, 4000000000U}) {
    Intset integers;
    std::set<int64_t> model;
    for (int step = 0; step < 5000; ++step) {
      const auto value = static_cast<int64_t>(random.Below(range)) - static_cast<int64_t>(range / 2);
      if (random.Below(2) == 0) {
        ASSERT_EQ(integers.Add(value), model.insert(value).second);
      } else {
        ASSERT_EQ(integers.Remove(value), model.erase(value) == 1);
      }
      ASSERT_EQ(integers.count(), model.size());
      ASSERT_EQ(integers.Contains(value), model.count(value) == 1);
    }
    size_t index = 0;
    for (const int64_t expected : model) ASSERT_EQ(integers.At(index++), expected);
    EXPECT_TRUE(Intset::IsValid(integers.bytes()));
  }
}

TEST(IntsetTest, RefusesBytesThatAreNone) {
  Intset integers;
  for (const int64_t value : {1, 2, 3}) integers.Add(value);
  const std::string good = Bytes(integers);
  ASSERT_TRUE(Intset::FromBytes(good).has_value());
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(Intset::IsValid(good.substr(0, size))) << size;
  EXPECT_FALSE(Intset::IsValid(good + '\0'));
  std::string bad = good;
  bad[0] = 3;
  EXPECT_FALSE(Intset::IsValid(bad)) << "a width that does not exist";
  bad = good;
  bad[8] = 2;
  EXPECT_FALSE(Intset::IsValid(bad)) << "twice the same";
  bad = good;
  bad[4] = '\xff';
  EXPECT_FALSE(Intset::IsValid(bad)) << "more than there are";
}

}  // namespace
}  // namespace kvick
