#include "persistence/template_loading.h"

#include <string>
#include <vector>

#include "persistence/value_limits.h"

namespace kvick {
namespace {

constexpr uint64_t kHashesBetweenLooks = 1024;

bool IsCompactType(uint8_t type) {
  return type >= static_cast<uint8_t>(RdbType::kHashTemplateListpack) &&
         type <= static_cast<uint8_t>(RdbType::kHashTemplateValuesReference);
}

// Keys of the stripe whose templates are rare.
std::vector<std::string> KeysOfRareTemplates(Stripe& stripe, uint64_t keys_min) KVICK_REQUIRES(stripe.lock) {
  struct Search {
    uint64_t keys_min;
    std::vector<std::string> found;
  } search{keys_min, {}};
  stripe.table.ForEach(&search, [](void* context, Entry* entry) {
    if (entry->type() != ValueType::kHash) return;
    auto& wanted = *static_cast<Search*>(context);
    const CollectionView view(*entry);
    const auto& hash = *static_cast<const HashValue*>(view.get());
    if (hash.is_compact() && hash.names().key_count() < wanted.keys_min) wanted.found.emplace_back(entry->key());
  });
  return search.found;
}

void MakeOrdinary(Database& database, const KeyRef& key) {
  const KeyTable::Slot slot = database.FindAgain(key);
  const bool is_packed = slot.entry->form() == ValueForm::kPacked;
  void* object = is_packed ? OperationsOf(ValueType::kHash).unpack(slot.entry->packed()) : slot.entry->object();
  static_cast<HashValue*>(object)->MakeOrdinary();
  database.HoldCollection(key, slot, object);
}

}  // namespace

TemplateLoading::TemplateLoading(const Settings& settings)
    : limits_(ValueLimits::Of(settings).hash), keys_min_(settings.hash_load_template_keys_min) {
  limits_.template_entries_min = settings.hash_load_template_entries_min;
  limits_.template_entries_max = settings.hash_load_template_entries_max;
}

void TemplateLoading::MakeCompact(uint8_t type, RdbValue* value) {
  if (!is_on()) return;
  if (IsCompactType(type)) return GiveUp();
  if (value->type() != ValueType::kHash) return;
  if (value->packed() && !limits_.WantsCompact(ListpackView(value->packed()->bytes).count() / 2)) return;
  value->Unpack();
  static_cast<HashValue*>(value->object())->Settle(limits_);
  if (keys_min_ == 0) return;
  if (compacted_count_.fetch_add(1, std::memory_order_relaxed) % kHashesBetweenLooks != 0) return;
  const HashTemplates::Usage usage = HashTemplates::MeasureUsage(keys_min_);
  if (usage.template_count >= kTemplatesBeforeDoubt && usage.rare_count > usage.template_count / 2) GiveUp();
}

void TemplateLoading::Finish(Engine& engine) {
  if (limits_.template_entries_min == 0 || keys_min_ == 0 || compacted_count_.load() == 0) return;
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& database = engine.database(i);
    for (size_t index = 0; index < Stripe::kCount; ++index) {
      Stripe& stripe = database.StripeAt(index);
      SpinLockHolder holder(stripe.lock);
      for (const std::string& name : KeysOfRareTemplates(stripe, keys_min_)) {
        MakeOrdinary(database, KeyRef::Make(name));
      }
    }
  }
}

}  // namespace kvick
