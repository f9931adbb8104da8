#include "engine/info.h"

#include <algorithm>
#include <cstdio>

namespace kvick {

void InfoWriter::Field(std::string_view name, std::string_view value) {
  text_ += name;
  text_ += ':';
  text_ += value;
  text_ += "\r\n";
}

void InfoWriter::Field(std::string_view name, int64_t value) { Field(name, std::to_string(value)); }
void InfoWriter::Field(std::string_view name, uint64_t value) { Field(name, std::to_string(value)); }

void InfoWriter::Decimal(std::string_view name, double value, int decimals) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), "%.*f", decimals, value);
  Field(name, buffer);
}

std::string InfoRegistry::Text(const std::vector<std::string>& names) const {
  const auto selects = [&names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool all = selects("all") || selects("everything");
  const bool defaults = names.empty() || selects("default");
  std::string text;
  for (const InfoSection& section : sections_) {
    if (!all && !(defaults && section.in_default) && !selects(section.name)) continue;
    InfoWriter writer;
    for (const auto& [name, write] : extensions_) {
      if (name == section.name) write(writer);
    }
    section.write(writer);
    if (!text.empty()) text += "\r\n";
    text += "# " + section.title + "\r\n" + writer.text();
  }
  return text;
}

}  // namespace kvick
