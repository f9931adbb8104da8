#include "resp/input_buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace kvick {
namespace {

TEST(InputBufferTest, AnEmptyBufferHoldsNoMemory) {
  InputBuffer buffer;
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.Append("abc");
  EXPECT_GE(buffer.capacity(), 3u);
  buffer.Consume(3);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.Append("abc");
  buffer.Truncate(0);
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(InputBufferTest, WhatIsNotCommittedIsForgotten) {
  InputBuffer buffer;
  buffer.Append("ab");
  std::memcpy(buffer.Reserve(4), "cdXX", 4);
  buffer.Commit(2);
  EXPECT_EQ(buffer.view(), "abcd");
}

TEST(InputBufferTest, ShrinkKeepsTheBytes) {
  InputBuffer buffer;
  buffer.Append(std::string(10'000, 'x') + "rest");
  buffer.Consume(10'000);
  buffer.Shrink();
  EXPECT_EQ(buffer.view(), "rest");
  EXPECT_EQ(buffer.capacity(), 4u);
}

TEST(InputBufferTest, ReadingAndConsumingInTurnDoesNotGrowIt) {
  InputBuffer buffer;
  buffer.Append("x");
  for (int i = 0; i < 1000; ++i) {
    buffer.Append(std::string(100, 'y'));
    buffer.Consume(100);
  }
  EXPECT_EQ(buffer.size(), 1u);
  EXPECT_LE(buffer.capacity(), 1000u);
}

// Property: it holds what a string would hold.
TEST(InputBufferTest, BehavesLikeAQueueOfBytes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&random](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); };
  InputBuffer buffer;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    switch (below(5)) {
      case 0:
      case 1: {
        const std::string bytes(below(200), static_cast<char>('a' + below(26)));
        buffer.Append(bytes);
        model += bytes;
        break;
      }
      case 2: {
        const size_t size = below(model.size() + 1);
        buffer.Consume(size);
        model.erase(0, size);
        break;
      }
      case 3: {
        const size_t size = model.size() - below(std::min<size_t>(model.size(), 20) + 1);
        buffer.Truncate(size);
        model.resize(size);
        break;
      }
      default:
        if (below(10) == 0) buffer.Shrink();
    }
    ASSERT_EQ(buffer.view(), model) << "step " << step;
  }
}

}  // namespace
}  // namespace kvick
