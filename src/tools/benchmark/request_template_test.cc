#include "tools/benchmark/request_template.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace kvick::benchmark {
namespace {

TEST(RequestTemplateTest, FillsNumbersAndData) {
  const auto request = RequestTemplate::Make({"SET", "key:__rand_int__", "<__data__>"}, "value");
  KeyNumbers numbers = KeyNumbers::InSequence(41);
  std::string out;
  request.AppendTo(out, numbers);
  request.AppendTo(out, numbers);
  EXPECT_EQ(out,
            "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000041\r\n$7\r\n<value>\r\n"
            "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$7\r\n<value>\r\n");
}

TEST(RequestTemplateTest, FillsShortNumbersAtTheirPlaces) {
  const auto request = RequestTemplate::Make({"1__rand_6__", "__data__:__rand_6__"}, "__rand_6__");
  KeyNumbers numbers = KeyNumbers::InSequence(41);
  std::string out;
  request.AppendTo(out, numbers);
  EXPECT_EQ(out, "*2\r\n$7\r\n1000041\r\n$17\r\n__rand_6__:000042\r\n");
}

TEST(RequestTemplateTest, LeavesDataAloneThatLooksLikeAMark) {
  const auto request = RequestTemplate::Make({"ECHO", "__data__"}, "__rand_int__");
  KeyNumbers numbers = KeyNumbers::InSequence(1);
  std::string out;
  request.AppendTo(out, numbers);
  EXPECT_EQ(out, "*2\r\n$4\r\nECHO\r\n$12\r\n__rand_int__\r\n");
}

TEST(RequestTemplateTest, WritesAllTwelveDigits) {
  const auto request = RequestTemplate::Make({"__rand_int__"}, "");
  KeyNumbers numbers = KeyNumbers::InSequence(123'456'789'012);
  std::string out;
  request.AppendTo(out, numbers);
  EXPECT_EQ(out, "*1\r\n$12\r\n123456789012\r\n");
}

TEST(RequestTemplateTest, DrawsEveryKeyOfASmallKeySpace) {
  KeyNumbers numbers = KeyNumbers::Randomly(7, 10);
  unsigned seen = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = numbers.Next(0);
    ASSERT_LT(number, 10U);
    seen |= 1U << number;
  }
  EXPECT_EQ(seen, 0x3FFU);
}

TEST(RequestTemplateTest, TakesEachNumberOnceForEveryMark) {
  for (const uint64_t bound : {1U, 2U, 10U, 12U, 1000U}) {
    KeyNumbers numbers = KeyNumbers::EachOnce(bound);
    for (size_t mark = 0; mark < 5; ++mark) {
      std::vector<int> seen(bound, 0);
      for (uint64_t i = 0; i < bound; ++i) {
        const uint64_t number = numbers.Next(mark == 4 ? 0 : mark);  // around a second time
        ASSERT_LT(number, bound);
        ++seen[number];
      }
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<ptrdiff_t>(bound)) << bound << ", mark " << mark;
    }
  }
}

TEST(RequestTemplateTest, TakesEachNumberInNoSimpleOrder) {
  KeyNumbers numbers = KeyNumbers::EachOnce(1000);
  int ascending = 0;
  uint64_t before = 1000;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = numbers.Next(0);
    ascending += number == before + 1 ? 1 : 0;
    before = number;
  }
  EXPECT_EQ(ascending, 0);
}

}  // namespace
}  // namespace kvick::benchmark
