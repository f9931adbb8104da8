#include "server/copied_store.h"

#include <vector>

#include "engine/errors.h"
#include "persistence/dump_payload.h"
#include "persistence/value_insertion.h"
#include "persistence/value_limits.h"
#include "server/features.h"

namespace kvick {
namespace {

// The names of a stripe are gathered so many buckets at a time.
constexpr size_t kBucketsPerLock = 256;

// In the engine that `reader` belongs to, with the stripe held: runs `look`.
void LookAt(Executor& reader, Stripe& stripe, const std::function<void()>& look) {
  reader.BeginBatch();
  // With one worker nobody locks, so nobody else may run meanwhile.
  if (reader.engine().is_concurrent()) {
    const Executor::StripeGuard guard(reader, stripe);
    look();
  } else {
    reader.RunExclusive(look);
  }
  reader.EndBatch();
}

void CollectName(void* names, Entry* entry) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(entry->key());
}

}  // namespace

std::unique_ptr<DebugStore> CopiedStore::Make(Executor& reader) { return std::make_unique<CopiedStore>(reader); }

Settings CopiedStore::SettingsFor(Executor& reader) {
  reader.BeginBatch();
  Settings settings = reader.engine().settings();
  reader.EndBatch();
  settings.max_memory_bytes = 0;  // what the other engine holds is not to be evicted here
  settings.append_only = false;
  return settings;
}

CopiedStore::CopiedStore(Executor& reader, uint64_t copied_bytes_max)
    : reader_(reader),
      copied_bytes_max_(copied_bytes_max),
      settings_(SettingsFor(reader)),
      engine_(&settings_, reader.engine().clock()) {
  RegisterFeatures(engine_);
  for (const CommandRename& rename : settings_.command_renames) engine_.commands().Rename(rename.name, rename.new_name);
  engine_.set_concurrent(false);
  executor_ = std::make_unique<Executor>(engine_);
}

Status CopiedStore::BringKeys(std::span<const DeclaredKey> keys) {
  for (const DeclaredKey& key : keys) KVICK_RETURN_IF_ERROR(Bring(key.database->index(), key.key));
  return Status::Ok();
}

Status CopiedStore::BringEverything() {
  if (has_everything_) return Status::Ok();
  for (int i = 0; i < reader_.engine().database_count(); ++i) {
    for (size_t stripe_index = 0; stripe_index < Stripe::kCount; ++stripe_index) {
      KVICK_RETURN_IF_ERROR(BringStripe(i, stripe_index));
    }
  }
  has_everything_ = true;
  return Status::Ok();
}

Status CopiedStore::BringStripe(int database_index, size_t stripe_index) {
  Stripe& stripe = reader_.engine().database(database_index).StripeAt(stripe_index);
  if (stripe.entry_count.load(std::memory_order_relaxed) == 0) return Status::Ok();
  uint64_t position = 0;
  do {
    std::vector<std::string> names;
    // Under the guard, which the analysis does not follow.
    LookAt(reader_, stripe, [&]() KVICK_NO_THREAD_SAFETY_ANALYSIS {
      for (size_t i = 0; i < kBucketsPerLock; ++i) {
        position = stripe.table.ScanBucket(position, &names, CollectName);
        if (position == 0) break;
      }
    });
    for (const std::string& name : names) KVICK_RETURN_IF_ERROR(Bring(database_index, KeyRef::Make(name)));
  } while (position != 0);
  return Status::Ok();
}

Status CopiedStore::Bring(int database_index, const KeyRef& key) {
  if (has_everything_ || !brought_.emplace(database_index, key.name).second) return Status::Ok();
  const Copy copy = Read(database_index, key);
  if (!copy.exists) return Status::Ok();
  copied_bytes_ += copy.payload.size();
  if (copied_bytes_ > copied_bytes_max_) {
    return errors::Generic("what the script reads is too large to be copied for the debugger, use SCRIPT DEBUG SYNC");
  }
  return Insert(database_index, key, copy);
}

CopiedStore::Copy CopiedStore::Read(int database_index, const KeyRef& key) {
  Copy copy;
  Database& database = reader_.engine().database(database_index);
  LookAt(reader_, database.StripeOf(key), [&] {
    // It is only looked at: what has expired stays for others to remove.
    Mutation only_looks = reader_.mutation();
    only_looks.removes_expired = false;
    const Entry* entry = database.Peek(key, only_looks).entry;
    if (entry == nullptr) return;
    copy.exists = true;
    copy.payload = MakeDumpPayload(*entry, false, RdbVersionCeiling(settings_));
    copy.expiry_ms = entry->has_expiry() ? entry->expiry_ms() : Entry::kNoExpiry;
    copy.access = entry->access();
  });
  return copy;
}

Status CopiedStore::Insert(int database_index, const KeyRef& key, const Copy& copy) {
  Mutation& mutation = executor_->mutation();
  KVICK_ASSIGN_OR_RETURN(const DumpPayload parts, SplitDumpPayload(copy.payload));
  RdbValueReader reader(ValueLimits::Of(settings_), mutation.now_ms, parts.dialect());
  RdbValue value;
  KVICK_RETURN_IF_ERROR(ReadDumpValue(parts, mutation.now_ms, &reader, &value));
  InsertLoaded(engine_.database(database_index), key, &value, {copy.expiry_ms, copy.access}, mutation);
  return Status::Ok();
}

}  // namespace kvick
