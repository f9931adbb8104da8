#include "commands/hyperloglog_self_check.h"

#include <cmath>
#include <string>

#include "base/random.h"
#include "containers/hyperloglog.h"

namespace kvick {
namespace {

Status Failed(const std::string& what) { return Status::Error("TESTFAILED " + what); }

// Registers set in any order read back, and so does the packed form of all of them.
Status CheckRegisters() {
  constexpr int kRounds = 100;
  std::string packed(kPackedRegistersBytes, '\0');
  RegisterBytes expected{};
  Random random(0);
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < kRegisterCount; ++i) {
      expected[i] = static_cast<uint8_t>(random.Below(kRegisterHashBits + 2));
      SetPackedRegister(packed.data(), i, expected[i]);
    }
    for (size_t i = 0; i < kRegisterCount; ++i) {
      const uint8_t value = PackedRegister(packed.data(), i);
      if (value != expected[i]) {
        return Failed("Register " + std::to_string(i) + " should be " + std::to_string(expected[i]) + " but is " +
                      std::to_string(value));
      }
    }
    RegisterBytes spread{};
    RaiseByPacked(packed.data(), spread);
    if (spread != expected) return Failed("Registers differ after unpacking");
    std::string again(kPackedRegistersBytes, '\0');
    PackRegisters(spread, again.data());
    if (again != packed) return Failed("Registers differ after packing");
  }
  return Status::Ok();
}

// Both encodings agree, and estimates of 1, 10, 100 ... elements are near.
Status CheckEstimates() {
  constexpr uint64_t kElementCount = 1'000'000;
  constexpr size_t kSparseBytesMax = 3000;
  constexpr double kRelativeErrorMax = 4 * 1.04 / 128;  // four standard errors: 1.04 / sqrt(registers)
  HyperLogLogEditor dense(MakeHyperLogLog(), 0);
  if (!dense.BecomeDense()) return Failed("An empty value does not become dense");
  HyperLogLogEditor sparse(MakeHyperLogLog(), kSparseBytesMax);
  uint64_t checkpoint = 1;
  for (uint64_t i = 1; i <= kElementCount; ++i) {
    const std::string_view element(reinterpret_cast<const char*>(&i), sizeof(i));
    const RegisterValue raised = RegisterOfHash(HyperLogLogHash(element));
    dense.Raise(raised);
    sparse.Raise(raised);
    if (i != checkpoint) continue;
    checkpoint *= 10;
    const auto count = HyperLogLogView::FromBytes(dense.bytes())->EstimateCount();
    if (count != HyperLogLogView::FromBytes(sparse.bytes())->EstimateCount()) {
      return Failed("dense/sparse disagree at " + std::to_string(i) + " elements");
    }
    const double error = std::fabs(static_cast<double>(*count) - static_cast<double>(i));
    if (error > std::ceil(kRelativeErrorMax * static_cast<double>(i))) {
      return Failed("Too big error: " + std::to_string(*count) + " for " + std::to_string(i) + " elements");
    }
  }
  return Status::Ok();
}

}  // namespace

Status CheckHyperLogLog() {
  KVICK_RETURN_IF_ERROR(CheckRegisters());
  return CheckEstimates();
}

}  // namespace kvick
