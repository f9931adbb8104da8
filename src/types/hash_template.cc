#include "types/hash_template.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "base/secret_hash.h"
#include "base/sync.h"

namespace kvick {
namespace {

// Of one template.
constexpr size_t kNameBytesMax = size_t{1} << 30;

// Names one behind the other, so that no two sets of names read the same.
void AppendIdentity(std::string_view name, std::string* identity) {
  const auto size = static_cast<uint32_t>(name.size());
  identity->append(reinterpret_cast<const char*>(&size), sizeof(size));
  identity->append(name);
}

struct IdentityHash {
  size_t operator()(const std::string& identity) const { return SecretHash(identity); }
};

struct FreeIds {
  Mutex mutex;
  std::vector<uint32_t> returned KVICK_GUARDED_BY(mutex);
  uint32_t next KVICK_GUARDED_BY(mutex) = 0;
};

FreeIds& Ids() {
  static auto* ids = new FreeIds;  // lives as long as the process: background threads free hashes to the end
  return *ids;
}

}  // namespace

struct HashTemplates::Shard {
  static constexpr size_t kCount = 16;

  Mutex mutex;
  std::unordered_map<std::string, std::unique_ptr<HashTemplate>, IdentityHash> templates KVICK_GUARDED_BY(mutex);
};

std::atomic<HashTemplates::Slot*> HashTemplates::chunks_[kChunkCount];

HashTemplate::HashTemplate(uint32_t id, std::span<const std::string_view> names) : id_(id) {
  size_t size = 0;
  for (const std::string_view name : names) size += name.size();
  names_.reserve(size);
  ends_.reserve(names.size());
  for (const std::string_view name : names) {
    names_.append(name);
    ends_.push_back(static_cast<uint32_t>(names_.size()));
    longest_name_bytes_ = std::max(longest_name_bytes_, name.size());
  }
}

size_t HashTemplate::PlaceOf(std::string_view name_wanted) const {
  size_t low = 0;
  size_t high = count();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (name(middle) < name_wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<size_t> HashTemplate::IndexOf(std::string_view name_wanted) const {
  const size_t place = PlaceOf(name_wanted);
  if (place == count() || name(place) != name_wanted) return std::nullopt;
  return place;
}

std::vector<std::string_view> HashTemplate::names() const {
  std::vector<std::string_view> all(count());
  for (size_t i = 0; i < all.size(); ++i) all[i] = name(i);
  return all;
}

size_t HashTemplate::memory_bytes() const {
  // The names twice: the registry finds a template by them.
  return sizeof(HashTemplate) + 2 * names_.size() + 2 * ends_.size() * sizeof(uint32_t);
}

HashTemplateRef::~HashTemplateRef() {
  if (names_ != nullptr) HashTemplates::Drop(*names_, holder_);
}

HashTemplateRef HashTemplateRef::Another(const HashTemplate& names, TemplateHolder holder) {
  HashTemplates::Hold(names, holder);
  return {&names, holder};
}

HashTemplates::Shard* HashTemplates::Shards() {
  static auto* shards = new Shard[Shard::kCount];  // as Ids
  return shards;
}

HashTemplates::Shard& HashTemplates::ShardOf(std::span<const std::string_view> names, std::string* identity) {
  for (const std::string_view name : names) AppendIdentity(name, identity);
  return Shards()[SecretHash(*identity) % Shard::kCount];
}

std::optional<uint32_t> HashTemplates::TakeId() {
  FreeIds& ids = Ids();
  MutexLock lock(ids.mutex);
  if (!ids.returned.empty()) {
    const uint32_t id = ids.returned.back();
    ids.returned.pop_back();
    return id;
  }
  if (ids.next == kChunkSize * kChunkCount) return std::nullopt;
  const uint32_t id = ids.next++;
  if (id % kChunkSize == 0) {
    chunks_[id / kChunkSize].store(new Slot[kChunkSize](), std::memory_order_release);
  }
  return id;
}

void HashTemplates::GiveIdBack(uint32_t id) {
  FreeIds& ids = Ids();
  MutexLock lock(ids.mutex);
  ids.returned.push_back(id);
}

HashTemplateRef HashTemplates::Get(std::span<const std::string_view> names, TemplateHolder holder) {
  size_t size = 0;
  for (const std::string_view name : names) size += name.size();
  if (size > kNameBytesMax) return {};
  std::string identity;
  Shard& shard = ShardOf(names, &identity);
  MutexLock lock(shard.mutex);
  auto found = shard.templates.find(identity);
  if (found == shard.templates.end()) {
    const std::optional<uint32_t> id = TakeId();
    if (!id) return {};
    std::unique_ptr<HashTemplate> made(new HashTemplate(*id, names));
    chunks_[*id / kChunkSize].load(std::memory_order_acquire)[*id % kChunkSize].store(made.get(),
                                                                                      std::memory_order_release);
    found = shard.templates.emplace(std::move(identity), std::move(made)).first;
  }
  found->second->holders_.fetch_add(HashTemplate::UnitOf(holder), std::memory_order_relaxed);
  return {found->second.get(), holder};
}

void HashTemplates::Hold(const HashTemplate& names, TemplateHolder holder) {
  const_cast<HashTemplate&>(names).holders_.fetch_add(HashTemplate::UnitOf(holder), std::memory_order_relaxed);
}

void HashTemplates::Drop(const HashTemplate& names, TemplateHolder holder) {
  std::atomic<uint64_t>& holders = const_cast<HashTemplate&>(names).holders_;
  const uint64_t unit = HashTemplate::UnitOf(holder);
  uint64_t held = holders.load(std::memory_order_relaxed);
  while (held != unit) {
    if (holders.compare_exchange_weak(held, held - unit, std::memory_order_acq_rel, std::memory_order_relaxed)) return;
  }
  // Perhaps the last: Get finds it, and holds it, under this mutex only.
  std::string identity;
  Shard& shard = ShardOf(names.names(), &identity);
  const uint32_t id = names.id();
  {
    MutexLock lock(shard.mutex);
    if (holders.fetch_sub(unit, std::memory_order_acq_rel) != unit) return;
    shard.templates.erase(identity);
  }
  GiveIdBack(id);
}

HashTemplates::Usage HashTemplates::MeasureUsage(uint64_t keys_min) {
  Usage usage;
  for (size_t i = 0; i < Shard::kCount; ++i) {
    Shard& shard = Shards()[i];
    MutexLock lock(shard.mutex);
    for (const auto& [identity, names] : shard.templates) {
      ++usage.template_count;
      usage.key_count += names->key_count();
      if (names->key_count() < keys_min) ++usage.rare_count;
      usage.memory_bytes += names->memory_bytes();
    }
  }
  return usage;
}

}  // namespace kvick
