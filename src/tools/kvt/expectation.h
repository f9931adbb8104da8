// Compares the lines of a reply with the expected lines of an exchange, and shows the difference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tools/kvt/conversation.h"

namespace kvick::kvt {

// Lines of a text, without line ends and trailing blanks: "=> " before a nested map ends with one, and editors
// remove it.
std::vector<std::string> SplitLines(std::string_view text);

bool Matches(const std::vector<std::string>& expected, const std::vector<std::string>& got, const Modifiers& modifiers);

// Whether the <<...>> of a line close and are regular expressions.
Status CheckPattern(std::string_view line);

// "- expected" and "+ got" lines around the common ones, each line indented.
std::string Difference(const std::vector<std::string>& expected, const std::vector<std::string>& got,
                       const Modifiers& modifiers);

}  // namespace kvick::kvt
