#include "persistence/rdb_loader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/numbers.h"
#include "base/sync.h"
#include "engine/errors.h"
#include "keyspace/access_clock.h"
#include "persistence/rdb_file_reader.h"
#include "persistence/rdb_value_reader.h"
#include "persistence/template_loading.h"
#include "persistence/value_insertion.h"

namespace kvick {
namespace {

constexpr int64_t kMsMax = int64_t{1} << 53;

// What all threads of a load share.
struct LoadContext {
  Engine& engine;
  const RdbLoadOptions& options;
  RdbLoadProgress& progress;
  const int64_t now_ms;
  const ValueLimits limits;
  TemplateLoading& templates;
};

// Decodes and inserts records. One for each thread.
class RecordLoader {
 public:
  explicit RecordLoader(const LoadContext& context) : context_(context) {
    const Settings& settings = context.engine.settings();
    counts_frequency_ = settings.max_memory_policy == EvictionPolicy::kVolatileLfu ||
                        settings.max_memory_policy == EvictionPolicy::kAllKeysLfu;
    mutation_.now_ms = context.now_ms;
    mutation_.compression = &settings.value_compression;
    mutation_.access_clock = counts_frequency_ ? NewFrequency(context.now_ms) : RecencyClock(context.now_ms);
  }

  Status Load(const RdbBatch& batch, const RdbDialect& dialect);

 private:
  // Keys are looked for together: each look-up waits for memory, and waiting for several at once takes no longer.
  static constexpr size_t kTogether = 16;

  struct Pending {
    RdbBytes bytes{std::string_view()};
    Database* database = nullptr;
    KeyRef key;
    std::string key_scratch;
    uint8_t type = 0;
    std::string moments;  // of a set's members
    bool has_moments = false;
    LoadedKeyOptions options;
    bool is_dropped = false;
  };

  Status Begin(const RdbBatch& batch, const RdbBatch::Record& record, Pending* pending);
  Status Insert(Pending& pending, RdbValueReader& reader);
  Status ReadTrailingAux(Pending& pending);
  Status Problem(const Pending& pending, std::string_view why) const;
  void Prefetch(Pending& pending);

  const LoadContext& context_;
  Mutation mutation_;
  bool counts_frequency_ = false;
  uint64_t loaded_ = 0;  // of the batch
  std::array<Pending, kTogether> pending_;
  RdbValue value_;
};

Status RecordLoader::Problem(const Pending& pending, std::string_view why) const {
  return Status::Error("Internal error in RDB reading offset " + std::to_string(pending.bytes.position()) + ", key '" +
                       std::string(pending.key.name) + "' -> " + std::string(why));
}

Status RecordLoader::Load(const RdbBatch& batch, const RdbDialect& dialect) {
  RdbDialect batch_dialect = dialect;
  batch_dialect.templates = batch.templates.get();
  if (batch.templates != nullptr) context_.templates.GiveUp();
  RdbValueReader reader(context_.limits, context_.now_ms, batch_dialect);
  const int delay_us = context_.engine.settings().key_load_delay_us;
  for (size_t first = 0; first < batch.records.size(); first += kTogether) {
    const size_t count = std::min(kTogether, batch.records.size() - first);
    for (size_t i = 0; i < count; ++i) KVICK_RETURN_IF_ERROR(Begin(batch, batch.records[first + i], &pending_[i]));
    for (size_t i = 0; i < count; ++i) Prefetch(pending_[i]);
    for (size_t i = 0; i < count; ++i) {
      if (pending_[i].is_dropped) continue;
      KVICK_RETURN_IF_ERROR(Insert(pending_[i], reader));
      if (delay_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
    }
    if (context_.progress.is_cancelled.load(std::memory_order_relaxed)) return Status::Error("Loading was cancelled");
  }
  context_.progress.keys_loaded.fetch_add(std::exchange(loaded_, 0), std::memory_order_relaxed);
  return Status::Ok();
}

// Attributes, type and key.
Status RecordLoader::Begin(const RdbBatch& batch, const RdbBatch::Record& record, Pending* pending) {
  pending->bytes = RdbBytes(batch.BytesOf(record), batch.position + record.begin);
  pending->options = {};
  pending->has_moments = false;
  RdbBytes& bytes = pending->bytes;
  std::string scratch;
  std::optional<uint64_t> idle_s;
  std::optional<uint8_t> frequency;
  for (bool is_attribute = true; is_attribute && bytes.ok();) {
    pending->type = bytes.TakeByte();
    switch (static_cast<RdbOpcode>(pending->type)) {
      case RdbOpcode::kAux:  // only one lies in a record
        bytes.SkipString();
        pending->moments = bytes.TakeString(&scratch);
        pending->has_moments = true;
        break;
      case RdbOpcode::kExpiryMs: pending->options.expiry_ms = bytes.TakeInt64(); break;
      case RdbOpcode::kExpirySeconds: pending->options.expiry_ms = int64_t{bytes.TakeInt32()} * 1000; break;
      case RdbOpcode::kIdle: idle_s = bytes.TakeLength(); break;
      case RdbOpcode::kFrequency: frequency = bytes.TakeByte(); break;
      default: is_attribute = false; break;
    }
  }
  pending->key = KeyRef::Make(bytes.TakeString(&pending->key_scratch));
  if (!bytes.ok()) return Problem(*pending, bytes.problem());
  if (record.database_index >= static_cast<uint32_t>(context_.engine.database_count())) {
    return Status::Error("FATAL: Data file was created with a server configured to handle more than " +
                         std::to_string(context_.engine.database_count()) + " databases.");
  }
  pending->database = &context_.engine.database(static_cast<int>(record.database_index));
  LoadedKeyOptions& options = pending->options;
  if (frequency && counts_frequency_) options.access = AccessOfFrequency(*frequency, context_.now_ms);
  if (idle_s && !counts_frequency_) {
    options.access = AccessOfIdle(static_cast<int64_t>(std::min<uint64_t>(*idle_s, kAccessMask)), context_.now_ms);
  }
  const bool expires = options.expiry_ms != Entry::kNoExpiry;
  pending->is_dropped = expires && context_.options.drops_expired && options.expiry_ms < context_.now_ms;
  if (pending->is_dropped) context_.progress.keys_expired.fetch_add(1, std::memory_order_relaxed);
  return Status::Ok();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void RecordLoader::Prefetch(Pending& pending) {
  Stripe& stripe = pending.database->StripeOf(pending.key);
  // Another thread may be rebuilding the table: what cannot be asked for at once is not.
  if (!stripe.lock.TryLock()) return;
  stripe.table.PrefetchBucket(pending.key.hash);
  stripe.lock.Unlock();
}

Status RecordLoader::Insert(Pending& pending, RdbValueReader& reader) {
  switch (reader.Read(pending.type, &pending.bytes, &value_)) {
    case RdbValueReader::Outcome::kFailed: return Problem(pending, pending.bytes.problem());
    case RdbValueReader::Outcome::kEmpty: {
      constexpr uint64_t kNamedMax = 10;
      if (context_.progress.empty_keys.fetch_add(1, std::memory_order_relaxed) < kNamedMax) {
        Log(LogLevel::kWarning, "rdbLoadObject skipping empty key: " + std::string(pending.key.name));
      }
      return Status::Ok();
    }
    case RdbValueReader::Outcome::kRead: break;
  }
  if (pending.has_moments) {
    const Status status = RdbValueReader::SetMemberExpiry(pending.moments, context_.now_ms, &value_);
    if (!status.ok()) return Problem(pending, status.text());
  }
  if (!pending.bytes.is_at_end()) {
    KVICK_RETURN_IF_ERROR(ReadTrailingAux(pending));
  } else {
    context_.templates.MakeCompact(pending.type, &value_);
  }

  Database& database = *pending.database;
  SpinLockHolder holder(database.StripeOf(pending.key).lock);
  const KeyTable::Slot before = database.FindAgain(pending.key);
  if (before.entry != nullptr) {
    if (!context_.options.replaces_keys) {
      return Status::Error("RDB has duplicated key '" + std::string(pending.key.name) + "' in DB " +
                           std::to_string(database.index()));
    }
    database.Erase(pending.key, before, mutation_);
  }
  InsertLoaded(database, pending.key, &value_, pending.options, mutation_);
  ++loaded_;
  return Status::Ok();
}

// One member and its moment after the other.
Status RecordLoader::ReadTrailingAux(Pending& pending) {
  RdbBytes& bytes = pending.bytes;
  std::string name_scratch;
  std::string scratch;
  std::string member;
  while (bytes.ok() && !bytes.is_at_end()) {
    bytes.TakeByte();
    const std::string_view name = bytes.TakeString(&name_scratch);
    const std::string_view text = bytes.TakeString(&scratch);
    if (name == kRdbKeyDbMember) {
      member = text;
      continue;
    }
    const std::optional<int64_t> moment_ms = ParseInt64(text);
    if (!moment_ms || *moment_ms < 0 || *moment_ms > kMsMax) return Problem(pending, "impossible moment of a part");
    // Fields of hashes, too: an empty one is the key's own time.
    if (member.empty() && value_.type() != ValueType::kSet) continue;
    Status status = Status::Ok();
    if (value_.type() == ValueType::kHash) {
      value_.Unpack();
      auto* hash = static_cast<HashValue*>(value_.object());
      FieldTexts texts;
      if (hash->Find(member, texts)) hash->SetExpiry(member, {*moment_ms, context_.now_ms});
    } else if (value_.type() == ValueType::kSet) {
      status = RdbValueReader::SetMemberExpiry(member, *moment_ms, context_.now_ms, &value_);
    }
    if (!status.ok()) return Problem(pending, status.text());
  }
  return bytes.ok() ? Status::Ok() : Problem(pending, bytes.problem());
}

// Threads that load what is handed to them.
class LoaderThreads {
 public:
  LoaderThreads(const LoadContext& context, const RdbDialect& dialect)
      : context_(context), dialect_(dialect), batches_max_(context.options.worker_count + 1) {
    for (size_t i = 0; i < context.options.worker_count; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~LoaderThreads() { static_cast<void>(Finish()); }
  LoaderThreads(const LoaderThreads&) = delete;
  LoaderThreads& operator=(const LoaderThreads&) = delete;

  // Waits while there is enough to do. False when something failed.
  bool Add(RdbBatch batch) KVICK_EXCLUDES(mutex_) {
    if (threads_.empty()) return LoadHere(batch);
    MutexLock lock(mutex_);
    while (batches_.size() >= batches_max_ && status_.ok()) has_room_.Wait(mutex_);
    if (!status_.ok()) return false;
    batches_.push_back(std::move(batch));
    has_work_.NotifyOne();
    return true;
  }
  // Waits until all is loaded. The first thing that failed.
  Status Finish() KVICK_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      is_ended_ = true;
      has_work_.NotifyAll();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  bool LoadHere(const RdbBatch& batch) KVICK_EXCLUDES(mutex_) {
    if (own_loader_ == nullptr) own_loader_ = std::make_unique<RecordLoader>(context_);
    const Status status = own_loader_->Load(batch, dialect_);
    MutexLock lock(mutex_);
    status_ = status;
    return status_.ok();
  }
  void Work() KVICK_EXCLUDES(mutex_) {
    RecordLoader loader(context_);
    while (true) {
      RdbBatch batch;
      {
        MutexLock lock(mutex_);
        while (batches_.empty() && !is_ended_) has_work_.Wait(mutex_);
        if (batches_.empty() || !status_.ok()) return;
        batch = std::move(batches_.front());
        batches_.pop_front();
        has_room_.NotifyOne();
      }
      const Status status = loader.Load(batch, dialect_);
      if (status.ok()) continue;
      MutexLock lock(mutex_);
      if (status_.ok()) status_ = status;
      has_room_.NotifyOne();
      return;
    }
  }

  const LoadContext& context_;
  const RdbDialect dialect_;
  const size_t batches_max_;
  Mutex mutex_;
  ConditionVariable has_work_;
  ConditionVariable has_room_;
  std::deque<RdbBatch> batches_ KVICK_GUARDED_BY(mutex_);
  Status status_ KVICK_GUARDED_BY(mutex_);
  bool is_ended_ KVICK_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
  std::unique_ptr<RecordLoader> own_loader_;  // of the calling thread, when it has no others
};

void NoteAux(const RdbItem& item, int64_t now_ms, RdbLoaded* loaded) {
  const std::optional<int64_t> number = ParseInt64(item.value);
  if (item.name == "redis-ver" || item.name == "valkey-ver") {
    loaded->server_version = item.value;
    Log(LogLevel::kNotice, "Loading RDB produced by version " + item.value);
  } else if (item.name == "ctime" && number) {
    loaded->created_s = *number;
    Log(LogLevel::kNotice, "RDB age " + std::to_string(std::max<int64_t>(now_ms / 1000 - *number, 0)) + " seconds");
  } else if (item.name == "used-mem" && number) {
    char text[64];
    std::snprintf(text, sizeof(text), "RDB memory usage when created %.2f Mb",
                  static_cast<double>(*number) / (1024.0 * 1024.0));
    Log(LogLevel::kNotice, text);
  } else if (item.name == "aof-base" || item.name == "aof-preamble") {
    loaded->is_aof_base = number.value_or(0) != 0;
    if (loaded->is_aof_base) Log(LogLevel::kNotice, "RDB is base AOF");
  } else if (item.name == "repl-id") {
    loaded->replication_id = item.value;
  } else if (item.name == "repl-offset") {
    loaded->replication_offset = number.value_or(-1);
  } else if (item.name == "repl-stream-db") {
    loaded->replication_database = static_cast<int>(number.value_or(-1));
  } else {
    Log(LogLevel::kDebug, "Unrecognized RDB AUX field: '" + item.name + "' '" + item.value + "'");
  }
}

// The file says how many keys it has, and is believed as far as so many can be in it.
void MakeRoom(const LoadContext& context, const RdbItem& item) {
  constexpr uint64_t kRecordBytesMin = 4;
  if (item.database_index >= static_cast<uint32_t>(context.engine.database_count())) return;
  const uint64_t possible = context.progress.bytes_total.load(std::memory_order_relaxed) / kRecordBytesMin;
  Database& database = context.engine.database(static_cast<int>(item.database_index));
  database.Reserve(database.EntryCount() + std::min(item.key_count, possible));
}

Status LoadLibrary(Engine& engine, std::string_view text, bool replaces) {
  ScriptRunner* runner = engine.hooks.script_runner;
  return runner != nullptr ? runner->LoadLibrary(text, replaces) : errors::Generic("functions are not available");
}

void LogDone(const RdbLoadProgress& progress) {
  std::string text = "Done loading RDB, keys loaded: " + std::to_string(progress.keys_loaded.load()) +
                     ", keys expired: " + std::to_string(progress.keys_expired.load());
  if (progress.empty_keys.load() > 0) text += ", empty keys skipped: " + std::to_string(progress.empty_keys.load());
  Log(LogLevel::kNotice, text + ".");
}

}  // namespace

Result<RdbLoaded> LoadRdb(Engine& engine, ByteSource* source, const RdbLoadOptions& options,
                          RdbLoadProgress* progress) {
  TemplateLoading templates(engine.settings());
  const LoadContext context{engine,   options, *progress, engine.clock().NowMs(), ValueLimits::Of(engine.settings()),
                            templates};
  RdbFileReader reader(source, {.verifies_checksum = options.verifies_checksum});
  progress->bytes_total.store(source->total_bytes(), std::memory_order_relaxed);
  KVICK_RETURN_IF_ERROR(reader.ReadHeader());
  RdbLoaded loaded;
  loaded.version = reader.version();
  LoaderThreads threads(context, reader.dialect());
  while (true) {
    RdbBatch batch;
    Result<RdbItem> item = reader.Next(&batch);
    // What lies in front of a damage may be damaged too, and is the better explanation.
    if (!item.ok()) {
      KVICK_RETURN_IF_ERROR(threads.Finish());
      return item.status();
    }
    progress->bytes_read.store(reader.bytes_read(), std::memory_order_relaxed);
    if (!batch.records.empty() && !threads.Add(std::move(batch))) return threads.Finish();
    if (item->kind == RdbItem::Kind::kAux) NoteAux(*item, context.now_ms, &loaded);
    if (item->kind == RdbItem::Kind::kFunction) {
      const Status status = LoadLibrary(engine, item->value, options.replaces_keys);
      if (!status.ok()) return Status::Error("Failed loading library: " + std::string(status.text()));
    }
    if (item->kind == RdbItem::Kind::kSize) MakeRoom(context, *item);
    if (item->kind == RdbItem::Kind::kEnd) break;
  }
  KVICK_RETURN_IF_ERROR(threads.Finish());
  templates.Finish(engine);
  loaded.end_position = reader.position();
  loaded.rest = reader.rest();
  if (options.verifies_checksum && !reader.has_checksum()) {
    Log(LogLevel::kNotice, "RDB file was saved with checksum disabled: no check performed.");
  }
  LogDone(*progress);
  return loaded;
}

}  // namespace kvick
