#include "base/digest.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

Digest OrderedDigest(std::string_view first, std::string_view second) {
  Digest digest;
  digest.Append(first);
  digest.Append(second);
  return digest;
}

TEST(DigestTest, TheEmptyOneIsZeros) { EXPECT_EQ(Digest().Hex(), std::string(40, '0')); }

TEST(DigestTest, OrderCountsWhereItIsAppended) {
  EXPECT_EQ(OrderedDigest("a", "b").Hex(), OrderedDigest("a", "b").Hex());
  EXPECT_NE(OrderedDigest("a", "b").Hex(), OrderedDigest("b", "a").Hex());
  EXPECT_NE(OrderedDigest("ab", "").Hex(), OrderedDigest("a", "b").Hex());
}

TEST(DigestTest, OrderDoesNotCountWhereItIsMixedButNumberDoes) {
  Digest one;
  one.Mix("a");
  one.Mix("b");
  Digest other;
  other.Mix("b");
  other.Mix("a");
  EXPECT_EQ(one.Hex(), other.Hex());
  other.Mix("a");
  other.Mix("a");
  EXPECT_NE(one.Hex(), other.Hex());
}

}  // namespace
}  // namespace kvick
