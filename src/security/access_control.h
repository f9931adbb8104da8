// AccessControl: the users of an engine, and what follows from them: who gets in, what each may do, who was denied
// what.
//
// A session points to its user. Users, and what sessions know of them, change in exclusive moments; executors read them
// inside the gate without locks. Whoever may do everything costs nothing: his sessions are not marked
// (Session::kRestrictedUser), and only marked ones are looked at.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/session.h"
#include "security/access_log.h"
#include "security/audit_log.h"
#include "security/command_catalog.h"
#include "security/failed_attempts.h"
#include "security/users.h"

namespace kvick {

class AccessControl final : public Authorizer {
 public:
  // When all commands are declared. `engine` outlives it.
  explicit AccessControl(Engine& engine);

  Status Authorize(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                   std::span<const DeclaredKey> keys, CallOrigin origin) override;
  [[nodiscard]] bool IsAllowed(const Session& session, const Command& command,
                               std::span<const std::string_view> arguments,
                               std::span<const DeclaredKey> keys) const override;
  [[nodiscard]] bool MayReadEverything(const Session& session, const Command& command,
                                       std::span<const std::string_view> arguments,
                                       std::span<const DeclaredKey> keys) const override;
  [[nodiscard]] bool MayReadKey(const User& user, std::string_view key) const override;
  Status Authenticate(Session& session, std::string_view user, std::string_view password,
                      std::string_view command_word) override;
  void Admit(Session& session) override;
  bool AdmitAs(Session& session, std::string_view user) override;
  [[nodiscard]] bool DefaultUserIsOpen() const override;
  [[nodiscard]] bool DefaultUserHasNoPassword() const override { return users_.default_user().needs_no_password(); }
  [[nodiscard]] bool HasUser(std::string_view name) const override { return users_.Find(name) != nullptr; }
  [[nodiscard]] std::vector<std::string> UserLines() const override;
  [[nodiscard]] DenialCounts denial_counts() const override;

  const CommandCatalog& catalog() const { return catalog_; }
  const Users& users() const { return users_; }
  AccessLog& log() { return log_; }
  RuleDefaults Defaults() const;

  // Writes what the audit has not written yet.
  void FlushAudit() { audit_.Flush(); }
  // The users of the configuration or of its ACL file, before executors run. What is wrong goes to the log; the Status
  // says why the process ends.
  Status LoadConfiguredUsers();

  // These three are for exclusive moments. Clients whose user goes, or who listen to what they may not any more, are
  // disconnected; `caller` gets his reply before.
  void PutUser(const User& user, const Session& caller);
  bool RemoveUser(std::string_view name, const Session& caller);
  // ACL LOAD. The Status is the reply; nothing changes when it is an error. Blocks on the disk.
  Status LoadFile(const Session& caller);
  // ACL SAVE. Blocks on the disk.
  Status SaveFile() const;

 private:
  struct Counts {
    std::atomic<uint64_t> authentications{0};
    std::atomic<uint64_t> commands{0};
    std::atomic<uint64_t> keys{0};
    std::atomic<uint64_t> channels{0};
    std::atomic<uint64_t> certificates{0};
  };

  Status LoadUserLines();
  Status ApplyUserLine(const std::vector<std::string>& words);
  Status ApplyRequiredPassword();
  void ReplaceUsers(const std::vector<User>& users, const Session* caller);
  void ForEachSession(const std::function<void(Session&)>& visit);
  void Assign(Session& session, const User& user);
  void Follow(Session& session, const Session* caller);
  void Disconnect(Session& session, const Session* caller);
  void DisconnectUser(const User& user, const Session* caller);
  static bool MayKeepListening(const Session& session, const User& user);
  void Note(const Session& session, Denial::Reason reason, std::string context, std::string object, std::string user);
  void Count(Denial::Reason reason);

  Engine& engine_;
  const CommandCatalog catalog_;
  Users users_;
  const User nobody_;  // stands for users that there are not
  AccessLog log_;
  AuditLog audit_;
  FailedAttempts failed_attempts_;
  Counts counts_;
};

}  // namespace kvick
