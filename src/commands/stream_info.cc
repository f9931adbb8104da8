// Streams: what a stream, its groups and their consumers look like inside.
#include <algorithm>
#include <limits>

#include "commands/families.h"
#include "commands/stream_access.h"
#include "engine/help.h"

namespace kvick {
namespace {

constexpr int64_t kFullCountDefault = 10;

int64_t ToInteger(uint64_t value) { return static_cast<int64_t>(value); }

void ReplyNamed(ReplyWriter& reply, std::string_view name, int64_t value) {
  reply.Bulk(name);
  reply.Integer(value);
}

void ReplyNamed(ReplyWriter& reply, std::string_view name, const StreamId& value) {
  reply.Bulk(name);
  ReplyStreamId(reply, value);
}

void ReplyNamed(ReplyWriter& reply, std::string_view name, std::optional<int64_t> value) {
  reply.Bulk(name);
  value ? reply.Integer(*value) : reply.Null();
}

std::optional<int64_t> ReadCount(const StreamGroup& group) {
  return group.read_count == StreamGroup::kReadCountUnknown ? std::nullopt : std::optional(group.read_count);
}

Result<const StreamValue*> FindStream(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const auto* stream, context.FindValue<StreamValue>(0));
  if (stream == nullptr) return errors::NoSuchKey();
  return stream;
}

// The fields that both forms of XINFO STREAM begin with.
constexpr size_t kCommonFieldCount = 7;
constexpr size_t kIdempotenceFieldCount = 6;

void ReplyCommonFields(CommandContext& context, const StreamValue& stream) {
  ReplyWriter& reply = context.Reply();
  ReplyNamed(reply, "length", ToInteger(stream.count()));
  ReplyNamed(reply, "radix-tree-keys", ToInteger(stream.entries().node_count()));
  // There is no such tree; a root and its keys is the shape that the names stand for.
  ReplyNamed(reply, "radix-tree-nodes", ToInteger(stream.entries().node_count() + 1));
  ReplyNamed(reply, "last-generated-id", stream.last_id());
  ReplyNamed(reply, "max-deleted-entry-id", stream.max_deleted_id());
  ReplyNamed(reply, "entries-added", ToInteger(stream.added_count()));
  ReplyNamed(reply, "recorded-first-entry-id", stream.first_id());
  if (StreamIdempotence* known = stream.FindIdempotence()) {
    known->Expire(context.now_ms());
    ReplyNamed(reply, "idmp-duration", known->limits().duration_s);
    ReplyNamed(reply, "idmp-maxsize", known->limits().names_max);
    ReplyNamed(reply, "pids-tracked", ToInteger(known->producer_count()));
    ReplyNamed(reply, "iids-tracked", ToInteger(known->name_count()));
    ReplyNamed(reply, "iids-added", ToInteger(known->added_count()));
    ReplyNamed(reply, "iids-duplicates", ToInteger(known->duplicate_count()));
  }
}

size_t CommonFieldCount(const StreamValue& stream) {
  return kCommonFieldCount + (stream.FindIdempotence() != nullptr ? kIdempotenceFieldCount : 0);
}

void ReplyEdge(ReplyWriter& reply, std::string_view name, const StreamCursor& at) {
  reply.Bulk(name);
  at.is_valid() ? ReplyStreamEntry(reply, at) : reply.Null();
}

void ReplyFullConsumer(ReplyWriter& reply, const StreamGroup& group, const StreamConsumer& consumer, size_t count_max) {
  reply.Map(5);
  reply.Bulk("name");
  reply.Bulk(consumer.name);
  ReplyNamed(reply, "seen-time", consumer.seen_ms);
  ReplyNamed(reply, "active-time", consumer.active_ms);
  ReplyNamed(reply, "pel-count", ToInteger(consumer.pending.count()));
  reply.Bulk("pending");
  reply.Array(std::min(consumer.pending.count(), count_max));
  size_t count = 0;
  for (auto at = consumer.pending.First(); at.is_valid() && count < count_max; at.Next(), ++count) {
    const PendingEntry entry = *group.Find(at.id());
    reply.Array(3);
    ReplyStreamId(reply, at.id());
    reply.Integer(entry.delivered_ms);
    reply.Integer(entry.delivery_count);
  }
}

void ReplyFullGroup(ReplyWriter& reply, const StreamValue& stream, std::string_view name, const StreamGroup& group,
                    size_t count_max) {
  reply.Map(8);
  reply.Bulk("name");
  reply.Bulk(name);
  ReplyNamed(reply, "last-delivered-id", group.last_id);
  ReplyNamed(reply, "entries-read", ReadCount(group));
  ReplyNamed(reply, "lag", stream.LagOf(group));
  ReplyNamed(reply, "pel-count", ToInteger(group.pending_count()));
  reply.Bulk("pending");
  reply.Array(std::min(group.pending_count(), count_max));
  size_t count = 0;
  for (auto at = group.Seek(StreamId::Min()); at.is_valid() && count < count_max; at.Next(), ++count) {
    const PendingEntry entry = group.Read(at);
    reply.Array(4);
    ReplyStreamId(reply, at.id());
    reply.Bulk(entry.consumer == nullptr ? std::string_view() : std::string_view(entry.consumer->name));
    reply.Integer(entry.delivered_ms);
    reply.Integer(entry.delivery_count);
  }
  reply.Bulk("consumers");
  reply.Array(group.consumers().size());
  for (const auto& [consumer_name, consumer] : group.consumers()) {
    ReplyFullConsumer(reply, group, *consumer, count_max);
  }
  ReplyNamed(reply, "nacked-count", ToInteger(group.returned_count()));
}

// `count_max` 0: all.
void ReplyFullStream(CommandContext& context, const StreamValue& stream, size_t count_max) {
  ReplyWriter& reply = context.Reply();
  if (count_max == 0) count_max = std::numeric_limits<size_t>::max();
  reply.Map(CommonFieldCount(stream) + 2);
  ReplyCommonFields(context, stream);
  reply.Bulk("entries");
  reply.Array(std::min(stream.count(), count_max));
  size_t count = 0;
  for (StreamCursor at = stream.entries().Seek(StreamId::Min()); at.is_valid() && count < count_max; at.Next()) {
    ReplyStreamEntry(reply, at);
    ++count;
  }
  reply.Bulk("groups");
  reply.Array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) ReplyFullGroup(reply, stream, name, *group, count_max);
}

Status XInfoStream(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamValue* stream, FindStream(context));
  if (context.argument_count() == 3) {
    ReplyWriter& reply = context.Reply();
    reply.Map(CommonFieldCount(*stream) + 3);
    ReplyCommonFields(context, *stream);
    ReplyNamed(reply, "groups", ToInteger(stream->groups().size()));
    ReplyEdge(reply, "first-entry", stream->entries().Seek(StreamId::Min()));
    ReplyEdge(reply, "last-entry", stream->entries().SeekBackwards(StreamId::Max()));
    return Status::Ok();
  }
  const size_t count = context.argument_count();
  if (!context.ArgIs(3, "FULL") || (count != 4 && count != 6)) {
    return errors::SubcommandArguments(context.Arg(1), "XINFO");
  }
  int64_t count_max = kFullCountDefault;
  if (count == 6) {
    if (!context.ArgIs(4, "COUNT")) return errors::SubcommandArguments(context.Arg(1), "XINFO");
    KVICK_ASSIGN_OR_RETURN(count_max, context.IntegerArg(5));
    if (count_max < 0) count_max = kFullCountDefault;
  }
  ReplyFullStream(context, *stream, static_cast<size_t>(count_max));
  return Status::Ok();
}

Status XInfoGroups(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamValue* stream, FindStream(context));
  ReplyWriter& reply = context.Reply();
  reply.Array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) {
    reply.Map(6);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyNamed(reply, "consumers", ToInteger(group->consumers().size()));
    ReplyNamed(reply, "pending", ToInteger(group->pending_count()));
    ReplyNamed(reply, "last-delivered-id", group->last_id);
    ReplyNamed(reply, "entries-read", ReadCount(*group));
    ReplyNamed(reply, "lag", stream->LagOf(*group));
  }
  return Status::Ok();
}

Status XInfoConsumers(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamValue* stream, FindStream(context));
  const StreamGroup* group = stream->FindGroup(context.Arg(3));
  if (group == nullptr) return errors::NoGroupForKey(context.Arg(2), context.Arg(3));
  ReplyWriter& reply = context.Reply();
  reply.Array(group->consumers().size());
  for (const auto& [name, consumer] : group->consumers()) {
    reply.Map(4);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyNamed(reply, "pending", ToInteger(consumer->pending.count()));
    ReplyNamed(reply, "idle", std::max<int64_t>(context.now_ms() - consumer->seen_ms, 0));
    const bool was_active = consumer->active_ms >= 0;
    ReplyNamed(reply, "inactive", was_active ? std::max<int64_t>(context.now_ms() - consumer->active_ms, 0) : -1);
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XINFO",
        .summary = "A container for commands that tell about streams.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "XINFO CONSUMERS",
        .syntax = "key group",
        .summary = "Returns the consumers of a consumer group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = XInfoConsumers,
    },
    {
        .name = "XINFO GROUPS",
        .syntax = "key",
        .summary = "Returns the consumer groups of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadOnly | kKeyAccess)},
        .handler = XInfoGroups,
    },
    {
        .name = "XINFO HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclStream,
        .handler = ReplyHelp,
    },
    {
        .name = "XINFO STREAM",
        .syntax = "key [FULL [COUNT count]]",
        .argument_notes = "full=full-block",
        .summary = "Returns what is known of a stream.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadOnly | kKeyAccess)},
        .handler = XInfoStream,
    },
};

}  // namespace

std::span<const CommandSpec> StreamInfoCommands() { return kCommands; }

}  // namespace kvick
