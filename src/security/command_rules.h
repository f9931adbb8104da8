// CommandRules: which commands somebody may run, and the rules that say so.
//
//   CommandRules rules(catalog);                 // none
//   rules.Apply("+@read");  rules.Apply("-config|set");  rules.Apply("+select|0");
//   rules.Allows(command, arguments)
//   rules.Text()                                 // "-@all +@read -config|set +select|0"
//
// A bit for each command and subcommand decides. Beside it the rules are kept as they came, because they show what was
// meant: those that a later one makes void go (a rule about the same name, and about subcommands of it; all of them
// with
// +@all and -@all), the others stay in their order.
//
// Cost of Allows: one bit, for nearly all calls.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "security/command_catalog.h"
#include "security/rule_problem.h"

namespace kvick {

class CommandRules {
 public:
  // `catalog` outlives the rules.
  explicit CommandRules(const CommandCatalog& catalog);

  // "+get", "-@write", "allcommands", ... in any case. Nothing changes when there is a problem.
  RuleProblem Apply(std::string_view rule);
  void AllowAll();
  void DenyAll();

  bool Allows(const Command& command, std::span<const std::string_view> arguments) const {
    const uint64_t word = allowed_[command.index / kWordBits];
    return ((word >> (command.index % kWordBits)) & 1) != 0 || AllowsFirstArgument(command, arguments);
  }
  // Every command, those of later versions included.
  bool allows_all() const;
  std::string Text() const;

 private:
  static constexpr size_t kWordBits = 64;

  RuleProblem ApplyCategory(std::string_view name, bool allow);
  RuleProblem AllowFirstArgument(std::string_view name);
  void Set(const Command& command, bool allow);
  void SetWithSubcommands(const Command& command, bool allow);
  void Note(bool allow, std::string_view name);
  bool AllowsFirstArgument(const Command& command, std::span<const std::string_view> arguments) const;

  struct NamedRule {
    bool allow;
    std::string name;  // lower case
  };

  const CommandCatalog* catalog_;
  bool begins_with_all_ = false;
  std::vector<uint64_t> allowed_;  // by Command::index
  std::map<uint32_t, std::vector<std::string>> first_arguments_;
  std::vector<NamedRule> rules_;  // since the last +@all or -@all
};

}  // namespace kvick
