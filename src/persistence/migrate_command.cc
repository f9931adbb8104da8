// MIGRATE: keys to another server.
//
// The values are taken while the keys are locked, sent, and erased when the other server has acknowledged them. A
// server with one thread does nothing else meanwhile; here the call holds its locks only for kPatienceMs. When the
// network takes longer, the client waits like one of BLPOP: the exchange goes on a step at a time, every millisecond,
// and the locks are free between. So somebody may change a key after it was sent. That is seen when the acknowledgement
// has come: the key is then compared with what was sent, and sent again, or deleted there if it has gone here. After
// kRoundsMax rounds the call keeps its locks until it is done, so that a key which changes all the time moves too.
//
// In a transaction or a script, where nobody can wait, the locks are kept as long as it takes.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "engine/command_context.h"
#include "persistence/dump_payload.h"
#include "persistence/features.h"
#include "persistence/migrate_exchange.h"
#include "persistence/migrations.h"
#include "resp/request_encoder.h"

namespace kvick {
namespace {

constexpr int64_t kPatienceMs = 2;
constexpr int64_t kStepMs = 20;  // of a call that keeps its locks
constexpr int kRoundsMax = 4;
constexpr int64_t kTimeoutDefaultMs = 1000;
constexpr size_t kOptionsIndex = 6;

struct MigrateOptions {
  MigrateTarget target;
  int64_t database_index = 0;
  int64_t timeout_ms = kTimeoutDefaultMs;
  bool copies = false;
  bool replaces = false;
  std::vector<std::string> authentication;
  bool names_keys = false;  // KEYS
};

Result<MigrateOptions> ParseOptions(CommandContext& context) {
  MigrateOptions options;
  for (size_t i = kOptionsIndex; i < context.argument_count() && !options.names_keys; ++i) {
    const size_t more = context.argument_count() - i - 1;
    if (context.ArgIs(i, "COPY")) {
      options.copies = true;
    } else if (context.ArgIs(i, "REPLACE")) {
      options.replaces = true;
    } else if (context.ArgIs(i, "AUTH") && more >= 1) {
      options.authentication = {"AUTH", std::string(context.Arg(++i))};
    } else if (context.ArgIs(i, "AUTH2") && more >= 2) {
      options.authentication = {"AUTH", std::string(context.Arg(i + 1)), std::string(context.Arg(i + 2))};
      i += 2;
    } else if (context.ArgIs(i, "KEYS")) {
      if (!context.Arg(3).empty()) {
        return errors::Generic("When using MIGRATE KEYS option, the key argument must be set to the empty string");
      }
      options.names_keys = true;
    } else {
      return errors::Syntax();
    }
  }
  KVICK_ASSIGN_OR_RETURN(options.timeout_ms, context.IntegerArg(5));
  KVICK_ASSIGN_OR_RETURN(options.database_index, context.IntegerArg(4));
  if (options.timeout_ms <= 0) options.timeout_ms = kTimeoutDefaultMs;
  options.target = {.host = std::string(context.Arg(1)),
                    .port = std::string(context.Arg(2)),
                    .source_address = context.settings().bind_source_address,
                    .mark = context.settings().socket_mark_id};
  return options;
}

}  // namespace

// A call that is under way.
class Migration {
 public:
  Migration(MigrateConnections& connections, MigrateOptions options)
      : connections_(connections), options_(std::move(options)) {}

  // Takes the values of those keys of the command that exist. False when there are none.
  bool TakeKeys(CommandContext& context);
  // With the locks of the keys held: goes on. Nothing: it waits for the network.
  enum class Locks { kFirstMoment, kTakenAgain, kKept };
  std::optional<Status> GoOn(CommandContext& context, Locks locks);

 private:
  struct Key {
    size_t ordinal;
    std::string payload;  // as it was sent; empty: it is to be deleted there
    int64_t expiry_ms = Entry::kNoExpiry;
    bool is_there = false;  // an earlier round has put it there
    int version_max;
  };
  // Keys that the round has left, with the values they have now.
  enum class Change { kNone, kChanged, kGone };
  Change CompareWithSent(CommandContext& context, const Key& key) const;
  bool TakeValue(CommandContext& context, Key* key) const;
  void BeginRound(CommandContext& context);
  // Erases what has arrived; keeps those that must be sent again.
  void EndRound(CommandContext& context);
  // The other server is older: what it refused may be sent in a form that it knows, if little is lost.
  bool CanSendOlder(CommandContext& context, Key* key, std::string_view error) const;

  MigrateConnections& connections_;
  const MigrateOptions options_;
  std::vector<Key> keys_;
  std::unique_ptr<MigrateExchange> exchange_;
  bool let_go_ = false;  // of the locks, since the round began
  int round_count_ = 0;
  Status first_error_;
  std::vector<std::string> erased_;  // names: the effect
};

bool Migration::TakeValue(CommandContext& context, Key* key) const {
  const KeyTable::Slot slot = context.Peek(key->ordinal);
  key->payload.clear();
  if (slot.entry == nullptr) return false;
  key->payload = MakeDumpPayload(*slot.entry, context.settings(), key->version_max);
  key->expiry_ms = slot.entry->expiry_ms();
  return true;
}

bool Migration::TakeKeys(CommandContext& context) {
  for (size_t ordinal = 0; ordinal < context.key_count(); ++ordinal) {
    Key key{.ordinal = ordinal, .payload = {}, .version_max = RdbVersionCeiling(context.settings())};
    if (TakeValue(context, &key)) keys_.push_back(std::move(key));
  }
  return !keys_.empty();
}

void Migration::BeginRound(CommandContext& context) {
  MigrateExchange::Request request;
  request.target = options_.target;
  request.database_index = options_.database_index;
  request.timeout_ms = options_.timeout_ms;
  request.authentication = options_.authentication;
  const bool is_cluster = context.engine().hooks.slot_guard != nullptr;
  for (const Key& key : keys_) {
    std::vector<std::string> words;
    if (key.payload.empty()) {
      words = {"DEL", std::string(context.KeyName(key.ordinal))};
    } else {
      // A key that is just about to expire has a millisecond yet.
      const bool expires = key.expiry_ms != Entry::kNoExpiry;
      const int64_t ttl_ms = expires ? std::max<int64_t>(key.expiry_ms - context.now_ms(), 1) : 0;
      words = {is_cluster ? "RESTORE-ASKING" : "RESTORE", std::string(context.KeyName(key.ordinal)),
               std::to_string(ttl_ms), key.payload};
      if (options_.replaces || key.is_there) words.emplace_back("REPLACE");
    }
    request.commands.push_back(EncodeRequest(words));
  }
  exchange_ = std::make_unique<MigrateExchange>(connections_, std::move(request));
  let_go_ = false;
  ++round_count_;
}

Migration::Change Migration::CompareWithSent(CommandContext& context, const Key& key) const {
  Key now{.ordinal = key.ordinal, .payload = {}, .version_max = key.version_max};
  if (!TakeValue(context, &now)) return key.payload.empty() ? Change::kNone : Change::kGone;
  return now.payload == key.payload && now.expiry_ms == key.expiry_ms ? Change::kNone : Change::kChanged;
}

bool Migration::CanSendOlder(CommandContext& context, Key* key, std::string_view error) const {
  const bool is_too_new = error == errors::WrongDumpPayload().text();
  // One version back loses no more than when a consumer was last active, or that a hash is compact.
  if (!is_too_new || key->version_max <= kRdbVersionLowest || key->payload.empty()) return false;
  const size_t footer = key->payload.size() - kRdbFooterBytes;
  const auto version = static_cast<uint8_t>(key->payload[footer]);
  if (version != kRdbVersionConsumerTimes && version != kRdbVersionCompactHashes) return false;
  key->version_max = kRdbVersionLowest;
  return TakeValue(context, key);
}

void Migration::EndRound(CommandContext& context) {
  std::vector<Key> again;
  bool retries = false;
  for (size_t i = 0; i < keys_.size(); ++i) {
    Key& key = keys_[i];
    if (!exchange_->WasDone(i)) {
      if (i < exchange_->reply_count() && CanSendOlder(context, &key, exchange_->ErrorOf(i))) {
        again.push_back(std::move(key));
        retries = true;
      }
      continue;
    }
    if (options_.copies || key.payload.empty()) continue;
    const Change change = let_go_ ? CompareWithSent(context, key) : Change::kNone;
    if (change == Change::kNone) {
      if (context.EraseKey(key.ordinal)) {
        context.Changed();
        context.Notify(KeyEventClass::kGeneric, "del", key.ordinal);
        erased_.emplace_back(context.KeyName(key.ordinal));
      }
      continue;
    }
    key.is_there = true;
    TakeValue(context, &key);
    again.push_back(std::move(key));
  }
  if (first_error_.ok() && !retries) first_error_ = exchange_->status();
  keys_ = std::move(again);
}

std::optional<Status> Migration::GoOn(CommandContext& context, Locks locks) {
  if (locks == Locks::kTakenAgain) let_go_ = true;
  while (true) {
    if (exchange_ == nullptr) BeginRound(context);
    const bool keeps_locks = locks == Locks::kKept || round_count_ > kRoundsMax;
    exchange_->Step(keeps_locks ? kStepMs : locks == Locks::kFirstMoment ? kPatienceMs : 0);
    if (!exchange_->is_done()) {
      if (keeps_locks) continue;
      return std::nullopt;
    }
    EndRound(context);
    exchange_ = nullptr;
    if (keys_.empty()) break;
  }
  if (!erased_.empty()) {
    std::vector<std::string_view> words = {"DEL"};
    words.insert(words.end(), erased_.begin(), erased_.end());
    context.EffectIn(context.session().database_index, words);
  }
  return first_error_;
}

Migrations::Migrations() = default;
Migrations::~Migrations() = default;

std::unique_ptr<Migration> Migrations::Take(uint64_t session_id) {
  MutexLock lock(mutex_);
  const auto place = waiting_.find(session_id);
  if (place == waiting_.end()) return nullptr;
  std::unique_ptr<Migration> migration = std::move(place->second.migration);
  waiting_.erase(place);
  return migration;
}

void Migrations::Put(uint64_t session_id, std::unique_ptr<Migration> migration) {
  MutexLock lock(mutex_);
  waiting_[session_id] = {std::move(migration), SystemClock::Instance().MonotonicMs()};
}

void Migrations::Tend(int64_t now_ms) {
  connections_.CloseIdle(now_ms);
  MutexLock lock(mutex_);
  std::erase_if(waiting_, [now_ms](const auto& named) { return named.second.put_ms + kForgottenAfterMs < now_ms; });
}

namespace {

Status Migrate(CommandContext& context) {
  Migrations& migrations = *context.engine().hooks.migrations;
  const uint64_t session_id = context.session().id;
  std::unique_ptr<Migration> migration = migrations.Take(session_id);
  auto locks = Migration::Locks::kTakenAgain;
  if (!context.is_served()) {
    // What was there is of an earlier call, which did not come to its end.
    migration = nullptr;
    KVICK_ASSIGN_OR_RETURN(MigrateOptions options, ParseOptions(context));
    migration = std::make_unique<Migration>(migrations.connections(), std::move(options));
    if (!migration->TakeKeys(context)) {
      context.Reply().Simple("NOKEY");
      return Status::Ok();
    }
    const bool can_wait = !context.executor().is_in_transaction() && !context.executor().is_exclusive();
    locks = can_wait ? Migration::Locks::kFirstMoment : Migration::Locks::kKept;
  }
  if (migration == nullptr) return Status::Error("IOERR error or timeout reading to target instance");
  const std::optional<Status> status = migration->GoOn(context, locks);
  if (!status) {
    migrations.Put(session_id, std::move(migration));
    return context.Block({.waited_first = 0,
                          .waited_count = 1,
                          .needs_all_keys = true,
                          .minds_end = true,
                          .look_again_ms = context.now_ms() + 1});
  }
  // An error does not take back what was done: some keys may have moved.
  if (!status->ok()) {
    context.Reply().Error(*status);
    context.executor().CountError(status->text());
  } else {
    context.Reply().Ok();
  }
  return Status::Ok();
}

// AUTH's password, and both words behind AUTH2.
bool IsSecret(const Engine& /*engine*/, std::span<const std::string_view> arguments, size_t index) {
  const auto follows = [&](size_t distance, std::string_view word) {
    return index >= kOptionsIndex + distance && EqualsIgnoreCase(arguments[index - distance], word);
  };
  return follows(1, "AUTH") || follows(1, "AUTH2") || follows(2, "AUTH2");
}

// KEYS names the keys where options stand, and then the word in the key's place must be empty and is none.
void FindKeys(std::span<const std::string_view> arguments, std::vector<KeyPosition>* keys) {
  constexpr size_t kFirstOption = 6;
  if (keys->empty()) return;
  keys->resize(1);
  const uint16_t flags = keys->front().flags;
  for (size_t i = kFirstOption; i < arguments.size(); ++i) {
    if (EqualsIgnoreCase(arguments[i], "AUTH")) {
      i += 1;
    } else if (EqualsIgnoreCase(arguments[i], "AUTH2")) {
      i += 2;
    } else if (EqualsIgnoreCase(arguments[i], "KEYS")) {
      keys->clear();
      const size_t end = arguments[3].empty() ? arguments.size() : 0;
      for (++i; i < end; ++i) keys->push_back({static_cast<uint32_t>(i), flags});
      return;
    }
  }
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "MIGRATE",
        .syntax = "host port <key | \"\"> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username "
                  "password] [KEYS key [key ...]]",
        .argument_notes = "port(integer) key=key-selector COPY@3.0.0 REPLACE@3.0.0 password=authentication "
                          "authentication.AUTH=auth@4.0.7 authentication.AUTH2@6.0.0 KEYS=keys@3.0.6",
        .summary = "Moves keys to another server, each in one step.",
        .since = "2.6.0",
        .group = "generic",
        .complexity =
            "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. "
            "See the pages of these commands for time complexity. Also an O(N) data transfer between the two instances "
            "is performed.",
        .flags = kWrite | kMovableKeys | kSensitive,
        .categories = kAclKeyspace | kAclDangerous,
        .keys = {OneKey(3, kKeyReadWrite | kKeyAccess | kKeyDelete),
                 KeysBehind("KEYS", -2, 0, kKeyReadWrite | kKeyAccess | kKeyDelete | kKeyIncomplete)},
        .find_other_keys = FindKeys,
        .tips = {"nondeterministic_output"},
        .is_secret = IsSecret,
        .handler = Migrate,
    },
};

}  // namespace

std::span<const CommandSpec> MigrateCommands() { return kCommands; }

void AttachMigrations(Engine& engine) {
  Migrations& migrations = engine.Attach<Migrations>();
  engine.hooks.migrations = &migrations;
  engine.AddPeriodicWork([&migrations] { migrations.Tend(SystemClock::Instance().MonotonicMs()); });
}

}  // namespace kvick
