// Looking through arrays: ARGREP finds items by what they are, AROP computes one number of many.
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/array_access.h"
#include "commands/families.h"

namespace kvick {
namespace {

// ---- ARGREP

constexpr size_t kPredicatesMax = 250;
constexpr size_t kPatternBytesMax = 2048;

// A text to compare with, or a pattern; ready when all options are known.
struct Predicate {
  enum class Kind : uint8_t { kExact, kMatch, kGlob, kRegularExpression };

  Kind kind;
  std::string pattern;
  std::unique_ptr<re2::RE2> expression;
};

struct Grep {
  std::vector<Predicate> predicates;
  bool needs_all = false;
  bool ignores_case = false;
  bool with_values = false;
  uint64_t limit = UINT64_MAX;

  bool IsMetBy(std::string_view text) const;
};

bool ContainsIgnoreCase(std::string_view text, std::string_view lower_case_part) {
  return std::search(text.begin(), text.end(), lower_case_part.begin(), lower_case_part.end(),
                     [](char a, char b) { return ToLower(a) == b; }) != text.end();
}

bool Meets(std::string_view text, const Predicate& predicate, bool ignores_case) {
  switch (predicate.kind) {
    case Predicate::Kind::kExact:
      return ignores_case ? EqualsIgnoreCase(text, predicate.pattern) : text == predicate.pattern;
    case Predicate::Kind::kMatch:
      return ignores_case ? ContainsIgnoreCase(text, predicate.pattern)
                          : text.find(predicate.pattern) != std::string_view::npos;
    case Predicate::Kind::kGlob: return MatchesGlob(predicate.pattern, text, ignores_case);
    case Predicate::Kind::kRegularExpression: break;
  }
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *predicate.expression);
}

bool Grep::IsMetBy(std::string_view text) const {
  const auto meets = [&](const Predicate& predicate) { return Meets(text, predicate, ignores_case); };
  return needs_all ? std::all_of(predicates.begin(), predicates.end(), meets)
                   : std::any_of(predicates.begin(), predicates.end(), meets);
}

// RE2 takes time linear in the text, whatever the expression.
Status Compile(Predicate* predicate, bool ignores_case) {
  if (predicate->pattern.empty()) return errors::Generic("regular expression is empty");
  re2::RE2::Options options(re2::RE2::Latin1);  // bytes, not characters
  options.set_log_errors(false);
  options.set_case_sensitive(!ignores_case);
  predicate->expression = std::make_unique<re2::RE2>(predicate->pattern, options);
  if (predicate->expression->ok()) return Status::Ok();
  const std::string& where = predicate->expression->error_arg();
  const bool is_backreference = predicate->expression->error_code() == re2::RE2::ErrorBadEscape && where.size() == 2 &&
                                where[1] >= '1' && where[1] <= '9';
  return errors::Generic(is_backreference ? "backreferences are not supported" : "invalid regular expression");
}

Result<Predicate> PredicateArg(const CommandContext& context, size_t index, Predicate::Kind kind) {
  if (context.Arg(index).size() > kPatternBytesMax) {
    return errors::Generic("pattern is too long, maximum is " + std::to_string(kPatternBytesMax) + " bytes");
  }
  return Predicate{kind, std::string(context.Arg(index)), nullptr};
}

std::optional<Predicate::Kind> PredicateKind(const CommandContext& context, size_t index) {
  if (context.ArgIs(index, "EXACT")) return Predicate::Kind::kExact;
  if (context.ArgIs(index, "MATCH")) return Predicate::Kind::kMatch;
  if (context.ArgIs(index, "GLOB")) return Predicate::Kind::kGlob;
  if (context.ArgIs(index, "RE")) return Predicate::Kind::kRegularExpression;
  return std::nullopt;
}

Result<Grep> ParseGrep(const CommandContext& context, size_t first) {
  Grep grep;
  const size_t count = context.argument_count();
  for (size_t i = first; i < count; ++i) {
    const bool has_operand = i + 1 < count;
    if (const auto kind = PredicateKind(context, i); kind && has_operand) {
      if (grep.predicates.size() == kPredicatesMax) {
        return errors::Generic("too many predicates, maximum is " + std::to_string(kPredicatesMax));
      }
      KVICK_ASSIGN_OR_RETURN(Predicate predicate, PredicateArg(context, ++i, *kind));
      grep.predicates.push_back(std::move(predicate));
    } else if (context.ArgIs(i, "AND") || context.ArgIs(i, "OR")) {
      grep.needs_all = context.ArgIs(i, "AND");
    } else if (context.ArgIs(i, "LIMIT") && has_operand) {
      KVICK_ASSIGN_OR_RETURN(grep.limit, ArrayLimitArg(context, ++i));
    } else if (context.ArgIs(i, "WITHVALUES")) {
      grep.with_values = true;
    } else if (context.ArgIs(i, "NOCASE")) {
      grep.ignores_case = true;
    } else {
      return errors::Syntax();
    }
  }
  if (grep.predicates.empty()) return errors::Syntax();
  for (Predicate& predicate : grep.predicates) {
    if (predicate.kind == Predicate::Kind::kRegularExpression) {
      KVICK_RETURN_IF_ERROR(Compile(&predicate, grep.ignores_case));
    } else if (predicate.kind == Predicate::Kind::kMatch && grep.ignores_case) {
      predicate.pattern = ToLower(predicate.pattern);
    }
  }
  return grep;
}

// "-" is the first index, "+" the last one of the array.
Result<uint64_t> EndArg(const CommandContext& context, size_t index) {
  if (context.Arg(index) == "-") return uint64_t{0};
  if (context.Arg(index) == "+") return SlicedArray::kIndexMax;
  return ArrayIndexArg(context, index);
}

Status ArGrep(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t start, EndArg(context, 2));
  KVICK_ASSIGN_OR_RETURN(const uint64_t end, EndArg(context, 3));
  KVICK_ASSIGN_OR_RETURN(const Grep grep, ParseGrep(context, 4));
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  const ArrayRange range = ArrayRange::Between(start, end);
  ReplyWriter& reply = context.Reply();
  const OutputBuffer::Hole hole = reply.Begin();
  uint64_t count = 0;
  if (array != nullptr) {
    array->items().ForEach(range.low, range.high, range.direction, [&](uint64_t index, std::string_view text) {
      if (!grep.IsMetBy(text)) return true;
      if (grep.with_values) reply.Array(2);
      ReplyIndex(reply, index);
      if (grep.with_values) reply.Bulk(text);
      return ++count < grep.limit;
    });
  }
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

// ---- AROP

enum class Operation : uint8_t { kSum, kMinimum, kMaximum, kAnd, kOr, kXor, kMatch, kUsed };

Result<Operation> OperationArg(const CommandContext& context, size_t index) {
  struct Named {
    std::string_view name;
    Operation operation;
  };
  static constexpr Named kNamed[] = {
      {"SUM", Operation::kSum}, {"MIN", Operation::kMinimum}, {"MAX", Operation::kMaximum}, {"AND", Operation::kAnd},
      {"OR", Operation::kOr},   {"XOR", Operation::kXor},     {"USED", Operation::kUsed},
  };
  const bool has_operand = context.argument_count() == index + 2;
  if (context.ArgIs(index, "MATCH") && has_operand) return Operation::kMatch;
  for (const Named& named : kNamed) {
    if (context.ArgIs(index, named.name) && !has_operand && context.argument_count() == index + 1) {
      return named.operation;
    }
  }
  return errors::Syntax();
}

// Toward zero; what is beyond is the nearest.
int64_t ToInteger(long double number) {
  constexpr long double kTwoTo63 = 9223372036854775808.0L;
  if (number >= kTwoTo63) return std::numeric_limits<int64_t>::max();
  if (number < -kTwoTo63) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(number);
}

// One number of many: SUM to XOR.
class Fold {
 public:
  explicit Fold(Operation operation) : operation_(operation) {}

  void Add(long double number) {
    const int64_t integer = ToInteger(number);
    if (count_++ == 0) {
      number_ = number;
      integer_ = integer;
      return;
    }
    switch (operation_) {
      case Operation::kSum: number_ += number; break;
      case Operation::kMinimum: number_ = std::min(number_, number); break;
      case Operation::kMaximum: number_ = std::max(number_, number); break;
      case Operation::kAnd: integer_ &= integer; break;
      case Operation::kOr: integer_ |= integer; break;
      case Operation::kXor: integer_ ^= integer; break;
      default: break;
    }
  }

  void Reply(ReplyWriter& reply) const {
    if (count_ == 0) return reply.Null();
    if (operation_ >= Operation::kAnd) return reply.Integer(integer_);
    reply.Bulk(FormatHumanLongDouble(number_));
  }

 private:
  Operation operation_;
  uint64_t count_ = 0;
  long double number_ = 0;
  int64_t integer_ = 0;
};

Status ArOp(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ArrayRange range, ArrayRangeArg(context, 2));
  KVICK_ASSIGN_OR_RETURN(const Operation operation, OperationArg(context, 4));
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  const auto for_each = [&](auto visit) {
    if (array == nullptr) return;
    array->items().ForEach(range.low, range.high, SlicedArray::Direction::kUp,
                           [&](uint64_t /*index*/, std::string_view text) {
                             visit(text);
                             return true;
                           });
  };
  if (operation == Operation::kUsed || operation == Operation::kMatch) {
    int64_t count = 0;
    for_each([&](std::string_view text) {
      if (operation == Operation::kUsed || text == context.Arg(5)) ++count;
    });
    context.Reply().Integer(count);
    return Status::Ok();
  }
  Fold fold(operation);
  for_each([&fold](std::string_view text) {
    const std::optional<long double> number = ParseLongDouble(text);
    if (number && std::isfinite(*number)) fold.Add(*number);
  });
  fold.Reply(context.Reply());
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "ARGREP",
        .syntax = "key start end <EXACT string | MATCH string | GLOB pattern | RE pattern> [<EXACT string | MATCH "
                  "string | GLOB pattern | RE pattern> ...] [AND | OR | LIMIT limit | WITHVALUES | NOCASE [AND | OR | "
                  "LIMIT limit | WITHVALUES | NOCASE ...]]",
        .argument_notes = "start(string) end(string) string=predicate predicate.EXACT! predicate.MATCH! "
                          "predicate.GLOB! predicate.glob.pattern(string) predicate.RE! predicate.re.pattern(string) "
                          "and=options options.LIMIT(integer)",
        .summary = "Finds the items of an array that are equal to a text, contain it, or match a pattern.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(P * C) where P is the number of visited positions in touched slices and C is the cost of "
                      "evaluating the predicates on one existing element.",
        .flags = kReadonly,
        .categories = kAclArray,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ArGrep,
    },
    {
        .name = "AROP",
        .syntax = "key start end <SUM | MIN | MAX | AND | OR | XOR | MATCH value | USED>",
        .argument_notes = "sum=operation operation.MATCH!",
        .summary = "Computes a sum, an extreme, a combination of bits or a count of the items in a range.",
        .since = "8.8.0",
        .group = "array",
        .complexity =
            "O(P) where P is visited positions in touched slices (dense scanned slots + sparse entries), with "
            "worst-case O(|end-start|+1) and typical case close to O(N), where N is the number of existing "
            "elements in range.",
        .flags = kReadonly,
        .categories = kAclArray,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ArOp,
    },
};

}  // namespace

std::span<const CommandSpec> ArraySearchCommands() { return kCommands; }

}  // namespace kvick
