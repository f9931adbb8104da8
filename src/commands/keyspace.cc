// The commands on whole databases: counting, listing, sampling, emptying and exchanging them.
//
// KEYS, SCAN and RANDOMKEY hold one stripe at a time and only briefly, so others go on meanwhile. A walk goes along
// the table's number line (KeyTable), on which a key has one place for life: a key that stays is met, and met once.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "commands/scan_arguments.h"
#include "engine/command_context.h"
#include "types/value_features.h"

namespace kvick {
namespace {

// KEYS lets go of a stripe after so many buckets: some thousand keys, a fraction of a millisecond.
constexpr size_t kBucketsPerLock = 256;
constexpr int64_t kDefaultScanCount = 10;
// RANDOMKEY gives up on keys that turn out to have expired.
constexpr int kRandomKeyTries = 100;

// SCAN's cursor: the stripe, then the significant bits of the position in its table. 48 bits: every client can hold
// it.
constexpr int kPositionShift = 64 - KeyTable::kPositionBits;

uint64_t CursorOf(size_t stripe_index, uint64_t position) {
  return uint64_t{stripe_index} << KeyTable::kPositionBits | position >> kPositionShift;
}

// Looks at the entries of a stripe on behalf of a walking command. To be used under the stripe's lock.
class EntryCollector {
 public:
  EntryCollector(Database& database, Mutation& mutation) : database_(database), mutation_(mutation) {}

  // Which keys are wanted. The view must outlive the collector.
  void MatchPattern(std::string_view pattern) {
    pattern_ = pattern;
    matches_all_ = pattern == "*";
  }
  void MatchType(std::optional<std::string_view> type_name) { type_name_ = type_name; }
  // Keys whose place on the table's line is before `position` were met already.
  void SkipBefore(uint64_t position) { from_position_ = position; }

  static void Visit(void* raw, Entry* entry) { static_cast<EntryCollector*>(raw)->Look(entry); }

  // Removes the expired keys that were met; the table may not be changed while it is visited.
  void RemoveExpired() {
    for (const std::string& name : expired_) database_.Peek(KeyRef::Make(name), mutation_);
    expired_.clear();
  }

  int64_t visited_count() const { return visited_count_; }
  const std::vector<std::string>& found() const { return found_; }

 private:
  void Look(Entry* entry) {
    ++visited_count_;
    const std::string_view name = entry->key();
    if (from_position_ != 0 && KeyTable::PositionOf(HashKey(name)) < from_position_) return;
    if (entry->has_expiry() && entry->expiry_ms() <= mutation_.now_ms) {
      expired_.emplace_back(name);
      return;
    }
    if (!matches_all_ && !MatchesGlob(pattern_, name)) return;
    if (type_name_ && !EqualsIgnoreCase(OperationsOf(entry->type()).type_name, *type_name_)) return;
    found_.emplace_back(name);
  }

  Database& database_;
  Mutation& mutation_;
  std::string_view pattern_;
  bool matches_all_ = true;
  std::optional<std::string_view> type_name_;
  uint64_t from_position_ = 0;
  int64_t visited_count_ = 0;
  std::vector<std::string> found_;
  std::vector<std::string> expired_;
};

bool IsEmpty(const Stripe& stripe) { return stripe.entry_count.load(std::memory_order_relaxed) == 0; }

Status DbSize(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(context.database().EntryCount()));
  return Status::Ok();
}

// Under the guard, which the analysis does not follow, a piece of the stripe is visited; the position behind it comes
// back, 0 at the end.
KVICK_NO_THREAD_SAFETY_ANALYSIS uint64_t VisitPiece(CommandContext& context, size_t stripe_index, uint64_t position,
                                                    EntryCollector* collector) {
  Stripe& stripe = context.database().StripeAt(stripe_index);
  Executor::StripeGuard guard(context.executor(), stripe);
  collector->SkipBefore(position);
  for (size_t i = 0; i < kBucketsPerLock; ++i) {
    position = stripe.table.ScanBucket(position, collector, EntryCollector::Visit);
    if (position == 0) break;
  }
  collector->RemoveExpired();
  return position;
}

Status Keys(CommandContext& context) {
  ReplyWriter& reply = context.Reply();
  const OutputBuffer::Hole hole = reply.Begin();
  size_t count = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    if (IsEmpty(context.database().StripeAt(i))) continue;
    uint64_t position = 0;
    do {
      EntryCollector collector(context.database(), context.mutation());
      collector.MatchPattern(context.Arg(1));
      position = VisitPiece(context, i, position, &collector);
      for (const std::string& name : collector.found()) reply.Bulk(name);
      count += collector.found().size();
    } while (position != 0);
  }
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

struct ScanRequest {
  size_t stripe_index = 0;
  uint64_t position = 0;
  std::string_view pattern = "*";
  std::optional<std::string_view> type_name;
  int64_t count = kDefaultScanCount;
};

Result<ScanRequest> ParseScan(const CommandContext& context) {
  ScanRequest request;
  KVICK_ASSIGN_OR_RETURN(const uint64_t cursor, ParseScanCursor(context.Arg(1)));
  request.stripe_index = cursor >> KeyTable::kPositionBits;
  request.position = cursor << kPositionShift;
  for (size_t i = 2; i < context.argument_count(); i += 2) {
    if (i + 1 >= context.argument_count()) return errors::Syntax();
    if (context.ArgIs(i, "MATCH")) {
      request.pattern = context.Arg(i + 1);
    } else if (context.ArgIs(i, "COUNT")) {
      KVICK_ASSIGN_OR_RETURN(request.count, context.IntegerArg(i + 1));
      if (request.count < 1) return errors::Syntax();
    } else if (context.ArgIs(i, "TYPE")) {
      request.type_name = context.Arg(i + 1);
    } else {
      return errors::Syntax();
    }
  }
  return request;
}

// Work is an entry looked at, or a bucket without one. Stripes that are known to be empty cost nothing, so a small
// database is scanned in about as many calls as it has entries divided by COUNT.
KVICK_NO_THREAD_SAFETY_ANALYSIS Status Scan(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ScanRequest request, ParseScan(context));
  EntryCollector collector(context.database(), context.mutation());
  collector.MatchPattern(request.pattern);
  collector.MatchType(request.type_name);
  size_t stripe_index = request.stripe_index;
  uint64_t position = request.position;
  int64_t work = 0;
  while (stripe_index < Stripe::kCount && work < request.count) {
    Stripe& stripe = context.database().StripeAt(stripe_index);
    if (!IsEmpty(stripe)) {
      Executor::StripeGuard guard(context.executor(), stripe);
      for (size_t i = 0; i < kBucketsPerLock && work < request.count; ++i) {
        const int64_t visited_before = collector.visited_count();
        position = stripe.table.ScanBucket(position, &collector, EntryCollector::Visit);
        work += std::max<int64_t>(1, collector.visited_count() - visited_before);
        if (position == 0) break;
      }
      collector.RemoveExpired();
    } else {
      position = 0;
    }
    if (position == 0) ++stripe_index;
  }
  // The next call must not begin with a walk over empty stripes only to find that there is nothing more.
  while (position == 0 && stripe_index < Stripe::kCount && IsEmpty(context.database().StripeAt(stripe_index))) {
    ++stripe_index;
  }
  ReplyWriter& reply = context.Reply();
  reply.Array(2);
  reply.BulkInteger(stripe_index < Stripe::kCount ? static_cast<int64_t>(CursorOf(stripe_index, position)) : 0);
  reply.Array(collector.found().size());
  for (const std::string& name : collector.found()) reply.Bulk(name);
  return Status::Ok();
}

// The stripe of the `ordinal`-th entry, counting stripe after stripe; another one when entries go meanwhile.
size_t StripeOfOrdinal(Database& database, uint64_t ordinal) {
  size_t last_filled = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    const uint64_t count = database.StripeAt(i).entry_count.load(std::memory_order_relaxed);
    if (count != 0) last_filled = i;
    if (ordinal < count) return i;
    ordinal -= count;
  }
  return last_filled;
}

// A live key of a stripe drawn in proportion to the stripes' sizes; empty when the drawn one has expired, which
// removes it.
KVICK_NO_THREAD_SAFETY_ANALYSIS std::optional<std::string> DrawKey(CommandContext& context, uint64_t entry_count) {
  Database& database = context.database();
  Random& random = context.executor().random();
  Stripe& stripe = database.StripeAt(StripeOfOrdinal(database, random.Below(entry_count)));
  Executor::StripeGuard guard(context.executor(), stripe);
  const Entry* entry = stripe.table.RandomEntry(random.Next());
  if (entry == nullptr) return std::nullopt;
  std::string name(entry->key());
  if (database.Peek(KeyRef::Make(name), context.mutation()).entry == nullptr) return std::nullopt;
  return name;
}

Status RandomKey(CommandContext& context) {
  std::optional<std::string> name;
  for (int i = 0; i < kRandomKeyTries && !name; ++i) {
    const uint64_t entry_count = context.database().EntryCount();
    if (entry_count == 0) break;
    name = DrawKey(context, entry_count);
  }
  context.Reply().BulkOrNull(name);
  return Status::Ok();
}

// Whether the contents are to be freed in the background.
Result<bool> ParseFlushMode(CommandContext& context) {
  if (context.argument_count() == 1) return context.settings().lazy_free_on_user_flush;
  if (context.argument_count() > 2) return errors::Syntax();
  if (context.ArgIs(1, "ASYNC")) return true;
  if (context.ArgIs(1, "SYNC")) return false;
  return errors::Syntax();
}

// Empties one database and returns how many keys it had. Either way nobody waits for the freeing but, with SYNC, the
// client that asked: it happens when the exclusive moment is over.
uint64_t Empty(CommandContext& context, Database& database, bool in_background) {
  const uint64_t count = database.EntryCount();
  if (count == 0) return 0;
  database.TouchAllWatchers(database, context.now_ms());
  std::shared_ptr<Database::Contents> contents = database.TakeContents();
  database.TellAllAwaited(context.mutation());
  if (in_background) {
    // The job's copy is the last one, so the contents go with it.
    context.engine().lazy_free().Add(count, [contents = std::move(contents)]() mutable { contents.reset(); });
  } else {
    context.executor().AfterCommand([contents = std::move(contents)]() mutable { contents.reset(); });
  }
  return count;
}

Status FlushDb(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const bool in_background, ParseFlushMode(context));
  const uint64_t count = Empty(context, context.database(), in_background);
  context.engine().tracking().InvalidateAll();
  // Logged even when nothing was there: a replica may hold keys that this server saw expire.
  context.Changed(std::max<uint64_t>(count, 1));
  context.Reply().Ok();
  return Status::Ok();
}

Status FlushAll(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const bool in_background, ParseFlushMode(context));
  uint64_t count = 0;
  DataKeeper* keeper = context.engine().hooks.data_keeper;
  if (keeper != nullptr) keeper->BeforeFlushAll();
  for (int i = 0; i < context.engine().database_count(); ++i) {
    count += Empty(context, context.engine().database(i), in_background);
  }
  ValueFeatures::Forget();
  if (keeper != nullptr) keeper->AfterFlushAll();
  context.engine().tracking().InvalidateAll();
  context.Changed(count + 1);
  context.Reply().Ok();
  return Status::Ok();
}

Result<int> DatabaseIndexArg(CommandContext& context, size_t index, std::string_view which) {
  const std::optional<int64_t> value = ParseInt64(context.Arg(index));
  if (!value || *value < INT32_MIN || *value > INT32_MAX) {
    return errors::Generic("invalid " + std::string(which) + " DB index");
  }
  return static_cast<int>(*value);
}

Status SwapDb(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int first, DatabaseIndexArg(context, 1, "first"));
  KVICK_ASSIGN_OR_RETURN(const int second, DatabaseIndexArg(context, 2, "second"));
  const int count = context.engine().database_count();
  if (first < 0 || first >= count || second < 0 || second >= count) return errors::InvalidDatabase();
  if (first != second) {
    Database& one = context.engine().database(first);
    Database& other = context.engine().database(second);
    one.TouchAllWatchers(other, context.now_ms());
    other.TouchAllWatchers(one, context.now_ms());
    one.SwapContents(other);
    one.TellAllAwaited(context.mutation());
    other.TellAllAwaited(context.mutation());
    // Every name may stand for something else now.
    context.engine().tracking().InvalidateAll();
  }
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "DBSIZE",
        .summary = "Returns the number of keys in the selected database.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .tips = {"request_policy:all_shards", "response_policy:agg_sum"},
        .handler = DbSize,
    },
    {
        .name = "FLUSHALL",
        .syntax = "[ASYNC | SYNC]",
        .argument_notes = "async=flush-type flush-type.async@4.0.0 flush-type.sync@6.2.0",
        .summary = "Removes all keys from all databases.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) where N is the total number of keys in all databases",
        .flags = kWrite | kExclusive,
        .categories = kAclKeyspace | kAclDangerous,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = FlushAll,
    },
    {
        .name = "FLUSHDB",
        .syntax = "[ASYNC | SYNC]",
        .argument_notes = "async=flush-type flush-type.async@4.0.0 flush-type.sync@6.2.0",
        .summary = "Removes all keys from the selected database.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) where N is the number of keys in the selected database",
        .flags = kWrite | kExclusive,
        .categories = kAclKeyspace | kAclDangerous,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = FlushDb,
    },
    {
        .name = "KEYS",
        .syntax = "pattern",
        .summary = "Returns the names of all keys that match a pattern.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(N) with N being the number of keys in the database, under the assumption that the key names "
                      "in the database and the given pattern have limited length.",
        .flags = kReadonly | kWalksKeyspace,
        .categories = kAclKeyspace | kAclDangerous,
        .tips = {"request_policy:all_shards", "nondeterministic_output_order"},
        .handler = Keys,
    },
    {
        .name = "RANDOMKEY",
        .summary = "Returns the name of a random key of the selected database.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kWalksKeyspace,
        .categories = kAclKeyspace,
        .tips = {"request_policy:all_shards", "response_policy:special", "nondeterministic_output"},
        .handler = RandomKey,
    },
    {
        .name = "SCAN",
        .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
        .argument_notes = "type@6.0.0",
        .summary = "Returns some names of keys and a cursor with which to go on.",
        .since = "2.8.0",
        .group = "generic",
        .complexity = "O(1) for every call. O(N) for a complete iteration, including enough command calls for the "
                      "cursor to return back to 0. N is the number of elements inside the collection.",
        .flags = kReadonly | kWalksKeyspace,
        .categories = kAclKeyspace,
        .tips = {"nondeterministic_output", "request_policy:special", "response_policy:special"},
        .handler = Scan,
    },
    {
        .name = "SWAPDB",
        .syntax = "index1 index2",
        .summary = "Exchanges the contents of two databases.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(N) where N is the count of clients watching or blocking on keys from both databases.",
        .flags = kWrite | kFast | kExclusive,
        .categories = kAclKeyspace | kAclDangerous,
        .handler = SwapDb,
    },
};

}  // namespace

std::span<const CommandSpec> KeyspaceCommands() { return kCommands; }

}  // namespace kvick
