#include "security/users.h"

#include "base/assert.h"

namespace kvick {

User Users::OpenUser(std::string_view name, const CommandCatalog& catalog, const RuleDefaults& defaults) {
  User user(std::string(name), catalog, defaults);
  for (const std::string_view rule : {"+@all", "~*", "&*", "on", "nopass"}) {
    KVICK_ASSERT(user.Apply(rule, defaults) == RuleProblem::kNone);
  }
  return user;
}

Users::Users(const CommandCatalog& catalog, const RuleDefaults& defaults)
    : default_user_(&Put(OpenUser(kDefaultUser, catalog, defaults))) {}

const User* Users::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

User* Users::Find(std::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

User& Users::Put(const User& user) {
  std::unique_ptr<User>& place = by_name_[user.name()];
  if (place == nullptr) {
    place = std::make_unique<User>(user);
  } else {
    place->Become(user);
  }
  return *place;
}

bool Users::Remove(std::string_view name) {
  KVICK_ASSERT(name != kDefaultUser);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return false;
  by_name_.erase(found);
  return true;
}

}  // namespace kvick
