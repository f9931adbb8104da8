#include "resp/output_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace kvick {
namespace {

SharedBytesRef Lend(std::string_view bytes) {
  SharedBytes* made = SharedBytes::Make(bytes);
  SharedBytesRef ref(made);
  made->Drop();
  return ref;
}

// What a socket would be given.
std::string PeekAll(const OutputBuffer& buffer) {
  std::vector<iovec> pieces(100'000);
  const size_t count = buffer.Peek(pieces.data(), pieces.size());
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return bytes;
}

TEST(OutputBufferTest, HoldsWhatWasAppended) {
  OutputBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.Append("abc");
  buffer.Append(std::string(40'000, 'x'));
  char* room = buffer.Reserve(2);
  room[0] = 'd';
  room[1] = 'e';
  buffer.Commit(2);
  EXPECT_EQ(buffer.ToString(), "abc" + std::string(40'000, 'x') + "de");
  EXPECT_EQ(PeekAll(buffer), buffer.ToString());
  EXPECT_EQ(buffer.size_bytes(), 40'005u);
}

TEST(OutputBufferTest, LentBytesAreNotCopied) {
  OutputBuffer buffer;
  const SharedBytesRef value = Lend("a large value");
  buffer.AppendShared(SharedBytesRef(value.get()));
  iovec piece;
  ASSERT_EQ(buffer.Peek(&piece, 1), 1u);
  EXPECT_EQ(piece.iov_base, value.get()->data());
  EXPECT_TRUE(value.get()->IsShared());
  buffer.Clear();
  EXPECT_FALSE(value.get()->IsShared());
}

TEST(OutputBufferTest, AHoleIsFilledWhereItWasMade) {
  OutputBuffer buffer;
  buffer.Append("a");
  const OutputBuffer::Hole outer = buffer.MakeHole();
  buffer.Append("b");
  const OutputBuffer::Hole inner = buffer.MakeHole();
  buffer.Append("c");
  buffer.FillHole(inner, "<inner>");
  buffer.FillHole(outer, "<outer>");
  EXPECT_EQ(buffer.ToString(), "a<outer>b<inner>c");
  EXPECT_EQ(buffer.size_bytes(), buffer.ToString().size());
}

TEST(OutputBufferTest, TheShapeTellsTheBlockFromTheRest) {
  OutputBuffer buffer;
  EXPECT_EQ(buffer.MeasureShape().block_bytes, 0u);
  buffer.Append("abc");
  const OutputBuffer::Shape small = buffer.MeasureShape();
  EXPECT_EQ(small.block_used_bytes, 3u);
  EXPECT_GE(small.block_bytes, 3u);
  EXPECT_EQ(small.rest_count, 0u);
  buffer.AppendShared(Lend(std::string(50'000, 'x')));
  const OutputBuffer::Shape large = buffer.MeasureShape();
  EXPECT_EQ(large.block_used_bytes, 3u);
  EXPECT_EQ(large.rest_count, 1u);
  EXPECT_EQ(large.rest_memory_bytes, 50'000u);
  buffer.Consume(1);
  EXPECT_EQ(buffer.MeasureShape().block_used_bytes, 2u);
}

TEST(OutputBufferTest, SwapExchangesTheBytes) {
  OutputBuffer a;
  OutputBuffer b;
  a.Append("left");
  a.Swap(b);
  EXPECT_TRUE(a.empty());
  a.Append("new");
  EXPECT_EQ(b.ToString(), "left");
  EXPECT_EQ(a.ToString(), "new");
}

// Property: it is a queue of bytes, whatever they are made of and however they are taken.
TEST(OutputBufferTest, BehavesLikeAQueueOfBytes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&random](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); };
  OutputBuffer buffer;
  std::string model;
  for (int step = 0; step < 5000; ++step) {
    switch (below(7)) {
      case 0:
      case 1:
      case 2: {
        const std::string bytes(below(20) == 0 ? below(40'000) : below(100), static_cast<char>('a' + below(26)));
        buffer.Append(bytes);
        model += bytes;
        break;
      }
      case 3: {
        const std::string bytes(below(1000) + 1, '#');
        buffer.AppendShared(Lend(bytes));
        model += bytes;
        break;
      }
      case 4: {
        const OutputBuffer::Hole hole = buffer.MakeHole();
        buffer.Append("-");
        buffer.FillHole(hole, "*3\r\n");
        model += "*3\r\n-";
        break;
      }
      case 5: {
        OutputBuffer other;
        const std::string bytes(below(40'000) + 1, '%');
        other.Append(bytes);
        other.AppendShared(Lend("lent"));
        other.Consume(1);
        buffer.AppendAll(std::move(other));
        model += bytes.substr(1) + "lent";
        break;
      }
      default: {
        const size_t size = below(3) == 0 ? model.size() : below(model.size() + 1);
        buffer.Consume(size);
        model.erase(0, size);
      }
    }
    ASSERT_EQ(buffer.size_bytes(), model.size()) << "step " << step;
    if (step % 50 == 0) {
      ASSERT_EQ(buffer.ToString(), model) << "step " << step;
      ASSERT_EQ(PeekAll(buffer), model) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace kvick
