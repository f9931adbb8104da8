#include "commands/families.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

Status Get(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::optional<StringRef> value, context.FindString(0));
  if (!value) {
    context.Reply().Null();
  } else if (value->is_integer) {
    context.Reply().BulkInteger(value->integer);
  } else if (value->shared != nullptr) {
    context.Reply().Bulk(value->shared);
  } else {
    context.Reply().Bulk(value->bytes);
  }
  return Status::Ok();
}

Status Set(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  context.PutString(0, slot, {context.Arg(2)});
  context.Changed();
  context.Notify(KeyEventClass::kString, "set", 0);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "GET",
        .syntax = "key",
        .summary = "Returns the string value of a key.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = Get,
    },
    {
        .name = "SET",
        .syntax =
            "key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest] "
            "[GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
        .argument_notes = "nx=condition@2.6.12 condition.ifeq-value@8.4.0 condition.ifne-value@8.4.0 "
                          "condition.ifdeq-digest@8.4.0 condition.ifdne-digest@8.4.0 get@6.2.0 seconds=expiration "
                          "expiration.seconds@2.6.12 expiration.milliseconds@2.6.12 "
                          "expiration.unix-time-seconds@6.2.0 expiration.unix-time-milliseconds@6.2.0 "
                          "expiration.keepttl@6.0.0",
        .summary = "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate | kKeyVariableFlags)},
        .handler = Set,
    },
};

}  // namespace

std::span<const CommandSpec> StringCommands() { return kCommands; }

}  // namespace kvick
