#include "base/numbers.h"

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
std::optional<Float> ParseFloat(std::string_view text) {
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

}  // namespace

std::optional<uint64_t> ParseUint64(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  if (text[0] == '0') return text.size() == 1 ? std::optional<uint64_t>(0) : std::nullopt;
  uint64_t value = 0;
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

std::optional<double> ParseDouble(std::string_view text) { return ParseFloat<double, std::strtod>(text); }
std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseFloat<long double, std::strtold>(text);
}

size_t FormatUint64(uint64_t value, char* buffer) {
  return static_cast<size_t>(std::to_chars(buffer, buffer + kInt64TextMax, value).ptr - buffer);
}

size_t FormatInt64(int64_t value, char* buffer) {
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
