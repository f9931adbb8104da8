// CLIENT, the subcommands that look at clients: INFO, LIST, KILL, UNBLOCK.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "engine/client_line.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

size_t ArgumentBytes(const CommandContext& context) {
  size_t sum = 0;
  for (const std::string_view argument : context.arguments()) sum += argument.size();
  return sum;
}

// Exclusive. All clients, oldest first; an in-process caller is none.
std::vector<Session*> AllClients(Engine& engine) {
  std::vector<Session*> clients;
  engine.ForEachExecutor([&clients](Executor& executor) {
    for (Session* session : executor.sessions()) {
      // Who was killed is gone for everybody, though his worker has yet to notice.
      if (!session->is_internal && !session->closing) clients.push_back(session);
    }
  });
  std::sort(clients.begin(), clients.end(), [](const Session* a, const Session* b) { return a->id < b->id; });
  return clients;
}

Result<ClientType> ParseClientType(std::string_view word) {
  if (EqualsIgnoreCase(word, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(word, "slave") || EqualsIgnoreCase(word, "replica")) return ClientType::kReplica;
  if (EqualsIgnoreCase(word, "pubsub")) return ClientType::kPubSub;
  if (EqualsIgnoreCase(word, "master")) return ClientType::kPrimary;
  return errors::Generic("Unknown client type '" + std::string(UpToZeroByte(word)) + "'");
}

Status Info(CommandContext& context) {
  context.Reply().Verbatim(ClientLine(context.session(), context.now_ms(), ArgumentBytes(context)) + "\n");
  return Status::Ok();
}

// CLIENT LIST [TYPE type] or [ID id ...].
Status List(CommandContext& context) {
  std::optional<ClientType> type;
  std::vector<uint64_t> ids;
  if (context.argument_count() == 4 && context.ArgIs(2, "TYPE")) {
    KVICK_ASSIGN_OR_RETURN(type, ParseClientType(context.Arg(3)));
  } else if (context.argument_count() > 3 && context.ArgIs(2, "ID")) {
    for (size_t i = 3; i < context.argument_count(); ++i) {
      const std::optional<int64_t> id = ParseInt64(context.Arg(i));
      if (!id) return errors::Generic("Invalid client ID");
      ids.push_back(static_cast<uint64_t>(*id));
    }
  } else if (context.argument_count() != 2) {
    return errors::Syntax();
  }

  std::string text;
  const auto add = [&](const Session& session) {
    const size_t argument_bytes = &session == &context.session() ? ArgumentBytes(context) : 0;
    text += ClientLine(session, context.now_ms(), argument_bytes) + "\n";
  };
  const std::vector<Session*> clients = AllClients(context.engine());
  if (ids.empty()) {
    for (const Session* session : clients) {
      if (!type || session->type() == *type) add(*session);
    }
  }
  // In the order, and as often, as they were asked for.
  for (const uint64_t id : ids) {
    const auto found = std::lower_bound(clients.begin(), clients.end(), id,
                                        [](const Session* session, uint64_t wanted) { return session->id < wanted; });
    if (found != clients.end() && (*found)->id == id) add(**found);
  }
  context.Reply().Verbatim(text);
  return Status::Ok();
}

// What CLIENT KILL matches: clients that satisfy every condition that is set.
struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string_view> user;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  int64_t age_min_s = 0;
  bool skip_me = true;

  bool Matches(const Session& session, const Session& me, int64_t now_ms) const {
    if (skip_me && &session == &me) return false;
    return (!id || session.id == *id) && (!type || session.type() == *type) && (!user || session.user == *user) &&
           (!address || session.address == *address) && (!local_address || session.local_address == *local_address) &&
           (now_ms - session.connected_ms) / 1000 >= age_min_s;
  }
};

bool HasUser(Engine& engine, std::string_view name) {
  const Authorizer* authorizer = engine.hooks.authorizer;
  return authorizer == nullptr ? name == "default" : authorizer->HasUser(name);
}

Result<int64_t> PositiveNumber(std::string_view text, const std::string& not_integer, const std::string& not_positive) {
  const std::optional<int64_t> number = ParseInt64(text);
  if (!number) return errors::Generic(not_integer);
  if (*number <= 0) return errors::Generic(not_positive);
  return *number;
}

// One "option value" pair. A later one of the same kind wins.
Status ParseKillOption(Engine& engine, std::string_view option, std::string_view value, KillFilter* filter) {
  if (EqualsIgnoreCase(option, "ID")) {
    static constexpr char kIdRule[] = "client-id should be greater than 0";
    KVICK_ASSIGN_OR_RETURN(const int64_t id, PositiveNumber(value, kIdRule, kIdRule));
    filter->id = static_cast<uint64_t>(id);
  } else if (EqualsIgnoreCase(option, "MAXAGE")) {
    KVICK_ASSIGN_OR_RETURN(filter->age_min_s, PositiveNumber(value, "maxage is not an integer or out of range",
                                                             "maxage should be greater than 0"));
  } else if (EqualsIgnoreCase(option, "TYPE")) {
    KVICK_ASSIGN_OR_RETURN(filter->type, ParseClientType(value));
  } else if (EqualsIgnoreCase(option, "ADDR")) {
    filter->address = value;
  } else if (EqualsIgnoreCase(option, "LADDR")) {
    filter->local_address = value;
  } else if (EqualsIgnoreCase(option, "USER")) {
    if (!HasUser(engine, value)) return errors::Generic("No such user '" + std::string(value) + "'");
    filter->user = value;
  } else if (EqualsIgnoreCase(option, "SKIPME")) {
    filter->skip_me = EqualsIgnoreCase(value, "yes");
    if (!filter->skip_me && !EqualsIgnoreCase(value, "no")) return errors::Syntax();
  } else {
    return errors::Syntax();
  }
  return Status::Ok();
}

// Whoever kills himself still gets the reply.
void KillClient(Session& session, Session& me) {
  if (&session == &me) {
    session.close_after_reply = true;
  } else if (session.transport != nullptr) {
    session.transport->RequestClose();
  }
}

// CLIENT KILL addr:port: the old form, which may kill the caller and says whether it found anybody.
Status KillAddress(CommandContext& context, std::string_view address) {
  for (Session* session : AllClients(context.engine())) {
    if (session->address != address) continue;
    KillClient(*session, context.session());
    context.Reply().Ok();
    return Status::Ok();
  }
  return errors::Generic("No such client");
}

Status Kill(CommandContext& context) {
  if (context.argument_count() == 3) return KillAddress(context, context.Arg(2));
  KillFilter filter;
  for (size_t i = 2; i < context.argument_count(); i += 2) {
    if (i + 1 == context.argument_count()) return errors::Syntax();
    KVICK_RETURN_IF_ERROR(ParseKillOption(context.engine(), context.Arg(i), context.Arg(i + 1), &filter));
  }
  int64_t killed_count = 0;
  for (Session* session : AllClients(context.engine())) {
    if (!filter.Matches(*session, context.session(), context.now_ms())) continue;
    KillClient(*session, context.session());
    ++killed_count;
  }
  context.Reply().Integer(killed_count);
  return Status::Ok();
}

// A client held up by CLIENT PAUSE is not blocked in this sense.
Status Unblock(CommandContext& context) {
  if (context.argument_count() > 4) return errors::SubcommandArguments(context.Arg(1), "client");
  if (context.argument_count() == 4 && !context.ArgIs(3, "TIMEOUT") && !context.ArgIs(3, "ERROR")) {
    return errors::Generic("CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t id, context.IntegerArg(2));
  const bool as_error = context.argument_count() == 4 && context.ArgIs(3, "ERROR");
  bool is_unblocked = false;
  for (Session* session : AllClients(context.engine())) {
    if (static_cast<int64_t>(session->id) != id) continue;
    is_unblocked = context.executor().Unblock(
        *session, as_error ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" : std::string_view());
  }
  context.Reply().Integer(is_unblocked ? 1 : 0);
  return Status::Ok();
}

constexpr uint64_t kAdministration = kAdmin | kNoScript | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
    {
        .name = "CLIENT INFO",
        .summary = "Returns information about the connection.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kNoScript | kLoading | kStale,
        .categories = kAclConnection,
        .tips = {"nondeterministic_output"},
        .handler = Info,
    },
    {
        .name = "CLIENT KILL",
        .syntax =
            "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | "
            "[ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage] [[ID client-id] | [TYPE "
            "<NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | "
            "[SKIPME <YES | NO>] | [MAXAGE maxage] ...]>>",
        .argument_notes = "ip:port=filter filter.ip:port=old-format filter.client-id=new-format "
                          "filter.new-format.client-id@2.8.12 filter.new-format.normal=client-type@2.8.12 "
                          "filter.new-format.TYPE.master@3.2.0 filter.new-format.TYPE.replica@5.0.0 "
                          "filter.new-format.ADDR=addr filter.new-format.ip:port=laddr@6.2.0 "
                          "filter.new-format.yes=skipme filter.new-format.maxage@7.4.0",
        .summary = "Terminates open connections.",
        .since = "2.4.0",
        .group = "connection",
        .complexity = "O(N) where N is the number of client connections",
        .flags = kAdministration | kExclusive,
        .categories = kAclConnection,
        .arity = -3,
        .handler = Kill,
    },
    {
        .name = "CLIENT LIST",
        .syntax = "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
        .argument_notes = "normal=client-type@5.0.0 client-id@6.2.0",
        .summary = "Lists open connections.",
        .since = "2.4.0",
        .group = "connection",
        .complexity = "O(N) where N is the number of client connections",
        .flags = kAdministration | kExclusive,
        .categories = kAclConnection,
        .tips = {"nondeterministic_output"},
        .handler = List,
    },
    {
        .name = "CLIENT UNBLOCK",
        .syntax = "client-id [TIMEOUT | ERROR]",
        .argument_notes = "timeout=unblock-type",
        .summary = "Unblocks a client blocked by a blocking command from a different connection.",
        .since = "5.0.0",
        .group = "connection",
        .complexity = "O(log N) where N is the number of client connections",
        .flags = kAdministration | kExclusive,
        .categories = kAclConnection,
        .handler = Unblock,
    },
};

}  // namespace

std::span<const CommandSpec> ClientListCommands() { return kCommands; }

}  // namespace kvick
