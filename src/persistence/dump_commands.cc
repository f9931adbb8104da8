// DUMP and RESTORE: a value as bytes, and back.
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "persistence/dump_payload.h"
#include "persistence/features.h"
#include "persistence/value_insertion.h"
#include "persistence/value_limits.h"

namespace kvick {
namespace {

Status Dump(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  context.CountRead(0, slot);
  if (slot.entry == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  context.Reply().Bulk(MakeDumpPayload(*slot.entry, context.settings()));
  return Status::Ok();
}

struct RestoreOptions {
  bool replaces = false;
  bool is_absolute = false;
  std::optional<int64_t> idle_s;
  std::optional<int64_t> frequency;
};

Result<RestoreOptions> ParseRestoreOptions(CommandContext& context) {
  constexpr int64_t kFrequencyMax = 255;
  RestoreOptions options;
  for (size_t i = 4; i < context.argument_count(); ++i) {
    const bool has_next = i + 1 < context.argument_count();
    if (context.ArgIs(i, "REPLACE")) {
      options.replaces = true;
    } else if (context.ArgIs(i, "ABSTTL")) {
      options.is_absolute = true;
    } else if (context.ArgIs(i, "IDLETIME") && has_next && !options.frequency) {
      KVICK_ASSIGN_OR_RETURN(options.idle_s, context.IntegerArg(++i));
      if (*options.idle_s < 0) return errors::Generic("Invalid IDLETIME value, must be >= 0");
    } else if (context.ArgIs(i, "FREQ") && has_next && !options.idle_s) {
      KVICK_ASSIGN_OR_RETURN(options.frequency, context.IntegerArg(++i));
      if (*options.frequency < 0 || *options.frequency > kFrequencyMax) {
        return errors::Generic("Invalid FREQ value, must be >= 0 and <= 255");
      }
    } else {
      return errors::Syntax();
    }
  }
  return options;
}

// What was said of its use counts as far as the eviction policy has a place for it.
std::optional<uint32_t> AccessBits(CommandContext& context, const RestoreOptions& options) {
  const bool counts_frequency = context.mutation().frequency_rules != nullptr;
  if (options.frequency && counts_frequency) {
    return AccessOfFrequency(static_cast<uint8_t>(*options.frequency), context.now_ms());
  }
  if (options.idle_s && !counts_frequency) return AccessOfIdle(*options.idle_s, context.now_ms());
  return std::nullopt;
}

// A time to live counts from now, when it does not say otherwise: the log must not.
void RecordRestore(CommandContext& context, const RestoreOptions& options, int64_t expiry_ms) {
  if (expiry_ms == Entry::kNoExpiry || options.is_absolute) return;
  char moment[kInt64TextMax];
  std::vector<std::string_view> words(context.arguments().begin(), context.arguments().end());
  words[2] = {moment, FormatInt64(expiry_ms, moment)};
  words.push_back("ABSTTL");
  context.EffectIn(context.session().database_index, words);
}

Status Restore(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const RestoreOptions options, ParseRestoreOptions(context));
  const KeyTable::Slot before = context.Peek(0);
  const bool exists = before.entry != nullptr;
  if (exists && !options.replaces) return Status::Error("BUSYKEY Target key name already exists.");
  KVICK_ASSIGN_OR_RETURN(const int64_t ttl_ms, context.IntegerArg(2));
  if (ttl_ms < 0) return errors::Generic("Invalid TTL value, must be >= 0");
  KVICK_ASSIGN_OR_RETURN(const DumpPayload payload, SplitDumpPayload(context.Arg(3)));
  RdbValueReader reader(ValueLimits::Of(context.settings()), context.now_ms(), payload.dialect());
  RdbValue value;
  KVICK_RETURN_IF_ERROR(ReadDumpValue(payload, context.now_ms(), &reader, &value));

  const ValueType type_before = exists ? before.entry->type() : value.type();
  if (exists) context.Erase(0, before);
  int64_t expiry_ms = Entry::kNoExpiry;
  bool is_due = false;
  if (ttl_ms != 0) {
    // A moment that no number reaches has passed, as it always was.
    const bool overflows = !options.is_absolute && ttl_ms > std::numeric_limits<int64_t>::max() - context.now_ms();
    expiry_ms = options.is_absolute || overflows ? ttl_ms : ttl_ms + context.now_ms();
    is_due = (overflows || expiry_ms <= context.now_ms()) && context.mutation().removes_expired &&
             !context.engine().is_loading;
  }
  if (is_due) {
    if (exists) {
      context.Changed();
      context.Notify(KeyEventClass::kGeneric, "del", 0);
      context.Effect({context.settings().lazy_free_on_server_delete ? "UNLINK" : "DEL", context.KeyName(0)});
    }
    context.Reply().Ok();
    return Status::Ok();
  }
  const ValueType type = value.type();
  const DeclaredKey& key = context.key(0);
  InsertLoaded(*key.database, key.key, &value, {expiry_ms, AccessBits(context, options)}, context.mutation());
  context.Changed();
  RecordRestore(context, options, expiry_ms);
  if (!exists) context.Notify(KeyEventClass::kNew, "new", 0);
  context.Notify(KeyEventClass::kGeneric, "restore", 0);
  if (exists) context.Notify(KeyEventClass::kOverwritten, "overwritten", 0);
  if (exists && type_before != type) context.Notify(KeyEventClass::kTypeChanged, "type_changed", 0);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr std::string_view kRestoreSyntax =
    "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]";
constexpr std::string_view kRestoreNotes =
    "ttl(integer) REPLACE@3.0.0 ABSTTL@5.0.0 IDLETIME(integer)@5.0.0 FREQ(integer)@5.0.0";
constexpr std::string_view kRestoreComplexity =
    "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of "
    "Redis "
    "objects composing the value and M their average size. For small string values the time complexity is thus "
    "O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) "
    "because inserting values into sorted sets is O(log(N)).";

constexpr CommandSpec kCommands[] = {
    {
        .name = "DUMP",
        .syntax = "key",
        .summary = "Returns the value of a key as bytes that RESTORE reads.",
        .since = "2.6.0",
        .group = "generic",
        .complexity =
            "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects "
            "composing "
            "the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where "
            "M is small, so simply O(1).",
        .flags = kReadonly,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = Dump,
    },
    {
        .name = "RESTORE",
        .syntax = kRestoreSyntax,
        .argument_notes = kRestoreNotes,
        .summary = "Makes a key from the bytes that DUMP returned.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = kRestoreComplexity,
        .flags = kWrite | kDenyOom,
        .categories = kAclKeyspace | kAclDangerous,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate)},
        .handler = Restore,
    },
    {
        .name = "RESTORE-ASKING",
        .syntax = kRestoreSyntax,
        .argument_notes = kRestoreNotes,
        .summary = "RESTORE for keys of a slot that is being imported.",
        .since = "3.0.0",
        .group = "server",
        .complexity = kRestoreComplexity,
        .flags = kWrite | kDenyOom | kAsking | kSystemCommand,
        .categories = kAclKeyspace | kAclDangerous,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate)},
        .handler = Restore,
    },
};

}  // namespace

std::span<const CommandSpec> DumpCommands() { return kCommands; }

}  // namespace kvick
