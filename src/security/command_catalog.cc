#include "security/command_catalog.h"

#include "base/bytes.h"

namespace kvick {

CommandCatalog::CommandCatalog(const CommandTable& table) : table_(table) {
  for (size_t i = 0; i < table.command_count(); ++i) by_name_.emplace(table.at(i).name, &table.at(i));
}

const Command* CommandCatalog::Find(std::string_view name) const {
  const auto found = by_name_.find(ToLower(name));
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string_view> CommandCatalog::Categories() { return CategoryNames(UINT32_MAX); }

std::optional<uint32_t> CommandCatalog::FindCategory(std::string_view name) {
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    const std::vector<std::string_view> names = CategoryNames(bit);
    if (!names.empty() && EqualsIgnoreCase(names[0], name)) return bit;
  }
  return std::nullopt;
}

}  // namespace kvick
