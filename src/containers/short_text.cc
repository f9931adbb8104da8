#include "containers/short_text.h"

#include <array>
#include <cstdint>

namespace kvick {
namespace {

constexpr uint8_t kLetterCount = 26;
constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz .@-_/";
constexpr unsigned kCodeBits = 5;
constexpr unsigned kCaseBits = 2;
constexpr char kToUpper = 'A' - 'a';
static_assert(kCharacters.size() == 1u << kCodeBits);

enum Case : unsigned { kLower, kFirstUpper, kWordsUpper, kUpper, kCaseCount };

constexpr uint8_t kNoCode = 0xff;
// By the character; capitals have the codes of their letters.
constexpr std::array<uint8_t, 256> MakeCodes() {
  std::array<uint8_t, 256> codes{};
  for (uint8_t& code : codes) code = kNoCode;
  for (uint8_t code = 0; code < kCharacters.size(); ++code) {
    codes[static_cast<uint8_t>(kCharacters[code])] = code;
    if (code < kLetterCount) codes[static_cast<uint8_t>(kCharacters[code] + kToUpper)] = code;
  }
  return codes;
}
constexpr std::array<uint8_t, 256> kCodes = MakeCodes();

bool IsUpperIn(unsigned the_case, bool is_first, bool begins_word) {
  return the_case == kUpper || (the_case == kWordsUpper && begins_word) || (the_case == kFirstUpper && is_first);
}

// The first of the cases that give the text back; kCaseCount when there is none, or a character has no code.
unsigned CaseOf(std::string_view text) {
  unsigned possible = (1u << kCaseCount) - 1;
  bool begins_word = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t code = kCodes[static_cast<uint8_t>(text[i])];
    if (code == kNoCode) return kCaseCount;
    const bool is_letter = code < kLetterCount;
    if (is_letter) {
      const bool is_upper = text[i] < 'a';
      for (unsigned the_case = 0; the_case < kCaseCount; ++the_case) {
        if (IsUpperIn(the_case, i == 0, begins_word) != is_upper) possible &= ~(1u << the_case);
      }
    }
    begins_word = !is_letter;
  }
  for (unsigned the_case = 0; the_case < kCaseCount; ++the_case) {
    if ((possible >> the_case & 1) != 0) return the_case;
  }
  return kCaseCount;
}

}  // namespace

bool TryPackShortText(std::string_view text, char* out) {
  if (text.size() > kShortTextMax) return false;
  const unsigned the_case = CaseOf(text);
  if (the_case == kCaseCount) return false;
  unsigned bits = the_case;
  unsigned bit_count = kCaseBits;
  for (const char character : text) {
    bits |= static_cast<unsigned>(kCodes[static_cast<uint8_t>(character)]) << bit_count;
    bit_count += kCodeBits;
    if (bit_count >= 8) {
      *out++ = static_cast<char>(bits & 0xff);
      bits >>= 8;
      bit_count -= 8;
    }
  }
  if (bit_count > 0) *out = static_cast<char>(bits);
  return true;
}

std::string_view UnpackShortText(const char* packed, size_t count, char* buffer) {
  unsigned bits = static_cast<uint8_t>(*packed++);
  const unsigned the_case = bits & ((1u << kCaseBits) - 1);
  bits >>= kCaseBits;
  unsigned bit_count = 8 - kCaseBits;
  for (size_t i = 0; i < count; ++i) {
    if (bit_count < kCodeBits) {
      bits |= static_cast<unsigned>(static_cast<uint8_t>(*packed++)) << bit_count;
      bit_count += 8;
    }
    buffer[i] = kCharacters[bits & ((1u << kCodeBits) - 1)];
    bits >>= kCodeBits;
    bit_count -= kCodeBits;
  }
  if (the_case == kLower) return {buffer, count};
  bool begins_word = true;
  for (size_t i = 0; i < count; ++i) {
    const bool is_letter = buffer[i] >= 'a';
    if (is_letter && IsUpperIn(the_case, i == 0, begins_word)) buffer[i] = static_cast<char>(buffer[i] + kToUpper);
    begins_word = !is_letter;
  }
  return {buffer, count};
}

}  // namespace kvick
