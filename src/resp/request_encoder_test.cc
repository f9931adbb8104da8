#include "resp/request_encoder.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

TEST(RequestEncoderTest, WritesAnArrayOfBulkStringsWhateverTheBytes) {
  EXPECT_EQ(EncodeRequest({"SET", std::string("\0\r\n", 3), ""}),
            std::string("*3\r\n$3\r\nSET\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n", 28));
}

}  // namespace
}  // namespace kvick
