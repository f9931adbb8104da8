#include "tools/kvt/expectation.h"

#include <algorithm>
#include <optional>
#include <regex>

namespace kvick::kvt {
namespace {

std::string_view WithoutTrailingBlanks(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

void AppendLiteral(std::string_view text, std::string* expression) {
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) expression->push_back('\\');
    expression->push_back(c);
  }
}

// The regular expression of a whole line; none when a << is not closed.
std::optional<std::string> PatternExpression(std::string_view line) {
  std::string expression;
  while (true) {
    const size_t begin = line.find("<<");
    AppendLiteral(line.substr(0, begin), &expression);
    if (begin == std::string_view::npos) return expression;
    const size_t end = line.find(">>", begin + 2);
    if (end == std::string_view::npos) return std::nullopt;
    expression.append("(?:").append(line.substr(begin + 2, end - begin - 2)).append(")");
    line.remove_prefix(end + 2);
  }
}

// std::regex reports with exceptions; they end here.
std::optional<std::regex> CompilePattern(std::string_view line) {
  const std::optional<std::string> expression = PatternExpression(line);
  if (!expression) return std::nullopt;
  try {
    return std::regex(*expression, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

bool LineMatches(const std::string& expected, const std::string& got, bool pattern) {
  const std::string_view wanted = WithoutTrailingBlanks(expected);
  if (!pattern || wanted.find("<<") == std::string_view::npos) return wanted == got;
  const std::optional<std::regex> regex = CompilePattern(wanted);
  return regex && std::regex_match(got, *regex);
}

using Block = std::vector<std::string>;

bool BlockMatches(const Block& expected, const Block& got, bool pattern) {
  if (expected.size() != got.size()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!LineMatches(expected[i], got[i], pattern)) return false;
  }
  return true;
}

// "..." under @pattern: any number of lines.
constexpr std::string_view kAnyLines = "...";

// Like BlockMatches, with kAnyLines. Backtracks like a glob: only the latest "..." need be extended.
bool LinesMatch(const Block& expected, const Block& got) {
  size_t i = 0;
  size_t j = 0;
  std::optional<size_t> any_index;
  size_t any_end = 0;  // of the lines that the latest "..." has taken
  while (j < got.size()) {
    if (i < expected.size() && expected[i] == kAnyLines) {
      any_index = i++;
      any_end = j;
    } else if (i < expected.size() && LineMatches(expected[i], got[j], /*pattern=*/true)) {
      ++i;
      ++j;
    } else if (any_index) {
      i = *any_index + 1;
      j = ++any_end;
    } else {
      return false;
    }
  }
  while (i < expected.size() && expected[i] == kAnyLines) ++i;
  return i == expected.size();
}

// Length of an index ("12) ", " 3# ", "1~ ") at the start of the line; 0 when there is none.
size_t IndexSize(std::string_view line) {
  size_t i = 0;
  while (i < line.size() && line[i] == ' ') ++i;
  const size_t digits = i;
  while (i < line.size() && line[i] >= '0' && line[i] <= '9') ++i;
  if (i == digits || i + 1 >= line.size()) return 0;
  return (line[i] == ')' || line[i] == '#' || line[i] == '~') && line[i + 1] == ' ' ? i + 2 : 0;
}

// Takes a reply apart into what may stand in any order. Nested lines are indented at least as far as the index
// of their element is wide, which tells them from the next element.
std::vector<Block> SplitBlocks(const std::vector<std::string>& lines, Order order) {
  std::vector<Block> elements;
  const size_t outer_size = lines.empty() ? 0 : IndexSize(lines[0]);
  for (const std::string& line : lines) {
    std::string_view text = line;
    if (order == Order::kLines) {
      while (IndexSize(text) > 0) text.remove_prefix(IndexSize(text));
      elements.push_back({std::string(text)});
    } else if (elements.empty() || (outer_size > 0 && IndexSize(text) == outer_size)) {
      elements.push_back({std::string(text.substr(outer_size))});
    } else {
      elements.back().push_back(line);
    }
  }
  if (order != Order::kPairs) return elements;
  std::vector<Block> pairs;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i % 2 == 0) {
      pairs.push_back(elements[i]);
    } else {
      pairs.back().insert(pairs.back().end(), elements[i].begin(), elements[i].end());
    }
  }
  return pairs;
}

}  // namespace

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(WithoutTrailingBlanks(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool Matches(const std::vector<std::string>& expected, const std::vector<std::string>& got,
             const Modifiers& modifiers) {
  if (modifiers.order == Order::kExact) {
    return modifiers.pattern ? LinesMatch(expected, got) : BlockMatches(expected, got, false);
  }
  const std::vector<Block> wanted = SplitBlocks(expected, modifiers.order);
  std::vector<Block> left = SplitBlocks(got, modifiers.order);
  if (wanted.size() != left.size()) return false;
  // Greedy: enough as long as no pattern fits what another expected element needs.
  for (const Block& block : wanted) {
    const auto found = std::find_if(left.begin(), left.end(), [&](const Block& candidate) {
      return BlockMatches(block, candidate, modifiers.pattern);
    });
    if (found == left.end()) return false;
    left.erase(found);
  }
  return true;
}

Status CheckPattern(std::string_view line) {
  if (CompilePattern(line)) return Status::Ok();
  return Status::Error("<< is not closed, or what it holds is no regular expression");
}

std::string Difference(const std::vector<std::string>& expected, const std::vector<std::string>& got,
                       const Modifiers& modifiers) {
  // The longest common subsequence of lines, by the usual table: replies of tests are short.
  constexpr size_t kLineCountMax = 500;
  std::string out;
  const auto append = [&out](std::string_view mark, const std::string& line) {
    out.append("    ").append(mark).append(line).append("\n");
  };
  const size_t rows = std::min(expected.size(), kLineCountMax);
  const size_t columns = std::min(got.size(), kLineCountMax);
  std::vector<std::vector<size_t>> common(rows + 1, std::vector<size_t>(columns + 1, 0));
  for (size_t i = rows; i-- > 0;) {
    for (size_t j = columns; j-- > 0;) {
      common[i][j] = LineMatches(expected[i], got[j], modifiers.pattern) ? common[i + 1][j + 1] + 1
                                                                         : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  size_t i = 0;
  size_t j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && LineMatches(expected[i], got[j], modifiers.pattern)) {
      append("  ", got[j]);
      ++i;
      ++j;
    } else if (j == columns || (i < rows && common[i + 1][j] >= common[i][j + 1])) {
      append("- ", expected[i++]);
    } else {
      append("+ ", got[j++]);
    }
  }
  if (expected.empty()) append("- ", "(nothing)");
  if (got.empty()) append("+ ", "(nothing)");
  return out;
}

}  // namespace kvick::kvt
