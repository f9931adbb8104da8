#include "base/numbers.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace kvick {
namespace {

constexpr uint64_t kUint64Max = std::numeric_limits<uint64_t>::max();

template <typename Float, Float (*Convert)(const char*, char**)>
[[gnu::noinline]] std::optional<Float> ParseFloat(std::string_view text) {
  // Long enough for every finite long double written out in full; longer texts are no numbers to clients either.
  char buffer[5 * 1024];
  if (text.empty() || text.size() >= sizeof(buffer)) return std::nullopt;
  if (std::isspace(static_cast<unsigned char>(text[0])) != 0) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const Float value = Convert(buffer, &end);
  if (end != buffer + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

// Up to here integers are exact as doubles, and so are powers of ten up to the 22nd: their product or quotient is
// rounded once, as it must be.
constexpr uint64_t kExactMantissaMax = uint64_t{1} << 53;
constexpr std::array<double, 23> kExactPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// "-12.5", "2e-3", as most numbers are written: some digits, with a point among them and a small exponent or without.
// None for any other form, and where it takes more to round.
std::optional<double> ParsePlainDecimal(std::string_view text) {
  constexpr size_t kTextMax = 19;  // digits that fit 64 bits
  if (text.empty() || text.size() > kTextMax) return std::nullopt;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto digit = [](char c) { return static_cast<unsigned char>(c) - unsigned{'0'}; };
  const bool negative = *at == '-';
  if (negative) ++at;
  uint64_t mantissa = 0;
  const char* const whole = at;
  for (; at != end && digit(*at) <= 9; ++at) mantissa = mantissa * 10 + digit(*at);
  ptrdiff_t digit_count = at - whole;
  ptrdiff_t exponent = 0;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    for (; at != end && digit(*at) <= 9; ++at) mantissa = mantissa * 10 + digit(*at);
    exponent = fraction - at;
    digit_count -= exponent;
  }
  if (digit_count == 0 || mantissa > kExactMantissaMax) return std::nullopt;
  if (at != end) {
    if ((*at != 'e' && *at != 'E') || ++at == end) return std::nullopt;
    const bool divides = *at == '-';
    if (divides || *at == '+') ++at;
    if (at == end || end - at > 2) return std::nullopt;
    ptrdiff_t written = 0;
    for (; at != end && digit(*at) <= 9; ++at) written = written * 10 + static_cast<ptrdiff_t>(digit(*at));
    if (at != end) return std::nullopt;
    exponent += divides ? -written : written;
  }
  auto value = static_cast<double>(mantissa);
  const auto power = static_cast<size_t>(exponent < 0 ? -exponent : exponent);
  if (power >= kExactPowersOfTen.size()) return std::nullopt;
  value = exponent < 0 ? value / kExactPowersOfTen[power] : value * kExactPowersOfTen[power];
  return negative ? -value : value;
}

// "00" to "99".
constexpr std::array<char, 200> kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

void WritePair(char* out, uint32_t number) { std::memcpy(out, &kDigitPairs[size_t{2} * number], 2); }

// Below 10,000, without zeros in front.
size_t WriteUpToFour(uint32_t number, char* out) {
  if (number < 100) {
    if (number < 10) {
      *out = static_cast<char>('0' + number);
      return 1;
    }
    WritePair(out, number);
    return 2;
  }
  const uint32_t high = number / 100;
  if (high < 10) {
    *out = static_cast<char>('0' + high);
    WritePair(out + 1, number % 100);
    return 3;
  }
  WritePair(out, high);
  WritePair(out + 2, number % 100);
  return 4;
}

}  // namespace

std::optional<uint64_t> ParseUint64(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  if (text[0] == '0') return text.size() == 1 ? std::optional<uint64_t>(0) : std::nullopt;
  uint64_t value = 0;
  if (text.size() < 20) {  // it fits, whatever the digits
    for (const char c : text) {
      const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
      if (digit > 9) return std::nullopt;
      value = value * 10 + digit;
    }
    return value;
  }
  for (const char c : text) {
    const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit > 9) return std::nullopt;
    if (value > kUint64Max / 10) return std::nullopt;
    value *= 10;
    if (value > kUint64Max - digit) return std::nullopt;
    value += digit;
  }
  return value;
}

std::optional<int64_t> ParseInt64(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const std::optional<uint64_t> magnitude = ParseUint64(negative ? text.substr(1) : text);
  if (!magnitude) return std::nullopt;
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  if (negative) {
    if (*magnitude == 0 || *magnitude > kLimit) return std::nullopt;
    return static_cast<int64_t>(0 - *magnitude);
  }
  if (*magnitude >= kLimit) return std::nullopt;
  return static_cast<int64_t>(*magnitude);
}

std::optional<double> ParseDouble(std::string_view text) {
  const std::optional<double> plain = ParsePlainDecimal(text);
  return plain ? plain : ParseFloat<double, std::strtod>(text);
}
std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseFloat<long double, std::strtold>(text);
}

size_t FormatUint64(uint64_t value, char* buffer) {
  if (value < 10'000) return WriteUpToFour(static_cast<uint32_t>(value), buffer);
  if (value < 100'000'000) {
    const auto number = static_cast<uint32_t>(value);
    const size_t size = WriteUpToFour(number / 10'000, buffer);
    const uint32_t low = number % 10'000;
    WritePair(buffer + size, low / 100);
    WritePair(buffer + size + 2, low % 100);
    return size + 4;
  }
  return static_cast<size_t>(std::to_chars(buffer, buffer + kInt64TextMax, value).ptr - buffer);
}

size_t FormatInt64(int64_t value, char* buffer) {
  if (value >= 0) return FormatUint64(static_cast<uint64_t>(value), buffer);
  return static_cast<size_t>(std::to_chars(buffer, buffer + kInt64TextMax, value).ptr - buffer);
}

std::string FormatHumanLongDouble(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[5 * 1024];
  int length = std::snprintf(buffer, sizeof(buffer), "%.17Lf", value);
  std::string text(buffer, static_cast<size_t>(length));
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  if (text == "-0") text = "0";
  return text;
}

size_t FormatDouble(double value, char* buffer) {
  // Integers that a double holds exactly are printed as such.
  if (value > -9007199254740992.0 && value < 9007199254740992.0 && value != 0 && value == std::trunc(value)) {
    return FormatInt64(static_cast<int64_t>(value), buffer);
  }
  std::string_view word;
  if (std::isnan(value)) word = "nan";
  if (std::isinf(value)) word = value > 0 ? "inf" : "-inf";
  if (value == 0) word = std::signbit(value) ? "-0" : "0";
  if (!word.empty()) {
    std::memcpy(buffer, word.data(), word.size());
    return word.size();
  }
  // What "%.17g" prints, several times faster.
  return static_cast<size_t>(std::to_chars(buffer, buffer + kDoubleTextMax, value, std::chars_format::general, 17).ptr -
                             buffer);
}

std::string FormatDouble(double value) {
  char buffer[kDoubleTextMax];
  return std::string(buffer, FormatDouble(value, buffer));
}

std::string FormatBytesHuman(uint64_t size_bytes) {
  static constexpr char kUnits[] = {'K', 'M', 'G', 'T', 'P', 'E'};
  if (size_bytes < 1024) return std::to_string(size_bytes) + "B";
  double value = static_cast<double>(size_bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < sizeof(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char buffer[32];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.2f%c", value, kUnits[unit]);
  return std::string(buffer, static_cast<size_t>(length));
}

}  // namespace kvick
