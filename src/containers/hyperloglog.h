// HyperLogLog: the byte string that estimates how many different elements it was given. Its form is that of Redis, byte
// for byte, because clients read, copy and restore it as a string.
//
//   header   "HYLL", encoding (0 dense, 1 sparse), 3 bytes unused, 8 bytes: the latest estimate, little endian, whose
//            highest bit says that it is out of date
//   dense    16,384 registers of six bits (hyperloglog_registers.h)
//   sparse   opcodes, one behind the other, that together are 16,384 registers:
//              00xxxxxx            x + 1 registers are zero
//              01xxxxxx yyyyyyyy   x * 256 + y + 1 registers are zero
//              1vvvvvxx            x + 1 registers are v + 1
//
//   const auto view = HyperLogLogView::FromBytes(bytes);    // nothing: no HyperLogLog
//   HyperLogLogEditor editor(bytes, sparse_bytes_max);
//   editor.Raise(RegisterOfHash(HyperLogLogHash("element")));
//
// A value may come from anywhere. The header is checked first, the opcodes where they are read: what they say is never
// trusted, and a value whose opcodes are wrong is "corrupt".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "containers/hyperloglog_registers.h"

namespace kvick {

inline constexpr size_t kHyperLogLogHeaderBytes = 16;
inline constexpr size_t kHyperLogLogDenseBytes = kHyperLogLogHeaderBytes + kPackedRegistersBytes;

uint64_t HyperLogLogHash(std::string_view element);

// One opcode of the sparse form.
struct SparseRun {
  uint8_t value = 0;
  uint32_t register_count = 0;
  uint32_t size_bytes = 0;
  bool is_long = false;  // the zeros of two bytes

  // What begins at `offset`, which lies within; nothing when it is cut off.
  static std::optional<SparseRun> At(std::string_view opcodes, size_t offset);
};

class HyperLogLogView {
 public:
  // Checks the header and, of the dense form, the size.
  static std::optional<HyperLogLogView> FromBytes(std::string_view bytes);

  bool is_dense() const { return bytes_[4] == 0; }
  std::string_view bytes() const { return bytes_; }
  const char* packed() const { return bytes_.data() + kHyperLogLogHeaderBytes; }
  std::string_view opcodes() const { return bytes_.substr(kHyperLogLogHeaderBytes); }

  std::optional<uint64_t> CachedCount() const;
  // Nothing when it is corrupt.
  std::optional<uint64_t> EstimateCount() const;
  std::optional<uint8_t> RegisterAt(size_t index) const;
  // Raises `registers` to those of this value. False, and some may have been raised, when it is corrupt.
  [[nodiscard]] bool RaiseInto(RegisterBytes& registers) const;

 private:
  explicit HyperLogLogView(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes_;
};

// The header of a value that is changed where it lies.
void StoreCachedCount(char* bytes, uint64_t count);
inline void InvalidateCachedCount(char* bytes) {
  bytes[15] = static_cast<char>(static_cast<uint8_t>(bytes[15]) | 0x80U);
}

// An empty value: sparse, its estimate known.
std::string MakeHyperLogLog();

// A value that is being changed. A sparse one becomes dense when it would be longer than allowed, header included, or a
// register too high for its opcodes.
class HyperLogLogEditor {
 public:
  enum class Outcome { kUnchanged, kRaised, kCorrupt };

  // `bytes` passes HyperLogLogView::FromBytes.
  HyperLogLogEditor(std::string bytes, size_t sparse_bytes_max)
      : bytes_(std::move(bytes)), sparse_bytes_max_(sparse_bytes_max) {}

  bool is_dense() const { return bytes_[4] == 0; }
  // Raises a register to a value that is not 0. Registers in ascending order are found without searching.
  Outcome Raise(RegisterValue raised);
  // False when it is corrupt; then it stays as it is.
  [[nodiscard]] bool BecomeDense();

  char* data() { return bytes_.data(); }
  std::string_view bytes() const { return bytes_; }

 private:
  // A run, and the register it begins with.
  struct Place {
    size_t offset = kHyperLogLogHeaderBytes;
    uint32_t first_register = 0;
  };

  Outcome RaiseSparse(RegisterValue raised);
  Outcome RaiseAsDense(RegisterValue raised);
  void MergeRuns(size_t offset);

  std::string bytes_;
  size_t sparse_bytes_max_;
  // Two runs before that of the register that was raised last, for registers behind it: the runs in between may have
  // been merged.
  Place resume_;
  uint32_t resume_behind_ = 0;
};

}  // namespace kvick
