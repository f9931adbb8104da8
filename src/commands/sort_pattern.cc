#include "commands/sort_pattern.h"

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/hash_access.h"

namespace kvick {

SortPattern::SortPattern(std::string_view text) : text_(text), star_(UpToZeroByte(text).find('*')) {
  if (!names_key()) return;
  behind_star_ = text.substr(star_ + 1);
  // An arrow with nothing behind it is a part of the key's name.
  const size_t arrow = behind_star_.find("->");
  if (arrow == std::string_view::npos || arrow + 2 == behind_star_.size()) return;
  field_ = behind_star_.substr(arrow + 2);
  behind_star_ = behind_star_.substr(0, arrow);
}

std::optional<std::string> SortPattern::Find(CommandContext& context, std::string_view element) const {
  if (is_element()) return std::string(element);
  if (!names_key()) return std::nullopt;
  std::string name;
  name.append(text_.substr(0, star_)).append(element).append(behind_star_);
  const Entry* entry = context.FindUndeclared(name).entry;
  if (entry == nullptr) return std::nullopt;
  if (field_.empty()) {
    if (entry->type() != ValueType::kString) return std::nullopt;
    const UnpackScope unpacked;  // not those of all elements at once
    char buffer[kInt64TextMax];
    return std::string(entry->string().Text(buffer));
  }
  if (entry->type() != ValueType::kHash) return std::nullopt;
  const CollectionView hash(*entry);
  FieldTexts texts;
  const auto field = FindAlive(context, static_cast<const HashValue*>(hash.get()), field_, texts);
  if (!field) return std::nullopt;
  return std::string(field->value);
}

}  // namespace kvick
