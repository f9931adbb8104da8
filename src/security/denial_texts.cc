#include "security/denial_texts.h"

#include "base/bytes.h"

namespace kvick {
namespace {

std::string CommandText(const Denial& denial, const User& user) {
  return "User " + user.name() + " has no permissions to run the '" + denial.object + "' command";
}

// Keys and channels are not named: the reply may go to somebody's log.
std::string ShortText(const Denial& denial, const User& user) {
  switch (denial.reason) {
    case Denial::Reason::kKey: return "No permissions to access a key";
    case Denial::Reason::kChannel: return "No permissions to access a channel";
    case Denial::Reason::kDatabase: return "No permissions to access a database";
    default: return CommandText(denial, user);
  }
}

std::string_view TransactionText(Denial::Reason reason) {
  switch (reason) {
    case Denial::Reason::kCommand: return "no permission to execute the command or subcommand";
    case Denial::Reason::kKey: return "no permission to touch the specified keys";
    case Denial::Reason::kChannel: return "no permission to access one of the channels used as arguments";
    case Denial::Reason::kDatabase: return "no permission to access the database";
    default: return "no permission";
  }
}

}  // namespace

Status DenialReply(const Denial& denial, const User& user, CallOrigin origin) {
  if (origin == CallOrigin::kTransaction) {
    return Status::Error(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command "
        "is no longer allowed for the following reason: " +
        std::string(TransactionText(denial.reason)));
  }
  if (origin == CallOrigin::kScript) return Status::Error("NOPERM ACL failure in script: " + ShortText(denial, user));
  return Status::Error("NOPERM " + ShortText(denial, user));
}

std::string DescribeDenial(const Denial& denial, const User& user) {
  const auto access = [&](std::string_view what) {
    return "User " + user.name() + " has no permissions to access the '" + std::string(UpToZeroByte(denial.object)) +
           "' " + std::string(what);
  };
  switch (denial.reason) {
    case Denial::Reason::kKey: return access("key");
    case Denial::Reason::kChannel: return access("channel");
    case Denial::Reason::kDatabase: return access("database");
    default: return CommandText(denial, user);
  }
}

std::string_view ReasonName(Denial::Reason reason) {
  switch (reason) {
    case Denial::Reason::kCommand: return "command";
    case Denial::Reason::kKey: return "key";
    case Denial::Reason::kAuthentication: return "auth";
    case Denial::Reason::kChannel: return "channel";
    case Denial::Reason::kDatabase: return "database";
    case Denial::Reason::kNone: break;
  }
  return "unknown";
}

}  // namespace kvick
