// DEBUG: what tests and diagnosis may do to a server, when enable-debug-command lets them.
//
// One command whose subcommands are no commands of their own, as clients expect. It is exclusive: a subcommand may
// look at everything and may stop everybody.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/memory_usage.h"
#include "base/numbers.h"
#include "base/random.h"
#include "commands/debug_values.h"
#include "commands/families.h"
#include "engine/command_context.h"
#include "engine/permission.h"
#include "keyspace/access_clock.h"

namespace kvick {
namespace {

// Nobody else runs, but the keyspace's methods want the stripe of a key locked.
template <typename Function>
auto WithStripe(Database& database, const KeyRef& key, Function function) {
  SpinLockHolder holder(database.StripeOf(key).lock);
  return function();
}

Result<int64_t> PositiveArg(const CommandContext& context, size_t index) {
  const std::optional<int64_t> value = ParseInt64(context.Arg(index));
  if (!value || *value < 0) return errors::NotPositive("value");
  return *value;
}

// As C's atoi reads it: switches take anything, and what is no number is 0.
bool SwitchArg(const CommandContext& context, size_t index) {
  return std::atoi(std::string(context.Arg(index)).c_str()) != 0;
}

Status Ok(CommandContext& context) {
  context.Reply().Ok();
  return Status::Ok();
}

// ---- The data set

void DigestValue(const Entry& entry, Digest* digest) {
  if (entry.type() == ValueType::kString) {
    const UnpackScope unpacked;  // not all values of a database at once
    char buffer[kInt64TextMax];
    digest->Append(entry.string().Text(buffer));
  } else {
    OperationsOf(entry.type()).digest(CollectionView(entry).get(), digest);
  }
  if (entry.has_expiry()) digest->Append("expires");
}

Status DebugDigest(CommandContext& context) {
  struct Visit {
    int database_index;
    int64_t now_ms;
    Digest sum;
  };
  Visit visit{0, context.now_ms(), {}};
  for (int i = 0; i < context.engine().database_count(); ++i) {
    visit.database_index = i;
    for (size_t s = 0; s < Stripe::kCount; ++s) {
      Stripe& stripe = context.engine().database(i).StripeAt(s);
      SpinLockHolder holder(stripe.lock);
      stripe.table.ForEach(&visit, [](void* raw, Entry* entry) {
        auto* to = static_cast<Visit*>(raw);
        if (entry->has_expiry() && entry->expiry_ms() <= to->now_ms) return;
        Digest of_entry;
        of_entry.Append(std::to_string(to->database_index));
        of_entry.Append(entry->key());
        of_entry.Append(std::to_string(static_cast<int>(entry->type())));
        DigestValue(*entry, &of_entry);
        to->sum.Mix(of_entry);
      });
    }
  }
  context.Reply().Simple(visit.sum.Hex());
  return Status::Ok();
}

Status DebugDigestValue(CommandContext& context) {
  context.Reply().Array(context.argument_count() - 2);
  for (size_t i = 2; i < context.argument_count(); ++i) {
    Digest digest;
    if (const Entry* entry = FindEntryForDebug(context, context.Arg(i))) DigestValue(*entry, &digest);
    context.Reply().Simple(digest.Hex());
  }
  return Status::Ok();
}

// The length of a string in an RDB file before compression.
size_t SerializedLength(const StringRef& string) {
  if (string.is_integer) {
    if (string.integer >= INT8_MIN && string.integer <= INT8_MAX) return 2;
    if (string.integer >= INT16_MIN && string.integer <= INT16_MAX) return 3;
    if (string.integer >= INT32_MIN && string.integer <= INT32_MAX) return 5;
  }
  const size_t size = string.size();
  return size + (size < 64 ? 1 : size < 16'384 ? 2 : 5);
}

Status DebugObject(CommandContext& context) {
  const bool has_word = context.argument_count() == 4;
  if (has_word && !context.ArgIs(3, "fast")) return errors::SubcommandArguments(context.Arg(1), "DEBUG");
  const Entry* entry = FindEntryForDebug(context, context.Arg(2));
  if (entry == nullptr) return errors::NoSuchKey();
  const std::string serialized = entry->type() == ValueType::kString
                                     ? " serializedlength:" + std::to_string(SerializedLength(entry->string()))
                                     : std::string();
  char address[32];
  std::snprintf(address, sizeof(address), "%p", static_cast<const void*>(entry));
  context.Reply().Simple("Value at:" + std::string(address) + " refcount:1 encoding:" +
                         std::string(entry->encoding_name()) + serialized + " lru:" + std::to_string(entry->access()) +
                         " lru_seconds_idle:" + std::to_string(IdleSeconds(entry->access(), context.now_ms())) +
                         DescribeQuicklist(*entry, context.settings()));
  return Status::Ok();
}

// <count> [<prefix>] [<size>]: keys that exist stay as they are.
Status DebugPopulate(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t count, PositiveArg(context, 2));
  const std::string prefix(context.argument_count() > 3 ? context.Arg(3) : "key");
  int64_t size = 0;
  if (context.argument_count() > 4) {
    KVICK_ASSIGN_OR_RETURN(size, PositiveArg(context, 4));
  }
  Database& database = context.database();
  for (int64_t i = 0; i < count; ++i) {
    const std::string name = prefix + ":" + std::to_string(i);
    std::string value = "value:" + std::to_string(i);
    if (size != 0) value.resize(static_cast<size_t>(size), '\0');
    const KeyRef key = KeyRef::Make(name);
    WithStripe(database, key, [&] {
      const KeyTable::Slot slot = database.Peek(key, context.mutation());
      if (slot.entry == nullptr) database.PutString(key, slot, {value}, {}, context.mutation());
    });
  }
  return Ok(context);
}

std::string DescribeTables(Database& database) {
  uint64_t bucket_count = 0;
  uint64_t entry_count = 0;
  uint64_t used_stripes = 0;
  size_t fullest = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    Stripe& stripe = database.StripeAt(i);
    SpinLockHolder holder(stripe.lock);
    bucket_count += stripe.table.bucket_count();
    entry_count += stripe.table.entry_count();
    used_stripes += stripe.table.entry_count() != 0 ? 1 : 0;
    fullest = std::max<size_t>(fullest, stripe.table.entry_count());
  }
  std::string text = "Hash table 0 stats (main hash table):\n";
  if (entry_count == 0) return text + "No stats available for empty dictionaries\n";
  return text + " table size: " + std::to_string(bucket_count) +
         "\n number of elements: " + std::to_string(entry_count) +
         "\n stripes in use: " + std::to_string(used_stripes) +
         "\n elements of the fullest stripe: " + std::to_string(fullest) + "\n";
}

Status DebugHtStats(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t index, context.IntegerArg(2));
  if (index < 0 || index >= context.engine().database_count()) return errors::Generic("Out of range database");
  Database& database = context.engine().database(static_cast<int>(index));
  context.Reply().Verbatim("[Dictionary HT]\n" + DescribeTables(database) +
                           "[Expires HT]\nnumber of elements: " + std::to_string(database.ExpiringCount()) + "\n");
  return Status::Ok();
}

// ---- Time and background work

Status DebugReload(CommandContext& context) {
  ReloadRequest request;
  for (size_t i = 2; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "MERGE")) {
      request.merges = true;
    } else if (context.ArgIs(i, "NOFLUSH")) {
      request.flushes = false;
    } else if (context.ArgIs(i, "NOSAVE")) {
      request.saves = false;
    } else {
      return errors::Generic("DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  DataKeeper* keeper = context.engine().hooks.data_keeper;
  if (keeper == nullptr) return errors::Generic("there are no files");
  KVICK_RETURN_IF_ERROR(keeper->Reload(request));
  return Ok(context);
}

// The loading repeats commands as a client does, which it could not in this exclusive moment: it comes behind it.
Status DebugLoadAof(CommandContext& context) {
  DataKeeper* keeper = context.engine().hooks.data_keeper;
  if (keeper == nullptr) return errors::Generic("there are no files");
  if (context.executor().is_in_transaction()) return errors::Generic("DEBUG LOADAOF is not possible in a transaction");
  BlockRequest request;
  request.waited_count = 0;
  request.on_waiting = [keeper](const std::shared_ptr<BlockedCall>& call) {
    keeper->ReloadAppendOnly([call](const Status& status) {
      if (!call->Claim()) return;
      call->transport()->DeliverUnblocked(call->session_id(),
                                          status.ok() ? "+OK\r\n" : "-" + std::string(status.text()) + "\r\n");
    });
  };
  return context.Block(request);
}

Status DebugSleep(CommandContext& context) {
  const double seconds = std::atof(std::string(context.Arg(2)).c_str());
  if (seconds > 0 && std::isfinite(seconds)) {
    timespec left{};
    left.tv_sec = static_cast<time_t>(seconds);
    left.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
  }
  return Ok(context);
}

Status DebugAdvanceClock(CommandContext& context) {
  const std::optional<int64_t> amount_ms = ParseInt64(context.Arg(2));
  if (!amount_ms || *amount_ms < 0) return errors::NotPositive("value");
  OffsetClock* clock = context.engine().hooks.movable_clock;
  if (clock == nullptr) return errors::Generic("the clock of this server cannot be moved");
  clock->AdvanceMs(*amount_ms);
  return Ok(context);
}

Status DebugSetActiveExpire(CommandContext& context) {
  context.engine().active_expire_enabled = SwitchArg(context, 2);
  return Ok(context);
}

Status DebugPauseCron(CommandContext& context) {
  context.engine().timers_paused = SwitchArg(context, 2);
  return Ok(context);
}

Status DebugSetDisableDenyScripts(CommandContext& context) {
  context.engine().scripts_may_run_all = SwitchArg(context, 2);
  return Ok(context);
}

Status DebugChangeReplId(CommandContext& context) {
  context.engine().replication_id = SecretHex(40);
  Log(LogLevel::kNotice, "Changing replication IDs after receiving change-repl-id");
  return Ok(context);
}

// Switches for machinery that works without a choice here: tables grow and shrink by the bucket, replies always go
// through lists of blocks that are given back when they were sent.
Status DebugAccept(CommandContext& context) { return Ok(context); }

Status DebugReplyBuffer(CommandContext& context) {
  if (context.ArgIs(2, "PEAK-RESET-TIME")) {
    if (!context.ArgIs(3, "NEVER") && !context.ArgIs(3, "RESET")) KVICK_RETURN_IF_ERROR(context.IntegerArg(3).status());
    return Ok(context);
  }
  if (context.ArgIs(2, "RESIZING")) return Ok(context);
  return errors::SubcommandArguments(context.Arg(1), "DEBUG");
}

// ---- The protocol

Status DebugProtocol(CommandContext& context) {
  ReplyWriter& reply = context.Reply();
  if (context.ArgIs(2, "string")) {
    reply.Bulk("Hello World");
  } else if (context.ArgIs(2, "integer")) {
    reply.Integer(12345);
  } else if (context.ArgIs(2, "double")) {
    reply.Double(3.141);
  } else if (context.ArgIs(2, "null")) {
    reply.Null();
  } else if (context.ArgIs(2, "array") || context.ArgIs(2, "set")) {
    context.ArgIs(2, "set") ? reply.Set(3) : reply.Array(3);
    for (int i = 0; i < 3; ++i) reply.Integer(i);
  } else if (context.ArgIs(2, "map")) {
    reply.Map(3);
    for (int i = 0; i < 3; ++i) {
      reply.Integer(i);
      reply.Boolean(i == 1);
    }
  } else if (context.ArgIs(2, "attrib")) {
    if (reply.is_resp3()) {
      reply.Attribute(1);
      reply.Bulk("key-popularity");
      reply.Array(2);
      reply.Bulk("key:123");
      reply.Integer(90);
    }
    // Attributes have no meaning of their own: the reply they describe follows.
    reply.Bulk("Some real reply following the attribute");
  } else if (context.ArgIs(2, "push")) {
    if (!reply.is_resp3()) return errors::Generic("RESP2 is not supported by this command");
    reply.Push(2);
    reply.Bulk("server-cpu-usage");
    reply.Integer(42);
    reply.Bulk("Some real reply following the push reply");
  } else if (context.ArgIs(2, "bignum")) {
    reply.BigNumber("1234567999999999999999999999999999999");
  } else if (context.ArgIs(2, "true")) {
    reply.Boolean(true);
  } else if (context.ArgIs(2, "false")) {
    reply.Boolean(false);
  } else if (context.ArgIs(2, "verbatim")) {
    reply.Verbatim("This is a verbatim\nstring");
  } else {
    return errors::Generic(
        "Wrong protocol type name. Please use one of the following: "
        "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
  }
  return Status::Ok();
}

Status DebugError(CommandContext& context) { return Status::Error(std::string(context.Arg(2))); }

// <length> <pattern>: whether a pattern, however wild, matches so many a's.
Status DebugStringMatchLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t length, PositiveArg(context, 2));
  if (length > context.settings().proto_max_bulk_len_bytes) return errors::NotPositive("value");
  const std::string text(static_cast<size_t>(length), 'a');
  context.Reply().Integer(MatchesGlob(context.Arg(3), text) ? 1 : 0);
  return Status::Ok();
}

// ---- The process

Status DebugLog(CommandContext& context) {
  Log(LogLevel::kWarning, "DEBUG LOG: " + std::string(context.Arg(2)));
  return Ok(context);
}

Status DebugSegfault(CommandContext& /*context*/) {
  // A page that may not be written: the compiler cannot know what happens to it.
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *static_cast<volatile char*>(page) = 'x';
  return Status::Ok();
}

Status DebugPanic(CommandContext& /*context*/) {
  Log(LogLevel::kWarning, "Guru Meditation: called by Unit Test");
  std::abort();
}

Status DebugAssert(CommandContext& context) {
  KVICK_ASSERT(context.argument_count() == 0);
  return Status::Ok();
}

Status DebugOom(CommandContext& /*context*/) {
  constexpr size_t kTooMuch = SIZE_MAX / 2;
  Log(LogLevel::kWarning, "Out Of Memory allocating " + std::to_string(kTooMuch) + " bytes!");
  std::abort();
}

Status DebugStructSize(CommandContext& context) {
  context.Reply().Simple("bits:" + std::to_string(sizeof(void*) * 8) + " entry:" + std::to_string(sizeof(Entry)) +
                         " stripe:" + std::to_string(sizeof(Stripe)) + " session:" + std::to_string(sizeof(Session)));
  return Status::Ok();
}

Status DebugMallctl(CommandContext& context) {
  int64_t value = 0;
  const bool sets = context.argument_count() == 4;
  if (sets) {
    KVICK_ASSIGN_OR_RETURN(value, context.IntegerArg(3));
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t current, AllocatorControl(std::string(context.Arg(2)), sets ? &value : nullptr));
  context.Reply().Integer(current);
  return Status::Ok();
}

Status DebugMallctlStr(CommandContext& context) {
  const bool sets = context.argument_count() == 4;
  const std::string value(sets ? context.Arg(3) : "");
  KVICK_ASSIGN_OR_RETURN(const std::string current,
                         AllocatorTextControl(std::string(context.Arg(2)), sets ? &value : nullptr));
  context.Reply().Bulk(current);
  return Status::Ok();
}

Status DebugHelp(CommandContext& context);

struct DebugSubcommand {
  std::string_view name;
  size_t argument_count_min;  // behind the name
  size_t argument_count_max;
  std::string_view syntax;
  std::string_view summary;
  CommandHandler run;
};

constexpr size_t kAnyCount = SIZE_MAX;

constexpr DebugSubcommand kSubcommands[] = {
    {"ADVANCE-CLOCK", 1, 1, "<milliseconds>", "Move the server's clock forward.", DebugAdvanceClock},
    {"ASSERT", 0, 0, "", "Crash by assertion failed.", DebugAssert},
    {"CHANGE-REPL-ID", 0, 0, "", "Change the replication IDs of the instance.", DebugChangeReplId},
    {"CLIENT-ENFORCE-REPLY-LIST", 1, 1, "<0|1>", "Accepted; replies are always lists of blocks.", DebugAccept},
    {"DICT-RESIZING", 1, 1, "<0|1>", "Accepted; tables grow and shrink by the bucket.", DebugAccept},
    {"DIGEST", 0, 0, "", "Output a hex signature representing the current DB content.", DebugDigest},
    {"DIGEST-VALUE", 0, kAnyCount, "<key> [<key> ...]",
     "Output a hex signature of the values of all the specified keys.", DebugDigestValue},
    {"ERROR", 1, 1, "<string>", "Return a protocol error with <string> as message.", DebugError},
    {"HTSTATS", 1, 2, "<dbid> [full]", "Return hash table statistics of the specified database.", DebugHtStats},
    {"HTSTATS-KEY", 1, 2, "<key> [full]", "Like HTSTATS but for the hash table stored at <key>'s value.",
     DebugHtStatsKey},
    {"LISTPACK", 1, 1, "<key>", "Write the listpack of <key> to the server log.", DebugListpack},
    {"LOADAOF", 0, 0, "", "Flush the AOF buffers on disk and reload the AOF in memory.", DebugLoadAof},
    {"LOG", 1, 1, "<message>", "Write <message> to the server log.", DebugLog},
    {"MALLCTL", 1, 2, "<key> [<val>]", "Get or set a malloc tuning integer.", DebugMallctl},
    {"MALLCTL-STR", 1, 2, "<key> [<val>]", "Get or set a malloc tuning string.", DebugMallctlStr},
    {"OBJECT", 1, 2, "<key> [fast]", "Show low level info about `key` and associated value.", DebugObject},
    {"OOM", 0, 0, "", "Crash the server simulating an out-of-memory error.", DebugOom},
    {"PANIC", 0, 0, "", "Crash the server simulating a panic.", DebugPanic},
    {"PAUSE-CRON", 1, 1, "<0|1>", "Stop periodic work: expiry, idle clients, sampling.", DebugPauseCron},
    {"POPULATE", 1, 3, "<count> [<prefix>] [<size>]", "Create <count> string keys named key:<num>.", DebugPopulate},
    {"PROTOCOL", 1, 1, "<type>", "Reply with a test value of the specified type.", DebugProtocol},
    {"QUICKLIST", 1, 2, "<key> [<0|1>]", "Write the nodes of the list <key>, with elements, to the server log.",
     DebugQuicklist},
    {"QUICKLIST-PACKED-THRESHOLD", 1, 1, "<size>", "Size from which elements get nodes of their own; 0: as configured.",
     DebugQuicklistPackedThreshold},
    {"REPLYBUFFER", 2, 2, "PEAK-RESET-TIME <NEVER|RESET|time> | RESIZING <0|1>",
     "Accepted; reply buffers are the workers' and given back when empty.", DebugReplyBuffer},
    {"SEGFAULT", 0, 0, "", "Crash the server with sigsegv.", DebugSegfault},
    {"SET-ACTIVE-EXPIRE", 1, 1, "<0|1>", "Whether keys expire in the background too.", DebugSetActiveExpire},
    {"SET-DISABLE-DENY-SCRIPTS", 1, 1, "<0|1>", "Let scripts run commands that refuse them.",
     DebugSetDisableDenyScripts},
    {"RELOAD", 0, 3, "[option ...]",
     "Save the RDB on disk and reload it back to memory. MERGE: keys that exist are replaced. NOFLUSH: the data is not "
     "emptied first. NOSAVE: the file is loaded as it is.",
     DebugReload},
    {"SLEEP", 1, 1, "<seconds>", "Stop the server for <seconds>. Decimals allowed.", DebugSleep},
    {"STRINGMATCH-LEN", 2, 2, "<length> <pattern>", "Match a pattern with a string of <length> a's.",
     DebugStringMatchLen},
    {"STRUCTSIZE", 0, 0, "", "Return the size of different core structures.", DebugStructSize},
    {"HELP", 0, 0, "", "Prints this help.", DebugHelp},
};

Status DebugHelp(CommandContext& context) {
  ReplyWriter& reply = context.Reply();
  reply.Array(1 + 2 * std::size(kSubcommands));
  reply.Simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const DebugSubcommand& subcommand : kSubcommands) {
    reply.Simple(std::string(subcommand.name) + (subcommand.syntax.empty() ? "" : " ") +
                 std::string(subcommand.syntax));
    reply.Simple("    " + std::string(subcommand.summary));
  }
  return Status::Ok();
}

Status Debug(CommandContext& context) {
  if (!Permits(context.settings().debug_command, context.session())) {
    return errors::Generic(
        "DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
        "local connection, otherwise you need to set this option in the configuration file, and then restart the "
        "server.");
  }
  const size_t count = context.argument_count() - 2;
  for (const DebugSubcommand& subcommand : kSubcommands) {
    if (!context.ArgIs(1, subcommand.name)) continue;
    if (count < subcommand.argument_count_min || count > subcommand.argument_count_max) break;
    return subcommand.run(context);
  }
  return errors::SubcommandArguments(context.Arg(1), "DEBUG");
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "DEBUG",
        .summary = "A container for debugging commands.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .flags = kAdmin | kNoScript | kLoading | kStale | kExclusive | kSystemCommand,
        .arity = -2,
        .handler = Debug,
    },
};

}  // namespace

std::span<const CommandSpec> DebugCommands() { return kCommands; }

}  // namespace kvick
