// The commands on one sorted set and its members. Ranges, combinations and pops have files of their own.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/scan_arguments.h"
#include "commands/sorted_set_access.h"

namespace kvick {
namespace {

// ZRANDMEMBER draws distinct members one by one as long as they are less than a third of all.
constexpr uint64_t kDrawShare = 3;

Status ResultIsNaN() { return errors::Generic("resulting score is not a number (NaN)"); }

struct AddOptions {
  bool only_new = false;        // NX
  bool only_existing = false;   // XX
  bool only_greater = false;    // GT
  bool only_less = false;       // LT
  bool counts_changed = false;  // CH
  bool increments = false;      // INCR
};

// The options of ZADD; `index` ends up behind them.
AddOptions ParseAddOptions(const CommandContext& context, size_t* index) {
  AddOptions options;
  for (; *index < context.argument_count(); ++*index) {
    if (context.ArgIs(*index, "NX")) {
      options.only_new = true;
    } else if (context.ArgIs(*index, "XX")) {
      options.only_existing = true;
    } else if (context.ArgIs(*index, "GT")) {
      options.only_greater = true;
    } else if (context.ArgIs(*index, "LT")) {
      options.only_less = true;
    } else if (context.ArgIs(*index, "CH")) {
      options.counts_changed = true;
    } else if (context.ArgIs(*index, "INCR")) {
      options.increments = true;
    } else {
      break;
    }
  }
  return options;
}

Status CheckAddOptions(const AddOptions& options, size_t pair_count) {
  if (options.only_new && options.only_existing) {
    return errors::Generic("XX and NX options at the same time are not compatible");
  }
  if ((options.only_new && (options.only_greater || options.only_less)) ||
      (options.only_greater && options.only_less)) {
    return errors::Generic("GT, LT, and/or NX options at the same time are not compatible");
  }
  if (options.increments && pair_count > 1) {
    return errors::Generic("INCR option supports a single increment-element pair");
  }
  return Status::Ok();
}

enum class AddOutcome { kNothing, kUnchanged, kAdded, kUpdated, kNaN };

// Adds or changes one member; `score` becomes the one that it has afterwards.
AddOutcome AddMember(SortedSetValue& set, std::string_view member, double* score, const AddOptions& options,
                     const SortedSetLimits& limits) {
  const SortedSetValue::Place place = set.Locate(member);
  if (!place.found) {
    if (options.only_existing) return AddOutcome::kNothing;
    set.Add(place, member, *score, limits);
    return AddOutcome::kAdded;
  }
  if (options.only_new) return AddOutcome::kNothing;
  if (options.increments) {
    *score += place.score;
    if (std::isnan(*score)) return AddOutcome::kNaN;
  }
  if (options.only_less && *score >= place.score) return AddOutcome::kNothing;
  if (options.only_greater && *score <= place.score) return AddOutcome::kNothing;
  if (*score == place.score) return AddOutcome::kUnchanged;
  set.SetScore(place, member, *score);
  return AddOutcome::kUpdated;
}

// ZADD and ZINCRBY: score and member pairs from argument `first` on.
Status AddPairs(CommandContext& context, size_t first, const AddOptions& options) {
  const size_t word_count = context.argument_count() - first;
  if (word_count == 0 || word_count % 2 != 0) return errors::Syntax();
  const size_t pair_count = word_count / 2;
  KVICK_RETURN_IF_ERROR(CheckAddOptions(options, pair_count));
  double one_score = 0;  // most commands bring one pair
  std::vector<double> several_scores(pair_count > 1 ? pair_count : 0);
  double* const scores = pair_count > 1 ? several_scores.data() : &one_score;
  for (size_t i = 0; i < pair_count; ++i) {
    const std::optional<double> score = ParseDouble(context.Arg(first + 2 * i));
    if (!score) return errors::NotFloat();
    scores[i] = *score;
  }

  KVICK_ASSIGN_OR_RETURN(SortedSetValue * set, context.FindValueForWrite<SortedSetValue>(0));
  if (set == nullptr && options.only_existing) {
    options.increments ? context.Reply().Null() : context.Reply().Integer(0);
    return Status::Ok();
  }
  const SortedSetLimits limits = SortedSetLimitsOf(context.settings());
  if (set == nullptr) {
    set = context.PutValue(0, std::make_unique<SortedSetValue>(limits, context.Arg(first + 1).size()));
  }
  uint64_t added_count = 0;
  uint64_t updated_count = 0;
  AddOutcome outcome = AddOutcome::kNothing;
  for (size_t i = 0; i < pair_count; ++i) {
    outcome = AddMember(*set, context.Arg(first + 2 * i + 1), &scores[i], options, limits);
    // Only an increment can bring a NaN, and it comes alone: nothing has been changed yet.
    if (outcome == AddOutcome::kNaN) return ResultIsNaN();
    if (outcome == AddOutcome::kAdded) ++added_count;
    if (outcome == AddOutcome::kUpdated) ++updated_count;
  }
  if (added_count + updated_count > 0) {
    context.Modified(0);
    context.Changed(added_count + updated_count);
    context.Notify(KeyEventClass::kSortedSet, options.increments ? "zincr" : "zadd", 0);
  }
  if (!options.increments) {
    context.Reply().Integer(static_cast<int64_t>(options.counts_changed ? added_count + updated_count : added_count));
  } else if (outcome == AddOutcome::kNothing) {
    context.Reply().Null();
  } else {
    context.Reply().Double(scores[0]);
  }
  return Status::Ok();
}

Status ZAdd(CommandContext& context) {
  size_t first = 2;
  const AddOptions options = ParseAddOptions(context, &first);
  return AddPairs(context, first, options);
}

// Reads an increment that is spelled like an option of ZADD as one, as clients find elsewhere: a syntax error.
Status ZIncrBy(CommandContext& context) {
  size_t first = 2;
  AddOptions options = ParseAddOptions(context, &first);
  options.increments = true;
  return AddPairs(context, first, options);
}

Status ZRem(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(SortedSetValue * set, context.FindValueForWrite<SortedSetValue>(0));
  uint64_t removed_count = 0;
  if (set != nullptr) {
    for (const std::string_view member : context.arguments().subspan(2)) {
      const SortedSetValue::Place place = set->Locate(member);
      if (!place.found) continue;
      set->Erase(place);
      ++removed_count;
      if (set->count() == 0) break;
    }
  }
  if (removed_count > 0) {
    context.Modified(0);
    context.Changed(removed_count);
    context.Notify(KeyEventClass::kSortedSet, "zrem", 0);
    EraseIfEmpty(context, *set, 0);
  }
  context.Reply().Integer(static_cast<int64_t>(removed_count));
  return Status::Ok();
}

Status ZCard(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  context.Reply().Integer(set == nullptr ? 0 : static_cast<int64_t>(set->count()));
  return Status::Ok();
}

void ReplyScore(ReplyWriter& reply, const SortedSetValue* set, std::string_view member) {
  const std::optional<double> score = set == nullptr ? std::nullopt : set->ScoreOf(member);
  score ? reply.Double(*score) : reply.Null();
}

Status ZScore(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  ReplyScore(context.Reply(), set, context.Arg(2));
  return Status::Ok();
}

Status ZMScore(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  const std::span<const std::string_view> members = context.arguments().subspan(2);
  context.Reply().Array(members.size());
  for (const std::string_view member : members) ReplyScore(context.Reply(), set, member);
  return Status::Ok();
}

Status ReplyRank(CommandContext& context, Order order) {
  if (context.argument_count() > 4) return errors::WrongArity(context.command().name);
  const bool with_score = context.argument_count() == 4;
  if (with_score && !context.ArgIs(3, "WITHSCORE")) return errors::Syntax();
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  ReplyWriter& reply = context.Reply();
  const SortedSetValue::Place place = set == nullptr ? SortedSetValue::Place{} : set->Locate(context.Arg(2));
  if (!place.found) {
    with_score ? reply.NullArray() : reply.Null();
    return Status::Ok();
  }
  const size_t rank = set->RankOf(place);
  if (with_score) reply.Array(2);
  reply.Integer(static_cast<int64_t>(order == Order::kAscending ? rank : set->count() - 1 - rank));
  if (with_score) reply.Double(place.score);
  return Status::Ok();
}

Status ZRank(CommandContext& context) { return ReplyRank(context, Order::kAscending); }
Status ZRevRank(CommandContext& context) { return ReplyRank(context, Order::kDescending); }

void ReplyMemberAt(ReplyWriter& reply, const SortedSetValue& set, size_t rank, WithScores with_scores) {
  set.ForEachInRange({rank, rank + 1}, Order::kAscending,
                     [&](std::string_view member, double score) { ReplyMember(reply, member, score, with_scores); });
}

// `count` members, no two the same.
void ReplyDistinctMembers(CommandContext& context, const SortedSetValue& set, uint64_t count, WithScores with_scores) {
  ReplyWriter& reply = context.Reply();
  Random& random = context.executor().random();
  BeginMembers(reply, count, with_scores);
  if (count * kDrawShare <= set.count()) {
    std::unordered_set<size_t> drawn;
    while (drawn.size() < count) {
      const size_t rank = random.Below(set.count());
      if (drawn.insert(rank).second) ReplyMemberAt(reply, set, rank, with_scores);
    }
    return;
  }
  // In one walk: each member is taken with the probability that gives `count` of them in the end.
  uint64_t wanted = count;
  uint64_t left = set.count();
  set.ForEach([&](std::string_view member, double score) {
    if (random.Below(left--) >= wanted) return;
    --wanted;
    ReplyMember(reply, member, score, with_scores);
  });
}

Status ZRandMember(CommandContext& context) {
  WithScores with_scores = WithScores::kNo;
  int64_t count = 0;
  const bool has_count = context.argument_count() > 2;
  if (has_count) {
    KVICK_ASSIGN_OR_RETURN(count, context.IntegerArg(2));
    if (count == INT64_MIN) return errors::NotWithin(-INT64_MAX, INT64_MAX);
    if (context.argument_count() > 4) return errors::Syntax();
    if (context.argument_count() == 4) {
      if (!context.ArgIs(3, "WITHSCORES")) return errors::Syntax();
      with_scores = WithScores::kYes;
      if (count < -(INT64_MAX / 2) || count > INT64_MAX / 2) return errors::Generic("value is out of range");
    }
  }
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  ReplyWriter& reply = context.Reply();
  if (set == nullptr) {
    has_count ? reply.Array(0) : reply.Null();
    return Status::Ok();
  }
  Random& random = context.executor().random();
  if (!has_count) {
    ReplyMemberAt(reply, *set, random.Below(set->count()), WithScores::kNo);
  } else if (count >= 0) {
    ReplyDistinctMembers(context, *set, std::min<uint64_t>(static_cast<uint64_t>(count), set->count()), with_scores);
  } else {
    const auto draw_count = static_cast<uint64_t>(-count);
    BeginMembers(reply, draw_count, with_scores);
    for (uint64_t i = 0; i < draw_count; ++i) ReplyMemberAt(reply, *set, random.Below(set->count()), with_scores);
  }
  return Status::Ok();
}

Status ZScan(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t cursor, ParseScanCursor(context.Arg(2)));
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  ReplyWriter& reply = context.Reply();
  if (set == nullptr) {  // whatever else is asked for
    reply.Array(2);
    reply.Bulk("0");
    reply.Array(0);
    return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(const CollectionScan scan, ParseCollectionScan(context, ScanValues::kUnknownOption));
  std::vector<ScoredText> found;
  uint64_t position = PositionOfCursor(cursor);
  int64_t visited_count = 0;
  do {
    position = set->Scan(position, [&](std::string_view member, double score) {
      ++visited_count;
      if (scan.Matches(member)) found.push_back({std::string(member), score});
    });
  } while (position != 0 && visited_count < scan.count);
  reply.Array(2);
  reply.BulkInteger(static_cast<int64_t>(CursorOfPosition(position)));
  reply.Array(found.size() * 2);
  for (const ScoredText& item : found) {
    reply.Bulk(item.member);
    reply.Bulk(FormatDouble(item.score));  // text in RESP3, too
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "ZADD",
        .syntax = "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
        .argument_notes = "nx=condition@3.0.2 gt=comparison@6.2.0 ch=change@3.0.2 incr=increment@3.0.2 data.score(double)",
        .summary = "Adds members to a sorted set, or changes their scores.",
        .since = "1.2.0",
        .group = "sorted-set",
        .complexity = "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = ZAdd,
    },
    {
        .name = "ZCARD",
        .syntax = "key",
        .summary = "Returns the number of members of a sorted set.",
        .since = "1.2.0",
        .group = "sorted-set",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = ZCard,
    },
    {
        .name = "ZINCRBY",
        .syntax = "key increment member",
        .summary = "Increments the score of a member.",
        .since = "1.2.0",
        .group = "sorted-set",
        .complexity = "O(log(N)) where N is the number of elements in the sorted set.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = ZIncrBy,
    },
    {
        .name = "ZMSCORE",
        .syntax = "key member [member ...]",
        .summary = "Returns the scores of one or more members.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity = "O(N) where N is the number of members being requested.",
        .flags = kReadonly | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZMScore,
    },
    {
        .name = "ZRANDMEMBER",
        .syntax = "key [count [WITHSCORES]]",
        .argument_notes = "count=options",
        .summary = "Returns one or more random members.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity = "O(N) where N is the number of members returned",
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = ZRandMember,
    },
    {
        .name = "ZRANK",
        .syntax = "key member [WITHSCORE]",
        .summary = "Returns the rank of a member, in ascending order of scores.",
        .since = "2.0.0",
        .group = "sorted-set",
        .complexity = "O(log(N))",
        .flags = kReadonly | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZRank,
    },
    {
        .name = "ZREM",
        .syntax = "key member [member ...]",
        .summary = "Removes one or more members.",
        .since = "1.2.0",
        .group = "sorted-set",
        .complexity =
            "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be "
            "removed.",
        .flags = kWrite | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = ZRem,
    },
    {
        .name = "ZREVRANK",
        .syntax = "key member [WITHSCORE]",
        .summary = "Returns the rank of a member, in descending order of scores.",
        .since = "2.0.0",
        .group = "sorted-set",
        .complexity = "O(log(N))",
        .flags = kReadonly | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZRevRank,
    },
    {
        .name = "ZSCAN",
        .syntax = "key cursor [MATCH pattern] [COUNT count]",
        .summary = "Iterates over members and scores of a sorted set.",
        .since = "2.8.0",
        .group = "sorted-set",
        .complexity =
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to "
            "return back to 0. N is the number of elements inside the collection.",
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = ZScan,
    },
    {
        .name = "ZSCORE",
        .syntax = "key member",
        .summary = "Returns the score of a member.",
        .since = "1.2.0",
        .group = "sorted-set",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZScore,
    },
};

}  // namespace

std::span<const CommandSpec> SortedSetCommands() { return kCommands; }

}  // namespace kvick
