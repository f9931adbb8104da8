#include "engine/info.h"

#include <algorithm>
#include <cstdio>

namespace kvick {

void InfoWriter::Field(std::string_view name, std::string_view value) {
  fields_.push_back({std::string(name), std::string(value)});
}

std::string InfoWriter::text() const {
  std::string text;
  for (const InfoField& field : fields_) text += field.name + ":" + field.value + "\r\n";
  return text;
}

void InfoWriter::Field(std::string_view name, int64_t value) { Field(name, std::to_string(value)); }
void InfoWriter::Field(std::string_view name, uint64_t value) { Field(name, std::to_string(value)); }

void InfoWriter::Decimal(std::string_view name, double value, int decimals) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%.*f", decimals, value);
  Field(name, buffer);
}

InfoWriter InfoRegistry::Collect(const InfoSection& section) const {
  InfoWriter writer;
  for (const auto& [name, write] : extensions_) {
    if (name == section.name) write(writer);
  }
  section.write(writer);
  return writer;
}

std::vector<InfoField> InfoRegistry::Fields(std::string_view section_name) const {
  for (const InfoSection& section : sections_) {
    if (section.name == section_name) return Collect(section).fields();
  }
  return {};
}

std::string InfoRegistry::Text(const std::vector<std::string>& names) const {
  const auto selects = [&names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool all = selects("all") || selects("everything");
  const bool defaults = names.empty() || selects("default");
  std::string text;
  for (const InfoSection& section : sections_) {
    const bool is_shown = (all && section.shown != InfoShown::kOnlyByName) ||
                          (defaults && section.shown == InfoShown::kByDefault) || selects(section.name);
    if (!is_shown) continue;
    if (!text.empty()) text += "\r\n";
    text += "# " + section.title + "\r\n" + Collect(section).text();
  }
  return text;
}

}  // namespace kvick
