#include "containers/hyperloglog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

using Outcome = HyperLogLogEditor::Outcome;

constexpr size_t kNoLimit = 1 << 20;

HyperLogLogView View(std::string_view bytes) { return *HyperLogLogView::FromBytes(bytes); }

RegisterBytes Registers(std::string_view bytes) {
  RegisterBytes registers{};
  EXPECT_TRUE(View(bytes).RaiseInto(registers));
  return registers;
}

std::string WithOpcodes(std::string_view opcodes) {
  std::string bytes = MakeHyperLogLog();
  bytes.resize(kHyperLogLogHeaderBytes);
  return bytes.append(opcodes);
}

TEST(HyperLogLogTest, AnEmptyValueIsOneRunOfZeros) {
  EXPECT_EQ(MakeHyperLogLog(), std::string("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
  EXPECT_EQ(View(MakeHyperLogLog()).EstimateCount(), 0u);
  EXPECT_EQ(View(MakeHyperLogLog()).CachedCount(), 0u);
}

TEST(HyperLogLogTest, HashesAreThoseOfOtherServers) {
  // "a" raises register 12711 to 2, as values that were stored elsewhere show.
  const RegisterValue raised = RegisterOfHash(HyperLogLogHash("a"));
  EXPECT_EQ(raised.index, 12711u);
  EXPECT_EQ(raised.value, 2);
  EXPECT_EQ(RegisterOfHash(0).value, kRegisterHashBits + 1);
  EXPECT_EQ(RegisterOfHash(~uint64_t{0}).value, 1);
  EXPECT_EQ(RegisterOfHash(~uint64_t{0}).index, kRegisterCount - 1);
}

TEST(HyperLogLogTest, SparseAndDenseHoldTheSameRegisters) {
  const uint64_t seed = 42;
  Random random(seed);
  HyperLogLogEditor sparse(MakeHyperLogLog(), kNoLimit);
  RegisterBytes expected{};
  for (int i = 0; i < 20'000; ++i) {
    const RegisterValue raised{static_cast<uint32_t>(random.Below(i % 3 == 0 ? 50 : kRegisterCount)),
                               static_cast<uint8_t>(1 + random.Below(32))};
    const bool raises = expected[raised.index] < raised.value;
    ASSERT_EQ(sparse.Raise(raised), raises ? Outcome::kRaised : Outcome::kUnchanged) << "seed " << seed << " at " << i;
    expected[raised.index] = std::max(expected[raised.index], raised.value);
    if (i % 500 == 0) {
      ASSERT_EQ(Registers(sparse.bytes()), expected) << "seed " << seed << " at " << i;
    }
  }
  EXPECT_FALSE(sparse.is_dense());
  EXPECT_EQ(Registers(sparse.bytes()), expected);
  for (size_t i = 0; i < kRegisterCount; i += 97) EXPECT_EQ(View(sparse.bytes()).RegisterAt(i), expected[i]);
  HyperLogLogEditor dense = sparse;
  ASSERT_TRUE(dense.BecomeDense());
  EXPECT_EQ(dense.bytes().size(), kHyperLogLogDenseBytes);
  EXPECT_EQ(Registers(dense.bytes()), expected);
  for (size_t i = 0; i < kRegisterCount; i += 97) EXPECT_EQ(View(dense.bytes()).RegisterAt(i), expected[i]);
  EXPECT_EQ(View(dense.bytes()).EstimateCount(), View(sparse.bytes()).EstimateCount());
}

TEST(HyperLogLogTest, RegistersInAscendingOrderGiveTheSameBytesAsOneByOne) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    RegisterBytes registers{};
    for (int i = 0; i < 600; ++i) {
      const size_t begin = random.Below(kRegisterCount - 8);
      for (size_t k = begin; k < begin + 1 + random.Below(8); ++k) {
        registers[k] = static_cast<uint8_t>(1 + random.Below(3));
      }
    }
    HyperLogLogEditor in_one(MakeHyperLogLog(), kNoLimit);
    std::string one_by_one = MakeHyperLogLog();
    for (uint32_t i = 0; i < kRegisterCount; ++i) {
      if (registers[i] == 0) continue;
      in_one.Raise({i, registers[i]});
      HyperLogLogEditor fresh(one_by_one, kNoLimit);  // searches from the beginning
      fresh.Raise({i, registers[i]});
      one_by_one = std::string(fresh.bytes());
    }
    ASSERT_EQ(in_one.bytes(), one_by_one) << "round " << round;
  }
}

TEST(HyperLogLogTest, NeighboursOfEqualValueShareARun) {
  HyperLogLogEditor editor(MakeHyperLogLog(), kNoLimit);
  for (const uint32_t index : {100u, 102u, 101u, 103u, 104u}) editor.Raise({index, 5});
  // 100 zeros in two bytes, four fives, one five, zeros.
  const std::string_view opcodes = editor.bytes().substr(kHyperLogLogHeaderBytes);
  ASSERT_EQ(opcodes.size(), 6u);
  EXPECT_EQ(SparseRun::At(opcodes, 0)->register_count, 100u);
  EXPECT_EQ(SparseRun::At(opcodes, 2)->register_count, 4u);
  EXPECT_EQ(SparseRun::At(opcodes, 2)->value, 5);
  EXPECT_EQ(SparseRun::At(opcodes, 3)->register_count, 1u);
}

TEST(HyperLogLogTest, BecomesDenseWhenTooLongOrTooHigh) {
  HyperLogLogEditor high(MakeHyperLogLog(), kNoLimit);
  high.Raise({7, 32});
  EXPECT_FALSE(high.is_dense());
  high.Raise({7, 33});
  EXPECT_TRUE(high.is_dense());
  EXPECT_EQ(View(high.bytes()).RegisterAt(7), 33);

  // The header counts: 16 bytes, zeros, a value, zeros.
  HyperLogLogEditor at_limit(MakeHyperLogLog(), 21);
  at_limit.Raise({1000, 1});
  EXPECT_FALSE(at_limit.is_dense());
  HyperLogLogEditor beyond(MakeHyperLogLog(), 20);
  beyond.Raise({1000, 1});
  EXPECT_TRUE(beyond.is_dense());
}

TEST(HyperLogLogTest, PackingAndUnpackingAreInverse) {
  const uint64_t seed = 11;
  Random random(seed);
  RegisterBytes registers{};
  for (uint8_t& value : registers) value = static_cast<uint8_t>(random.Below(64));
  std::string packed(kPackedRegistersBytes, '\xff');
  PackRegisters(registers, packed.data());
  RegisterBytes again{};
  RaiseByPacked(packed.data(), again);
  EXPECT_EQ(again, registers);
  for (size_t i = 0; i < kRegisterCount; ++i) ASSERT_EQ(PackedRegister(packed.data(), i), registers[i]) << i;
  std::string one_by_one(kPackedRegistersBytes, '\0');
  for (size_t i = 0; i < kRegisterCount; ++i) SetPackedRegister(one_by_one.data(), i, registers[i]);
  EXPECT_EQ(one_by_one, packed);
  // Raising keeps what is higher.
  RegisterBytes raised = registers;
  for (size_t i = 0; i < kRegisterCount; i += 2) raised[i] = 63;
  const RegisterBytes higher = raised;
  RaiseByPacked(packed.data(), raised);
  EXPECT_EQ(raised, higher);
  RegisterHistogram histogram{};
  for (const uint8_t value : registers) ++histogram[value];
  EXPECT_EQ(CountPacked(packed.data()), histogram);
}

TEST(HyperLogLogTest, EstimatesAreNear) {
  HyperLogLogEditor editor(MakeHyperLogLog(), 3000);
  uint64_t next = 10;
  for (uint64_t i = 1; i <= 1'000'000; ++i) {
    editor.Raise(RegisterOfHash(HyperLogLogHash(std::to_string(i))));
    if (i != next) continue;
    next *= 10;
    const auto estimate = static_cast<double>(*View(editor.bytes()).EstimateCount());
    EXPECT_NEAR(estimate, static_cast<double>(i), 0.03 * static_cast<double>(i) + 1);
  }
  RegisterHistogram full{};
  full[kRegisterHashBits + 1] = kRegisterCount;
  EXPECT_GT(EstimateCount(full), uint64_t{1} << 60);
}

TEST(HyperLogLogTest, RefusesWhatIsNone) {
  std::string bytes = MakeHyperLogLog();
  EXPECT_FALSE(HyperLogLogView::FromBytes("").has_value());
  EXPECT_FALSE(HyperLogLogView::FromBytes("HYLL").has_value());
  EXPECT_FALSE(HyperLogLogView::FromBytes(std::string(16, 'x')).has_value());
  bytes[4] = 0;  // dense, but too short
  EXPECT_FALSE(HyperLogLogView::FromBytes(bytes).has_value());
  bytes[4] = 2;
  EXPECT_FALSE(HyperLogLogView::FromBytes(bytes).has_value());
}

TEST(HyperLogLogTest, CorruptOpcodesAreSeenWhereverTheyAreRead) {
  RegisterBytes registers{};
  for (const std::string& bytes :
       {WithOpcodes(""), WithOpcodes("\x05"), WithOpcodes("\x7f\xfe"), WithOpcodes("\x7f"), WithOpcodes("\x7f\xff\x80"),
        WithOpcodes("\x7f\xff\x7f\xff"), WithOpcodes(std::string(4097, '\x83'))}) {
    EXPECT_FALSE(View(bytes).EstimateCount().has_value());
    EXPECT_FALSE(View(bytes).RaiseInto(registers));
    HyperLogLogEditor editor(bytes, kNoLimit);
    EXPECT_FALSE(editor.BecomeDense());
    EXPECT_EQ(editor.bytes(), bytes);
    EXPECT_EQ(editor.Raise({3, 40}), Outcome::kCorrupt);
  }
  HyperLogLogEditor editor(WithOpcodes("\x05"), kNoLimit);
  EXPECT_EQ(editor.Raise({6, 1}), Outcome::kCorrupt);
  EXPECT_FALSE(View(WithOpcodes("\x05")).RegisterAt(6).has_value());
}

TEST(HyperLogLogTest, TheCachedCountIsOutOfDateByOneBit) {
  std::string bytes = MakeHyperLogLog();
  StoreCachedCount(bytes.data(), 1234567);
  EXPECT_EQ(View(bytes).CachedCount(), 1234567u);
  InvalidateCachedCount(bytes.data());
  EXPECT_FALSE(View(bytes).CachedCount().has_value());
}

}  // namespace
}  // namespace kvick
