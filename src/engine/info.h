// InfoRegistry: the sections of INFO, each a row beside the feature that knows its fields.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvick {

struct InfoField {
  std::string name;
  std::string value;
};

// Collects fields.
class InfoWriter {
 public:
  void Field(std::string_view name, std::string_view value);
  void Field(std::string_view name, int64_t value);
  void Field(std::string_view name, uint64_t value);
  void Field(std::string_view name, int value) { Field(name, static_cast<int64_t>(value)); }
  void Field(std::string_view name, bool value) { Field(name, static_cast<int64_t>(value ? 1 : 0)); }
  void Field(std::string_view name, const char* value) { Field(name, std::string_view(value)); }
  // With `decimals` digits behind the point.
  void Decimal(std::string_view name, double value, int decimals = 2);
  [[nodiscard]] const std::vector<InfoField>& fields() const { return fields_; }
  // "name:value" lines.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<InfoField> fields_;
};

enum class InfoShown : uint8_t {
  kByDefault,
  kAmongAll,    // INFO all and everything
  kOnlyByName,  // has fields that would hide others of the same name from who reads all into a dictionary
};

struct InfoSection {
  std::string name;   // "server"
  std::string title;  // "Server"
  InfoShown shown = InfoShown::kByDefault;
  std::function<void(InfoWriter&)> write;
};

class InfoRegistry {
 public:
  void Add(InfoSection section) { sections_.push_back(std::move(section)); }
  // Puts fields in front of those that the section has; it must be there when the text is asked for.
  void Extend(std::string name, std::function<void(InfoWriter&)> write) {
    extensions_.emplace_back(std::move(name), std::move(write));
  }
  // The text of the sections that `names` select (lower case; "default", "all", "everything" are known). No names
  // mean the default ones.
  std::string Text(const std::vector<std::string>& names) const;
  // The fields of one section, for who shows them in another way; none when there is no such section.
  std::vector<InfoField> Fields(std::string_view section_name) const;

 private:
  InfoWriter Collect(const InfoSection& section) const;

  std::vector<InfoSection> sections_;
  std::vector<std::pair<std::string, std::function<void(InfoWriter&)>>> extensions_;  // by section
};

}  // namespace kvick
