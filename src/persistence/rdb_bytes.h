// RDB's lengths, strings and numbers, appended to a string and read out of bytes.
//
//   AppendRdbString(&out, "hello", compresses);
//
//   RdbBytes bytes(payload);
//   const uint64_t count = bytes.TakeCount(2);              // each of what is counted takes two bytes or more
//   const std::string_view text = bytes.TakeString(&scratch);
//   if (!bytes.ok()) return bytes.ToStatus();
//
// A reading that fails makes the reader fail for good: what comes back then is empty or zero, so that whoever reads
// looks at ok() once for many readings, and in each round of a loop. Nothing that is read is believed before it was
// compared with the bytes that are left: a length cannot make anybody allocate more than the input justifies.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kvick {

void AppendRdbLength(std::string* out, uint64_t length);
// As an integer when the text is a short one, by LZF if `compresses` and it becomes smaller so.
void AppendRdbString(std::string* out, std::string_view text, bool compresses);
// The text of an integer.
void AppendRdbIntegerString(std::string* out, int64_t value);
void AppendRdbDouble(std::string* out, double value);
void AppendRdbInt64(std::string* out, int64_t value);

class RdbBytes {
 public:
  // `position`: of the first byte in whatever the bytes are a part of, for messages.
  explicit RdbBytes(std::string_view bytes, uint64_t position = 0) : bytes_(bytes), origin_(position) {}

  bool ok() const { return problem_ == nullptr; }
  // Whether it failed only because the bytes end too early.
  bool is_short() const { return is_short_; }
  // How many bytes, from the beginning, would have been enough for what was wanted then.
  uint64_t wanted_end() const { return wanted_ > UINT64_MAX - mark_ ? UINT64_MAX : mark_ + wanted_; }
  // How far it had read when it failed.
  uint64_t failed_position() const { return origin_ + failed_place_; }
  const char* problem() const { return problem_; }
  // "at 123: unexpected end": where it is, and why it failed.
  Status ToStatus() const;
  // Notes the first problem, in what was read last; later ones follow from it.
  void Fail(const char* problem) {
    if (problem_ == nullptr) {
      problem_ = problem;
      failed_place_ = place_;
    }
    place_ = bytes_.size();
  }

  size_t place() const { return place_; }
  uint64_t position() const { return origin_ + (ok() ? place_ : mark_); }
  size_t left() const { return bytes_.size() - place_; }
  bool is_at_end() const { return place_ == bytes_.size(); }
  std::string_view Since(size_t place) const { return bytes_.substr(place, place_ - place); }

  uint8_t TakeByte() {
    if (left() == 0) return FailShort();
    return static_cast<uint8_t>(bytes_[place_++]);
  }
  std::string_view TakeBytes(uint64_t count) {
    if (count > left()) {
      FailShort(count);
      return {};
    }
    const std::string_view taken = bytes_.substr(place_, count);
    place_ += count;
    return taken;
  }
  uint64_t TakeLength();
  // How many of something follow, each of which takes at least so many bytes.
  uint64_t TakeCount(size_t bytes_min);
  // Lies in the bytes, or in `scratch`; valid while both are unchanged.
  std::string_view TakeString(std::string* scratch);
  void SkipString();
  double TakeDouble();
  // The old form of scores.
  double TakeTextDouble();
  int64_t TakeInt64();
  int32_t TakeInt32();

 private:
  uint8_t FailShort(uint64_t wanted = 1) {
    if (ok()) {
      is_short_ = true;
      mark_ = place_;
      wanted_ = wanted;
    }
    Fail("unexpected end");
    return 0;
  }
  // What fails from here on fails at this place.
  void Mark() {
    if (ok()) mark_ = place_;
  }
  uint64_t TakeBigEndian(size_t size);
  // The length behind its first byte, which is no string form.
  uint64_t LengthBehind(uint8_t first);
  std::string_view TakeInteger(uint8_t form, std::string* scratch);
  std::string_view TakeCompressed(std::string* scratch);
  template <typename Number>
  Number TakeNumber() {
    Number value{};
    const std::string_view taken = TakeBytes(sizeof(value));
    if (taken.size() == sizeof(value)) std::memcpy(&value, taken.data(), sizeof(value));
    return value;
  }

  std::string_view bytes_;
  uint64_t origin_;
  size_t place_ = 0;
  size_t mark_ = 0;
  size_t failed_place_ = 0;
  uint64_t wanted_ = 0;
  const char* problem_ = nullptr;
  bool is_short_ = false;
};

}  // namespace kvick
