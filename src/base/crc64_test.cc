#include "base/crc64.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

// The check value of the algorithm's description.
TEST(Crc64Test, IsTheOneOfTheFormat) { EXPECT_EQ(Crc64("123456789"), 0xe9c6d914c4b8d9caU); }

TEST(Crc64Test, GoesOnWhereItStopped) { EXPECT_EQ(Crc64("456789", Crc64("123")), Crc64("123456789")); }

}  // namespace
}  // namespace kvick
