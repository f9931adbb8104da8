#include "base/compressed_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "support/threads.h"

namespace kvick {
namespace {

constexpr CompressionMethod kMethods[] = {CompressionMethod::kLz4, CompressionMethod::kZstd};

std::string Repeated(size_t size) {
  std::string text;
  while (text.size() < size) text += "{\"id\":" + std::to_string(text.size()) + ",\"state\":\"open\"},";
  text.resize(size);
  return text;
}

std::string Noise(size_t size) {
  Random random(size);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random.Below(256));
  return text;
}

TEST(CompressedBytesTest, GiveTheTextBack) {
  for (const CompressionMethod method : kMethods) {
    for (const size_t size : {64U, 100U, 1000U, 4096U, 100'000U, 3'000'000U}) {
      const std::string text = Repeated(size);
      const CompressedBytesRef packed = CompressedBytes::TryMake(text, {method, 0});
      if (size < 200 && !packed) continue;
      ASSERT_TRUE(packed) << size;
      EXPECT_EQ(packed.get()->plain_size(), size);
      EXPECT_LE(packed.get()->allocated_bytes(), size - size / 8);
      SharedBytes* read = packed.get()->Unpack();
      EXPECT_TRUE(read->view() == text) << size;
      read->Drop();
    }
  }
}

TEST(CompressedBytesTest, AreNotMadeOfWhatIsTooShortOrSavesTooLittle) {
  for (const CompressionMethod method : kMethods) {
    EXPECT_FALSE(CompressedBytes::TryMake(Repeated(1999), {method, 2000}));
    EXPECT_TRUE(CompressedBytes::TryMake(Repeated(2000), {method, 2000}));
    EXPECT_FALSE(CompressedBytes::TryMake(Noise(10'000), {method, 0}));
    for (size_t size = 0; size < 64; ++size)
      EXPECT_FALSE(CompressedBytes::TryMake(std::string(size, 'a'), {method, 0}));
    // About a tenth of it is compressible.
    EXPECT_FALSE(CompressedBytes::TryMake(Noise(9000) + std::string(1000, 'a'), {method, 0}));
    EXPECT_TRUE(CompressedBytes::TryMake(Noise(8000) + std::string(2000, 'a'), {method, 0}));
  }
  EXPECT_FALSE(CompressedBytes::TryMake(Repeated(5000), {CompressionMethod::kNone, 0}));
}

TEST(CompressedBytesTest, AreCountedWhileTheyLive) {
  const CompressedBytes::Usage before = CompressedBytes::MeasureUsage();
  {
    const CompressedBytesRef packed = CompressedBytes::TryMake(Repeated(5000), {CompressionMethod::kLz4, 0});
    packed.get()->Hold();
    const CompressedBytes::Usage now = CompressedBytes::MeasureUsage();
    EXPECT_EQ(now.count, before.count + 1);
    EXPECT_EQ(now.plain_bytes, before.plain_bytes + 5000);
    EXPECT_EQ(now.bytes, before.bytes + static_cast<int64_t>(packed.get()->allocated_bytes()));
    packed.get()->Drop();
    EXPECT_EQ(CompressedBytes::MeasureUsage().count, before.count + 1);
  }
  const CompressedBytes::Usage after = CompressedBytes::MeasureUsage();
  EXPECT_EQ(after.count, before.count);
  EXPECT_EQ(after.bytes, before.bytes);
  EXPECT_EQ(after.plain_bytes, before.plain_bytes);
}

TEST(UnpackScopeTest, KeepsWhatWasUnpackedUntilItEnds) {
  const std::string text = Repeated(3000);
  CompressedBytesRef packed = CompressedBytes::TryMake(text, {CompressionMethod::kZstd, 0});
  SharedBytesRef lent;
  {
    const UnpackScope outer;
    SharedBytes* first = UnpackScope::Unpack(packed.get());
    EXPECT_EQ(UnpackScope::Unpack(packed.get()), first);
    {
      const UnpackScope inner;
      lent = SharedBytesRef(UnpackScope::Unpack(packed.get()));
      EXPECT_TRUE(lent.get()->IsShared());
    }
    EXPECT_FALSE(lent.get()->IsShared());
    // The scope keeps it readable although its value is replaced.
    packed = {};
    EXPECT_TRUE(first->view() == text);
  }
  EXPECT_TRUE(lent.view() == text);
}

TEST(UnpackScopeTest, TellsValuesApartHoweverManyThereAre) {
  std::vector<CompressedBytesRef> packed;
  for (size_t i = 0; i < 50; ++i) {
    packed.push_back(CompressedBytes::TryMake(Repeated(500 + i), {CompressionMethod::kLz4, 0}));
  }
  const UnpackScope scope;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < 50; ++i) EXPECT_EQ(UnpackScope::Unpack(packed[i].get())->size(), 500 + i);
  }
}

TEST(CompressedBytesConcurrencyTest, AreReadByManyThreads) {
  const CompressedBytes::Usage before = CompressedBytes::MeasureUsage();
  for (const CompressionMethod method : kMethods) {
    const std::string text = Repeated(4000);
    const CompressedBytesRef packed = CompressedBytes::TryMake(text, {method, 0});
    test::RunThreads(4, [&](int) {
      for (int i = 0; i < 100; ++i) {
        const UnpackScope scope;
        EXPECT_TRUE(UnpackScope::Unpack(packed.get())->view() == text);
        EXPECT_TRUE(CompressedBytes::TryMake(text, {method, 0}));
      }
    });
  }
  EXPECT_EQ(CompressedBytes::MeasureUsage().bytes, before.bytes);
}

}  // namespace
}  // namespace kvick
