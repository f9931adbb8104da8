// Streams: reading what is newer than an id, and waiting for it.
#include <string>
#include <utility>
#include <vector>

#include "commands/families.h"
#include "commands/stream_access.h"
#include "commands/stream_read_request.h"

namespace kvick {
namespace {

// Which entries of a stream are wanted.
struct Wanted {
  const StreamValue* stream = nullptr;
  bool only_last = false;  // "+"
  StreamId after;          // otherwise: those behind this one
};

Result<Wanted> ResolveWanted(CommandContext& context, const StreamReadRequest& request, size_t ordinal) {
  Wanted wanted;
  KVICK_ASSIGN_OR_RETURN(wanted.stream, context.FindValue<StreamValue>(ordinal));
  const std::string_view text = context.Arg(request.IdIndex(ordinal));
  const StreamId last = wanted.stream == nullptr ? StreamId::Min() : wanted.stream->last_id();
  if (text == "$") {
    wanted.after = last;
  } else if (text == "+") {
    wanted.only_last = true;
    wanted.after = last;
  } else if (text == ">") {
    return errors::Generic(
        "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
  } else {
    KVICK_ASSIGN_OR_RETURN(wanted.after, ParseExactStreamId(text));
  }
  return wanted;
}

// The first entry that is wanted.
StreamCursor FirstWanted(const Wanted& wanted) {
  if (wanted.stream == nullptr || wanted.stream->count() == 0) return {};
  if (wanted.only_last) return wanted.stream->entries().SeekBackwards(StreamId::Max());
  if (wanted.after >= wanted.stream->last_id()) return {};
  return wanted.stream->entries().Seek(*wanted.after.Next());
}

Status XRead(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamReadRequest request, ParseStreamRead(context, StreamReader::kAlone));
  const CommandContext::KeyRange keys = context.ServableKeys(0, request.stream_count);
  std::vector<Wanted> wanted;
  wanted.reserve(keys.last - keys.first);
  for (size_t i = keys.first; i < keys.last; ++i) {
    KVICK_ASSIGN_OR_RETURN(const Wanted one, ResolveWanted(context, request, i));
    wanted.push_back(one);
  }

  StreamReadBudget budget(request);
  StreamReadReply reply(context.Reply(), request.stream_count);
  for (size_t i = keys.first; i < keys.last; ++i) {
    const Wanted& one = wanted[i - keys.first];
    StreamCursor at = FirstWanted(one);
    if (!at.is_valid() || !budget.Take(at)) continue;
    reply.BeginStream(context.KeyName(i));
    const size_t count_max = one.only_last ? 1 : request.count_max;
    size_t count = 0;
    do {
      ReplyStreamEntry(context.Reply(), at);
      reply.CountEntry();
      at.Next();
    } while (++count < count_max && at.is_valid() && budget.Take(at));
    reply.EndStream();
  }
  if (!reply.empty()) {
    reply.End();
    return Status::Ok();
  }
  if (!request.block_ms) {
    context.Reply().NullArray();
    return Status::Ok();
  }

  BlockRequest block{
      .awaited = ValueType::kStream, .timeout_ms = *request.block_ms, .waited_count = request.stream_count};
  for (size_t i = keys.first; i < keys.last; ++i) {
    const size_t index = request.IdIndex(i);
    if (context.Arg(index) != "$" && context.Arg(index) != "+") continue;
    block.resolved_arguments.emplace_back(index, wanted[i - keys.first].after.ToString());
  }
  return context.Block(block);
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XREAD",
        .syntax = "[COUNT count] [MAXCOUNT maxcount] [MAXSIZE maxsize] [BLOCK milliseconds] "
                  "<STREAMS key [key ...] id [id ...]>",
        .argument_notes = "maxcount(integer)@8.10.0 maxsize(integer)@8.10.0",
        .summary = "Returns the entries of streams that are newer than the ids given. Blocks until there are some "
                   "otherwise.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant "
                      "(for example, always asking for the first 10 elements with COUNT), you can consider it O(1). "
                      "On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N "
                      "clients blocked on the stream getting new data.",
        .flags = kReadonly | kBlocking | kMovableKeys,
        .categories = kAclStream,
        .keys = {KeysBehind("STREAMS", 1, 2, kKeyReadOnly | kKeyAccess)},
        .handler = XRead,
    },
};

}  // namespace

std::span<const CommandSpec> StreamReadCommands() { return kCommands; }

}  // namespace kvick
