// HRANDFIELD and HSCAN.
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "commands/families.h"
#include "commands/hash_access.h"
#include "commands/scan_arguments.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

// Distinct fields are drawn one by one as long as they are less than a third of all.
constexpr uint64_t kDrawShare = 3;

struct RandomRequest {
  std::optional<int64_t> count;
  bool with_values = false;
};

Result<RandomRequest> ParseRandom(CommandContext& context) {
  RandomRequest request;
  if (context.argument_count() == 2) return request;
  KVICK_ASSIGN_OR_RETURN(request.count, context.IntegerArg(2));
  if (*request.count == INT64_MIN) return errors::NotWithin(-INT64_MAX, INT64_MAX);
  if (context.argument_count() > 4) return errors::Syntax();
  if (context.argument_count() == 4) {
    if (!context.ArgIs(3, "WITHVALUES")) return errors::Syntax();
    request.with_values = true;
    // Twice as many must still be a number.
    constexpr int64_t kHalf = INT64_MAX / 2;
    if (*request.count < -kHalf || *request.count > kHalf) return errors::Generic("value is out of range");
  }
  return request;
}

// Writes fields in the form that the protocol and WITHVALUES ask for.
class FieldReplier {
 public:
  FieldReplier(ReplyWriter& reply, bool with_values) : reply_(reply), with_values_(with_values) {}

  void Header(size_t count) { reply_.Array(with_values_ && !reply_.is_resp3() ? 2 * count : count); }
  void operator()(const FieldView& field) {
    if (with_values_ && reply_.is_resp3()) reply_.Array(2);
    reply_.Bulk(field.name);
    if (with_values_) reply_.Bulk(field.value);
  }

 private:
  ReplyWriter& reply_;
  bool with_values_;
};

// Only fields that are alive, however many are due: drawing goes on until one is met.
class LivingFields {
 public:
  LivingFields(const HashValue& hash, int64_t now_ms) : hash_(hash), now_ms_(now_ms), count_(hash.count()) {
    if (!hash.MayHoldDue(now_ms)) return;
    hash.ForEach([&](const FieldView& field) {
      if (!field.IsAlive(now_ms)) --count_;
      return true;
    });
  }

  size_t count() const { return count_; }
  FieldView Draw(Random& random, FieldTexts& texts) const {
    FieldView field = hash_.Draw(random, texts);
    while (!field.IsAlive(now_ms_)) field = hash_.Draw(random, texts);
    return field;
  }
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    hash_.ForEach([&](const FieldView& field) { return !field.IsAlive(now_ms_) || visit(field); });
  }

 private:
  const HashValue& hash_;
  int64_t now_ms_;
  size_t count_;
};

// `count` different fields, fewer than there are.
void ReplyDistinct(CommandContext& context, const HashValue& hash, const LivingFields& fields, uint64_t count,
                   FieldReplier& replier) {
  Random& random = context.executor().random();
  uint64_t left = fields.count();
  if (hash.table() == nullptr || count * kDrawShare > left) {
    // Each field comes with the probability that makes all selections equally likely.
    fields.ForEach([&](const FieldView& field) {
      if (random.Below(left--) < count) {
        replier(field);
        --count;
      }
      return count > 0;
    });
    return;
  }
  std::unordered_set<std::string_view> drawn;  // views stay valid: nothing changes the table meanwhile
  FieldTexts texts;
  while (drawn.size() < count) {
    const FieldView field = fields.Draw(random, texts);
    if (drawn.insert(field.name).second) replier(field);
  }
}

Status HRandField(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const RandomRequest request, ParseRandom(context));
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHashToRead(context));
  ReplyWriter& reply = context.Reply();
  if (hash == nullptr || (request.count && *request.count == 0)) {
    request.count ? reply.Array(0) : reply.Null();
    return Status::Ok();
  }
  const LivingFields fields(*hash, context.now_ms());
  Random& random = context.executor().random();
  FieldTexts texts;
  FieldReplier replier(reply, request.with_values);
  if (fields.count() == 0) {
    request.count ? reply.Array(0) : reply.Null();
  } else if (!request.count) {
    replier(fields.Draw(random, texts));
  } else if (*request.count < 0) {
    // The same field may come more than once.
    const auto draw_count = static_cast<uint64_t>(-*request.count);
    replier.Header(draw_count);
    for (uint64_t i = 0; i < draw_count; ++i) replier(fields.Draw(random, texts));
  } else if (static_cast<uint64_t>(*request.count) >= fields.count()) {
    replier.Header(fields.count());
    fields.ForEach([&](const FieldView& field) {
      replier(field);
      return true;
    });
  } else {
    replier.Header(static_cast<size_t>(*request.count));
    ReplyDistinct(context, *hash, fields, static_cast<uint64_t>(*request.count), replier);
  }
  return Status::Ok();
}

Status HScan(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t cursor, ParseScanCursor(context.Arg(2)));
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHash(context));
  ReplyWriter& reply = context.Reply();
  if (hash == nullptr) {  // whatever else is asked for
    reply.Array(2);
    reply.Bulk("0");
    reply.Array(0);
    return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(const CollectionScan scan, ParseCollectionScan(context, ScanValues::kMayBeLeftOut));
  std::vector<std::string> found;
  uint64_t position = PositionOfCursor(cursor);
  int64_t visited_count = 0;
  do {
    position = hash->Scan(position, [&](const FieldView& field) {
      ++visited_count;
      if (!field.IsAlive(context.now_ms()) || !scan.Matches(field.name)) return;
      found.emplace_back(field.name);
      if (scan.with_values) found.emplace_back(field.value);
    });
  } while (position != 0 && visited_count < scan.count);
  reply.Array(2);
  reply.BulkInteger(static_cast<int64_t>(CursorOfPosition(position)));
  reply.Array(found.size());
  for (const std::string& word : found) reply.Bulk(word);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "HRANDFIELD",
        .syntax = "key [count [WITHVALUES]]",
        .argument_notes = "count=options",
        .summary = "Returns random fields of a hash.",
        .since = "6.2.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of fields returned",
        .flags = kReadonly,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = HRandField,
    },
    {
        .name = "HSCAN",
        .syntax = "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
        .summary = "Walks through the fields of a hash.",
        .since = "2.8.0",
        .group = "hash",
        .complexity = "O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
                      "cursor to return back to 0. N is the number of elements inside the collection.",
        .flags = kReadonly,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = HScan,
    },
};

}  // namespace

std::span<const CommandSpec> HashRandomCommands() { return kCommands; }

}  // namespace kvick
