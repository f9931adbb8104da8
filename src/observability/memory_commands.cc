// MEMORY: what memory is used for, and what could be done about it.
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/block_pool.h"
#include "base/memory_usage.h"
#include "base/numbers.h"
#include "base/program_pages.h"
#include "engine/command_context.h"
#include "engine/compaction.h"
#include "engine/executor.h"
#include "engine/help.h"
#include "engine/transaction.h"
#include "observability/features.h"
#include "observability/memory_figures.h"
#include "types/hash_template.h"

namespace kvick {
namespace {

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

int64_t Difference(uint64_t a, uint64_t b) { return static_cast<int64_t>(a) - static_cast<int64_t>(b); }

struct ClientMemory {
  uint64_t normal_bytes = 0;
  uint64_t replica_bytes = 0;
  uint64_t normal_count = 0;
};

// In an exclusive moment.
ClientMemory MeasureClients(Engine& engine) {
  ClientMemory clients;
  engine.ForEachExecutor([&](Executor& executor) {
    for (const Session* session : executor.sessions()) {
      uint64_t bytes = session->transport != nullptr ? session->transport->MeasureUsage().total_memory_bytes : 0;
      if (session->transaction != nullptr) bytes += session->transaction->queued_bytes;
      if (session->type() == ClientType::kReplica) {
        clients.replica_bytes += bytes;
      } else {
        clients.normal_bytes += bytes;
        ++clients.normal_count;
      }
    }
  });
  return clients;
}

struct TableMemory {
  int index = 0;
  uint64_t key_count = 0;
  uint64_t table_bytes = 0;
  uint64_t expiry_bytes = 0;
};

// Of the databases that hold keys. In an exclusive moment, when no stripe needs its lock.
KVICK_NO_THREAD_SAFETY_ANALYSIS std::vector<TableMemory> MeasureTables(Engine& engine) {
  std::vector<TableMemory> tables;
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& database = engine.database(i);
    TableMemory memory{i, database.EntryCount(), 0, 0};
    if (memory.key_count == 0) continue;
    for (size_t at = 0; at < Stripe::kCount; ++at) {
      const Stripe& stripe = database.StripeAt(at);
      memory.table_bytes += stripe.table.memory_bytes();
      if (stripe.expiry_index != nullptr) memory.expiry_bytes += stripe.expiry_index->memory_bytes();
    }
    tables.push_back(memory);
  }
  return tables;
}

// The reply of MEMORY STATS, which says how long it is before its contents are known.
class FieldList {
 public:
  void Add(std::string name, uint64_t value) { AddSigned(std::move(name), static_cast<int64_t>(value)); }
  void AddSigned(std::string name, int64_t value) {
    fields_.push_back({std::move(name), [value](ReplyWriter& reply) { reply.Integer(value); }});
  }
  void AddRatio(std::string name, double value) {
    fields_.push_back({std::move(name), [value](ReplyWriter& reply) { reply.Double(value); }});
  }
  void AddTables(const TableMemory& memory) {
    fields_.push_back({"db." + std::to_string(memory.index), [memory](ReplyWriter& reply) {
                         reply.Map(2);
                         reply.Bulk("overhead.hashtable.main");
                         reply.Integer(static_cast<int64_t>(memory.table_bytes));
                         reply.Bulk("overhead.hashtable.expires");
                         reply.Integer(static_cast<int64_t>(memory.expiry_bytes));
                       }});
  }
  void Write(ReplyWriter& reply) const {
    reply.Map(fields_.size());
    for (const Field& field : fields_) {
      reply.Bulk(field.name);
      field.write(reply);
    }
  }

 private:
  struct Field {
    std::string name;
    std::function<void(ReplyWriter&)> write;
  };
  std::vector<Field> fields_;
};

Status MemoryStats(CommandContext& context) {
  Engine& engine = context.engine();
  const MemoryFigures figures = MeasureMemory(engine);
  const ClientMemory clients = MeasureClients(engine);
  const std::vector<TableMemory> tables = MeasureTables(engine);

  FieldList fields;
  fields.Add("peak.allocated", figures.peak.size_bytes);
  fields.Add("total.allocated", figures.used_bytes);
  fields.Add("startup.allocated", figures.startup_bytes);
  fields.Add("replication.backlog", 0);
  fields.Add("clients.slaves", clients.replica_bytes);
  fields.Add("clients.normal", clients.normal_bytes);
  fields.Add("cluster.links", 0);
  fields.Add("aof.buffer", 0);
  fields.Add("lua.caches", figures.script_bytes);
  fields.Add("functions.caches", figures.function_bytes);
  fields.Add("hash.templates", HashTemplates::MeasureUsage().memory_bytes);
  uint64_t overhead = figures.startup_bytes + clients.normal_bytes + clients.replica_bytes + figures.script_bytes +
                      figures.function_bytes;
  uint64_t key_count = 0;
  uint64_t table_bytes = 0;
  for (const TableMemory& memory : tables) {
    fields.AddTables(memory);
    key_count += memory.key_count;
    table_bytes += memory.table_bytes;
    overhead += memory.table_bytes + memory.expiry_bytes;
  }
  overhead = std::min(overhead, figures.used_bytes);
  fields.Add("overhead.db.hashtable.lut", table_bytes);
  // Tables grow by the bucket: there is never a second one.
  fields.Add("overhead.db.hashtable.rehashing", 0);
  fields.Add("overhead.total", overhead);
  fields.Add("db.dict.rehashing.count", 0);
  fields.Add("keys.count", key_count);
  fields.Add("keys.bytes-per-key", key_count == 0 ? 0 : figures.net_bytes() / key_count);
  const uint64_t dataset = figures.used_bytes - overhead;
  fields.Add("dataset.bytes", dataset);
  fields.AddRatio("dataset.percentage", std::min(100.0, 100 * Ratio(dataset, figures.net_bytes())));
  fields.AddRatio("peak.percentage", 100 * Ratio(figures.used_bytes, figures.peak.size_bytes));
  fields.Add("allocator.allocated", figures.used_bytes);
  fields.Add("allocator.active", figures.active_bytes);
  fields.Add("allocator.resident", figures.kept_bytes);
  fields.Add("allocator.muzzy", figures.muzzy_bytes);
  fields.AddRatio("allocator-fragmentation.ratio", Ratio(figures.active_bytes, figures.used_bytes));
  fields.AddSigned("allocator-fragmentation.bytes", Difference(figures.active_bytes, figures.used_bytes));
  fields.AddRatio("allocator-rss.ratio", Ratio(figures.kept_bytes, figures.active_bytes));
  fields.AddSigned("allocator-rss.bytes", Difference(figures.kept_bytes, figures.active_bytes));
  fields.AddRatio("rss-overhead.ratio", Ratio(figures.resident_bytes, figures.kept_bytes));
  fields.AddSigned("rss-overhead.bytes", Difference(figures.resident_bytes, figures.kept_bytes));
  fields.AddRatio("fragmentation", Ratio(figures.resident_bytes, figures.used_bytes));
  fields.AddSigned("fragmentation.bytes", Difference(figures.resident_bytes, figures.used_bytes));
  fields.Write(context.Reply());
  return Status::Ok();
}

// Below this, ratios say more about the process than about the data.
constexpr uint64_t kWorthALookBytes = uint64_t{5} << 20;
constexpr double kMuchFragmentation = 1.1;
constexpr double kMuchOverhead = 1.4;
constexpr uint64_t kMuchWasteBytes = uint64_t{10} << 20;
constexpr uint64_t kMuchForAClientBytes = uint64_t{200} << 10;
constexpr uint64_t kManyScriptBytes = uint64_t{8} << 20;

// A ratio matters when it is high and the difference is no trifle.
bool IsWasteful(uint64_t larger, uint64_t smaller, double ratio_max) {
  return Ratio(larger, smaller) > ratio_max && larger > smaller + kMuchWasteBytes;
}

std::string Percent(double ratio) { return std::to_string(static_cast<int64_t>(100 * ratio)) + " %"; }

std::vector<std::string> FindIssues(const MemoryFigures& figures, const ClientMemory& clients,
                                    const Settings& settings) {
  std::vector<std::string> issues;
  const bool was_much_higher = Ratio(figures.peak.size_bytes, figures.used_bytes) > 1.5;
  if (was_much_higher) {
    issues.push_back("The peak: " + FormatBytesHuman(figures.peak.size_bytes) + " were in use once, and " +
                     FormatBytesHuman(figures.used_bytes) +
                     " are now. Free pages go back to the system after some seconds; MEMORY PURGE does it at once.");
  }
  if (IsWasteful(figures.resident_bytes, figures.used_bytes, kMuchOverhead)) {
    std::string issue = "Resident memory: " + FormatBytesHuman(figures.resident_bytes) + " for " +
                        FormatBytesHuman(figures.used_bytes) + " in use.";
    issue += was_much_higher ? " After a peak this is to be expected, for a while."
                             : " Without a peak before, it comes from values of sizes that change.";
    issues.push_back(std::move(issue));
  }
  if (IsWasteful(figures.active_bytes, figures.used_bytes, kMuchFragmentation)) {
    issues.push_back(
        "Fragmentation: " + Percent(Ratio(figures.active_bytes, figures.used_bytes) - 1) +
        " of what is in use lies between live allocations, where it waits for new ones. What is left is moved "
        "together when it is much, as activedefrag says; MEMORY PURGE begins at once.");
  }
  if (IsWasteful(figures.kept_bytes, figures.active_bytes, kMuchFragmentation)) {
    issues.push_back("Free pages: the allocator keeps " + FormatBytesHuman(figures.kept_bytes - figures.active_bytes) +
                     " of them for later. MEMORY PURGE gives them back.");
  }
  if (clients.normal_count != 0 && clients.normal_bytes / clients.normal_count > kMuchForAClientBytes) {
    issues.push_back("Clients: " + FormatBytesHuman(clients.normal_bytes / clients.normal_count) +
                     " for each on average. CLIENT LIST says whose (tot-mem): some send or are sent large values, or "
                     "do not read their replies. client-output-buffer-limit bounds the latter.");
  }
  if (figures.script_bytes > kManyScriptBytes) {
    issues.push_back("Scripts: " + FormatBytesHuman(figures.script_bytes) +
                     " are cached. Texts that differ in a value only should take it as an argument.");
  }
  const uint64_t limit = settings.max_memory_bytes;
  if (limit != 0 && figures.used_bytes > limit) {
    issues.push_back("maxmemory: " + FormatBytesHuman(figures.used_bytes) + " in use exceed the limit of " +
                     FormatBytesHuman(limit) +
                     (settings.max_memory_policy == EvictionPolicy::kNoEviction
                          ? ". The policy is noeviction, so that commands that take memory are refused."
                          : ". Keys are being evicted, or there are none that may be."));
  } else if (limit == 0 && figures.resident_bytes > MachineMemoryBytes() / 4 * 3) {
    issues.push_back("maxmemory is not set, and the process has more than three quarters of the machine's memory.");
  }
  return issues;
}

Status MemoryDoctor(CommandContext& context) {
  Engine& engine = context.engine();
  const MemoryFigures figures = MeasureMemory(engine);
  const ClientMemory clients = MeasureClients(engine);
  std::string report;
  const std::vector<std::string> issues = FindIssues(figures, clients, engine.settings());
  if (figures.used_bytes < kWorthALookBytes) {
    report = "There is next to no data (" + FormatBytesHuman(figures.used_bytes) +
             " in use): whatever the ratios are, they say nothing about it. Ask again when there is more.";
  } else if (issues.empty()) {
    report = "Nothing to remark: " + FormatBytesHuman(figures.used_bytes) + " in use, " +
             FormatBytesHuman(figures.resident_bytes) + " resident.";
  } else {
    report = "What stands out about this server's memory:\n";
    for (const std::string& issue : issues) report += "\n * " + issue + "\n";
  }
  context.Reply().Verbatim(report);
  return Status::Ok();
}

// The entry, what hangs from it, and its share of the table. Nothing is estimated, so SAMPLES changes nothing.
KVICK_NO_THREAD_SAFETY_ANALYSIS Status MemoryUsage(CommandContext& context) {
  for (size_t i = 3; i < context.argument_count(); i += 2) {
    if (!context.ArgIs(i, "SAMPLES") || i + 1 >= context.argument_count()) return errors::Syntax();
    KVICK_ASSIGN_OR_RETURN(const int64_t samples, context.IntegerArg(i + 1));
    if (samples < 0) return errors::Syntax();
  }
  const KeyTable::Slot slot = context.Peek(0);
  if (slot.entry == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  const KeyTable& table = context.key(0).database->StripeOf(context.key(0).key).table;
  context.Reply().Integer(
      static_cast<int64_t>(slot.entry->memory_bytes() + table.memory_bytes() / table.entry_count()));
  return Status::Ok();
}

Status MemoryPurge(CommandContext& context) {
  // Some of what is to be moved together is, and workers go on with the rest.
  constexpr int64_t kBudgetUs = 100'000;
  context.executor().AfterCommand([&executor = context.executor()] {
    Compaction& compaction = executor.engine().compaction();
    compaction.Begin();
    executor.CompactAfterCommand(kBudgetUs);
    compaction.Tend();
    BlockPool::ReleasePages();
    ReleaseFreeMemory();
    ReleaseProgramPages();
  });
  context.Reply().Ok();
  return Status::Ok();
}

Status MemoryMallocStats(CommandContext& context) {
  std::string report = AllocatorReport();
  if (report.empty()) report = "Stats not supported for the current allocator";
  context.Reply().Verbatim(report);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "MEMORY",
        .summary = "A container for memory diagnostics commands.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "MEMORY DOCTOR",
        .summary = "Says in words what stands out about the use of memory.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kExclusive,
        .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
        .handler = MemoryDoctor,
    },
    {
        .name = "MEMORY HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "MEMORY MALLOC-STATS",
        .summary = "Returns the allocator's statistics.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on how much memory is allocated, could be slow",
        .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
        .handler = MemoryMallocStats,
    },
    {
        .name = "MEMORY PURGE",
        .summary = "Asks the allocator to release memory.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on how much memory is allocated, could be slow",
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = MemoryPurge,
    },
    {
        .name = "MEMORY STATS",
        .summary = "Returns what memory is used for.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kExclusive,
        .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
        .handler = MemoryStats,
    },
    {
        .name = "MEMORY USAGE",
        .syntax = "key [SAMPLES count]",
        .summary = "Returns the memory that a key and its value occupy.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(N) where N is the number of samples.",
        .flags = kReadonly,
        .keys = {OneKey(2, kKeyReadOnly)},
        .handler = MemoryUsage,
    },
};

}  // namespace

std::span<const CommandSpec> MemoryCommands() { return kCommands; }

}  // namespace kvick
