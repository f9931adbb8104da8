#include "security/password_authorizer.h"

#include <string>

#include "base/bytes.h"
#include "engine/session.h"

namespace kvick {
namespace {

constexpr std::string_view kDefaultUser = "default";

Status WrongPassword() { return Status::Error("WRONGPASS invalid username-password pair or user is disabled."); }

// Takes a time that depends on the given text only, which its sender knows: neither the length of the password nor
// how much of it was right can be measured. `password` is not empty.
bool MatchesPassword(std::string_view given, std::string_view password) {
  std::string repeated(given.size(), '\0');
  for (size_t i = 0; i < repeated.size(); ++i) repeated[i] = password[i % password.size()];
  const bool same_bytes = EqualsConstantTime(given, repeated);
  return same_bytes && given.size() == password.size();
}

}  // namespace

Status PasswordAuthorizer::Authenticate(Session& session, std::string_view user, std::string_view password) {
  if (!HasUser(user)) return WrongPassword();
  if (!DefaultUserIsOpen() && !MatchesPassword(password, settings_.require_password)) return WrongPassword();
  session.user = kDefaultUser;
  session.restrictions &= ~Session::kUnauthenticated;
  return Status::Ok();
}

void PasswordAuthorizer::Admit(Session& session) {
  session.user = kDefaultUser;
  if (DefaultUserIsOpen()) {
    session.restrictions &= ~Session::kUnauthenticated;
  } else {
    session.restrictions |= Session::kUnauthenticated;
  }
}

bool PasswordAuthorizer::HasUser(std::string_view name) const { return name == kDefaultUser; }

}  // namespace kvick
