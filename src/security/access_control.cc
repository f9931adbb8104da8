#include "security/access_control.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/blocking.h"
#include "engine/channels.h"
#include "engine/client_line.h"
#include "engine/errors.h"
#include "engine/executor.h"
#include "engine/tracking.h"
#include "security/denial_texts.h"
#include "security/user_file.h"

namespace kvick {
namespace {

Status WrongPassword() { return Status::Error("WRONGPASS invalid username-password pair or user is disabled."); }

Status NoUserFile() {
  return errors::Generic(
      "This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
      "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
      "users in the Redis configuration.");
}

constexpr std::string_view kRedactedName = "*redacted*";

// Without the port, which is another one each time.
std::string_view AddressOf(const Session& session) {
  const std::string_view address = session.address;
  return address.substr(0, address.rfind(':'));
}

std::string_view ContextOf(const Session& session, CallOrigin origin) {
  if (origin == CallOrigin::kScript) return "lua";
  if (origin == CallOrigin::kTransaction || (session.restrictions & Session::kInTransaction) != 0) return "multi";
  return "toplevel";
}

}  // namespace

AccessControl::AccessControl(Engine& engine)
    : engine_(engine),
      catalog_(engine.commands()),
      users_(catalog_, Defaults()),
      nobody_("", catalog_, Defaults()),
      audit_(engine) {
  if (!engine.settings().require_password.empty()) static_cast<void>(ApplyRequiredPassword());
  engine.hooks.call_observers.push_back(&audit_);
  engine.AddPeriodicWork([this] { audit_.Flush(); });
  engine.options().OnChange({"requirepass"}, [this] { return ApplyRequiredPassword(); });
  engine.AddStatsReset([this] {
    for (std::atomic<uint64_t>* count :
         {&counts_.authentications, &counts_.commands, &counts_.keys, &counts_.channels, &counts_.certificates}) {
      count->store(0, std::memory_order_relaxed);
    }
  });
}

RuleDefaults AccessControl::Defaults() const {
  return {engine_.settings().acl_pubsub_allows_all_channels, engine_.settings().databases};
}

// An old directive: the password of the default user.
Status AccessControl::ApplyRequiredPassword() {
  const std::string& password = engine_.settings().require_password;
  User& user = users_.default_user();
  for (const std::string& rule : {std::string("resetpass"), password.empty() ? "nopass" : ">" + password}) {
    KVICK_ASSERT(user.Apply(rule, Defaults()) == RuleProblem::kNone);
  }
  return Status::Ok();
}

Status AccessControl::Authorize(const Session& session, const Command& command,
                                std::span<const std::string_view> arguments, std::span<const DeclaredKey> keys,
                                CallOrigin origin) {
  if (session.acl_user == nullptr) return Status::Ok();
  Denial denial = session.acl_user->Check({command, arguments, keys, session.database_index});
  if (denial.allowed()) return Status::Ok();
  Status reply = DenialReply(denial, *session.acl_user, origin);
  audit_.OnDeniedCall(session, command, arguments, ReasonName(denial.reason), denial.object);
  Note(session, denial.reason, std::string(ContextOf(session, origin)), std::move(denial.object),
       session.acl_user->name());
  return reply;
}

bool AccessControl::IsAllowed(const Session& session, const Command& command,
                              std::span<const std::string_view> arguments, std::span<const DeclaredKey> keys) const {
  return session.acl_user == nullptr ||
         session.acl_user->Check({command, arguments, keys, session.database_index}).allowed();
}

bool AccessControl::MayReadEverything(const Session& session, const Command& command,
                                      std::span<const std::string_view> arguments,
                                      std::span<const DeclaredKey> keys) const {
  return session.acl_user == nullptr ||
         session.acl_user->AllowsReadingEverything({command, arguments, keys, session.database_index});
}

bool AccessControl::MayReadKey(const User& user, std::string_view key) const { return user.AllowsReadingKey(key); }

Status AccessControl::Authenticate(Session& session, std::string_view name, std::string_view password,
                                   std::string_view command_word) {
  const int64_t now_ms = engine_.clock().NowMs();
  const uint64_t failures_max = engine_.settings().auth_failures_max;
  if (failures_max != 0 && failed_attempts_.CountOf(AddressOf(session), now_ms) >= failures_max) {
    Note(session, Denial::Reason::kAuthentication, "toplevel", std::string(command_word), std::string(name));
    audit_.OnRefusedAuthentication(session, name, "too many failures");
    session.close_after_reply = true;
    return errors::Generic("Too many failed authentications, try again later");
  }
  const User* user = users_.Find(name);
  // Whether there is such a user cannot be told from the time this takes.
  const bool accepts = (user != nullptr ? *user : nobody_).AcceptsPassword(password);
  if (user == nullptr || !accepts || !user->is_enabled()) {
    const bool is_queueing = (session.restrictions & Session::kInTransaction) != 0;
    Note(session, Denial::Reason::kAuthentication, is_queueing ? "multi" : "toplevel", std::string(command_word),
         std::string(name));
    if (failures_max != 0) failed_attempts_.Add(AddressOf(session), now_ms);
    audit_.OnRefusedAuthentication(session, name, "wrong password, or no such user");
    return WrongPassword();
  }
  Assign(session, *user);
  session.restrictions &= ~Session::kUnauthenticated;
  return Status::Ok();
}

void AccessControl::Admit(Session& session) {
  Assign(session, users_.default_user());
  if (DefaultUserIsOpen()) {
    session.restrictions &= ~Session::kUnauthenticated;
  } else {
    session.restrictions |= Session::kUnauthenticated;
  }
}

bool AccessControl::AdmitAs(Session& session, std::string_view name) {
  const User* user = users_.Find(name);
  if (user == nullptr || !user->is_enabled()) {
    counts_.certificates.fetch_add(1, std::memory_order_relaxed);
    audit_.OnRefusedAuthentication(session, name, "the certificate names no user who may come in");
    return false;
  }
  Assign(session, *user);
  session.restrictions &= ~Session::kUnauthenticated;
  return true;
}

bool AccessControl::DefaultUserIsOpen() const {
  return users_.default_user().is_enabled() && users_.default_user().needs_no_password();
}

void AccessControl::Note(const Session& session, Denial::Reason reason, std::string context, std::string object,
                         std::string user) {
  Count(reason);
  DeniedAccess access;
  access.reason = reason;
  access.context = std::move(context);
  access.object = std::move(object);
  access.user = std::move(user);
  access.updated_ms = engine_.clock().NowMs();
  access.client_line = ClientLine(session, access.updated_ms, 0);
  log_.Record(std::move(access), engine_.settings().acl_log_entries_max);
}

void AccessControl::Count(Denial::Reason reason) {
  std::atomic<uint64_t>* count = nullptr;
  switch (reason) {
    case Denial::Reason::kAuthentication: count = &counts_.authentications; break;
    case Denial::Reason::kCommand: count = &counts_.commands; break;
    case Denial::Reason::kKey: count = &counts_.keys; break;
    case Denial::Reason::kChannel: count = &counts_.channels; break;
    case Denial::Reason::kDatabase:
    case Denial::Reason::kNone: return;
  }
  count->fetch_add(1, std::memory_order_relaxed);
}

DenialCounts AccessControl::denial_counts() const {
  return {counts_.authentications.load(std::memory_order_relaxed), counts_.commands.load(std::memory_order_relaxed),
          counts_.keys.load(std::memory_order_relaxed), counts_.channels.load(std::memory_order_relaxed),
          counts_.certificates.load(std::memory_order_relaxed)};
}

std::vector<std::string> AccessControl::UserLines() const {
  std::vector<std::string> lines;
  if (!engine_.settings().acl_file.empty()) return lines;
  for (const auto& [name, user] : users_.by_name()) lines.push_back(user->ConfigurationLine());
  return lines;
}

// Sessions and their users.

void AccessControl::ForEachSession(const std::function<void(Session&)>& visit) {
  engine_.ForEachExecutor([&](Executor& executor) {
    for (Session* session : executor.sessions()) visit(*session);
  });
}

void AccessControl::Assign(Session& session, const User& user) {
  const auto assign = [&user](Session& one) {
    one.user = user.name();
    one.acl_user = &user;
    one.restrictions &= ~Session::kRestrictedUser;
    if (!user.allows_everything()) one.restrictions |= Session::kRestrictedUser;
  };
  assign(session);
  if (session.tracking != nullptr) {
    session.tracking->restricted_user.store(user.allows_everything() ? nullptr : &user, std::memory_order_relaxed);
  }
  // Whoever serves its waiting call sees a copy of the session.
  if (session.blocked != nullptr) assign(session.blocked->session());
}

void AccessControl::Disconnect(Session& session, const Session* caller) {
  Assign(session, users_.default_user());
  session.restrictions |= Session::kUnauthenticated;
  if (&session == caller) {
    session.close_after_reply = true;
  } else if (session.transport != nullptr) {
    session.transport->RequestClose();
  }
}

void AccessControl::DisconnectUser(const User& user, const Session* caller) {
  ForEachSession([&](Session& session) {
    if (session.acl_user == &user) Disconnect(session, caller);
  });
}

bool AccessControl::MayKeepListening(const Session& session, const User& user) {
  if (session.subscriptions == nullptr) return true;
  for (const ChannelKind kind : {ChannelKind::kChannel, ChannelKind::kShardChannel, ChannelKind::kPattern}) {
    for (const std::string& name : session.subscriptions->names(kind)) {
      if (!user.AllowsChannel(kind, name)) return false;
    }
  }
  return true;
}

// After a change of the session's user.
void AccessControl::Follow(Session& session, const Session* caller) {
  if (MayKeepListening(session, *session.acl_user)) {
    Assign(session, *session.acl_user);
  } else {
    Disconnect(session, caller);
  }
}

void AccessControl::PutUser(const User& user, const Session& caller) {
  const User& stored = users_.Put(user);
  ForEachSession([&](Session& session) {
    if (session.acl_user == &stored) Follow(session, &caller);
  });
}

bool AccessControl::RemoveUser(std::string_view name, const Session& caller) {
  const User* user = users_.Find(name);
  if (user == nullptr) return false;
  DisconnectUser(*user, &caller);
  return users_.Remove(name);
}

// Where users come from.

Status AccessControl::LoadConfiguredUsers() {
  const Settings& settings = engine_.settings();
  if (settings.acl_file.empty()) return LoadUserLines();
  if (!settings.user_lines.empty()) {
    return Status::Error(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This "
        "setup is very likely to lead to configuration errors and security holes, please define either an ACL file or "
        "declare users directly in your redis.conf, but not both.");
  }
  const auto users = LoadUserFile(settings.acl_file, catalog_, Defaults());
  if (!users.ok()) {
    return Status::Error("Aborting Redis startup because of ACL errors: " + std::string(users.status().text()));
  }
  ReplaceUsers(*users, nullptr);
  return Status::Ok();
}

Status AccessControl::LoadUserLines() {
  for (const std::vector<std::string>& words : engine_.settings().user_lines) {
    const Status applied = ApplyUserLine(words);
    if (applied.ok()) continue;
    Log(LogLevel::kWarning, applied.text());
    return Status::Error("Critical error while loading ACLs. Exiting.");
  }
  return Status::Ok();
}

Status AccessControl::ApplyUserLine(const std::vector<std::string>& words) {
  const bool hides_names = engine_.settings().hide_user_data_from_log;
  const std::string& name = words[0];
  if (!IsUserName(name)) return Status::Error("Spaces not allowed in ACL usernames");
  const std::string shown_name(hides_names ? kRedactedName : std::string_view(name));
  User user(name, catalog_, Defaults());
  std::string unclosed;
  const std::vector<std::string> rules = JoinSelectors({words.begin() + 1, words.end()}, &unclosed);
  for (const std::string& rule : rules) {
    const RuleProblem problem = user.Apply(rule, Defaults());
    if (problem != RuleProblem::kNone) {
      const std::string shown_rule(hides_names ? kRedactedName : std::string_view(rule));
      return Status::Error("Error loading ACL rule '" + shown_rule + "' for the user named '" + shown_name +
                           "': " + std::string(TextOf(problem)));
    }
  }
  users_.Put(user);
  if (!user.is_enabled()) {
    Log(LogLevel::kNotice, "The user '" + shown_name +
                               "' is disabled (there is no 'on' modifier in the user description). Make sure this is "
                               "not a configuration error.");
  }
  return Status::Ok();
}

void AccessControl::ReplaceUsers(const std::vector<User>& users, const Session* caller) {
  std::set<std::string, std::less<>> wanted = {std::string(kDefaultUser)};
  for (const User& user : users) wanted.insert(user.name());
  std::vector<std::string> gone;
  for (const auto& [name, user] : users_.by_name()) {
    if (!wanted.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) {
    DisconnectUser(*users_.Find(name), caller);
    users_.Remove(name);
  }
  users_.Put(Users::OpenUser(kDefaultUser, catalog_, Defaults()));  // when the file does not have him
  for (const User& user : users) users_.Put(user);
  ForEachSession([&](Session& session) {
    if (session.acl_user != nullptr) Follow(session, caller);
  });
}

Status AccessControl::LoadFile(const Session& caller) {
  if (engine_.settings().acl_file.empty()) return NoUserFile();
  const auto users = LoadUserFile(engine_.settings().acl_file, catalog_, Defaults());
  if (!users.ok()) return errors::Generic(users.status().text());
  ReplaceUsers(*users, &caller);
  return Status::Ok();
}

Status AccessControl::SaveFile() const {
  if (engine_.settings().acl_file.empty()) return NoUserFile();
  std::vector<std::string> lines;
  for (const auto& [name, user] : users_.by_name()) lines.push_back(user->Line());
  const Status saved = SaveUserFile(engine_.settings().acl_file, lines);
  if (saved.ok()) return saved;
  Log(LogLevel::kWarning, saved.text());
  return errors::Generic(
      "There was an error trying to save the ACLs. Please check the server logs for more information");
}

}  // namespace kvick
