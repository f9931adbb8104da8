// Streams: what is pending in a consumer group: acknowledging it, asking for it, giving it back.
#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "commands/families.h"
#include "commands/stream_access.h"
#include "commands/stream_ids_block.h"

namespace kvick {
namespace {

Status XAck(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  StreamGroup* group = stream == nullptr ? nullptr : stream->FindGroup(context.Arg(2));
  if (group == nullptr) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  const size_t id_count = context.argument_count() - 3;
  StreamId one_id;  // most commands bring one
  std::vector<StreamId> several_ids(id_count > 1 ? id_count : 0);
  const std::span<StreamId> ids = id_count > 1 ? std::span<StreamId>(several_ids) : std::span<StreamId>(&one_id, 1);
  for (size_t i = 0; i < id_count; ++i) {
    KVICK_ASSIGN_OR_RETURN(ids[i], ParseExactStreamId(context.Arg(i + 3)));
  }
  int64_t count = 0;
  for (const StreamId& id : ids) count += group->Acknowledge(id) ? 1 : 0;
  if (count > 0) context.Changed(static_cast<uint64_t>(count));
  context.Reply().Integer(count);
  return Status::Ok();
}

void ReplyPendingSummary(ReplyWriter& reply, const StreamGroup& group) {
  reply.Array(4);
  reply.Integer(static_cast<int64_t>(group.pending_count()));
  if (group.pending_count() == 0) {
    reply.Null();
    reply.Null();
    reply.NullArray();
    return;
  }
  ReplyStreamId(reply, group.Seek(StreamId::Min()).id());
  ReplyStreamId(reply, group.Last().id());
  const OutputBuffer::Hole hole = reply.Begin();
  size_t count = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    if (consumer->pending.empty()) continue;
    ++count;
    reply.Array(2);
    reply.Bulk(name);
    reply.BulkInteger(static_cast<int64_t>(consumer->pending.count()));
  }
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
}

struct PendingRequest {
  StreamId start;
  StreamId end;
  size_t count_max = 0;
  int64_t idle_ms = 0;
  std::optional<std::string_view> consumer;
};

Result<PendingRequest> ParsePending(CommandContext& context) {
  PendingRequest request;
  size_t first = 3;
  if (context.argument_count() < 6 || context.argument_count() > 9) return errors::Syntax();
  if (context.ArgIs(3, "IDLE")) {
    KVICK_ASSIGN_OR_RETURN(request.idle_ms, context.IntegerArg(4));
    if (context.argument_count() < 8) return errors::Syntax();
    first = 5;
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t count, context.IntegerArg(first + 2));
  request.count_max = static_cast<size_t>(std::max<int64_t>(count, 0));
  KVICK_ASSIGN_OR_RETURN(request.start, ParseRangeStart(context.Arg(first)));
  KVICK_ASSIGN_OR_RETURN(request.end, ParseRangeEnd(context.Arg(first + 1)));
  if (first + 3 < context.argument_count()) request.consumer = context.Arg(first + 3);
  return request;
}

void ReplyPending(ReplyWriter& reply, const StreamId& id, const PendingEntry& entry, int64_t now_ms) {
  reply.Array(4);
  ReplyStreamId(reply, id);
  reply.Bulk(entry.consumer == nullptr ? std::string_view() : std::string_view(entry.consumer->name));
  reply.Integer(entry.consumer == nullptr ? -1 : std::max<int64_t>(now_ms - entry.delivered_ms, 0));
  reply.Integer(entry.delivery_count);
}

// Calls `visit(id, entry)` for what was asked for, in the order of ids.
template <typename Visit>
void ForEachPending(const StreamGroup& group, const PendingRequest& request, int64_t now_ms, Visit&& visit) {
  size_t count = 0;
  const int64_t delivered_max =
      request.idle_ms <= 0 ? std::numeric_limits<int64_t>::max() - 1 : now_ms - request.idle_ms;
  if (request.consumer) {
    const StreamConsumer* consumer = group.FindConsumer(*request.consumer);
    if (consumer == nullptr) return;
    for (auto at = consumer->pending.LowerBound(request.start);
         count < request.count_max && at.is_valid() && at.id() <= request.end; at.Next()) {
      const PendingEntry entry = *group.Find(at.id());
      if (entry.delivered_ms > delivered_max) continue;
      visit(at.id(), entry);
      ++count;
    }
    return;
  }
  auto at = group.SeekIdle(request.start, delivered_max);
  while (count < request.count_max && at.is_valid() && at.id() <= request.end) {
    const StreamId id = at.id();
    visit(id, group.Read(at));
    ++count;
    const std::optional<StreamId> next = id.Next();
    if (!next) return;
    at = group.SeekIdle(*next, delivered_max);
  }
}

Status XPending(CommandContext& context) {
  std::optional<PendingRequest> request;
  if (context.argument_count() > 3) {
    KVICK_ASSIGN_OR_RETURN(request, ParsePending(context));
  }
  KVICK_ASSIGN_OR_RETURN(const auto* stream, context.FindValue<StreamValue>(0));
  KVICK_ASSIGN_OR_RETURN(const StreamGroup* group, FindGroupOrError(context, stream, context.Arg(2)));
  ReplyWriter& reply = context.Reply();
  if (!request) {
    ReplyPendingSummary(reply, *group);
    return Status::Ok();
  }
  const OutputBuffer::Hole hole = reply.Begin();
  size_t count = 0;
  ForEachPending(*group, *request, context.now_ms(), [&](const StreamId& id, const PendingEntry& entry) {
    ReplyPending(reply, id, entry, context.now_ms());
    ++count;
  });
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

struct ReturnRequest {
  enum class Mode { kSilent, kFail, kFatal };
  Mode mode = Mode::kFail;
  std::vector<StreamId> ids;
  std::optional<int64_t> delivery_count;
  bool makes_pending = false;

  // The count of an entry that was delivered so often.
  int64_t CountAfter(int64_t count) const {
    if (delivery_count) return *delivery_count;
    switch (mode) {
      case Mode::kSilent: return std::max<int64_t>(count - 1, 0);
      case Mode::kFail: return count;
      case Mode::kFatal: break;
    }
    return std::numeric_limits<int64_t>::max();
  }
};

Result<ReturnRequest> ParseReturn(CommandContext& context) {
  using Mode = ReturnRequest::Mode;
  ReturnRequest request;
  if (context.ArgIs(3, "SILENT")) {
    request.mode = Mode::kSilent;
  } else if (context.ArgIs(3, "FAIL")) {
    request.mode = Mode::kFail;
  } else if (context.ArgIs(3, "FATAL")) {
    request.mode = Mode::kFatal;
  } else {
    return errors::Generic("mode must be SILENT, FAIL, or FATAL");
  }
  for (size_t i = 4; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "IDS") && request.ids.empty()) {
      KVICK_ASSIGN_OR_RETURN(
          request.ids,
          ParseIdsBlock(context, &i, {"numids must be a positive integer", "number of IDs doesn't match numids"}));
    } else if (context.ArgIs(i, "RETRYCOUNT") && i + 1 < context.argument_count()) {
      KVICK_ASSIGN_OR_RETURN(request.delivery_count, context.IntegerArg(++i));
      if (*request.delivery_count < 0) return errors::Generic("Invalid RETRYCOUNT value, must be >= 0");
    } else if (context.ArgIs(i, "FORCE")) {
      request.makes_pending = true;
    } else {
      return errors::Generic("Unrecognized XNACK option '" + std::string(context.Arg(i)) + "'");
    }
  }
  if (request.ids.empty()) return errors::Generic("syntax error, expected IDS keyword");
  return request;
}

Status XNack(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ReturnRequest request, ParseReturn(context));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  KVICK_ASSIGN_OR_RETURN(StreamGroup * group, FindGroupOrError(context, stream, context.Arg(2)));
  int64_t count = 0;
  for (const StreamId& id : request.ids) {
    if (const std::optional<PendingEntry> entry = group->Find(id)) {
      group->Return(id, request.CountAfter(entry->delivery_count));
    } else if (request.makes_pending && stream->entries().Contains(id)) {
      group->Return(id, request.CountAfter(0));
    } else {
      continue;
    }
    ++count;
  }
  if (count > 0) {
    context.Changed(static_cast<uint64_t>(count));
    context.WakeWaiting(0);  // for those who claim
  }
  context.Reply().Integer(count);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XACK",
        .syntax = "key group id [id ...]",
        .summary = "Acknowledges pending entries of a consumer group and returns how many there were.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1) for each message ID processed.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = XAck,
    },
    {
        .name = "XNACK",
        .syntax = "key group <SILENT | FAIL | FATAL> <IDS numids id [id ...]> [RETRYCOUNT count] [FORCE]",
        .argument_notes = "silent=mode ids.numids(integer)",
        .summary = "Gives pending entries back to their consumer group without acknowledging them.",
        .since = "8.8.0",
        .group = "stream",
        .complexity = "O(1) for each message ID processed.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = XNack,
    },
    {
        .name = "XPENDING",
        .syntax = "key group [[IDLE min-idle-time] start end count [consumer]]",
        .argument_notes =
            "min-idle-time=filters filters.min-idle-time(integer)@6.2.0 filters.start(string) filters.end(string)",
        .summary = "Returns what is pending in a consumer group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N being the number of elements returned, so asking for a small fixed number of "
                      "entries per call is O(1). O(M), where M is the total number of entries scanned when used with "
                      "the IDLE filter. When the command returns just the summary and the list of consumers is small, "
                      "it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.",
        .flags = kReadonly,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = XPending,
    },
};

}  // namespace

std::span<const CommandSpec> StreamPendingCommands() { return kCommands; }

}  // namespace kvick
