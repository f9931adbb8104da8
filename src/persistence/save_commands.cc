// SAVE, BGSAVE and LASTSAVE.
#include <string_view>

#include "engine/command_context.h"
#include "engine/errors.h"
#include "persistence/features.h"
#include "persistence/persistence.h"

namespace kvick {
namespace {

Status LastSave(CommandContext& context) {
  context.Reply().Integer(Persistence::Of(context).rdb().last_save_s());
  return Status::Ok();
}

Status Save(CommandContext& context) {
  RdbSaver& saver = Persistence::Of(context).rdb();
  if (saver.is_saving()) return errors::Generic("Background save already in progress");
  if (!saver.SaveNow().ok()) return Status::Error("ERR");
  context.Reply().Ok();
  return Status::Ok();
}

Status BgSave(CommandContext& context) {
  bool may_schedule = false;
  if (context.argument_count() > 1) {
    if (context.argument_count() != 2 || !context.ArgIs(1, "SCHEDULE")) return errors::Syntax();
    may_schedule = true;
  }
  KVICK_ASSIGN_OR_RETURN(const std::string_view reply, Persistence::Of(context).rdb().RequestSave(
                                                           may_schedule, context.executor().is_in_transaction()));
  context.Reply().Simple(reply);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BGSAVE",
        .syntax = "[SCHEDULE]",
        .argument_notes = "schedule@3.2.2",
        .summary = "Asynchronously saves the database(s) to disk.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript | kNoAsyncLoading | kExclusive,
        .categories = kAclAdmin | kAclDangerous,
        .handler = BgSave,
    },
    {
        .name = "LASTSAVE",
        .summary = "Returns the Unix timestamp of the last successful save to disk.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale | kFast,
        .categories = kAclAdmin | kAclDangerous,
        .tips = {"nondeterministic_output"},
        .handler = LastSave,
    },
    {
        .name = "SAVE",
        .summary = "Synchronously saves the database(s) to disk.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) where N is the total number of keys in all databases",
        .flags = kAdmin | kNoScript | kNoAsyncLoading | kNoMulti | kExclusive,
        .categories = kAclAdmin | kAclDangerous,
        .handler = Save,
    },
};

}  // namespace

std::span<const CommandSpec> SaveCommands() { return kCommands; }

}  // namespace kvick
