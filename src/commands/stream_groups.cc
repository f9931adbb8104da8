// Streams: making, moving and removing consumer groups and their consumers.
#include <algorithm>
#include <memory>

#include "commands/families.h"
#include "commands/stream_access.h"
#include "engine/help.h"

namespace kvick {
namespace {

// Of XGROUP CREATE and SETID.
struct GroupPosition {
  bool makes_stream = false;
  std::optional<StreamId> id;  // nothing: "$", the last one
  std::optional<int64_t> read_count;
};

enum class MakeStreamOption : bool { kUnknown, kKnown };

Result<GroupPosition> ParsePosition(CommandContext& context, MakeStreamOption make_stream) {
  GroupPosition position;
  for (size_t i = 5; i < context.argument_count(); ++i) {
    if (make_stream == MakeStreamOption::kKnown && context.ArgIs(i, "MKSTREAM")) {
      position.makes_stream = true;
    } else if (context.ArgIs(i, "ENTRIESREAD") && i + 1 < context.argument_count()) {
      KVICK_ASSIGN_OR_RETURN(position.read_count, context.IntegerArg(++i));
      if (*position.read_count < 0 && *position.read_count != StreamGroup::kReadCountUnknown) {
        return errors::Generic("value for ENTRIESREAD must be positive or -1");
      }
    } else {
      return errors::SubcommandArguments(context.Arg(1), "XGROUP");
    }
  }
  return position;
}

// "$" leaves it to the stream.
Result<std::optional<StreamId>> ParsePositionId(std::string_view text, Result<StreamId> (*parse)(std::string_view)) {
  if (text == "$") return std::optional<StreamId>();
  KVICK_ASSIGN_OR_RETURN(const StreamId id, parse(text));
  return std::optional(id);
}

Status KeyMustExist() {
  return errors::Generic(
      "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
      "to create an empty stream automatically.");
}

Result<StreamValue*> FindStream(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr) return KeyMustExist();
  return stream;
}

struct StreamAndGroup {
  StreamValue* stream;
  StreamGroup* group;
};
Result<StreamAndGroup> FindStreamAndGroup(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(StreamValue * stream, FindStream(context));
  StreamGroup* group = stream->FindGroup(context.Arg(3));
  if (group == nullptr) return errors::NoGroupForKey(context.Arg(2), context.Arg(3));
  return StreamAndGroup{stream, group};
}

// A group cannot have read more than there ever was.
int64_t CappedReadCount(const GroupPosition& position, const StreamValue& stream) {
  const int64_t read_count = position.read_count.value_or(StreamGroup::kReadCountUnknown);
  return std::min(read_count, static_cast<int64_t>(stream.added_count()));
}

Status XGroupCreate(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(GroupPosition position, ParsePosition(context, MakeStreamOption::kKnown));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr && !position.makes_stream) return KeyMustExist();
  KVICK_ASSIGN_OR_RETURN(position.id, ParsePositionId(context.Arg(4), ParseExactStreamId));
  const bool is_new_stream = stream == nullptr;
  if (is_new_stream) stream = context.PutValue(0, std::make_unique<StreamValue>());
  const StreamId last_id = position.id.value_or(stream->last_id());
  const int64_t read_count = CappedReadCount(position, *stream);
  if (stream->AddGroup(context.Arg(3), last_id, read_count) == nullptr) {
    return Status::Error("BUSYGROUP Consumer Group name already exists");
  }
  context.Changed();
  if (context.engine().log().is_active()) {
    context.Effect({"XGROUP", "CREATE", context.Arg(2), context.Arg(3), StreamIdText(last_id), "MKSTREAM",
                    "ENTRIESREAD", std::to_string(read_count)});
  }
  context.Notify(KeyEventClass::kStream, "xgroup-create", 0);
  context.Reply().Ok();
  return Status::Ok();
}

Status XGroupSetId(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(GroupPosition position, ParsePosition(context, MakeStreamOption::kUnknown));
  KVICK_ASSIGN_OR_RETURN(const StreamAndGroup found, FindStreamAndGroup(context));
  // Unlike CREATE it has always understood "-" and "+".
  KVICK_ASSIGN_OR_RETURN(position.id, ParsePositionId(context.Arg(4), ParseLooseStreamId));
  found.group->last_id = position.id.value_or(found.stream->last_id());
  found.group->read_count = CappedReadCount(position, *found.stream);
  context.Changed();
  LogGroupPosition(context, 0, context.Arg(3), *found.group);
  // Those who wait may have something to read now.
  context.WakeWaiting(0);
  context.Notify(KeyEventClass::kStream, "xgroup-setid", 0);
  context.Reply().Ok();
  return Status::Ok();
}

Status XGroupDestroy(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(StreamValue * stream, FindStream(context));
  const bool was_there = stream->RemoveGroup(context.Arg(3));
  if (was_there) {
    context.Changed();
    // Those who wait in it are told that it is gone.
    context.WakeWaiting(0);
    context.Notify(KeyEventClass::kStream, "xgroup-destroy", 0);
  }
  context.Reply().Integer(was_there ? 1 : 0);
  return Status::Ok();
}

Status XGroupCreateConsumer(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamAndGroup found, FindStreamAndGroup(context));
  const bool is_new = found.group->FindConsumer(context.Arg(4)) == nullptr;
  if (is_new) GetConsumer(context, 0, *found.group, context.Arg(3), context.Arg(4));
  context.Reply().Integer(is_new ? 1 : 0);
  return Status::Ok();
}

Status XGroupDelConsumer(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamAndGroup found, FindStreamAndGroup(context));
  int64_t pending_count = 0;
  if (StreamConsumer* consumer = found.group->FindConsumer(context.Arg(4))) {
    pending_count = static_cast<int64_t>(consumer->pending.count());
    found.group->RemoveConsumer(*consumer);
    context.Changed();
    context.Notify(KeyEventClass::kStream, "xgroup-delconsumer", 0);
  }
  context.Reply().Integer(pending_count);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XGROUP",
        .summary = "A container for commands that manage consumer groups.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "XGROUP CREATE",
        .syntax = "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
        .argument_notes = "id=id-selector id-selector.$=new-id entries-read=entriesread(integer)",
        .summary = "Creates a consumer group that begins behind an id.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = XGroupCreate,
    },
    {
        .name = "XGROUP CREATECONSUMER",
        .syntax = "key group consumer",
        .summary = "Creates a consumer in a consumer group.",
        .since = "6.2.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = XGroupCreateConsumer,
    },
    {
        .name = "XGROUP DELCONSUMER",
        .syntax = "key group consumer",
        .summary = "Removes a consumer, and what is pending for it, from a consumer group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadWrite | kKeyDelete)},
        .handler = XGroupDelConsumer,
    },
    {
        .name = "XGROUP DESTROY",
        .syntax = "key group",
        .summary = "Removes a consumer group.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(N) where N is the number of entries in the group's pending entries list (PEL).",
        .flags = kWrite,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadWrite | kKeyDelete)},
        .handler = XGroupDestroy,
    },
    {
        .name = "XGROUP HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclStream,
        .handler = ReplyHelp,
    },
    {
        .name = "XGROUP SETID",
        .syntax = "key group <id | $> [ENTRIESREAD entries-read]",
        .argument_notes = "id=id-selector id-selector.$=new-id entries-read=entriesread(integer)",
        .summary = "Sets the id behind which a consumer group reads on.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite,
        .categories = kAclStream,
        .keys = {OneKey(2, kKeyReadWrite | kKeyUpdate)},
        .handler = XGroupSetId,
    },
};

}  // namespace

std::span<const CommandSpec> StreamGroupCommands() { return kCommands; }

}  // namespace kvick
