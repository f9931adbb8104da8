// Numbers as text, by the rules that clients of this protocol know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvick {

// The canonical decimal form only: no blanks, no plus sign, no leading zeros, no "-0". Strings that pass are
// exactly those that can be stored as integers and printed back unchanged.
std::optional<int64_t> ParseInt64(std::string_view text);
std::optional<uint64_t> ParseUint64(std::string_view text);

// A finite number or an infinity, the whole text, no leading blank, no NaN.
std::optional<double> ParseDouble(std::string_view text);
std::optional<long double> ParseLongDouble(std::string_view text);

inline constexpr size_t kInt64TextMax = 20;
// Writes without a terminator and returns the length. `buffer` holds at least kInt64TextMax bytes.
size_t FormatInt64(int64_t value, char* buffer);
size_t FormatUint64(uint64_t value, char* buffer);

// The text INCRBYFLOAT stores: up to 17 decimals, trailing zeros removed, never an exponent.
std::string FormatHumanLongDouble(long double value);
// The shortest text that reads back as the same double; integers without a point; "inf", "-inf", "nan".
std::string FormatDouble(double value);
inline constexpr size_t kDoubleTextMax = 32;
// The same without a terminator into `buffer` (kDoubleTextMax bytes); returns the length.
size_t FormatDouble(double value, char* buffer);

// How INFO prints sizes: "1.50K", "12.00M".
std::string FormatBytesHuman(uint64_t size_bytes);

}  // namespace kvick
