#include "security/user_line_check.h"

#include <climits>

#include "security/user.h"

namespace kvick {
namespace {

Status BadUserLine(const std::string& word, std::string_view reason) {
  return Status::Error("Error in user declaration '" + word + "': " + std::string(reason));
}

}  // namespace

Status UserLineCheck::Try(const std::vector<std::string>& words) {
  if (!names_.insert(words[0]).second) {
    return BadUserLine(words[0], "Duplicate user found. A user can only be defined once in config files");
  }
  const CommandTable no_commands;
  const CommandCatalog catalog(no_commands);
  RuleDefaults defaults;
  defaults.database_count = INT_MAX;  // `databases` may come later
  User user(words[0], catalog, defaults);
  std::string unclosed;
  const std::vector<std::string> rules = JoinSelectors({words.begin() + 1, words.end()}, &unclosed);
  if (!unclosed.empty()) return BadUserLine(unclosed, "Unmatched parenthesis in selector definition");
  for (const std::string& rule : rules) {
    const RuleProblem problem = user.Apply(rule, defaults);
    if (problem != RuleProblem::kNone && problem != RuleProblem::kUnknownCommand) {
      return BadUserLine(rule, TextOf(problem));
    }
  }
  return Status::Ok();
}

}  // namespace kvick
