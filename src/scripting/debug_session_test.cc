#include "scripting/debug_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scripting/debug_text.h"

namespace kvick {
namespace {

using Arrival = DebugPort::Arrival;

Arrival Take(std::string input, std::vector<std::string>* words = nullptr, std::string* rest = nullptr) {
  std::vector<std::string> taken;
  const Arrival arrival = TakeDebuggerCommand(&input, &taken);
  if (words != nullptr) *words = taken;
  if (rest != nullptr) *rest = input;
  return arrival;
}

TEST(DebuggerCommand, IsTakenWhenItIsWhole) {
  const std::string whole = "*2\r\n$1\r\nb\r\n$2\r\n10\r\n";
  std::vector<std::string> words;
  std::string rest;
  EXPECT_EQ(Take(whole + "*1\r\n$1", &words, &rest), Arrival::kWords);
  EXPECT_EQ(words, (std::vector<std::string>{"b", "10"}));
  EXPECT_EQ(rest, "*1\r\n$1");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(Take(whole.substr(0, size), nullptr, &rest), Arrival::kGone) << size;
    EXPECT_EQ(rest, whole.substr(0, size));
  }
}

TEST(DebuggerCommand, OfAnotherFormIsBad) {
  for (const std::string bad :
       {"c\r\n", "*0\r\n", "*-1\r\n", "*x\r\n", "*1025\r\n", "*1\r\n:1\r\n", "*1\r\n$0\r\n\r\n", "*1\r\n$-1\r\n",
        "*1\r\n$1025\r\n", "*99999999999999999999999\r\n", "*1111111111111111111111"}) {
    EXPECT_EQ(Take(bad), Arrival::kBadProtocol) << bad;
  }
  EXPECT_EQ(Take("*1\r\n$1024\r\n" + std::string(1024, 'x') + "\r\n"), Arrival::kWords);
}

TEST(DescribeReply, ShowsEveryType) {
  EXPECT_EQ(DescribeReply("+OK\r\n"), "\"+OK\"");
  EXPECT_EQ(DescribeReply("-ERR x\r\n"), "\"-ERR x\"");
  EXPECT_EQ(DescribeReply(":-3\r\n"), "-3");
  EXPECT_EQ(DescribeReply("$3\r\na\r\n\r\n"), "\"a\\r\\n\"");
  EXPECT_EQ(DescribeReply("$-1\r\n"), "NULL");
  EXPECT_EQ(DescribeReply("*-1\r\n"), "NULL");
  EXPECT_EQ(DescribeReply("*3\r\n:1\r\n*0\r\n_\r\n"), "[1,[],(null)]");
  EXPECT_EQ(DescribeReply("%2\r\n+a\r\n#t\r\n+b\r\n#f\r\n"), "{\"+a\" => #true,\"+b\" => #false}");
  EXPECT_EQ(DescribeReply("~1\r\n,1.5\r\n"), "~((double) 1.5)");
  EXPECT_EQ(DescribeReply("=5\r\ntxt:x\r\n"), "\"x\"");
  EXPECT_EQ(DescribeReply("(123\r\n"), "(big number) 123");
}

}  // namespace
}  // namespace kvick
