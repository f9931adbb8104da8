// Unions, intersections and differences of sorted sets; sets take part as if each member had the score 1.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/secret_hash.h"
#include "commands/families.h"
#include "commands/set_access.h"
#include "commands/sorted_set_access.h"

namespace kvick {
namespace {

enum class Combination : uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : uint8_t { kSum, kMin, kMax, kCount };

// One of the keys that are combined: a sorted set, a set, or nothing.
struct Input {
  const SortedSetValue* scored = nullptr;
  const SetValue* plain = nullptr;
  double weight = 1;

  size_t count() const {
    if (scored != nullptr) return scored->count();
    return plain != nullptr ? plain->count() : 0;
  }
  std::optional<double> ScoreOf(std::string_view member) const {
    if (scored != nullptr) return scored->ScoreOf(member);
    return plain != nullptr && plain->Contains(member) ? std::optional(1.0) : std::nullopt;
  }
  // Calls `visit(member, score)` until it returns false.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    bool goes_on = true;
    if (scored != nullptr) {
      // In pieces, so that a walk that was ended ends soon.
      constexpr size_t kPiece = 64;
      for (size_t begin = 0; begin < scored->count() && goes_on; begin += kPiece) {
        scored->ForEachInRange({begin, std::min(begin + kPiece, scored->count())}, Order::kAscending,
                               [&](std::string_view member, double score) {
                                 if (goes_on) goes_on = visit(member, score);
                               });
      }
    } else if (plain != nullptr) {
      plain->ForEach([&visit](std::string_view member) { return visit(member, 1.0); });
    }
  }
};

struct CombineRequest {
  std::vector<Input> inputs;
  Aggregate aggregate = Aggregate::kSum;
  WithScores with_scores = WithScores::kNo;
  int64_t limit = 0;  // 0: none
};

// Infinities of both signs, and an infinity times zero, make no number: they count as zero.
double ZeroIfNaN(double value) { return std::isnan(value) ? 0 : value; }

// What one input says of a member.
double Contribution(const CombineRequest& request, const Input& input, double score) {
  return request.aggregate == Aggregate::kCount ? input.weight : input.weight * score;
}

double Combine(Aggregate aggregate, double left, double right) {
  switch (aggregate) {
    case Aggregate::kMin: return right < left ? right : left;
    case Aggregate::kMax: return right > left ? right : left;
    case Aggregate::kSum:
    case Aggregate::kCount: break;
  }
  return ZeroIfNaN(left + right);
}

// Which options a command knows.
struct CombineForm {
  size_t key_count_index;
  bool stores = false;
  bool only_counts = false;
};

Status ParseWeights(const CommandContext& context, size_t first, std::vector<Input>* inputs) {
  for (size_t i = 0; i < inputs->size(); ++i) {
    const std::optional<double> weight = ParseDouble(context.Arg(first + i));
    if (!weight) return errors::Generic("weight value is not a float");
    (*inputs)[i].weight = *weight;
  }
  return Status::Ok();
}

Result<Aggregate> ParseAggregate(std::string_view word) {
  if (EqualsIgnoreCase(word, "SUM")) return Aggregate::kSum;
  if (EqualsIgnoreCase(word, "MIN")) return Aggregate::kMin;
  if (EqualsIgnoreCase(word, "MAX")) return Aggregate::kMax;
  if (EqualsIgnoreCase(word, "COUNT")) return Aggregate::kCount;
  return errors::Syntax();
}

Result<Input> FindInput(CommandContext& context, size_t ordinal) {
  Input input;
  const KeyTable::Slot slot = context.Find(ordinal);
  if (slot.entry == nullptr) return input;
  if (slot.entry->type() == ValueType::kSortedSet) {
    input.scored = context.ValueOf<SortedSetValue>(*slot.entry);
  } else if (slot.entry->type() == ValueType::kSet) {
    input.plain = SetOf(context, ordinal, *slot.entry);
  } else {
    return errors::WrongType();
  }
  return input;
}

Result<CombineRequest> ParseCombine(CommandContext& context, Combination combination, const CombineForm& form) {
  CombineRequest request;
  KVICK_ASSIGN_OR_RETURN(const int64_t key_count, context.IntegerArg(form.key_count_index));
  if (key_count < 1) {
    return errors::Generic("at least 1 input key is needed for '" + ToLower(context.command().name) + "' command");
  }
  const size_t first_key = form.key_count_index + 1;
  if (static_cast<uint64_t>(key_count) > context.argument_count() - first_key) return errors::Syntax();
  const auto input_count = static_cast<size_t>(key_count);
  request.inputs.reserve(input_count);
  for (size_t i = 0; i < input_count; ++i) {
    KVICK_ASSIGN_OR_RETURN(Input input, FindInput(context, i + (form.stores ? 1 : 0)));
    request.inputs.push_back(input);
  }
  const bool scores_combine = combination != Combination::kDifference && !form.only_counts;
  for (size_t i = first_key + input_count; i < context.argument_count(); ++i) {
    const size_t left = context.argument_count() - i - 1;  // words behind this one
    if (scores_combine && left >= input_count && context.ArgIs(i, "WEIGHTS")) {
      KVICK_RETURN_IF_ERROR(ParseWeights(context, i + 1, &request.inputs));
      i += input_count;
    } else if (scores_combine && left >= 1 && context.ArgIs(i, "AGGREGATE")) {
      KVICK_ASSIGN_OR_RETURN(request.aggregate, ParseAggregate(context.Arg(++i)));
    } else if (!form.stores && !form.only_counts && context.ArgIs(i, "WITHSCORES")) {
      request.with_scores = WithScores::kYes;
    } else if (form.only_counts && left >= 1 && context.ArgIs(i, "LIMIT")) {
      const std::optional<int64_t> limit = ParseInt64(context.Arg(++i));
      if (!limit || *limit < 0) return errors::Generic("LIMIT can't be negative");
      request.limit = *limit;
    } else {
      return errors::Syntax();
    }
  }
  // Smallest first: it bounds an intersection, and in this order sums are made.
  if (combination != Combination::kDifference) {
    std::stable_sort(request.inputs.begin(), request.inputs.end(),
                     [](const Input& a, const Input& b) { return a.count() < b.count(); });
  }
  return request;
}

// Calls `visit(member, score)` for the members of an intersection until it returns false.
template <typename Visit>
void ForEachShared(const CombineRequest& request, Visit&& visit) {
  const Input& smallest = request.inputs[0];
  smallest.ForEach([&](std::string_view member, double score) {
    double combined = ZeroIfNaN(Contribution(request, smallest, score));
    for (size_t i = 1; i < request.inputs.size(); ++i) {
      const Input& input = request.inputs[i];
      const std::optional<double> other = input.ScoreOf(member);
      if (!other) return true;
      combined = Combine(request.aggregate, combined, Contribution(request, input, *other));
    }
    return visit(member, combined);
  });
}

struct SecretStringHash {
  size_t operator()(const std::string& bytes) const { return SecretHash(bytes); }
};

std::vector<ScoredText> Union(const CombineRequest& request) {
  std::unordered_map<std::string, double, SecretStringHash> scores;
  scores.reserve(request.inputs.back().count());
  for (const Input& input : request.inputs) {
    input.ForEach([&](std::string_view member, double score) {
      const double value = ZeroIfNaN(Contribution(request, input, score));
      const auto [place, is_new] = scores.try_emplace(std::string(member), value);
      if (!is_new) place->second = Combine(request.aggregate, place->second, value);
      return true;
    });
  }
  std::vector<ScoredText> members;
  members.reserve(scores.size());
  while (!scores.empty()) {
    auto node = scores.extract(scores.begin());
    members.push_back({std::move(node.key()), node.mapped()});
  }
  return members;
}

std::vector<ScoredText> Combined(const CombineRequest& request, Combination combination) {
  std::vector<ScoredText> members;
  switch (combination) {
    case Combination::kUnion: return Union(request);
    case Combination::kIntersection:
      ForEachShared(request, [&members](std::string_view member, double score) {
        members.push_back({std::string(member), score});
        return true;
      });
      break;
    case Combination::kDifference:
      request.inputs[0].ForEach([&](std::string_view member, double score) {
        for (size_t i = 1; i < request.inputs.size(); ++i) {
          if (request.inputs[i].ScoreOf(member)) return true;
        }
        members.push_back({std::string(member), score});
        return true;
      });
      break;
  }
  return members;
}

Status ReplyCombined(CommandContext& context, Combination combination) {
  KVICK_ASSIGN_OR_RETURN(const CombineRequest request, ParseCombine(context, combination, {.key_count_index = 1}));
  std::vector<ScoredText> members = Combined(request, combination);
  SortByScore(&members);
  BeginMembers(context.Reply(), members.size(), request.with_scores);
  for (const ScoredText& item : members) ReplyMember(context.Reply(), item.member, item.score, request.with_scores);
  return Status::Ok();
}

Status ZUnion(CommandContext& context) { return ReplyCombined(context, Combination::kUnion); }
Status ZInter(CommandContext& context) { return ReplyCombined(context, Combination::kIntersection); }
Status ZDiff(CommandContext& context) { return ReplyCombined(context, Combination::kDifference); }

Status StoreCombined(CommandContext& context, Combination combination, std::string_view event) {
  KVICK_ASSIGN_OR_RETURN(const CombineRequest request,
                         ParseCombine(context, combination, {.key_count_index = 2, .stores = true}));
  StoreSortedSet(
      context, std::make_unique<SortedSetValue>(Combined(request, combination), SortedSetLimitsOf(context.settings())),
      event);
  return Status::Ok();
}

Status ZUnionStore(CommandContext& context) { return StoreCombined(context, Combination::kUnion, "zunionstore"); }
Status ZInterStore(CommandContext& context) {
  return StoreCombined(context, Combination::kIntersection, "zinterstore");
}
Status ZDiffStore(CommandContext& context) { return StoreCombined(context, Combination::kDifference, "zdiffstore"); }

Status ZInterCard(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const CombineRequest request, ParseCombine(context, Combination::kIntersection,
                                                                    {.key_count_index = 1, .only_counts = true}));
  int64_t count = 0;
  ForEachShared(request, [&](std::string_view, double) { return ++count != request.limit; });
  context.Reply().Integer(count);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "ZDIFF",
        .syntax = "numkeys key [key ...] [WITHSCORES]",
        .summary = "Returns the members of the first sorted set that are in none of the others.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity =
            "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size "
            "of the first set, and K is the size of the result set.",
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {CountedKeys(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZDiff,
    },
    {
        .name = "ZDIFFSTORE",
        .syntax = "destination numkeys key [key ...]",
        .summary = "Stores the members of the first sorted set that are in none of the others in a key.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity =
            "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size "
            "of the first set, and K is the size of the result set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate), CountedKeys(2, kKeyReadOnly | kKeyAccess)},
        .handler = ZDiffStore,
    },
    {
        .name = "ZINTER",
        .syntax = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>] "
                  "[WITHSCORES]",
        .argument_notes = "weight(integer) sum=aggregate",
        .summary = "Returns the members that several sorted sets share.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity = "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of "
                      "input sorted sets and M being the number of elements in the resulting sorted set.",
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {CountedKeys(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZInter,
    },
    {
        .name = "ZINTERCARD",
        .syntax = "numkeys key [key ...] [LIMIT limit]",
        .argument_notes = "limit(integer)",
        .summary = "Returns how many members several sorted sets share.",
        .since = "7.0.0",
        .group = "sorted-set",
        .complexity =
            "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted "
            "sets.",
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {CountedKeys(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZInterCard,
    },
    {
        .name = "ZINTERSTORE",
        .syntax =
            "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]",
        .argument_notes = "weight(integer) sum=aggregate",
        .summary = "Stores the members that several sorted sets share in a key.",
        .since = "2.0.0",
        .group = "sorted-set",
        .complexity = "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of "
                      "input sorted sets and M being the number of elements in the resulting sorted set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate), CountedKeys(2, kKeyReadOnly | kKeyAccess)},
        .handler = ZInterStore,
    },
    {
        .name = "ZUNION",
        .syntax = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>] "
                  "[WITHSCORES]",
        .argument_notes = "weight(integer) sum=aggregate",
        .summary = "Returns the members of several sorted sets together.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity =
            "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number "
            "of elements in the resulting sorted set.",
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {CountedKeys(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZUnion,
    },
    {
        .name = "ZUNIONSTORE",
        .syntax =
            "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]",
        .argument_notes = "weight(integer) sum=aggregate",
        .summary = "Stores the members of several sorted sets together in a key.",
        .since = "2.0.0",
        .group = "sorted-set",
        .complexity =
            "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number "
            "of elements in the resulting sorted set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate), CountedKeys(2, kKeyReadOnly | kKeyAccess)},
        .handler = ZUnionStore,
    },
};

}  // namespace

std::span<const CommandSpec> SortedSetAlgebraCommands() { return kCommands; }

}  // namespace kvick
