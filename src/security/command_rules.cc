#include "security/command_rules.h"

#include <algorithm>

#include "base/bytes.h"

namespace kvick {

CommandRules::CommandRules(const CommandCatalog& catalog)
    : catalog_(&catalog), allowed_((catalog.size() + kWordBits - 1) / kWordBits) {}

void CommandRules::AllowAll() {
  begins_with_all_ = true;
  allowed_.assign(allowed_.size(), UINT64_MAX);
  first_arguments_.clear();
  rules_.clear();
}

void CommandRules::DenyAll() {
  begins_with_all_ = false;
  allowed_.assign(allowed_.size(), 0);
  first_arguments_.clear();
  rules_.clear();
}

bool CommandRules::allows_all() const {
  if (!begins_with_all_) return false;
  for (size_t i = 0; i < catalog_->size(); ++i) {
    if (((allowed_[i / kWordBits] >> (i % kWordBits)) & 1) == 0) return false;
  }
  return true;
}

RuleProblem CommandRules::Apply(std::string_view rule) {
  if (EqualsIgnoreCase(rule, "allcommands") || EqualsIgnoreCase(rule, "+@all")) {
    AllowAll();
    return RuleProblem::kNone;
  }
  if (EqualsIgnoreCase(rule, "nocommands") || EqualsIgnoreCase(rule, "-@all")) {
    DenyAll();
    return RuleProblem::kNone;
  }
  if (rule.empty() || (rule[0] != '+' && rule[0] != '-')) return RuleProblem::kSyntax;
  const bool allow = rule[0] == '+';
  rule.remove_prefix(1);
  if (rule.starts_with('@')) return ApplyCategory(rule, allow);
  if (const Command* command = catalog_->Find(rule)) {
    SetWithSubcommands(*command, allow);
    Note(allow, rule);
    return RuleProblem::kNone;
  }
  return allow ? AllowFirstArgument(rule) : RuleProblem::kUnknownCommand;
}

RuleProblem CommandRules::ApplyCategory(std::string_view name, bool allow) {
  const auto category = CommandCatalog::FindCategory(name.substr(1));
  if (!category) return RuleProblem::kUnknownCommand;
  for (const auto& command : catalog_->commands()) {
    // A container stands for its subcommands; those have categories of their own besides.
    if ((command->categories & *category) != 0) SetWithSubcommands(*command, allow);
    for (const auto& subcommand : command->subcommands) {
      if ((subcommand->categories & *category) != 0) Set(*subcommand, allow);
    }
  }
  Note(allow, name);
  return RuleProblem::kNone;
}

// "select|0": a command that has no subcommands, for calls with this first argument.
RuleProblem CommandRules::AllowFirstArgument(std::string_view name) {
  const size_t bar = name.rfind('|');
  if (bar == std::string_view::npos) return RuleProblem::kUnknownCommand;
  const Command* command = catalog_->Find(name.substr(0, bar));
  if (command == nullptr) return RuleProblem::kUnknownCommand;
  if (command->parent != nullptr) return RuleProblem::kFirstArgumentOfSubcommand;
  const std::string argument = ToLower(name.substr(bar + 1));
  if (argument.empty() || HasBlank(argument)) return RuleProblem::kSyntax;
  if (!command->subcommands.empty()) return RuleProblem::kUnknownCommand;
  std::vector<std::string>& arguments = first_arguments_[command->index];
  if (std::find(arguments.begin(), arguments.end(), argument) == arguments.end()) arguments.push_back(argument);
  Note(true, name);
  return RuleProblem::kNone;
}

bool CommandRules::AllowsFirstArgument(const Command& command, std::span<const std::string_view> arguments) const {
  if (first_arguments_.empty() || arguments.size() < 2) return false;
  const auto found = first_arguments_.find(command.index);
  return found != first_arguments_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& argument) { return EqualsIgnoreCase(argument, arguments[1]); });
}

void CommandRules::Set(const Command& command, bool allow) {
  uint64_t& word = allowed_[command.index / kWordBits];
  const uint64_t bit = uint64_t{1} << (command.index % kWordBits);
  word = allow ? word | bit : word & ~bit;
  first_arguments_.erase(command.index);
}

void CommandRules::SetWithSubcommands(const Command& command, bool allow) {
  Set(command, allow);
  for (const auto& subcommand : command.subcommands) Set(*subcommand, allow);
}

void CommandRules::Note(bool allow, std::string_view name) {
  NamedRule rule{allow, ToLower(name)};
  const std::string below = rule.name + "|";
  rules_.erase(
      std::remove_if(rules_.begin(), rules_.end(),
                     [&](const NamedRule& old) { return old.name == rule.name || old.name.starts_with(below); }),
      rules_.end());
  rules_.push_back(std::move(rule));
}

std::string CommandRules::Text() const {
  std::string text = begins_with_all_ ? "+@all" : "-@all";
  for (const NamedRule& rule : rules_) text += (rule.allow ? " +" : " -") + rule.name;
  return text;
}

}  // namespace kvick
