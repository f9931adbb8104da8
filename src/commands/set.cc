// The commands on one set, and SMOVE. Those that combine sets are in set_combinations.cc.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "commands/families.h"
#include "commands/scan_arguments.h"
#include "commands/set_access.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

// How many members one SREM of the log names at most.
constexpr size_t kMembersPerEffect = 1024;
// SPOP keeps what remains instead of removing what goes when that is so many times as much.
constexpr uint64_t kKeepRestFactor = 5;
// SRANDMEMBER draws distinct members one by one as long as they are less than a third of all.
constexpr uint64_t kDrawShare = 3;

// Under the key, in the place of a set whose members have all expired, if there was one.
void PutCreated(CommandContext& context, const KeyTable::Slot& found, SetValue set) {
  const std::optional<PackedValue> packed = OperationsOf(ValueType::kSet).packed(&set);
  if (found.entry == nullptr && packed && packed->bytes.size() < Entry::kInlineBlockMax) {
    context.PutPacked(0, ValueType::kSet, *packed);
  } else {
    context.PutValue(0, std::make_unique<SetValue>(std::move(set)));
  }
}

void AnnounceAdding(CommandContext& context, uint64_t added_count) {
  if (added_count > 0) {
    context.Modified(0);
    context.Changed(added_count);
    context.Notify(KeyEventClass::kSet, "sadd", 0);
  }
  context.Reply().Integer(static_cast<int64_t>(added_count));
}

Status SAdd(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const KeyTable::Slot slot, context.FindOf<SetValue>(0));
  const SetLimits limits = SetLimitsOf(context.settings());
  const std::span<const std::string_view> members = context.arguments().subspan(2);
  if (slot.entry != nullptr && slot.entry->form() == ValueForm::kPacked && members.size() == 1) {
    EntryEditor editor = context.EditPacked(0, slot);
    const SetValue::Adding adding = SetValue::AddPacked(editor, members[0], limits);
    if (adding != SetValue::Adding::kDeclined) {
      AnnounceAdding(context, adding == SetValue::Adding::kAdded ? 1 : 0);
      return Status::Ok();
    }
  }
  uint64_t added_count = 0;
  if (SetValue* set = OpenSetForWrite(context, 0, slot)) {
    set->ExpectMore(members.size(), limits);
    for (const std::string_view member : members) added_count += set->Add(member, limits) ? 1 : 0;
  } else {
    SetValue created(members[0], members.size(), limits);
    for (const std::string_view member : members) added_count += created.Add(member, limits) ? 1 : 0;
    PutCreated(context, slot, std::move(created));
  }
  AnnounceAdding(context, added_count);
  return Status::Ok();
}

Status SRem(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(SetValue * set, FindSetForWrite(context, 0));
  uint64_t removed_count = 0;
  if (set != nullptr) {
    for (const std::string_view member : context.arguments().subspan(2)) {
      removed_count += set->Remove(member) ? 1 : 0;
      if (set->count() == 0) break;
    }
  }
  if (removed_count > 0) {
    context.Modified(0);
    context.Changed(removed_count);
    context.Notify(KeyEventClass::kSet, "srem", 0);
    EraseIfEmpty(context, *set, 0);
  }
  context.Reply().Integer(static_cast<int64_t>(removed_count));
  return Status::Ok();
}

Status SCard(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, 0));
  context.Reply().Integer(set == nullptr ? 0 : static_cast<int64_t>(set->count()));
  return Status::Ok();
}

Status SIsMember(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, 0));
  context.Reply().Integer(set != nullptr && set->Contains(context.Arg(2)) ? 1 : 0);
  return Status::Ok();
}

Status SMIsMember(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, 0));
  const std::span<const std::string_view> members = context.arguments().subspan(2);
  context.Reply().Array(members.size());
  for (const std::string_view member : members) {
    context.Reply().Integer(set != nullptr && set->Contains(member) ? 1 : 0);
  }
  return Status::Ok();
}

void ReplyAllMembers(ReplyWriter& reply, const SetValue& set) {
  set.ForEach([&](std::string_view member) {
    reply.Bulk(member);
    return true;
  });
}

Status SMembers(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, 0));
  context.Reply().Set(set == nullptr ? 0 : set->count());
  if (set != nullptr) ReplyAllMembers(context.Reply(), *set);
  return Status::Ok();
}

Status SMove(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(SetValue * source, FindSetForWrite(context, 0));
  if (source == nullptr) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(SetValue * target, FindSetForWrite(context, 1));
  const std::string_view member = context.Arg(3);
  const SetLimits limits = SetLimitsOf(context.settings());
  if (source == target) {
    context.Reply().Integer(source->Contains(member) ? 1 : 0);
    return Status::Ok();
  }
  if (!source->Remove(member)) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  context.Modified(0);
  context.Changed();
  context.Notify(KeyEventClass::kSet, "srem", 0);
  EraseIfEmpty(context, *source, 0);
  if (target == nullptr) target = context.PutValue(1, std::make_unique<SetValue>(member, 1, limits));
  if (target->Add(member, limits)) {
    context.Modified(1);
    context.Changed();
    context.Notify(KeyEventClass::kSet, "sadd", 1);
  }
  context.Reply().Integer(1);
  return Status::Ok();
}

Result<uint64_t> PositiveCountArg(const CommandContext& context, size_t index) {
  const Result<int64_t> count = context.IntegerArg(index);
  if (!count.ok() || *count < 0) return errors::NotPositive("value");
  return static_cast<uint64_t>(*count);
}

// Names the members that went, for the log, some at a time.
class RemovalEffects {
 public:
  explicit RemovalEffects(CommandContext& context) : context_(context) { context.NoEffect(); }

  void Add(std::string_view member) {
    if (!context_.engine().log().is_active()) return;
    members_.emplace_back(member);
    if (members_.size() == kMembersPerEffect) Flush();
  }
  void Flush() {
    if (members_.empty()) return;
    std::vector<std::string_view> words = {"SREM", context_.KeyName(0)};
    words.insert(words.end(), members_.begin(), members_.end());
    context_.EffectIn(context_.key(0).database->index(), words);
    members_.clear();
  }

 private:
  CommandContext& context_;
  std::vector<std::string> members_;
};

Status PopOne(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(SetValue * set, FindSetForWrite(context, 0));
  if (set == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  const std::string member = set->Pop(context.executor().random());
  context.Modified(0);
  context.Changed();
  context.Effect({"SREM", context.KeyName(0), member});
  context.Notify(KeyEventClass::kSet, "spop", 0);
  context.Reply().Bulk(member);
  EraseIfEmpty(context, *set, 0);
  return Status::Ok();
}

// All members go, so the key does.
void PopAll(CommandContext& context, const SetValue& set) {
  context.Changed(set.count());
  context.Notify(KeyEventClass::kSet, "spop", 0);
  context.Reply().Set(set.count());
  ReplyAllMembers(context.Reply(), set);
  context.Effect({context.settings().lazy_free_on_server_delete ? "UNLINK" : "DEL", context.KeyName(0)});
  context.EraseKey(0);
  context.Notify(KeyEventClass::kGeneric, "del", 0);
}

void PopSome(CommandContext& context, SetValue& set, uint64_t count) {
  Random& random = context.executor().random();
  RemovalEffects effects(context);
  context.Modified(0);
  context.Changed(count);
  context.Notify(KeyEventClass::kSet, "spop", 0);
  context.Reply().Set(count);
  const auto go = [&](std::string_view member) {
    context.Reply().Bulk(member);
    effects.Add(member);
    return true;
  };
  const uint64_t remaining_count = set.count() - count;
  if (remaining_count * kKeepRestFactor > count || set.expiring() != nullptr) {
    for (uint64_t i = 0; i < count; ++i) go(set.Pop(random));
  } else {
    const SetLimits limits = SetLimitsOf(context.settings());
    SetValue kept;
    for (uint64_t i = 0; i < remaining_count; ++i) kept.Add(set.Pop(random), limits);
    set.ForEach(go);
    set = std::move(kept);
  }
  effects.Flush();
}

Status SPop(CommandContext& context) {
  if (context.argument_count() > 3) return errors::Syntax();
  if (context.argument_count() == 2) return PopOne(context);
  KVICK_ASSIGN_OR_RETURN(const uint64_t count, PositiveCountArg(context, 2));
  KVICK_ASSIGN_OR_RETURN(SetValue * set, FindSetForWrite(context, 0));
  if (set == nullptr || count == 0) {
    context.Reply().Set(0);
  } else if (count >= set->count()) {
    PopAll(context, *set);
  } else {
    PopSome(context, *set, count);
  }
  return Status::Ok();
}

// `count` different members, fewer than there are.
void ReplyDistinct(CommandContext& context, const SetValue& set, uint64_t count) {
  Random& random = context.executor().random();
  ReplyWriter& reply = context.Reply();
  reply.Array(count);
  uint64_t left = set.count();
  if (set.table() == nullptr || count * kDrawShare > left) {
    // Each member comes with the probability that makes all selections equally likely.
    set.ForEach([&](std::string_view member) {
      if (random.Below(left--) < count) {
        reply.Bulk(member);
        --count;
      }
      return count > 0;
    });
    return;
  }
  std::unordered_set<std::string_view> drawn;  // views stay valid: nothing changes the table meanwhile
  while (drawn.size() < count) {
    const std::string_view member = set.table()->Draw(random.Next());
    if (drawn.insert(member).second) reply.Bulk(member);
  }
}

Status SRandMember(CommandContext& context) {
  if (context.argument_count() > 3) return errors::Syntax();
  std::optional<int64_t> count;
  if (context.argument_count() == 3) {
    KVICK_ASSIGN_OR_RETURN(count, context.IntegerArg(2));
    if (*count == INT64_MIN) return errors::NotWithin(-INT64_MAX, INT64_MAX);
  }
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, 0));
  ReplyWriter& reply = context.Reply();
  char buffer[kInt64TextMax];
  if (!count) {
    if (set == nullptr) {
      reply.Null();
    } else {
      reply.Bulk(set->Draw(context.executor().random(), buffer));
    }
  } else if (set == nullptr || *count == 0) {
    reply.Array(0);
  } else if (*count < 0) {
    // The same member may come more than once.
    const auto draw_count = static_cast<uint64_t>(-*count);
    reply.Array(draw_count);
    for (uint64_t i = 0; i < draw_count; ++i) reply.Bulk(set->Draw(context.executor().random(), buffer));
  } else if (static_cast<uint64_t>(*count) >= set->count()) {
    reply.Array(set->count());
    ReplyAllMembers(reply, *set);
  } else {
    ReplyDistinct(context, *set, static_cast<uint64_t>(*count));
  }
  return Status::Ok();
}

Status SScan(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t cursor, ParseScanCursor(context.Arg(2)));
  KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, 0));
  ReplyWriter& reply = context.Reply();
  if (set == nullptr) {  // whatever else is asked for
    reply.Array(2);
    reply.Bulk("0");
    reply.Array(0);
    return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(const CollectionScan scan, ParseCollectionScan(context, ScanValues::kUnknownOption));
  std::vector<std::string> found;
  uint64_t position = PositionOfCursor(cursor);
  int64_t visited_count = 0;
  do {
    position = set->Scan(position, [&](std::string_view member) {
      ++visited_count;
      if (scan.Matches(member)) found.emplace_back(member);
    });
  } while (position != 0 && visited_count < scan.count);
  reply.Array(2);
  reply.BulkInteger(static_cast<int64_t>(CursorOfPosition(position)));
  reply.Array(found.size());
  for (const std::string& member : found) reply.Bulk(member);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "SADD",
        .syntax = "key member [member ...]",
        .summary = "Adds members to a set. Creates the key if it does not exist.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1) for each element added, so O(N) to add N elements when the command is called with "
                      "multiple arguments.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = SAdd,
    },
    {
        .name = "SCARD",
        .syntax = "key",
        .summary = "Returns the number of members of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = SCard,
    },
    {
        .name = "SISMEMBER",
        .syntax = "key member",
        .summary = "Says whether a value is a member of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = SIsMember,
    },
    {
        .name = "SMEMBERS",
        .syntax = "key",
        .summary = "Returns all members of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) where N is the set cardinality.",
        .flags = kReadonly,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output_order"},
        .handler = SMembers,
    },
    {
        .name = "SMISMEMBER",
        .syntax = "key member [member ...]",
        .summary = "Says for each of several values whether it is a member of a set.",
        .since = "6.2.0",
        .group = "set",
        .complexity = "O(N) where N is the number of elements being checked for membership",
        .flags = kReadonly | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = SMIsMember,
    },
    {
        .name = "SMOVE",
        .syntax = "source destination member",
        .summary = "Moves a member from one set to another.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = SMove,
    },
    {
        .name = "SPOP",
        .syntax = "key [count]",
        .argument_notes = "count@3.2.0",
        .summary = "Removes random members of a set and returns them. The emptied key is deleted.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
        .flags = kWrite | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .tips = {"nondeterministic_output"},
        .handler = SPop,
    },
    {
        .name = "SRANDMEMBER",
        .syntax = "key [count]",
        .argument_notes = "count@2.6.0",
        .summary = "Returns random members of a set.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed "
                      "count.",
        .flags = kReadonly,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = SRandMember,
    },
    {
        .name = "SREM",
        .syntax = "key member [member ...]",
        .summary = "Removes members from a set. The emptied key is deleted.",
        .since = "1.0.0",
        .group = "set",
        .complexity = "O(N) where N is the number of members to be removed.",
        .flags = kWrite | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = SRem,
    },
    {
        .name = "SSCAN",
        .syntax = "key cursor [MATCH pattern] [COUNT count]",
        .summary = "Walks through the members of a set.",
        .since = "2.8.0",
        .group = "set",
        .complexity = "O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
                      "cursor to return back to 0. N is the number of elements inside the collection.",
        .flags = kReadonly,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = SScan,
    },
};

}  // namespace

std::span<const CommandSpec> SetCommands() { return kCommands; }

}  // namespace kvick
