// Any lines of an ACL file: users or a reason why not; what a user is shown as makes the same user again; a rule that
// is refused changes nothing; and nobody may what no rule could have allowed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "commands/families.h"
#include "security/features.h"
#include "security/user_file.h"

namespace {

using namespace kvick;

const CommandCatalog& Catalog() {
  static const CommandTable* const table = [] {
    auto* made = new CommandTable;
    made->Add(StringCommands());
    made->Add(ConnectionCommands());
    made->Add(ConfigCommands());
    made->Add(PubSubCommands());
    made->Add(AclCommands());
    return made;
  }();
  static const CommandCatalog* const catalog = new CommandCatalog(*table);
  return *catalog;
}

void ReadsBack(const User& user) {
  const std::string text = "user " + user.Line() + "\n";
  const auto again = ParseUsers(text, "again", Catalog(), RuleDefaults());
  KVICK_ASSERT(again.ok() && again->size() == 1);
  KVICK_ASSERT((*again)[0].Line() == user.Line());
  KVICK_ASSERT((*again)[0].allows_everything() == user.allows_everything());
}

void AsksForAll(const User& user) {
  for (const auto& command : Catalog().commands()) {
    const std::vector<std::string_view> arguments = {command->name, "a", "b"};
    const bool allowed = user.Check({*command, arguments, {}, 0}).allowed();
    KVICK_ASSERT(allowed || !user.allows_everything());
    KVICK_ASSERT(!allowed || command->has(kNoAuth) || user.Line().find('+') != std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto users = ParseUsers(text, "users.acl", Catalog(), RuleDefaults());
  if (users.ok()) {
    for (const User& user : *users) {
      ReadsBack(user);
      AsksForAll(user);
    }
  }
  // The same bytes as rules, one a line, for a user who keeps those that are good.
  User user("u", Catalog(), RuleDefaults());
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string before = user.Line();
    if (user.Apply(rest.substr(0, end), RuleDefaults()) != RuleProblem::kNone) KVICK_ASSERT(user.Line() == before);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  ReadsBack(user);
  return 0;
}
