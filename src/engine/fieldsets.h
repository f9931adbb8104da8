// Fieldsets: names of fields that a client has declared, for hashes that it is about to write (HIMPORT).
//
// They belong to a session and are looked at by its owner only; CLIENT LIST measures them in an exclusive moment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/hash_template.h"

namespace kvick {

struct Fieldset {
  HashTemplateRef names;
  // Where the template has each name, in the order of the declaration.
  std::vector<uint32_t> places;

  // Values in the order of the declaration, in that of the template. As many as there are places.
  std::vector<std::string_view> Arrange(std::span<const std::string_view> values) const;
};

class Fieldsets {
 public:
  enum class Outcome : uint8_t { kDone, kDuplicateName, kTooManyTemplates };
  // Takes the place of a fieldset of that name, if it can be made.
  Outcome Prepare(std::string_view name, std::span<const std::string_view> fields);
  const Fieldset* Find(std::string_view name) const;
  bool Discard(std::string_view name);
  // How many there were.
  size_t DiscardAll();

  // With their templates, as if they were nobody else's.
  size_t memory_bytes() const;

 private:
  std::map<std::string, Fieldset, std::less<>> sets_;
};

}  // namespace kvick
