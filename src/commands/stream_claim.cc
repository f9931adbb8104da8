// Streams: taking over what is pending for other consumers of a group.
#include <algorithm>
#include <limits>
#include <vector>

#include "commands/families.h"
#include "commands/stream_access.h"

namespace kvick {
namespace {

struct ClaimRequest {
  int64_t idle_ms_min = 0;
  std::optional<int64_t> delivered_ms;    // nothing: now
  std::optional<int64_t> delivery_count;  // nothing: one more, unless only ids are wanted
  bool makes_pending = false;
  bool only_ids = false;
  StreamId last_id;
};

// Takes entries over, one after the other, into a reply.
class Claimer {
 public:
  Claimer(CommandContext& context, const StreamValue& stream, StreamGroup& group, const ClaimRequest& request,
          std::string_view group_name, std::string_view consumer_name)
      : context_(context),
        stream_(stream),
        group_(group),
        request_(request),
        group_name_(group_name),
        consumer_(GetConsumer(context, 0, group, group_name, consumer_name)) {
    consumer_.seen_ms = context.wall_ms();
  }
  ~Claimer() { consumer_.NoteTimes(); }
  Claimer(const Claimer&) = delete;
  Claimer& operator=(const Claimer&) = delete;

  // Whether the entry, which is there and pending, was idle long enough and is the consumer's now.
  bool Claim(const StreamCursor& entry, const PendingEntry& pending) {
    if (request_.idle_ms_min > 0 && pending.IdleMs(context_.wall_ms()) < request_.idle_ms_min) return false;
    StreamDelivery delivery;
    delivery.delivered_ms = request_.delivered_ms.value_or(context_.wall_ms());
    delivery.delivery_count = pending.delivery_count;
    if (request_.delivery_count) {
      delivery.delivery_count = *request_.delivery_count;
    } else if (!request_.only_ids && delivery.delivery_count != std::numeric_limits<int64_t>::max()) {
      ++delivery.delivery_count;
    }
    group_.Assign(entry.id(), consumer_, delivery);
    consumer_.active_ms = context_.wall_ms();
    context_.Changed();
    LogPending(context_, 0, group_name_, group_, consumer_, entry.id(), delivery);
    if (request_.only_ids) {
      ReplyStreamId(context_.Reply(), entry.id());
    } else {
      ReplyStreamEntry(context_.Reply(), entry);
    }
    return true;
  }

  // A pending entry that is no longer in the stream.
  void Drop(const StreamId& id) {
    group_.Acknowledge(id);
    context_.Changed();
    context_.Effect({"XACK", context_.KeyName(0), group_name_, StreamIdText(id)});
  }

  StreamCursor Find(const StreamId& id) const {
    const StreamCursor at = stream_.entries().Seek(id);
    return at.is_valid() && at.id() == id ? at : StreamCursor();
  }

 private:
  CommandContext& context_;
  const StreamValue& stream_;
  StreamGroup& group_;
  const ClaimRequest& request_;
  const std::string_view group_name_;
  StreamConsumer& consumer_;
};

Result<int64_t> ParseMinIdle(CommandContext& context, std::string_view command_name) {
  const Result<int64_t> idle_ms = context.IntegerArg(4);
  if (!idle_ms.ok()) return errors::Generic("Invalid min-idle-time argument for " + std::string(command_name));
  return std::max<int64_t>(*idle_ms, 0);
}

Result<int64_t> ParseOptionNumber(CommandContext& context, size_t index, std::string_view option) {
  const Result<int64_t> value = context.IntegerArg(index);
  if (!value.ok()) return errors::Generic("Invalid " + std::string(option) + " option argument for XCLAIM");
  return *value;
}

// The options of XCLAIM from argument `index` on.
Status ParseClaimOptions(CommandContext& context, size_t index, ClaimRequest* request) {
  const int64_t now_ms = context.wall_ms();
  for (size_t i = index; i < context.argument_count(); ++i) {
    const bool has_value = i + 1 < context.argument_count();
    if (context.ArgIs(i, "FORCE")) {
      request->makes_pending = true;
    } else if (context.ArgIs(i, "JUSTID")) {
      request->only_ids = true;
    } else if (has_value && context.ArgIs(i, "IDLE")) {
      KVICK_ASSIGN_OR_RETURN(const int64_t idle_ms, ParseOptionNumber(context, ++i, "IDLE"));
      request->delivered_ms = idle_ms < 0 ? now_ms : now_ms - idle_ms;
    } else if (has_value && context.ArgIs(i, "TIME")) {
      KVICK_ASSIGN_OR_RETURN(request->delivered_ms, ParseOptionNumber(context, ++i, "TIME"));
    } else if (has_value && context.ArgIs(i, "RETRYCOUNT")) {
      KVICK_ASSIGN_OR_RETURN(const int64_t count, ParseOptionNumber(context, ++i, "RETRYCOUNT"));
      request->delivery_count = count < 0 ? std::nullopt : std::optional(count);
    } else if (has_value && context.ArgIs(i, "LASTID")) {
      KVICK_ASSIGN_OR_RETURN(request->last_id, ParseExactStreamId(context.Arg(++i)));
    } else {
      return errors::Generic("Unrecognized XCLAIM option '" + std::string(context.Arg(i)) + "'");
    }
  }
  // A time that cannot be is now.
  if (request->delivered_ms && (*request->delivered_ms < 0 || *request->delivered_ms > now_ms)) {
    request->delivered_ms = now_ms;
  }
  return Status::Ok();
}

Status XClaim(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  KVICK_ASSIGN_OR_RETURN(StreamGroup * group, FindGroupOrError(context, stream, context.Arg(2)));
  ClaimRequest request;
  KVICK_ASSIGN_OR_RETURN(request.idle_ms_min, ParseMinIdle(context, "XCLAIM"));
  std::vector<StreamId> ids;
  size_t index = 5;
  for (; index < context.argument_count(); ++index) {
    const std::optional<StreamId> id = ParseStreamId(context.Arg(index), 0);
    if (!id) break;
    ids.push_back(*id);
  }
  KVICK_RETURN_IF_ERROR(ParseClaimOptions(context, index, &request));

  Claimer claimer(context, *stream, *group, request, context.Arg(2), context.Arg(3));
  if (request.last_id > group->last_id) {
    group->last_id = request.last_id;
    context.Changed();
    LogGroupPosition(context, 0, context.Arg(2), *group);
  }
  const OutputBuffer::Hole hole = context.Reply().Begin();
  size_t count = 0;
  for (const StreamId& id : ids) {
    std::optional<PendingEntry> pending = group->Find(id);
    if (!pending && !request.makes_pending) continue;
    const StreamCursor entry = claimer.Find(id);
    if (!entry.is_valid()) {
      if (pending) claimer.Drop(id);
      continue;
    }
    // What was not pending is nobody's, and counts as delivered once.
    if (claimer.Claim(entry, pending.value_or(PendingEntry{.delivery_count = 1}))) ++count;
  }
  context.Reply().End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

struct AutoClaimRequest {
  ClaimRequest claim;
  StreamId start;
  size_t count_max = 100;
};

// So many entries are looked at for each that is wanted.
constexpr size_t kLooksPerEntry = 10;

Result<AutoClaimRequest> ParseAutoClaim(CommandContext& context) {
  AutoClaimRequest request;
  KVICK_ASSIGN_OR_RETURN(request.claim.idle_ms_min, ParseMinIdle(context, "XAUTOCLAIM"));
  KVICK_ASSIGN_OR_RETURN(request.start, ParseRangeStart(context.Arg(5)));
  for (size_t i = 6; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "COUNT") && i + 1 < context.argument_count()) {
      constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max() / static_cast<int64_t>(sizeof(StreamId));
      const Result<int64_t> count = context.IntegerArg(++i);
      if (!count.ok() || *count < 1 || *count > kCountMax) return errors::Generic("COUNT must be > 0");
      request.count_max = static_cast<size_t>(*count);
    } else if (context.ArgIs(i, "JUSTID")) {
      request.claim.only_ids = true;
    } else {
      return errors::Syntax();
    }
  }
  return request;
}

Status XAutoClaim(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const AutoClaimRequest request, ParseAutoClaim(context));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  KVICK_ASSIGN_OR_RETURN(StreamGroup * group, FindGroupOrError(context, stream, context.Arg(2)));
  Claimer claimer(context, *stream, *group, request.claim, context.Arg(2), context.Arg(3));

  ReplyWriter& reply = context.Reply();
  reply.Array(3);
  const OutputBuffer::Hole next_hole = reply.out().MakeHole();
  const OutputBuffer::Hole entries_hole = reply.Begin();
  size_t claimed_count = 0;
  std::vector<StreamId> deleted;
  // The walk is by ids, because the tree changes under it.
  std::optional<StreamId> next = request.start;
  for (size_t looks = request.count_max * kLooksPerEntry;
       looks > 0 && claimed_count + deleted.size() < request.count_max && next; --looks) {
    const auto at = group->Seek(*next);
    if (!at.is_valid()) {
      next = std::nullopt;
      break;
    }
    const StreamId id = at.id();
    const PendingEntry pending = group->Read(at);
    next = id.Next();
    const StreamCursor entry = claimer.Find(id);
    if (!entry.is_valid()) {
      claimer.Drop(id);
      deleted.push_back(id);
    } else if (claimer.Claim(entry, pending)) {
      ++claimed_count;
    }
  }
  if (next) {
    const auto at = group->Seek(*next);
    next = at.is_valid() ? std::optional(at.id()) : std::nullopt;
  }
  const std::string next_text = next.value_or(StreamId::Min()).ToString();
  reply.out().FillHole(next_hole, "$" + std::to_string(next_text.size()) + "\r\n" + next_text + "\r\n");
  reply.End(entries_hole, ReplyWriter::Aggregate::kArray, claimed_count);
  reply.Array(deleted.size());
  for (const StreamId& id : deleted) ReplyStreamId(reply, id);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XAUTOCLAIM",
        .syntax = "key group consumer min-idle-time start [COUNT count] [JUSTID]",
        .argument_notes = "start(string)",
        .summary = "Takes over pending entries of a consumer group that are idle, walking them by their ids.",
        .since = "6.2.0",
        .group = "stream",
        .complexity = "O(1) if COUNT is small.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .tips = {"nondeterministic_output"},
        .handler = XAutoClaim,
    },
    {
        .name = "XCLAIM",
        .syntax = "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] "
                  "[RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
        .argument_notes = "ms(integer)",
        .summary = "Takes over pending entries of a consumer group, as if they had been delivered to the consumer.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(log N) with N being the number of messages in the PEL of the consumer group.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .tips = {"nondeterministic_output"},
        .handler = XClaim,
    },
};

}  // namespace

std::span<const CommandSpec> StreamClaimCommands() { return kCommands; }

}  // namespace kvick
