// The commands that combine sets: members, how many, or stored.
#include <algorithm>
#include <memory>
#include <vector>

#include "commands/families.h"
#include "commands/set_access.h"
#include "engine/command_context.h"
#include "types/set_algebra.h"

namespace kvick {
namespace {

enum class Combination { kIntersection, kUnion, kDifference };

// The sets of the keys from `first_ordinal` on; null for a missing key. All are looked at, so that one of another
// type is an error even where it would not matter.
Result<std::vector<const SetValue*>> FindSets(CommandContext& context, size_t first_ordinal) {
  std::vector<const SetValue*> sets;
  sets.reserve(context.key_count());
  for (size_t i = first_ordinal; i < context.key_count(); ++i) {
    KVICK_ASSIGN_OR_RETURN(const SetValue* set, FindSet(context, i));
    sets.push_back(set);
  }
  return sets;
}

bool AnyIsMissing(const std::vector<const SetValue*>& sets) {
  return std::find(sets.begin(), sets.end(), nullptr) != sets.end();
}

void ForEachIn(Combination combination, const std::vector<const SetValue*>& sets, const MemberVisitor& visit) {
  switch (combination) {
    case Combination::kIntersection:
      if (!AnyIsMissing(sets)) ForEachInIntersection(sets, visit);
      return;
    case Combination::kUnion: return ForEachInUnion(sets, visit);
    case Combination::kDifference: return ForEachInDifference(sets, visit);
  }
}

Status ReplyMembers(CommandContext& context, Combination combination) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<const SetValue*> sets, FindSets(context, 0));
  ReplyWriter& reply = context.Reply();
  const OutputBuffer::Hole hole = reply.Begin();
  size_t count = 0;
  ForEachIn(combination, sets, [&](std::string_view member) {
    reply.Bulk(member);
    ++count;
    return true;
  });
  reply.End(hole, ReplyWriter::Aggregate::kSet, count);
  return Status::Ok();
}

Status SInter(CommandContext& context) { return ReplyMembers(context, Combination::kIntersection); }
Status SUnion(CommandContext& context) { return ReplyMembers(context, Combination::kUnion); }
Status SDiff(CommandContext& context) { return ReplyMembers(context, Combination::kDifference); }

// Whether looking each member of the first set up in the others would be more work than taking the others' members away
// from a copy of it. The copy's form stays when few are left, as OBJECT ENCODING shows.
bool IsTakenFromCopy(const std::vector<const SetValue*>& sets) {
  uint64_t lookups = 0;
  uint64_t members = 0;
  for (const SetValue* set : sets) {
    if (set == nullptr) continue;
    lookups += sets[0]->count();
    members += set->count();
  }
  return lookups / 2 > members;
}

std::unique_ptr<SetValue> TakeFromCopy(const std::vector<const SetValue*>& sets, const SetLimits& limits) {
  auto result = std::make_unique<SetValue>();
  sets[0]->ForEach([&](std::string_view member) {
    result->Add(member, limits);
    return true;
  });
  for (size_t i = 1; i < sets.size(); ++i) {
    if (sets[i] == nullptr) continue;
    sets[i]->ForEach([&](std::string_view member) {
      result->Remove(member);
      return result->count() > 0;
    });
  }
  return result;
}

std::unique_ptr<SetValue> Combine(Combination combination, const std::vector<const SetValue*>& sets,
                                  const SetLimits& limits) {
  if (combination == Combination::kDifference && sets[0] != nullptr && IsTakenFromCopy(sets)) {
    return TakeFromCopy(sets, limits);
  }
  // An intersection grows in the form of the smallest set; only if all members turn out to be integers does a packed
  // one become an intset in the end. The others begin as intsets.
  const bool starts_packed = combination == Combination::kIntersection && !AnyIsMissing(sets) &&
                             SmallestOf(sets)->encoding() != SetValue::Encoding::kIntset;
  auto result = starts_packed ? std::make_unique<SetValue>(Listpack()) : std::make_unique<SetValue>();
  ForEachIn(combination, sets, [&](std::string_view member) {
    result->Add(member, limits);
    return true;
  });
  if (starts_packed) result->CompactToIntset(limits);
  return result;
}

Status Store(CommandContext& context, Combination combination, std::string_view event) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<const SetValue*> sets, FindSets(context, 1));
  std::unique_ptr<SetValue> result = Combine(combination, sets, SetLimitsOf(context.settings()));
  const size_t count = result->count();
  if (count > 0) {
    context.PutValue(0, std::move(result));
    context.Changed();
    context.Notify(KeyEventClass::kSet, event, 0);
  } else if (context.EraseKey(0)) {
    context.Changed();
    context.Notify(KeyEventClass::kGeneric, "del", 0);
  }
  context.Reply().Integer(static_cast<int64_t>(count));
  return Status::Ok();
}

Status SInterStore(CommandContext& context) { return Store(context, Combination::kIntersection, "sinterstore"); }
Status SUnionStore(CommandContext& context) { return Store(context, Combination::kUnion, "sunionstore"); }
Status SDiffStore(CommandContext& context) { return Store(context, Combination::kDifference, "sdiffstore"); }

// What LIMIT says; 0: nothing. APPROX allows an estimate; the exact number costs no more here, as nothing is stored
// to find it.
Result<uint64_t> ParseCardLimit(CommandContext& context, Combination combination) {
  const Result<int64_t> key_count = context.IntegerArg(1);
  if (!key_count.ok() || *key_count < 1) return errors::Generic("numkeys should be greater than 0");
  if (static_cast<uint64_t>(*key_count) > context.argument_count() - 2) {
    return errors::Generic("Number of keys can't be greater than number of args");
  }
  uint64_t count_max = 0;
  for (size_t i = 2 + static_cast<size_t>(*key_count); i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "LIMIT") && i + 1 < context.argument_count()) {
      const Result<int64_t> limit = context.IntegerArg(++i);
      if (!limit.ok() || *limit < 0) return errors::Generic("LIMIT can't be negative");
      count_max = static_cast<uint64_t>(*limit);
    } else if (!(context.ArgIs(i, "APPROX") && combination == Combination::kUnion)) {
      return errors::Syntax();
    }
  }
  return count_max;
}

Status ReplyCard(CommandContext& context, Combination combination) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t count_max, ParseCardLimit(context, combination));
  KVICK_ASSIGN_OR_RETURN(const std::vector<const SetValue*> sets, FindSets(context, 0));
  uint64_t count = 0;
  ForEachIn(combination, sets, [&](std::string_view) { return ++count != count_max; });
  context.Reply().Integer(static_cast<int64_t>(count));
  return Status::Ok();
}

Status SInterCard(CommandContext& context) { return ReplyCard(context, Combination::kIntersection); }
Status SUnionCard(CommandContext& context) { return ReplyCard(context, Combination::kUnion); }
Status SDiffCard(CommandContext& context) { return ReplyCard(context, Combination::kDifference); }

constexpr std::string_view kLinear = "O(N) where N is the total number of elements in all given sets.";
constexpr std::string_view kByIntersection =
    "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.";

constexpr CommandSpec ReadRow(std::string_view name, std::string_view summary, std::string_view complexity,
                              CommandHandler handler) {
  return {
      .name = name,
      .syntax = "key [key ...]",
      .summary = summary,
      .since = "1.0.0",
      .group = "set",
      .complexity = complexity,
      .flags = kReadonly,
      .categories = kAclSet,
      .keys = {KeyRange(1, -1, 1, kKeyReadOnly | kKeyAccess)},
      .tips = {"nondeterministic_output_order"},
      .handler = handler,
  };
}

constexpr CommandSpec StoreRow(std::string_view name, std::string_view summary, std::string_view complexity,
                               CommandHandler handler) {
  return {
      .name = name,
      .syntax = "destination key [key ...]",
      .summary = summary,
      .since = "1.0.0",
      .group = "set",
      .complexity = complexity,
      .flags = kWrite | kDenyOom,
      .categories = kAclSet,
      .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate), KeyRange(2, -1, 1, kKeyReadOnly | kKeyAccess)},
      .handler = handler,
  };
}

constexpr CommandSpec CardRow(std::string_view name, std::string_view syntax, std::string_view summary,
                              std::string_view since, std::string_view complexity, CommandHandler handler) {
  return {
      .name = name,
      .syntax = syntax,
      .argument_notes = "limit(integer)",
      .summary = summary,
      .since = since,
      .group = "set",
      .complexity = complexity,
      .flags = kReadonly,
      .categories = kAclSet,
      .keys = {CountedKeys(1, kKeyReadOnly | kKeyAccess)},
      .handler = handler,
  };
}

constexpr CommandSpec kCommands[] = {
    ReadRow("SDIFF", "Returns the members of the first set that are in none of the others.", kLinear, SDiff),
    CardRow("SDIFFCARD", "numkeys key [key ...] [LIMIT limit]",
            "Returns how many members of the first set are in none of the others.", "8.10.0", kLinear, SDiffCard),
    StoreRow("SDIFFSTORE", "Stores the members of the first set that are in none of the others in a key.", kLinear,
             SDiffStore),
    ReadRow("SINTER", "Returns the members that all sets share.", kByIntersection, SInter),
    CardRow("SINTERCARD", "numkeys key [key ...] [LIMIT limit]", "Returns how many members all sets share.", "7.0.0",
            kByIntersection, SInterCard),
    StoreRow("SINTERSTORE", "Stores the members that all sets share in a key.", kByIntersection, SInterStore),
    ReadRow("SUNION", "Returns the members of all sets together.", kLinear, SUnion),
    CardRow("SUNIONCARD", "numkeys key [key ...] [APPROX] [LIMIT limit]",
            "Returns how many different members several sets have together.", "8.10.0", kLinear, SUnionCard),
    StoreRow("SUNIONSTORE", "Stores the members of all sets together in a key.", kLinear, SUnionStore),
};

}  // namespace

std::span<const CommandSpec> SetCombinationCommands() { return kCommands; }

}  // namespace kvick
