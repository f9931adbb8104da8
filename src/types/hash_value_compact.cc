// The compact form of HashValue: what comes and goes with templates.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "types/hash_value.h"
#include "types/value_features.h"

namespace kvick {
namespace {

struct OwnedField {
  std::string name;
  std::string value;
};

std::vector<OwnedField> SortedFields(const HashValue& hash) {
  std::vector<OwnedField> fields;
  fields.reserve(hash.count());
  hash.ForEach([&fields](const FieldView& field) {
    fields.push_back({std::string(field.name), std::string(field.value)});
    return true;
  });
  std::sort(fields.begin(), fields.end(), [](const OwnedField& a, const OwnedField& b) { return a.name < b.name; });
  return fields;
}

// Whether the hash could be a listpack, were it an ordinary one.
bool FitsBlock(const HashTemplate& names, std::span<const std::string_view> values, const HashLimits& limits) {
  if (names.count() > limits.listpack_entries_max) return false;
  if (names.longest_name_bytes() > limits.listpack_value_max_bytes) return false;
  size_t size = 0;
  for (const std::string_view value : values) {
    if (value.size() > limits.listpack_value_max_bytes) return false;
    size += value.size();
  }
  return size < Listpack::kSizeBytesMax / 2;
}

}  // namespace

HashValue::HashValue(HashTemplateRef names, std::span<const std::string_view> values, const HashLimits& limits) {
  HoldCompact(std::move(names), values, limits);
}

void HashValue::HoldCompact(HashTemplateRef names, std::span<const std::string_view> values, const HashLimits& limits) {
  ValueFeatures::Note(ValueFeature::kCompactHashes);
  if (FitsBlock(*names, values, limits)) {
    forms_.emplace<CompactFields>(CompactFields(std::move(names), values));
    return;
  }
  auto made = std::make_unique<CompactArray>();
  made->names = std::move(names);
  made->values.assign(values.begin(), values.end());
  forms_.emplace<std::unique_ptr<CompactArray>>(std::move(made));
}

bool HashValue::MakeCompact(const HashLimits& limits) {
  if (is_compact()) return true;
  if (has_moments() || has_expiring() || count() == 0) return false;
  const std::vector<OwnedField> fields = SortedFields(*this);
  std::vector<std::string_view> texts;
  texts.reserve(fields.size());
  for (const OwnedField& field : fields) texts.push_back(field.name);
  HashTemplateRef names = HashTemplates::Get(texts, TemplateHolder::kHash);
  if (!names) return false;
  texts.clear();
  for (const OwnedField& field : fields) texts.push_back(field.value);
  HoldCompact(std::move(names), texts, limits);
  return true;
}

void HashValue::MakeOrdinary() {
  if (!is_compact()) return;
  if (encoding() == Encoding::kTemplateArray) {
    const auto array = std::move(*std::get_if<std::unique_ptr<CompactArray>>(&forms_));
    FieldTable& fields = MakeTable();
    fields.Reserve(array->values.size());
    for (size_t i = 0; i < array->values.size(); ++i) fields.Set(array->names->name(i), array->values[i], {});
    return;
  }
  Listpack pairs;
  ForEach([&pairs](const FieldView& field) {
    pairs.Append(field.name);
    pairs.Append(field.value);
    return true;
  });
  forms_.emplace<Listpack>(std::move(pairs));
}

std::string_view HashValue::CompactValue(size_t index, FieldTexts& texts) const {
  if (const CompactFields* packed = compact_fields()) return packed->Get(index, texts.value);
  return array().values[index];
}

void HashValue::MakeArray() {
  if (encoding() == Encoding::kTemplateArray) return;
  auto made = std::make_unique<CompactArray>();
  made->names = HashTemplateRef::Another(names(), TemplateHolder::kHash);
  made->values.reserve(count());
  ForEach([&made](const FieldView& field) {
    made->values.emplace_back(field.value);
    return true;
  });
  forms_.emplace<std::unique_ptr<CompactArray>>(std::move(made));
}

bool HashValue::SetCompact(std::string_view name, std::string_view value, const HashLimits& limits, bool* is_new) {
  const size_t place = names().PlaceOf(name);
  *is_new = place == count() || names().name(place) != name;
  if (value.size() > limits.listpack_value_max_bytes) MakeArray();
  if (!*is_new) {
    if (encoding() == Encoding::kTemplateArray) {
      array().values[place].assign(value);
    } else {
      fields().Replace(place, value);
    }
    return true;
  }
  std::vector<std::string_view> all = names().names();
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(place), name);
  HashTemplateRef made = HashTemplates::Get(all, TemplateHolder::kHash);
  if (!made) return false;
  if (name.size() > limits.listpack_value_max_bytes || all.size() > limits.listpack_entries_max) MakeArray();
  if (encoding() == Encoding::kTemplateArray) {
    array().values.emplace(array().values.begin() + static_cast<std::ptrdiff_t>(place), value);
    array().names = std::move(made);
  } else {
    fields().Insert(std::move(made), place, value);
  }
  return true;
}

bool HashValue::EraseCompact(size_t index) {
  if (count() == 1) {
    forms_.emplace<Listpack>();
    return true;
  }
  std::vector<std::string_view> all = names().names();
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(index));
  HashTemplateRef made = HashTemplates::Get(all, TemplateHolder::kHash);
  if (!made) return false;
  if (encoding() == Encoding::kTemplateArray) {
    array().values.erase(array().values.begin() + static_cast<std::ptrdiff_t>(index));
    array().names = std::move(made);
  } else {
    fields().Erase(std::move(made), index);
  }
  return true;
}

}  // namespace kvick
