// User: a name, how to authenticate as him, and what he may do.
//
//   User user("ada", catalog, defaults);
//   user.Apply("on");  user.Apply(">secret");  user.Apply("~user:*");  user.Apply("+@read");
//   user.Apply("(+set ~tmp:*)");                          // a further selector
//   user.Check(call)
//   user.Line()                                           // "ada on sanitize-payload #2bb8... ~user:* ... +@read"
//
// Rules are applied from left to right, and each changes what the ones before it made.
//
// Exclusive state: users change in exclusive moments (Users) and are read inside the gate.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "security/selector.h"

namespace kvick {

inline constexpr std::string_view kDefaultUser = "default";

// Without blanks and zero bytes.
bool IsUserName(std::string_view name);

// Joins the words of selectors that came as several: "(+get" "~x)" becomes "(+get ~x)". `*unclosed` is the word with
// which one begins that never ends, and the result is incomplete; else it is empty.
std::vector<std::string> JoinSelectors(const std::vector<std::string>& words, std::string* unclosed);

class User {
 public:
  // As a user is who was just created: not enabled, without any permission. `catalog` outlives him.
  User(std::string name, const CommandCatalog& catalog, const RuleDefaults& defaults);

  // Nothing changes when there is a problem.
  RuleProblem Apply(std::string_view rule, const RuleDefaults& defaults);
  // Takes over everything but the name.
  void Become(const User& other);

  const std::string& name() const { return name_; }
  bool is_enabled() const { return is_enabled_; }
  bool needs_no_password() const { return needs_no_password_; }
  // Takes the same time whichever of his passwords it is, or none.
  bool AcceptsPassword(std::string_view password) const;

  Denial Check(const AttemptedCall& call) const;
  bool AllowsReadingEverything(const AttemptedCall& call) const;
  bool AllowsChannel(ChannelKind kind, std::string_view name) const;
  bool AllowsReadingKey(std::string_view name) const;
  // So that nothing needs to be checked.
  bool allows_everything() const;

  const std::vector<std::string>& password_hashes() const { return password_hashes_; }
  const std::vector<Selector>& selectors() const { return selectors_; }  // his own first
  std::vector<std::string_view> Flags() const;
  // As ACL LIST and the ACL file have it behind the word user: words with blanks between them.
  std::string Line() const;
  // The same for the configuration, which reads quotes.
  std::string ConfigurationLine() const;

 private:
  std::vector<std::string> Rules() const;
  void Reset(const RuleDefaults& defaults);
  RuleProblem RemovePassword(const std::string& hash);
  void AddPassword(std::string hash);

  std::string name_;
  const CommandCatalog* catalog_;
  bool is_enabled_ = false;
  bool needs_no_password_ = false;
  bool skips_payload_checks_ = false;
  std::vector<std::string> password_hashes_;
  std::vector<Selector> selectors_;
};

}  // namespace kvick
