// Streams: reading by ids.
#include <algorithm>

#include "commands/families.h"
#include "commands/stream_access.h"

namespace kvick {
namespace {

Status XLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const auto* stream, context.FindValue<StreamValue>(0));
  context.Reply().Integer(stream == nullptr ? 0 : static_cast<int64_t>(stream->count()));
  return Status::Ok();
}

enum class Direction { kForwards, kBackwards };

Status ReplyRange(CommandContext& context, Direction direction) {
  const bool forwards = direction == Direction::kForwards;
  KVICK_ASSIGN_OR_RETURN(const StreamId start, ParseRangeStart(context.Arg(forwards ? 2 : 3)));
  KVICK_ASSIGN_OR_RETURN(const StreamId end, ParseRangeEnd(context.Arg(forwards ? 3 : 2)));
  std::optional<size_t> count_max;
  for (size_t i = 4; i < context.argument_count(); i += 2) {
    if (!context.ArgIs(i, "COUNT") || i + 1 == context.argument_count()) return errors::Syntax();
    KVICK_ASSIGN_OR_RETURN(const int64_t count, context.IntegerArg(i + 1));
    count_max = static_cast<size_t>(std::max<int64_t>(count, 0));
  }
  KVICK_ASSIGN_OR_RETURN(const auto* stream, context.FindValue<StreamValue>(0));
  ReplyWriter& reply = context.Reply();
  if (stream == nullptr) {
    reply.Array(0);
    return Status::Ok();
  }
  if (count_max == 0) {
    reply.NullArray();
    return Status::Ok();
  }
  const OutputBuffer::Hole hole = reply.Begin();
  size_t count = 0;
  StreamCursor at = forwards ? stream->entries().Seek(start) : stream->entries().SeekBackwards(end);
  while (at.is_valid() && (forwards ? at.id() <= end : at.id() >= start)) {
    ReplyStreamEntry(reply, at);
    if (++count == count_max) break;
    forwards ? at.Next() : at.Previous();
  }
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

Status XRange(CommandContext& context) { return ReplyRange(context, Direction::kForwards); }
Status XRevRange(CommandContext& context) { return ReplyRange(context, Direction::kBackwards); }

constexpr CommandSpec kCommands[] = {
    {
        .name = "XLEN",
        .syntax = "key",
        .summary = "Returns the number of entries in a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = XLen,
    },
    {
        .name = "XRANGE",
        .syntax = "key start end [COUNT count]",
        .argument_notes = "start(string) end(string)",
        .summary = "Returns the entries of a stream whose ids lie within a range.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking "
                      "for the first 10 elements with COUNT), you can consider it O(1).",
        .flags = kReadonly,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = XRange,
    },
    {
        .name = "XREVRANGE",
        .syntax = "key end start [COUNT count]",
        .argument_notes = "end(string) start(string)",
        .summary = "Returns the entries of a stream whose ids lie within a range, the newest first.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) with N being the number of elements returned. If N is constant (e.g. always asking for "
                      "the first 10 elements with COUNT), you can consider it O(1).",
        .flags = kReadonly,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = XRevRange,
    },
};

}  // namespace

std::span<const CommandSpec> StreamRangeCommands() { return kCommands; }

}  // namespace kvick
