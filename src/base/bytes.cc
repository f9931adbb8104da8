#include "base/bytes.h"

#include <cstdio>

#include "base/words.h"

namespace kvick {
namespace {

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = ToLower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Matches one non-star element of `pattern` at `*p` against `c`, and moves `*p` behind the element.
bool MatchesOne(std::string_view pattern, size_t* p, char c, bool ignore_case) {
  const auto fold = [ignore_case](char x) { return ignore_case ? ToLower(x) : x; };
  const char element = pattern[*p];
  if (element == '?') {
    ++*p;
    return true;
  }
  if (element != '[') {
    if (element == '\\' && *p + 1 < pattern.size()) ++*p;
    const bool same = fold(pattern[*p]) == fold(c);
    ++*p;
    return same;
  }
  size_t i = *p + 1;
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool matched = false;
  for (;; ++i) {
    if (i >= pattern.size()) break;  // an unclosed class ends with the pattern
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      ++i;
      if (pattern[i] == c) matched = true;
    } else if (pattern[i] == ']') {
      ++i;
      break;
    } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
      auto low = static_cast<unsigned char>(fold(pattern[i]));
      auto high = static_cast<unsigned char>(fold(pattern[i + 2]));
      if (low > high) std::swap(low, high);
      const auto x = static_cast<unsigned char>(fold(c));
      if (x >= low && x <= high) matched = true;
      i += 2;
    } else if (fold(pattern[i]) == fold(c)) {
      matched = true;
    }
  }
  *p = i;
  return matched != negated;
}

// Reads one escape of a double-quoted string at line[*i] == '\\'.
char ReadEscape(std::string_view line, size_t* i) {
  if (*i + 3 < line.size() && line[*i + 1] == 'x') {
    const int high = HexDigit(line[*i + 2]);
    const int low = HexDigit(line[*i + 3]);
    if (high >= 0 && low >= 0) {
      *i += 4;
      return static_cast<char>(high * 16 + low);
    }
  }
  const char c = line[*i + 1];
  *i += 2;
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

// Reads a quoted part that starts at line[*i]; false when it never ends or text touches its closing quote.
bool ReadQuoted(std::string_view line, size_t* i, std::string* out) {
  const char quote = line[*i];
  ++*i;
  while (true) {
    if (*i >= line.size()) return false;
    const char c = line[*i];
    if (c == quote) {
      ++*i;
      return *i >= line.size() || IsBlank(line[*i]) || line[*i] == '\0';
    }
    if (c == '\\' && quote == '"' && *i + 1 < line.size()) {
      out->push_back(ReadEscape(line, i));
    } else if (c == '\\' && quote == '\'' && *i + 1 < line.size() && line[*i + 1] == '\'') {
      out->push_back('\'');
      *i += 2;
    } else {
      out->push_back(c);
      ++*i;
    }
  }
}

}  // namespace

std::string ToLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ToLower(c);
  return out;
}

std::string ToUpper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ToUpper(c);
  return out;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size == 0) return true;
  if (size <= 8) return ToLowerWord(LoadUpTo8(a.data(), size)) == ToLowerWord(LoadUpTo8(b.data(), size));
  const auto word = [](std::string_view text, size_t at) { return ToLowerWord(LoadWord<uint64_t>(text.data() + at)); };
  for (size_t at = 0; at + 8 < size; at += 8) {
    if (word(a, at) != word(b, at)) return false;
  }
  return word(a, size - 8) == word(b, size - 8);
}

bool MatchesGlob(std::string_view pattern, std::string_view text, bool ignore_case) {
  // Clients know it so: not even stars match nothing at all. Commands take a lone star for everything themselves.
  if (text.empty()) return pattern.empty();
  // Greedy with one point of return: on a mismatch only the latest star is extended. An earlier star need not
  // be tried again, because whatever it could take, the later one can take too.
  size_t p = 0;
  size_t t = 0;
  size_t star_p = std::string_view::npos;
  size_t star_t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star_p = ++p;
      star_t = t;
      continue;
    }
    size_t next_p = p;
    if (p < pattern.size() && MatchesOne(pattern, &next_p, text[t], ignore_case)) {
      p = next_p;
      ++t;
      continue;
    }
    if (star_p == std::string_view::npos) return false;
    p = star_p;
    t = ++star_t;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool SplitArguments(std::string_view line, std::vector<std::string>* arguments) {
  arguments->clear();
  size_t i = 0;
  while (true) {
    while (i < line.size() && IsBlank(line[i])) ++i;
    if (i >= line.size() || line[i] == '\0') return true;
    std::string argument;
    while (i < line.size() && !IsBlank(line[i]) && line[i] != '\0') {
      if (line[i] == '"' || line[i] == '\'') {
        if (!ReadQuoted(line, &i, &argument)) return false;
        break;
      }
      argument.push_back(line[i++]);
    }
    arguments->push_back(std::move(argument));
  }
}

std::string QuoteArgument(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\\':
      case '"':
        out.push_back('\\');
        out.push_back(c);
        break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\a': out += "\\a"; break;
      case '\b': out += "\\b"; break;
      default:
        if (c >= ' ' && c <= '~') {
          out.push_back(c);
        } else {
          char buffer[5];
          std::snprintf(buffer, sizeof(buffer), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
          out += buffer;
        }
    }
  }
  out.push_back('"');
  return out;
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

bool EqualsConstantTime(std::string_view a, std::string_view b) {
  // The length of the longer decides the time, so that the secret's length shows only in being longer.
  unsigned difference = a.size() == b.size() ? 0 : 1;
  const size_t count = a.size() > b.size() ? a.size() : b.size();
  for (size_t i = 0; i < count; ++i) {
    const unsigned char x = i < a.size() ? static_cast<unsigned char>(a[i]) : 0;
    const unsigned char y = i < b.size() ? static_cast<unsigned char>(b[i]) : 0;
    difference |= static_cast<unsigned>(x ^ y);
  }
  return difference == 0;
}

}  // namespace kvick
