#include "containers/hyperloglog.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"

namespace kvick {
namespace {

constexpr std::string_view kMagic = "HYLL";
constexpr char kDense = 0;
constexpr char kSparse = 1;
constexpr size_t kEncodingOffset = 4;
constexpr size_t kCountOffset = 8;

constexpr uint32_t kShortZerosMax = 64;
constexpr uint32_t kValueRunMax = 4;
constexpr uint8_t kSparseValueMax = 32;

char ValueRun(uint8_t value, uint32_t count) {
  return static_cast<char>(0x80U | static_cast<unsigned>(value - 1) << 2 | (count - 1));
}

// The opcodes that replace one run: at most zeros, a value and zeros.
struct Replacement {
  std::array<char, 5> bytes{};
  size_t size = 0;

  void AddZeros(uint32_t count) {
    if (count == 0) return;
    const uint32_t stored = count - 1;
    if (count > kShortZerosMax) {
      bytes[size++] = static_cast<char>(0x40U | stored >> 8);
      bytes[size++] = static_cast<char>(stored);
    } else {
      bytes[size++] = static_cast<char>(stored);
    }
  }
  void AddValue(uint8_t value, uint32_t count) {
    if (count != 0) bytes[size++] = ValueRun(value, count);
  }
  void Add(uint8_t value, uint32_t count) { value == 0 ? AddZeros(count) : AddValue(value, count); }
  std::string_view view() const { return {bytes.data(), size}; }
};

// Calls visit(value, first register, count) for each run. False when the runs are not exactly all registers.
template <typename Visit>
bool ForEachRun(std::string_view opcodes, Visit visit) {
  uint32_t at = 0;
  for (size_t offset = 0; offset < opcodes.size();) {
    const std::optional<SparseRun> run = SparseRun::At(opcodes, offset);
    if (!run || at + run->register_count > kRegisterCount) return false;
    visit(run->value, at, run->register_count);
    at += run->register_count;
    offset += run->size_bytes;
  }
  return at == kRegisterCount;
}

}  // namespace

// MurmurHash64A of Austin Appleby, read little endian.
uint64_t HyperLogLogHash(std::string_view element) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  constexpr uint64_t kSeed = 0xadc83b19;
  uint64_t hash = kSeed ^ (element.size() * kMultiplier);
  for (; element.size() >= 8; element.remove_prefix(8)) {
    uint64_t block;
    std::memcpy(&block, element.data(), sizeof(block));
    block *= kMultiplier;
    block ^= block >> kShift;
    block *= kMultiplier;
    hash = (hash ^ block) * kMultiplier;
  }
  if (!element.empty()) {
    uint64_t rest = 0;
    std::memcpy(&rest, element.data(), element.size());
    hash = (hash ^ rest) * kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ hash >> kShift;
}

std::optional<SparseRun> SparseRun::At(std::string_view opcodes, size_t offset) {
  const auto byte = static_cast<uint8_t>(opcodes[offset]);
  if ((byte & 0x80U) != 0) return SparseRun{static_cast<uint8_t>((byte >> 2 & 0x1fU) + 1), (byte & 3U) + 1, 1, false};
  if ((byte & 0x40U) == 0) return SparseRun{0, byte + 1U, 1, false};
  if (offset + 1 == opcodes.size()) return std::nullopt;
  return SparseRun{0, ((byte & 0x3fU) << 8 | static_cast<uint8_t>(opcodes[offset + 1])) + 1U, 2, true};
}

std::optional<HyperLogLogView> HyperLogLogView::FromBytes(std::string_view bytes) {
  if (bytes.size() < kHyperLogLogHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  const char encoding = bytes[kEncodingOffset];
  if (encoding != kSparse && (encoding != kDense || bytes.size() != kHyperLogLogDenseBytes)) return std::nullopt;
  return HyperLogLogView(bytes);
}

std::optional<uint64_t> HyperLogLogView::CachedCount() const {
  uint64_t count;
  std::memcpy(&count, bytes_.data() + kCountOffset, sizeof(count));
  if (count >> 63 != 0) return std::nullopt;
  return count;
}

std::optional<uint64_t> HyperLogLogView::EstimateCount() const {
  if (is_dense()) return kvick::EstimateCount(CountPacked(packed()));
  RegisterHistogram histogram{};
  const bool is_whole = ForEachRun(
      opcodes(), [&histogram](uint8_t value, uint32_t /*first*/, uint32_t count) { histogram[value] += count; });
  if (!is_whole) return std::nullopt;
  return kvick::EstimateCount(histogram);
}

std::optional<uint8_t> HyperLogLogView::RegisterAt(size_t index) const {
  if (is_dense()) return PackedRegister(packed(), index);
  uint32_t end = 0;
  for (size_t offset = 0; offset < opcodes().size();) {
    const std::optional<SparseRun> run = SparseRun::At(opcodes(), offset);
    if (!run) return std::nullopt;
    end += run->register_count;
    if (index < end) return run->value;
    offset += run->size_bytes;
  }
  return std::nullopt;
}

bool HyperLogLogView::RaiseInto(RegisterBytes& registers) const {
  if (is_dense()) {
    RaiseByPacked(packed(), registers);
    return true;
  }
  return ForEachRun(opcodes(), [&registers](uint8_t value, uint32_t first, uint32_t count) {
    if (value == 0) return;
    for (uint32_t i = first; i < first + count; ++i) registers[i] = std::max(registers[i], value);
  });
}

void StoreCachedCount(char* bytes, uint64_t count) { std::memcpy(bytes + kCountOffset, &count, sizeof(count)); }

std::string MakeHyperLogLog() {
  std::string bytes(kMagic);
  bytes.resize(kHyperLogLogHeaderBytes, '\0');
  bytes[kEncodingOffset] = kSparse;
  Replacement zeros;
  zeros.AddZeros(kRegisterCount);
  return bytes.append(zeros.view());
}

bool HyperLogLogEditor::BecomeDense() {
  if (is_dense()) return true;
  RegisterBytes registers{};
  if (!HyperLogLogView::FromBytes(bytes_)->RaiseInto(registers)) return false;
  bytes_.resize(kHyperLogLogDenseBytes);
  bytes_[kEncodingOffset] = kDense;
  PackRegisters(registers, bytes_.data() + kHyperLogLogHeaderBytes);
  return true;
}

HyperLogLogEditor::Outcome HyperLogLogEditor::Raise(RegisterValue raised) {
  KVICK_DEBUG_ASSERT(raised.value != 0);
  if (!is_dense()) return RaiseSparse(raised);
  char* const packed = bytes_.data() + kHyperLogLogHeaderBytes;
  if (PackedRegister(packed, raised.index) >= raised.value) return Outcome::kUnchanged;
  SetPackedRegister(packed, raised.index, raised.value);
  return Outcome::kRaised;
}

HyperLogLogEditor::Outcome HyperLogLogEditor::RaiseAsDense(RegisterValue raised) {
  return BecomeDense() ? Raise(raised) : Outcome::kCorrupt;
}

HyperLogLogEditor::Outcome HyperLogLogEditor::RaiseSparse(RegisterValue raised) {
  if (raised.value > kSparseValueMax) return RaiseAsDense(raised);

  // The run that holds the register, and the two before it.
  const std::string_view bytes = bytes_;
  Place here = raised.index > resume_behind_ ? resume_ : Place{};
  Place before = here;
  Place two_before = here;
  std::optional<SparseRun> run;
  while (true) {
    if (here.offset >= bytes.size()) return Outcome::kCorrupt;
    run = SparseRun::At(bytes, here.offset);
    if (!run) return Outcome::kCorrupt;
    if (raised.index < here.first_register + run->register_count) break;
    two_before = before;
    before = here;
    here = {here.offset + run->size_bytes, here.first_register + run->register_count};
  }
  if (run->value >= raised.value) return Outcome::kUnchanged;

  Replacement replacement;
  replacement.Add(run->value, raised.index - here.first_register);
  replacement.AddValue(raised.value, 1);
  replacement.Add(run->value, here.first_register + run->register_count - raised.index - 1);
  const bool grows = replacement.size > run->size_bytes;
  if (grows && bytes_.size() + replacement.size - run->size_bytes > sparse_bytes_max_) return RaiseAsDense(raised);
  bytes_.replace(here.offset, run->size_bytes, replacement.view());
  MergeRuns(before.offset);
  resume_ = two_before;
  resume_behind_ = raised.index;
  return Outcome::kRaised;
}

// Joins neighbours of the same value in the few runs from `offset` on, which a change may have made equal. How many are
// looked at is part of the format: it decides about the bytes.
void HyperLogLogEditor::MergeRuns(size_t offset) {
  constexpr int kRunCount = 5;
  for (int i = 0; i < kRunCount && offset < bytes_.size(); ++i) {
    const std::optional<SparseRun> run = SparseRun::At(bytes_, offset);
    if (!run) return;
    if (run->value != 0 && offset + 1 < bytes_.size()) {
      const std::optional<SparseRun> next = SparseRun::At(bytes_, offset + 1);
      if (next && next->value == run->value && run->register_count + next->register_count <= kValueRunMax) {
        bytes_[offset + 1] = ValueRun(run->value, run->register_count + next->register_count);
        bytes_.erase(offset, 1);
        continue;  // the joined run may be joined once more
      }
    }
    offset += run->size_bytes;
  }
}

}  // namespace kvick
