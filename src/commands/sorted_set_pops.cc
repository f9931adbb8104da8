// Taking the lowest or highest members away, with and without waiting for them.
#include <algorithm>
#include <limits>
#include <optional>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/multi_pop.h"
#include "commands/sorted_set_access.h"
#include "engine/blocking.h"

namespace kvick {
namespace {

enum class PopEnd : uint8_t { kMin, kMax };

// How the members of a reply are written.
enum class PopReply : uint8_t {
  kFlat,         // member, score, member, score ...
  kPairs,        // an array of pairs
  kKeyAndFlat,   // the key, member, score
  kKeyAndPairs,  // the key, then an array of pairs
};

// Takes `count` members (at least one) away and replies them.
void Pop(CommandContext& context, SortedSetValue& set, size_t ordinal, PopEnd end, size_t count, PopReply form) {
  count = std::min(count, set.count());
  const RankRange range = end == PopEnd::kMin ? RankRange{0, count} : RankRange{set.count() - count, set.count()};
  ReplyWriter& reply = context.Reply();
  switch (form) {
    case PopReply::kFlat: reply.Array(count * 2); break;
    case PopReply::kPairs: reply.Array(count); break;
    case PopReply::kKeyAndFlat:
      reply.Array(1 + count * 2);
      reply.Bulk(context.KeyName(ordinal));
      break;
    case PopReply::kKeyAndPairs:
      reply.Array(2);
      reply.Bulk(context.KeyName(ordinal));
      reply.Array(count);
      break;
  }
  const bool in_pairs = form == PopReply::kPairs || form == PopReply::kKeyAndPairs;
  set.ForEachInRange(range, end == PopEnd::kMin ? Order::kAscending : Order::kDescending,
                     [&](std::string_view member, double score) {
                       if (in_pairs) reply.Array(2);
                       reply.Bulk(member);
                       reply.Double(score);
                     });
  set.EraseRange(range);
  context.Modified(ordinal);
  context.Changed(count);
  context.Notify(KeyEventClass::kSortedSet, end == PopEnd::kMin ? "zpopmin" : "zpopmax", ordinal);
  EraseIfEmpty(context, set, ordinal);
}

// What the log says of a pop from one of several keys.
void LogPop(CommandContext& context, size_t ordinal, PopEnd end, std::optional<size_t> count) {
  const std::string_view name = end == PopEnd::kMin ? "ZPOPMIN" : "ZPOPMAX";
  if (!count) return context.Effect({name, context.KeyName(ordinal)});
  char buffer[kInt64TextMax];
  context.Effect({name, context.KeyName(ordinal), {buffer, FormatUint64(*count, buffer)}});
}

// ZPOPMIN key [count]
Status PopFromOne(CommandContext& context, PopEnd end) {
  const bool has_count = context.argument_count() > 2;
  int64_t count = 1;
  if (context.argument_count() > 3) return errors::Syntax();
  if (has_count) {
    const std::optional<int64_t> parsed = ParseInt64(context.Arg(2));
    if (!parsed || *parsed < 0) return errors::NotPositive("value");
    count = *parsed;
  }
  KVICK_ASSIGN_OR_RETURN(SortedSetValue * set, context.FindValueForWrite<SortedSetValue>(0));
  if (set == nullptr || count == 0) {
    context.Reply().Array(0);
    return Status::Ok();
  }
  const bool in_pairs = has_count && context.Reply().is_resp3();
  Pop(context, *set, 0, end, static_cast<size_t>(count), in_pairs ? PopReply::kPairs : PopReply::kFlat);
  return Status::Ok();
}

Status ZPopMin(CommandContext& context) { return PopFromOne(context, PopEnd::kMin); }
Status ZPopMax(CommandContext& context) { return PopFromOne(context, PopEnd::kMax); }

Result<MultiPop> ParseMultiPop(const CommandContext& context, size_t at) {
  return ParseMultiPop(context, at, "MIN", "MAX");
}

PopEnd EndOf(const MultiPop& pop) { return pop.names_second ? PopEnd::kMax : PopEnd::kMin; }

// Pops from the first of the keys that has something; false when none has.
Result<bool> PopFromFirst(CommandContext& context, size_t key_count, PopEnd end, size_t count, PopReply form) {
  const CommandContext::KeyRange keys = context.ServableKeys(0, key_count);
  for (size_t ordinal = keys.first; ordinal < keys.last; ++ordinal) {
    KVICK_ASSIGN_OR_RETURN(SortedSetValue * set, context.FindValueForWrite<SortedSetValue>(ordinal));
    if (set == nullptr) continue;
    const size_t popped_count = std::min(count, set->count());
    Pop(context, *set, ordinal, end, count, form);
    LogPop(context, ordinal, end, form == PopReply::kKeyAndFlat ? std::nullopt : std::optional(popped_count));
    return true;
  }
  return false;
}

Status ZMPop(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const MultiPop pop, ParseMultiPop(context, 1));
  KVICK_ASSIGN_OR_RETURN(const bool popped,
                         PopFromFirst(context, pop.key_count, EndOf(pop), pop.count, PopReply::kKeyAndPairs));
  if (!popped) context.Reply().NullArray();
  return Status::Ok();
}

Status WaitAndPop(CommandContext& context, size_t key_count, PopEnd end, size_t count, PopReply form,
                  int64_t timeout_ms) {
  KVICK_ASSIGN_OR_RETURN(const bool popped, PopFromFirst(context, key_count, end, count, form));
  if (popped) return Status::Ok();
  return context.Block({.awaited = ValueType::kSortedSet, .timeout_ms = timeout_ms, .waited_count = key_count});
}

Status BZPop(CommandContext& context, PopEnd end) {
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(context.argument_count() - 1)));
  return WaitAndPop(context, context.argument_count() - 2, end, 1, PopReply::kKeyAndFlat, timeout_ms);
}

Status BZPopMin(CommandContext& context) { return BZPop(context, PopEnd::kMin); }
Status BZPopMax(CommandContext& context) { return BZPop(context, PopEnd::kMax); }

Status BZMPop(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(1)));
  KVICK_ASSIGN_OR_RETURN(const MultiPop pop, ParseMultiPop(context, 2));
  return WaitAndPop(context, pop.key_count, EndOf(pop), pop.count, PopReply::kKeyAndPairs, timeout_ms);
}

constexpr CommandSpec WaitRow(std::string_view name, std::string_view summary, CommandHandler handler) {
  return {
      .name = name,
      .syntax = "key [key ...] timeout",
      .argument_notes = "timeout(double)",
      .summary = summary,
      .since = "5.0.0",
      .group = "sorted-set",
      .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
      .flags = kWrite | kBlocking | kFast,
      .categories = kAclSortedSet,
      .keys = {KeyRange(1, -2, 1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
      .handler = handler,
  };
}

constexpr CommandSpec PopRow(std::string_view name, std::string_view summary, CommandHandler handler) {
  return {
      .name = name,
      .syntax = "key [count]",
      .summary = summary,
      .since = "5.0.0",
      .group = "sorted-set",
      .complexity =
          "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of "
          "elements popped.",
      .flags = kWrite | kFast,
      .categories = kAclSortedSet,
      .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
      .handler = handler,
  };
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BZMPOP",
        .syntax = "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
        .argument_notes = "timeout(double) min=where",
        .summary = "Removes and returns the lowest or highest members of a sorted set; waits for one.",
        .since = "7.0.0",
        .group = "sorted-set",
        .complexity =
            "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the "
            "sorted set, and M being the number of elements popped.",
        .flags = kWrite | kBlocking,
        .categories = kAclSortedSet,
        .keys = {CountedKeys(2, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = BZMPop,
    },
    WaitRow("BZPOPMAX",
            "Removes and returns the highest-scoring member of the first sorted set that is not empty; waits for "
            "one.",
            BZPopMax),
    WaitRow("BZPOPMIN",
            "Removes and returns the lowest-scoring member of the first sorted set that is not empty; waits for "
            "one.",
            BZPopMin),
    {
        .name = "ZMPOP",
        .syntax = "numkeys key [key ...] <MIN | MAX> [COUNT count]",
        .argument_notes = "min=where",
        .summary = "Removes and returns the lowest or highest members of the first sorted set that is not empty.",
        .since = "7.0.0",
        .group = "sorted-set",
        .complexity =
            "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the "
            "sorted set, and M being the number of elements popped.",
        .flags = kWrite,
        .categories = kAclSortedSet,
        .keys = {CountedKeys(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = ZMPop,
    },
    PopRow("ZPOPMAX", "Removes and returns the highest-scoring members.", ZPopMax),
    PopRow("ZPOPMIN", "Removes and returns the lowest-scoring members.", ZPopMin),
};

}  // namespace

std::span<const CommandSpec> SortedSetPopCommands() { return kCommands; }

}  // namespace kvick
