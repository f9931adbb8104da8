#include "commands/sorted_set_access.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/numbers.h"

namespace kvick {
namespace {

struct ScoreBound {
  double score;
  bool is_excluded;
};

// What strtod reads, the end of the string included: "" is 0 and " 1" is 1, as clients find elsewhere.
std::optional<ScoreBound> ParseScoreBound(std::string_view text) {
  const bool is_excluded = !text.empty() && text[0] == '(';
  const std::string number(text.substr(is_excluded ? 1 : 0));
  char* end = nullptr;
  const double score = std::strtod(number.c_str(), &end);
  if (*end != '\0' || std::isnan(score)) return std::nullopt;
  return ScoreBound{score, is_excluded};
}

std::optional<LexBound> ParseLexBound(std::string_view text) {
  using Kind = LexBound::Kind;
  if (text == "-") return LexBound{Kind::kLowest, {}};
  if (text == "+") return LexBound{Kind::kHighest, {}};
  if (text.empty() || (text[0] != '[' && text[0] != '(')) return std::nullopt;
  return LexBound{text[0] == '[' ? Kind::kIncluding : Kind::kExcluding, text.substr(1)};
}

}  // namespace

Result<ScoreRange> ParseScoreRange(std::string_view min, std::string_view max) {
  const std::optional<ScoreBound> low = ParseScoreBound(min);
  const std::optional<ScoreBound> high = ParseScoreBound(max);
  if (!low || !high) return errors::Generic("min or max is not a float");
  return ScoreRange{low->score, high->score, low->is_excluded, high->is_excluded};
}

Result<LexRange> ParseLexRange(std::string_view min, std::string_view max) {
  const std::optional<LexBound> low = ParseLexBound(min);
  const std::optional<LexBound> high = ParseLexBound(max);
  if (!low || !high) return errors::Generic("min or max not valid string range item");
  return LexRange{*low, *high};
}

void BeginMembers(ReplyWriter& reply, size_t count, WithScores with_scores) {
  reply.Array(with_scores == WithScores::kYes && !reply.is_resp3() ? count * 2 : count);
}

void ReplyMember(ReplyWriter& reply, std::string_view member, double score, WithScores with_scores) {
  if (with_scores == WithScores::kNo) return reply.Bulk(member);
  if (reply.is_resp3()) reply.Array(2);
  reply.Bulk(member);
  reply.Double(score);
}

void EraseIfEmpty(CommandContext& context, const SortedSetValue& set, size_t ordinal) {
  if (set.count() > 0) return;
  context.EraseKey(ordinal);
  context.Notify(KeyEventClass::kGeneric, "del", ordinal);
}

void StoreSortedSet(CommandContext& context, std::unique_ptr<SortedSetValue> result, std::string_view event) {
  const size_t count = result->count();
  if (count > 0) {
    context.PutValue(0, std::move(result));
    context.Changed();
    context.Notify(KeyEventClass::kSortedSet, event, 0);
  } else if (context.EraseKey(0)) {
    context.Changed();
    context.Notify(KeyEventClass::kGeneric, "del", 0);
  }
  context.Reply().Integer(static_cast<int64_t>(count));
}

}  // namespace kvick
