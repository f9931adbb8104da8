#include "commands/stream_access.h"

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

constexpr size_t kIdTextMax = 127;

enum class RangeSide { kStart, kEnd };

Result<StreamId> ParseLoose(std::string_view text, uint64_t seq_if_missing) {
  if (text.size() <= kIdTextMax) {
    const std::string_view word = UpToZeroByte(text);
    if (word == "-") return StreamId::Min();
    if (word == "+") return StreamId::Max();
  }
  const std::optional<StreamId> id = ParseStreamId(text, seq_if_missing);
  if (!id) return errors::InvalidStreamId();
  return *id;
}

Result<StreamId> ParseRangeSide(std::string_view text, RangeSide side) {
  const uint64_t seq_if_missing = side == RangeSide::kStart ? 0 : UINT64_MAX;
  if (text.size() > 1 && text[0] == '(') {
    const std::optional<StreamId> id = ParseStreamId(text.substr(1), seq_if_missing);
    if (!id) return errors::InvalidStreamId();
    const std::optional<StreamId> neighbour = side == RangeSide::kStart ? id->Next() : id->Previous();
    if (neighbour) return *neighbour;
    return errors::Generic(side == RangeSide::kStart ? "invalid start ID for the interval"
                                                     : "invalid end ID for the interval");
  }
  return ParseLoose(text, seq_if_missing);
}

}  // namespace

namespace errors {

Status InvalidStreamId() { return Generic("Invalid stream ID specified as stream command argument"); }

Status NoGroup(std::string_view key, std::string_view group) {
  return Status::Error("NOGROUP No such key '" + std::string(UpToZeroByte(key)) + "' or consumer group '" +
                       std::string(UpToZeroByte(group)) + "'");
}

Status NoGroupForKey(std::string_view key, std::string_view group) {
  return Status::Error("NOGROUP No such consumer group '" + std::string(UpToZeroByte(group)) + "' for key name '" +
                       std::string(UpToZeroByte(key)) + "'");
}

}  // namespace errors

Result<StreamId> ParseExactStreamId(std::string_view text) {
  const std::optional<StreamId> id = ParseStreamId(text, 0);
  if (!id) return errors::InvalidStreamId();
  return *id;
}

Result<StreamId> ParseLooseStreamId(std::string_view text) { return ParseLoose(text, 0); }

Result<StreamId> ParseRangeStart(std::string_view text) { return ParseRangeSide(text, RangeSide::kStart); }
Result<StreamId> ParseRangeEnd(std::string_view text) { return ParseRangeSide(text, RangeSide::kEnd); }

std::optional<StreamRefPolicy> FindRefPolicy(CommandContext& context, size_t index) {
  for (const auto policy : {StreamRefPolicy::kKeep, StreamRefPolicy::kDelete, StreamRefPolicy::kAcked}) {
    if (context.ArgIs(index, RefPolicyName(policy))) return policy;
  }
  return std::nullopt;
}

std::string_view RefPolicyName(StreamRefPolicy policy) {
  switch (policy) {
    case StreamRefPolicy::kKeep: return "KEEPREF";
    case StreamRefPolicy::kDelete: return "DELREF";
    case StreamRefPolicy::kAcked: break;
  }
  return "ACKED";
}

Result<StreamGroup*> FindGroupOrError(CommandContext& context, const StreamValue* stream, std::string_view name) {
  StreamGroup* group = stream == nullptr ? nullptr : stream->FindGroup(name);
  if (group == nullptr) return errors::NoGroup(context.KeyName(0), name);
  return group;
}

StreamConsumer& GetConsumer(CommandContext& context, size_t ordinal, StreamGroup& group, std::string_view group_name,
                            std::string_view name) {
  if (StreamConsumer* consumer = group.FindConsumer(name)) return *consumer;
  StreamConsumer& consumer = group.AddConsumer(name, context.wall_ms());
  context.Changed();
  context.Effect({"XGROUP", "CREATECONSUMER", context.KeyName(ordinal), group_name, name});
  context.Notify(KeyEventClass::kStream, "xgroup-createconsumer", ordinal);
  return consumer;
}

void LogPending(CommandContext& context, size_t ordinal, std::string_view group_name, const StreamGroup& group,
                const StreamConsumer& consumer, const StreamId& id, const StreamDelivery& delivery) {
  if (!context.engine().log().is_active()) return context.NoEffect();
  const std::string delivered = std::to_string(delivery.delivered_ms);
  const std::string count = std::to_string(delivery.delivery_count);
  context.Effect({"XCLAIM", context.KeyName(ordinal), group_name, consumer.name, "0", StreamIdText(id), "TIME",
                  delivered, "RETRYCOUNT", count, "FORCE", "JUSTID", "LASTID", StreamIdText(group.last_id)});
}

void LogGroupPosition(CommandContext& context, size_t ordinal, std::string_view group_name, const StreamGroup& group) {
  if (!context.engine().log().is_active()) return context.NoEffect();
  context.Effect({"XGROUP", "SETID", context.KeyName(ordinal), group_name, StreamIdText(group.last_id), "ENTRIESREAD",
                  std::to_string(group.read_count)});
}

void ReplyStreamId(ReplyWriter& reply, const StreamId& id) { reply.Bulk(StreamIdText(id)); }

void ReplyStreamEntry(ReplyWriter& reply, const StreamCursor& at) {
  reply.Array(2);
  ReplyStreamId(reply, at.id());
  ReplyStreamFields(reply, at);
}

void ReplyStreamFields(ReplyWriter& reply, const StreamCursor& at) {
  reply.Array(at.field_count() * 2);
  const auto write = [&reply](const ListpackValue& text) {
    text.is_integer ? reply.BulkInteger(text.integer) : reply.Bulk(text.bytes);
  };
  at.ForEachField([&](const ListpackValue& field, const ListpackValue& value) {
    write(field);
    write(value);
  });
}

}  // namespace kvick
