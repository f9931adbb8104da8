// StreamId: the id of an entry of a stream: milliseconds and a number among the entries of one millisecond.
//
// Texts are "ms-seq". What commands accept beyond that (special ids, exclusive ones) is theirs to know.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvick {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  static constexpr StreamId Min() { return {0, 0}; }
  static constexpr StreamId Max() { return {UINT64_MAX, UINT64_MAX}; }

  friend constexpr auto operator<=>(const StreamId&, const StreamId&) = default;

  bool is_zero() const { return ms == 0 && seq == 0; }
  // The neighbours; nothing behind the last and in front of the first.
  std::optional<StreamId> Next() const;
  std::optional<StreamId> Previous() const;

  // 16 bytes, big endian: the order of these is that of the ids. The key of a node in RDB files.
  using Key = std::array<char, 16>;
  Key ToKey() const;
  static StreamId FromKey(std::string_view key);  // 16 bytes

  static constexpr size_t kTextMax = 41;
  size_t Format(char* buffer) const;
  std::string ToString() const;
};

// The text of an id, without an allocation.
class StreamIdText {
 public:
  explicit StreamIdText(const StreamId& id) : size_(id.Format(text_)) {}
  operator std::string_view() const { return {text_, size_}; }  // NOLINT: implicit by design

 private:
  char text_[StreamId::kTextMax];
  size_t size_;
};

// A half of an id as clients write it. More than the canonical form is understood, as it always was: blanks and zeros
// in front, a plus sign.
std::optional<uint64_t> ParseStreamNumber(std::string_view text);
// "ms" or "ms-seq"; `seq_if_missing` stands for a missing half.
std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t seq_if_missing);

}  // namespace kvick
