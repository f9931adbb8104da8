// BACKUP.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/sync.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "persistence/backup.h"
#include "persistence/features.h"
#include "persistence/persistence.h"

namespace kvick {
namespace {

Backup& BackupOf(CommandContext& context) { return Persistence::Of(context).backup(); }

Status BackupStart(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(BackupOf(context).Start());
  context.Reply().Ok();
  return Status::Ok();
}

// Within a transaction nobody can be answered later: the thread waits for the disk, which needs nothing of it.
Status SealNow(Backup& backup) {
  struct Outcome {
    Mutex mutex;
    ConditionVariable changed;
    std::optional<Status> status KVICK_GUARDED_BY(mutex);
  };
  const auto outcome = std::make_shared<Outcome>();
  backup.Seal([outcome](const Status& status) {
    MutexLock lock(outcome->mutex);
    outcome->status = status;
    outcome->changed.NotifyAll();
  });
  MutexLock lock(outcome->mutex);
  while (!outcome->status) outcome->changed.Wait(outcome->mutex);
  return *outcome->status;
}

void Answer(BlockedCall& call, const Status& status) {
  if (!call.Claim()) return;
  call.transport()->DeliverUnblocked(call.session_id(),
                                     status.ok() ? "+OK\r\n" : "-" + std::string(status.text()) + "\r\n");
}

Status BackupSeal(CommandContext& context) {
  Backup& backup = BackupOf(context);
  KVICK_RETURN_IF_ERROR(backup.CheckSealable());
  if (context.executor().is_in_transaction()) {
    KVICK_RETURN_IF_ERROR(SealNow(backup));
    context.Reply().Ok();
    return Status::Ok();
  }
  BlockRequest request;
  request.waited_count = 0;
  request.on_waiting = [&backup](const std::shared_ptr<BlockedCall>& call) {
    backup.Seal([call](const Status& status) { Answer(*call, status); });
  };
  return context.Block(request);
}

Status BackupAbort(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(BackupOf(context).Abort());
  context.Reply().Ok();
  return Status::Ok();
}

Status BackupCleanup(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(BackupOf(context).Cleanup());
  context.Reply().Ok();
  return Status::Ok();
}

Status BackupList(CommandContext& context) {
  const std::vector<std::string> paths = BackupOf(context).Files();
  context.Reply().Array(paths.size());
  for (const std::string& path : paths) context.Reply().Bulk(path);
  return Status::Ok();
}

Status BackupStatus(CommandContext& context) {
  const Backup::Report report = BackupOf(context).report();
  ReplyWriter& reply = context.Reply();
  reply.Map(4);
  reply.Bulk("state");
  reply.Bulk(Backup::StateName(report.state));
  reply.Bulk("error");
  reply.Bulk(report.error);
  reply.Bulk("start_time");
  reply.Bulk(std::to_string(report.started_s));
  reply.Bulk("end_time");
  reply.Bulk(std::to_string(report.ended_s));
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BACKUP",
        .summary = "A container for commands of online backups.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = 2,
    },
    {
        .name = "BACKUP ABORT",
        .summary = "Gives up the backup that is in progress.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript,
        .categories = kAclDangerous,
        .handler = BackupAbort,
    },
    {
        .name = "BACKUP CLEANUP",
        .summary = "Removes the files of a sealed or failed backup.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript,
        .categories = kAclDangerous,
        .handler = BackupCleanup,
    },
    {
        .name = "BACKUP HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "BACKUP LIST",
        .summary = "Returns the paths of the files of the backup.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kStale,
        .categories = kAclDangerous,
        .handler = BackupList,
    },
    {
        .name = "BACKUP SEAL",
        .summary = "Completes the backup: it holds the data of this moment.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript,
        .categories = kAclDangerous,
        .handler = BackupSeal,
    },
    {
        .name = "BACKUP START",
        .summary = "Begins a backup in the background.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript | kExclusive,
        .categories = kAclDangerous,
        .handler = BackupStart,
    },
    {
        .name = "BACKUP STATUS",
        .summary = "Returns how far the backup has come.",
        .since = "8.10.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kStale,
        .categories = kAclDangerous,
        .handler = BackupStatus,
    },
};

}  // namespace

std::span<const CommandSpec> BackupCommands() { return kCommands; }

}  // namespace kvick
