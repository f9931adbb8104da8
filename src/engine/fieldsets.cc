#include "engine/fieldsets.h"

#include <algorithm>
#include <utility>

namespace kvick {

std::vector<std::string_view> Fieldset::Arrange(std::span<const std::string_view> values) const {
  std::vector<std::string_view> arranged(values.size());
  for (size_t i = 0; i < values.size(); ++i) arranged[places[i]] = values[i];
  return arranged;
}

Fieldsets::Outcome Fieldsets::Prepare(std::string_view name, std::span<const std::string_view> fields) {
  std::vector<std::string_view> sorted(fields.begin(), fields.end());
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return Outcome::kDuplicateName;
  Fieldset made;
  made.names = HashTemplates::Get(sorted, TemplateHolder::kOther);
  if (!made.names) return Outcome::kTooManyTemplates;
  made.places.reserve(fields.size());
  for (const std::string_view field : fields) made.places.push_back(static_cast<uint32_t>(made.names->PlaceOf(field)));
  sets_.insert_or_assign(std::string(name), std::move(made));
  return Outcome::kDone;
}

const Fieldset* Fieldsets::Find(std::string_view name) const {
  const auto found = sets_.find(name);
  return found == sets_.end() ? nullptr : &found->second;
}

bool Fieldsets::Discard(std::string_view name) {
  const auto found = sets_.find(name);
  if (found == sets_.end()) return false;
  sets_.erase(found);
  return true;
}

size_t Fieldsets::DiscardAll() {
  const size_t count = sets_.size();
  sets_.clear();
  return count;
}

size_t Fieldsets::memory_bytes() const {
  size_t total = 0;
  for (const auto& [name, fieldset] : sets_) {
    total +=
        sizeof(Fieldset) + name.size() + fieldset.places.size() * sizeof(uint32_t) + fieldset.names->memory_bytes();
  }
  return total;
}

}  // namespace kvick
