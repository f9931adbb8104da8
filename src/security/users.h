// Users: all users by name. The default user is always among them.
//
// Exclusive state. Users stay where they are until they are removed, so that sessions can point to them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "security/user.h"

namespace kvick {

class Users {
 public:
  using Map = std::map<std::string, std::unique_ptr<User>, std::less<>>;

  Users(const CommandCatalog& catalog, const RuleDefaults& defaults);

  const User* Find(std::string_view name) const;
  User* Find(std::string_view name);
  // Takes over his rules; makes him when he is new.
  User& Put(const User& user);
  // False when there is none. Not the default user.
  bool Remove(std::string_view name);

  User& default_user() { return *default_user_; }
  const User& default_user() const { return *default_user_; }
  const Map& by_name() const { return by_name_; }

  // Who may do everything without a password: the default user as he is before anybody changed him.
  static User OpenUser(std::string_view name, const CommandCatalog& catalog, const RuleDefaults& defaults);

 private:
  Map by_name_;
  User* default_user_;
};

}  // namespace kvick
