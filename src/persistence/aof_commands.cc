// BGREWRITEAOF and WAITAOF.
#include <string>

#include "engine/command_context.h"
#include "engine/errors.h"
#include "persistence/append_only_file.h"
#include "persistence/features.h"

namespace kvick {
namespace {

AppendOnlyFile& FileOf(CommandContext& context) { return *context.engine().hooks.append_only_file; }

Status BgRewriteAof(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::string_view text,
                         FileOf(context).RequestRewrite(context.executor().is_in_transaction()));
  context.Reply().Simple(text);
  return Status::Ok();
}

// Milliseconds.
Result<int64_t> ParseTimeout(const CommandContext& context, size_t index) {
  const Result<int64_t> timeout_ms = context.IntegerArg(index);
  if (!timeout_ms.ok()) return errors::Generic("timeout is not an integer or out of range");
  if (*timeout_ms < 0) return errors::Generic("timeout is negative");
  return *timeout_ms;
}

std::string Acknowledgement(bool is_local) { return std::string("*2\r\n:") + (is_local ? "1" : "0") + "\r\n:0\r\n"; }

// There are no replicas: who waits for some waits until its time is up.
Status WaitAof(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t local_count, context.IntegerArg(1));
  if (local_count < 0 || local_count > 1) return errors::NotWithin(0, 1);
  KVICK_ASSIGN_OR_RETURN(const int64_t replica_count, context.IntegerArg(2));
  if (replica_count < 0) return errors::NotPositive("value");
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeout(context, 3));
  AppendOnlyFile& file = FileOf(context);
  if (local_count == 1 && !file.is_on()) return Status::Error(std::string(AppendOnlyFile::kWaitsInVain));

  const uint64_t position = context.session().write_position;
  const auto is_durable = [&file, position] { return file.is_on() && file.IsDurable(position); };
  const bool is_local = is_durable();
  if (context.executor().is_in_transaction() || (replica_count == 0 && (is_local || local_count == 0))) {
    context.Reply().Array(2);
    context.Reply().Integer(is_local ? 1 : 0);
    context.Reply().Integer(0);
    return Status::Ok();
  }
  BlockRequest request;
  request.timeout_ms = timeout_ms;
  request.waited_count = 0;
  request.timeout_text = [is_durable] { return Acknowledgement(is_durable()); };
  if (replica_count == 0) {
    request.on_waiting = [&file, position](const std::shared_ptr<BlockedCall>& call) {
      file.AnswerWhenDurable(position, call, Acknowledgement(true));
    };
  }
  return context.Block(request);
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BGREWRITEAOF",
        .summary = "Rewrites the append-only file in the background.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript | kNoAsyncLoading,
        .categories = kAclDangerous,
        .handler = BgRewriteAof,
    },
    {
        .name = "WAITAOF",
        .syntax = "numlocal numreplicas timeout",
        .argument_notes = "numlocal(integer) numreplicas(integer) timeout(integer)",
        .summary = "Waits until the client's writes are on disk, here and on replicas.",
        .since = "7.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kBlocking,
        .categories = kAclConnection,
        .tips = {"request_policy:all_shards", "response_policy:agg_min"},
        .handler = WaitAof,
    },
};

}  // namespace

std::span<const CommandSpec> AppendOnlyCommands() { return kCommands; }

}  // namespace kvick
