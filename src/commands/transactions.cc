#include "commands/families.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

bool IsInTransaction(CommandContext& context) {
  return (context.session().restrictions & Session::kInTransaction) != 0;
}

Status Multi(CommandContext& context) {
  Session& session = context.session();
  if (IsInTransaction(context)) return errors::Generic("MULTI calls can not be nested");
  if (session.transaction == nullptr) session.transaction = std::make_unique<Transaction>();
  session.transaction->is_aborted = false;
  session.restrictions |= Session::kInTransaction;
  context.Reply().Ok();
  return Status::Ok();
}

Status Exec(CommandContext& context) { return context.executor().RunTransaction(context.session(), context.Reply()); }

Status Discard(CommandContext& context) {
  if (!IsInTransaction(context)) return errors::Generic("DISCARD without MULTI");
  context.executor().DropTransaction(context.session());
  context.Reply().Ok();
  return Status::Ok();
}

Status Watch(CommandContext& context) {
  if (IsInTransaction(context)) return errors::Generic("WATCH inside MULTI is not allowed");
  context.executor().Watch(context.session(), context.keys());
  context.Reply().Ok();
  return Status::Ok();
}

Status Unwatch(CommandContext& context) {
  context.executor().UnwatchAll(context.session());
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kFlags = kNoScript | kLoading | kStale | kFast | kAllowBusy;

constexpr CommandSpec kCommands[] = {
    {
        .name = "DISCARD",
        .summary = "Discards a transaction.",
        .since = "2.0.0",
        .group = "transactions",
        .complexity = "O(N), when N is the number of queued commands",
        .flags = kFlags | kControlsTransaction | kEndsTransaction,
        .categories = kAclTransaction,
        .handler = Discard,
    },
    {
        .name = "EXEC",
        .summary = "Executes all commands in a transaction.",
        .since = "1.2.0",
        .group = "transactions",
        .complexity = "Depends on commands in the transaction",
        .flags =
            kNoScript | kLoading | kStale | kSkipSlowlog | kControlsTransaction | kEndsTransaction | kRunsTransaction,
        .categories = kAclTransaction,
        .handler = Exec,
    },
    {
        .name = "MULTI",
        .summary = "Starts a transaction.",
        .since = "1.2.0",
        .group = "transactions",
        .complexity = "O(1)",
        .flags = kFlags | kControlsTransaction,
        .categories = kAclTransaction,
        .handler = Multi,
    },
    {
        .name = "UNWATCH",
        .summary = "Forgets about watched keys of a transaction.",
        .since = "2.2.0",
        .group = "transactions",
        .complexity = "O(1)",
        .flags = kFlags,
        .categories = kAclTransaction,
        .handler = Unwatch,
    },
    {
        .name = "WATCH",
        .syntax = "key [key ...]",
        .summary = "Monitors changes to keys to determine the execution of a transaction.",
        .since = "2.2.0",
        .group = "transactions",
        .complexity = "O(1) for every key.",
        .flags = kFlags | kControlsTransaction,
        .categories = kAclTransaction,
        .keys = {KeyRange(1, -1, 1, kKeyReadOnly)},
        .handler = Watch,
    },
};

}  // namespace

std::span<const CommandSpec> TransactionCommands() { return kCommands; }

}  // namespace kvick
