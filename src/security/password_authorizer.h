// PasswordAuthorizer: one user, "default", who may do everything, and whose password is `requirepass` (none: open).
//
// A client that came while there was no password stays in when one is set; one that came later and has not
// authenticated gets in when the password is taken away.
//
// Thread rule: called by executors inside the gate or for a session not yet known to others; reads settings only.
#pragma once

#include <string_view>

#include "config/settings.h"
#include "engine/hooks.h"

namespace kvick {

class PasswordAuthorizer final : public Authorizer {
 public:
  explicit PasswordAuthorizer(const Settings& settings) : settings_(settings) {}

  Status Authenticate(Session& session, std::string_view user, std::string_view password) override;
  void Admit(Session& session) override;
  [[nodiscard]] bool DefaultUserIsOpen() const override { return settings_.require_password.empty(); }
  [[nodiscard]] bool HasUser(std::string_view name) const override;

 private:
  const Settings& settings_;
};

}  // namespace kvick
