// What the command files of streams share: limits, ids, ranges of ids, blocks of ids, replies, error texts, effects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/settings.h"
#include "engine/command_context.h"
#include "types/stream_value.h"

namespace kvick {

namespace errors {
Status InvalidStreamId();
Status NoGroup(std::string_view key, std::string_view group);        // "No such key ... or consumer group ..."
Status NoGroupForKey(std::string_view key, std::string_view group);  // "No such consumer group ... for key name ..."
}  // namespace errors

inline StreamLimits StreamLimitsOf(const Settings& settings) {
  return {.node_bytes_max = settings.stream_node_max_bytes,
          .node_entries_max = static_cast<size_t>(settings.stream_node_entries_max)};
}

inline StreamIdempotenceLimits StreamIdempotenceLimitsOf(const Settings& settings) {
  return {.duration_s = settings.stream_idempotence_duration_s, .names_max = settings.stream_idempotence_entries_max};
}

// "ms" (the number is 0) or "ms-seq".
Result<StreamId> ParseExactStreamId(std::string_view text);

// The same, and "-" and "+" for the first and the last id there can be.
Result<StreamId> ParseLooseStreamId(std::string_view text);

// The ends of an interval: "-", "+", "ms" (all of it), "ms-seq", "(..." without the id itself.
Result<StreamId> ParseRangeStart(std::string_view text);
Result<StreamId> ParseRangeEnd(std::string_view text);

// "KEEPREF", "DELREF", "ACKED" at an argument.
std::optional<StreamRefPolicy> FindRefPolicy(CommandContext& context, size_t index);
std::string_view RefPolicyName(StreamRefPolicy policy);

// The group, or NOGROUP also when the key is missing. `stream` may be null.
Result<StreamGroup*> FindGroupOrError(CommandContext& context, const StreamValue* stream, std::string_view name);

// The consumer, made when it is missing: announced, and logged as XGROUP CREATECONSUMER.
StreamConsumer& GetConsumer(CommandContext& context, size_t ordinal, StreamGroup& group, std::string_view group_name,
                            std::string_view name);

// Logs the state of a pending entry: XCLAIM ... FORCE JUSTID LASTID.
void LogPending(CommandContext& context, size_t ordinal, std::string_view group_name, const StreamGroup& group,
                const StreamConsumer& consumer, const StreamId& id, const StreamDelivery& delivery);
// Logs how far a group has read.
void LogGroupPosition(CommandContext& context, size_t ordinal, std::string_view group_name, const StreamGroup& group);

// Replies.
void ReplyStreamId(ReplyWriter& reply, const StreamId& id);
// The id and the fields of the entry at the cursor.
void ReplyStreamEntry(ReplyWriter& reply, const StreamCursor& at);
// The fields only.
void ReplyStreamFields(ReplyWriter& reply, const StreamCursor& at);

}  // namespace kvick
