// Streams: removing entries by their ids and from the front.
#include <algorithm>
#include <vector>

#include "commands/families.h"
#include "commands/stream_access.h"
#include "commands/stream_ids_block.h"
#include "commands/stream_trim_arguments.h"

namespace kvick {
namespace {

Status XTrim(CommandContext& context) {
  StreamTrimOptions options;
  for (size_t i = 2; i < context.argument_count(); ++i) {
    KVICK_ASSIGN_OR_RETURN(const bool is_option, ParseTrimOption(context, &i, &options));
    if (!is_option) return errors::Syntax();
  }
  if (!options.trims() && options.limit.value_or(0) == 0) {
    return errors::Generic("syntax error, XTRIM must be called with a trimming strategy");
  }
  KVICK_RETURN_IF_ERROR(FinishTrimOptions(context, &options));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  size_t removed_count = 0;
  if (stream != nullptr) {
    const size_t count_before = stream->count();
    const StreamTrimmed trimmed = TrimStream(context, *stream, options);
    removed_count = trimmed.removed_count;
    if (removed_count > 0) {
      context.Modified(0);
      context.Changed(removed_count);
      const TrimWords words = ExactTrim(options, trimmed, count_before);
      if (options.policy) {
        context.Effect(
            {"XTRIM", context.KeyName(0), words.strategy, "=", words.threshold, RefPolicyName(*options.policy)});
      } else {
        context.Effect({"XTRIM", context.KeyName(0), words.strategy, "=", words.threshold});
      }
    }
  }
  context.Reply().Integer(static_cast<int64_t>(removed_count));
  return Status::Ok();
}

Status XDel(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  std::vector<StreamId> ids;
  for (size_t i = 2; i < context.argument_count(); ++i) {
    KVICK_ASSIGN_OR_RETURN(const StreamId id, ParseExactStreamId(context.Arg(i)));
    ids.push_back(id);
  }
  int64_t removed_count = 0;
  for (const StreamId& id : ids) {
    if (stream->Remove(id, StreamRefPolicy::kKeep) == StreamValue::Removal::kRemoved) ++removed_count;
  }
  if (removed_count > 0) {
    context.Modified(0);
    context.Changed(static_cast<uint64_t>(removed_count));
    context.Notify(KeyEventClass::kStream, "xdel", 0);
  }
  context.Reply().Integer(removed_count);
  return Status::Ok();
}

// What clients are told of each id.
constexpr int64_t kNoSuchEntry = -1;
constexpr int64_t kEntryRemoved = 1;
constexpr int64_t kEntryKept = 2;

Status XDelEx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const PolicyAndIds request, ParsePolicyAndIds(context, 2));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  uint64_t removed_count = 0;
  bool has_changed = false;
  context.Reply().Array(request.ids.size());
  for (const StreamId& id : request.ids) {
    int64_t answer = kNoSuchEntry;
    if (stream != nullptr) {
      const bool drops_references = request.policy == StreamRefPolicy::kDelete && stream->IsPending(id);
      switch (stream->Remove(id, request.policy)) {
        case StreamValue::Removal::kMissing: has_changed |= drops_references; break;
        case StreamValue::Removal::kRemoved:
          ++removed_count;
          answer = kEntryRemoved;
          break;
        case StreamValue::Removal::kReferenced: answer = kEntryKept; break;
      }
    }
    context.Reply().Integer(answer);
  }
  if (removed_count > 0 || has_changed) {
    context.Modified(0);
    context.Changed(std::max<uint64_t>(removed_count, 1));
  }
  if (removed_count > 0) context.Notify(KeyEventClass::kStream, "xdel", 0);
  return Status::Ok();
}

Status XAckDel(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const PolicyAndIds request, ParsePolicyAndIds(context, 3));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  StreamGroup* group = stream == nullptr ? nullptr : stream->FindGroup(context.Arg(2));
  uint64_t acknowledged_count = 0;
  uint64_t removed_count = 0;
  context.Reply().Array(request.ids.size());
  for (const StreamId& id : request.ids) {
    int64_t answer = kNoSuchEntry;
    if (group != nullptr && group->Acknowledge(id)) {
      ++acknowledged_count;
      const StreamValue::Removal removal = stream->Remove(id, request.policy);
      if (removal == StreamValue::Removal::kRemoved) ++removed_count;
      answer = removal == StreamValue::Removal::kReferenced ? kEntryKept : kEntryRemoved;
    }
    context.Reply().Integer(answer);
  }
  if (acknowledged_count > 0) {
    context.Modified(0);
    context.Changed(acknowledged_count);
  }
  if (removed_count > 0) context.Notify(KeyEventClass::kStream, "xdel", 0);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XACKDEL",
        .syntax = "key group [KEEPREF | DELREF | ACKED] <IDS numids id [id ...]>",
        .argument_notes = "keepref=condition ids.numids(integer)",
        .summary = "Acknowledges pending entries of a consumer group and removes them from the stream.",
        .since = "8.2.0",
        .group = "stream",
        .complexity = "O(1) for each entry ID processed.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete | kKeyUpdate)},
        .handler = XAckDel,
    },
    {
        .name = "XDEL",
        .syntax = "key id [id ...]",
        .summary = "Removes entries from a stream and returns how many there were.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1) for each single item to delete in the stream, regardless of the stream size.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = XDel,
    },
    {
        .name = "XDELEX",
        .syntax = "key [KEEPREF | DELREF | ACKED] <IDS numids id [id ...]>",
        .argument_notes = "keepref=condition ids.numids(integer)",
        .summary = "Removes entries from a stream, with a rule for those that consumer groups still need.",
        .since = "8.2.0",
        .group = "stream",
        .complexity = "O(1) for each single item to delete in the stream, regardless of the stream size.",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = XDelEx,
    },
    {
        .name = "XTRIM",
        .syntax = "key <<MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]>",
        .argument_notes = "maxlen=trim trim.maxlen=strategy trim.strategy.minid@6.2.0 trim.==operator "
                          "trim.operator.==equal trim.operator.~=approximately trim.count@6.2.0 trim.keepref=condition",
        .summary = "Removes the oldest entries of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N), with N being the number of evicted entries. Constant times are very small however, since "
                      "entries are organized in macro nodes containing multiple entries that can be released with a "
                      "single deallocation.",
        .flags = kWrite,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .tips = {"nondeterministic_output"},
        .handler = XTrim,
    },
};

}  // namespace

std::span<const CommandSpec> StreamRemoveCommands() { return kCommands; }

}  // namespace kvick
