// Streams: entries that are to be added once: the settings of a stream, and names that come from a log.
#include "commands/families.h"
#include "commands/stream_access.h"

namespace kvick {
namespace {

Result<int64_t> ParseSetting(CommandContext& context, size_t index, std::string_view name, std::string_view wrong,
                             int64_t high, std::string_view unit) {
  const Result<int64_t> value = context.IntegerArg(index);
  if (!value.ok()) return errors::Generic("invalid " + std::string(wrong));
  if (*value < 1 || *value > high) {
    return errors::Generic(std::string(name) + " must be between 1 and " + std::to_string(high) + " " +
                           std::string(unit));
  }
  return *value;
}

Status XCfgSet(CommandContext& context) {
  std::optional<int64_t> duration_s;
  std::optional<int64_t> names_max;
  for (size_t i = 2; i < context.argument_count(); i += 2) {
    if (i + 1 == context.argument_count()) return errors::Syntax();
    if (context.ArgIs(i, "IDMP-DURATION") && !duration_s) {
      KVICK_ASSIGN_OR_RETURN(duration_s, ParseSetting(context, i + 1, "IDMP-DURATION", "duration", 86'400, "seconds"));
    } else if (context.ArgIs(i, "IDMP-MAXSIZE") && !names_max) {
      KVICK_ASSIGN_OR_RETURN(names_max, ParseSetting(context, i + 1, "IDMP-MAXSIZE", "maxsize", 10'000, "entries"));
    } else {
      return errors::Syntax();
    }
  }
  if (!duration_s && !names_max) return errors::Syntax();
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr) return errors::NoSuchKey();
  StreamIdempotence& known = stream->idempotence(StreamIdempotenceLimitsOf(context.settings()));
  StreamIdempotenceLimits limits = known.limits();
  limits.duration_s = duration_s.value_or(limits.duration_s);
  limits.names_max = names_max.value_or(limits.names_max);
  known.SetLimits(limits);
  context.Modified(0);
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status XIdmpRecord(CommandContext& context) {
  const std::string_view producer = context.Arg(2);
  const std::string_view name = context.Arg(3);
  if (producer.empty()) return errors::Generic("XIDMPRECORD requires a non-empty producer ID");
  if (name.empty()) return errors::Generic("XIDMPRECORD requires a non-empty idempotent ID");
  KVICK_ASSIGN_OR_RETURN(const StreamId id, ParseExactStreamId(context.Arg(4)));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr) return errors::NoSuchKey();
  StreamIdempotence* known = stream->FindIdempotence();
  if (known != nullptr) {
    if (const std::optional<StreamId> recorded = known->Find(producer, name, context.wall_ms())) {
      if (*recorded != id) return errors::Generic("The idempotent ID is recorded with another stream ID");
      // That is how a log tells of an entry that was to be added again.
      known->CountDuplicate();
      context.Changed();
      context.Reply().Ok();
      return Status::Ok();
    }
  }
  if (!stream->entries().Contains(id)) {
    return errors::Generic("The ID specified in XIDMPRECORD is not in the stream");
  }
  stream->idempotence(StreamIdempotenceLimitsOf(context.settings())).Record(producer, name, id, context.wall_ms());
  context.Modified(0);
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XCFGSET",
        .syntax = "key [IDMP-DURATION idmp-duration] [IDMP-MAXSIZE idmp-maxsize]",
        .argument_notes = "idmp-duration(integer) idmp-maxsize(integer)",
        .summary = "Sets for how long, and how many, names of entries a stream remembers for each producer.",
        .since = "8.6.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = XCfgSet,
    },
    {
        .name = "XIDMPRECORD",
        .syntax = "key pid iid stream-id",
        .summary = "Records the name under which a producer has added an entry. Written to logs by the server.",
        .since = "8.8.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = XIdmpRecord,
    },
};

}  // namespace

std::span<const CommandSpec> StreamIdempotenceCommands() { return kCommands; }

}  // namespace kvick
