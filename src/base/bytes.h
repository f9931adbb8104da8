// Small helpers on byte strings that the standard library lacks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvick {

// ASCII only, whatever the locale: protocol words are ASCII.
constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char ToUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// Glob as KEYS and CONFIG GET know it: * ? [a-z] [^a] and \ to escape. Cost: linear for ordinary patterns;
// runs of stars cannot make it exponential.
bool MatchesGlob(std::string_view pattern, std::string_view text, bool ignore_case = false);

// Splits a line into arguments as configuration files and inline commands do: blanks separate, "..." knows
// \n \r \t \b \a \xHH \\ \", '...' knows \'. False when a quote is not closed or is followed by a character.
bool SplitArguments(std::string_view line, std::vector<std::string>* arguments);

// "\"a\\x00b\"": the quoted form that SplitArguments reads back, used in logs and MONITOR.
std::string QuoteArgument(std::string_view text);

// The bytes before the first zero byte: what clients know of a text that they sent, in error replies.
inline std::string_view UpToZeroByte(std::string_view text) { return text.substr(0, text.find('\0')); }

std::string_view TrimBlanks(std::string_view text);

// Same time for equal and unequal texts of the same length.
bool EqualsConstantTime(std::string_view a, std::string_view b);

}  // namespace kvick
