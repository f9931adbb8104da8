// Commands about the own connection: authentication, protocol, database.
#include "base/bytes.h"
#include "base/numbers.h"
#include "base/version.h"
#include "commands/client_attributes.h"
#include "commands/families.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

constexpr int64_t kOldestProtocol = 2;
constexpr int64_t kNewestProtocol = 3;

Status NoPasswordConfigured() {
  return Status::Error(
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
      "configuration is correct?");
}

Status HelloNeedsAuthentication() {
  return Status::Error(
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
      "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time");
}

// An engine without an authorizer asks nobody.
Status Authenticate(CommandContext& context, std::string_view user, std::string_view password) {
  Authorizer* authorizer = context.engine().hooks.authorizer;
  if (authorizer == nullptr) return Status::Ok();
  return authorizer->Authenticate(context.session(), user, password, context.Arg(0));
}

Status Auth(CommandContext& context) {
  if (context.argument_count() > 3) return errors::Syntax();
  if (context.argument_count() == 3) {
    KVICK_RETURN_IF_ERROR(Authenticate(context, context.Arg(1), context.Arg(2)));
  } else {
    const Authorizer* authorizer = context.engine().hooks.authorizer;
    if (authorizer == nullptr || authorizer->DefaultUserHasNoPassword()) return NoPasswordConfigured();
    KVICK_RETURN_IF_ERROR(Authenticate(context, "default", context.Arg(1)));
  }
  context.Reply().Ok();
  return Status::Ok();
}

Status Echo(CommandContext& context) {
  context.Reply().Bulk(context.Arg(1));
  return Status::Ok();
}

// Each option takes effect as it is read, so an error in a later one leaves the earlier ones in force.
Status ApplyHelloOptions(CommandContext& context) {
  for (size_t i = 2; i < context.argument_count(); ++i) {
    const size_t rest = context.argument_count() - i - 1;
    if (context.ArgIs(i, "AUTH") && rest >= 2) {
      KVICK_RETURN_IF_ERROR(Authenticate(context, context.Arg(i + 1), context.Arg(i + 2)));
      i += 2;
    } else if (context.ArgIs(i, "SETNAME") && rest >= 1) {
      KVICK_RETURN_IF_ERROR(SetClientName(context.session(), context.Arg(i + 1)));
      i += 1;
    } else {
      return errors::Generic("Syntax error in HELLO option '" + std::string(context.Arg(i)) + "'");
    }
  }
  return Status::Ok();
}

// The user and the password behind AUTH.
bool IsHelloSecret(const Engine& /*engine*/, std::span<const std::string_view> arguments, size_t index) {
  for (size_t i = 2; i < index; ++i) {
    if (EqualsIgnoreCase(arguments[i], "AUTH")) return index <= i + 2;
  }
  return false;
}

Status Hello(CommandContext& context) {
  Session& session = context.session();
  int64_t protocol = session.protocol;
  if (context.argument_count() > 1) {
    const std::optional<int64_t> wanted = ParseInt64(context.Arg(1));
    if (!wanted) return errors::Generic("Protocol version is not an integer or out of range");
    if (*wanted < kOldestProtocol || *wanted > kNewestProtocol) {
      return Status::Error("NOPROTO unsupported protocol version");
    }
    protocol = *wanted;
  }
  KVICK_RETURN_IF_ERROR(ApplyHelloOptions(context));
  if (context.engine().MustAuthenticate(session)) return HelloNeedsAuthentication();

  session.protocol = static_cast<int>(protocol);
  ReplyWriter& reply = context.Reply();
  reply.set_protocol(session.protocol);
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");  // clients choose their dialect by it
  reply.Bulk("version");
  reply.Bulk(kCompatibleVersion);
  reply.Bulk("proto");
  reply.Integer(protocol);
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(session.id));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
  return Status::Ok();
}

Status Ping(CommandContext& context) {
  if (context.argument_count() > 2) return errors::WrongArity("ping");
  const Session& session = context.session();
  if ((session.restrictions & Session::kSubscriber) != 0 && session.protocol == 2) {
    // Looks like the messages among which it comes.
    context.Reply().Array(2);
    context.Reply().Bulk("pong");
    context.Reply().Bulk(context.argument_count() == 2 ? context.Arg(1) : std::string_view());
    return Status::Ok();
  }
  if (context.argument_count() == 2) {
    context.Reply().Bulk(context.Arg(1));
  } else {
    context.Reply().Simple("PONG");
  }
  return Status::Ok();
}

Status Quit(CommandContext& context) {
  context.session().close_after_reply = true;
  context.Reply().Ok();
  return Status::Ok();
}

// The connection as it was when it came, but for what the client said of its library.
Status Reset(CommandContext& context) {
  Session& session = context.session();
  context.executor().DropTransaction(session);
  context.engine().EndMessages(session);
  session.fieldsets.reset();
  session.database_index = 0;
  session.protocol = static_cast<int>(kOldestProtocol);
  session.name.clear();
  session.no_evict = false;
  session.no_touch = false;
  // One reply that CLIENT REPLY SKIP asked to leave out stays out: this one.
  if (session.reply_mode == Session::ReplyMode::kOff) session.reply_mode = Session::ReplyMode::kOn;
  if (Authorizer* authorizer = context.engine().hooks.authorizer) authorizer->Admit(session);
  context.Reply().set_protocol(session.protocol);
  context.Reply().Simple("RESET");
  return Status::Ok();
}

Status Select(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t index, context.IntegerArg(1));
  if (index < INT32_MIN || index > INT32_MAX) {
    return errors::Generic("value is out of range, value must between -2147483648 and 2147483647");
  }
  if (index < 0 || index >= context.engine().database_count()) return errors::InvalidDatabase();
  context.session().database_index = static_cast<int>(index);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kBeforeAuthentication = kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy;

constexpr CommandSpec kCommands[] = {
    {
        .name = "AUTH",
        .syntax = "[username] password",
        .argument_notes = "username@6.0.0",
        .summary = "Authenticates the connection.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(N) where N is the number of passwords defined for the user",
        .flags = kBeforeAuthentication | kSensitive,
        .categories = kAclConnection,
        .handler = Auth,
    },
    {
        .name = "ECHO",
        .syntax = "message",
        .summary = "Returns the given string.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kLoading | kStale | kFast,
        .categories = kAclConnection,
        .handler = Echo,
    },
    {
        .name = "HELLO",
        .syntax = "[protover [AUTH username password] [SETNAME clientname]]",
        .argument_notes = "protover=arguments",
        .summary = "Handshakes with the server: protocol version, authentication and name.",
        .since = "6.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kBeforeAuthentication | kSensitive,
        .categories = kAclConnection,
        .is_secret = IsHelloSecret,
        .handler = Hello,
    },
    {
        .name = "PING",
        .syntax = "[message]",
        .summary = "Returns the server's liveliness response.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kFast | kForSubscribers | kTellsRefusals,
        .categories = kAclConnection,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = Ping,
    },
    {
        .name = "QUIT",
        .syntax = "",
        .summary = "Closes the connection.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kBeforeAuthentication | kControlsTransaction | kEndsTransaction | kForSubscribers,
        .categories = kAclConnection,
        .arity = -1,
        .deprecated_since = "7.2.0",
        .replaced_by = "just closing the connection",
        .handler = Quit,
    },
    {
        .name = "RESET",
        .syntax = "",
        .summary = "Resets the connection.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kBeforeAuthentication | kControlsTransaction | kEndsTransaction | kForSubscribers,
        .categories = kAclConnection,
        .handler = Reset,
    },
    {
        .name = "SELECT",
        .syntax = "index",
        .summary = "Changes the selected database.",
        .since = "1.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kLoading | kStale | kFast | kSelectsDatabase,
        .categories = kAclConnection,
        .handler = Select,
    },
};

}  // namespace

std::span<const CommandSpec> ConnectionCommands() { return kCommands; }

}  // namespace kvick
