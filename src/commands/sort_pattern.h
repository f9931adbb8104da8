// SortPattern: what BY and GET of SORT name for an element.
//
//   SortPattern("weight_*")       the string under weight_<element>
//   SortPattern("item_*->price")  the field price of the hash item_<element>
//   SortPattern("#")              the element itself
//
// Without a star it names no key, whatever the element.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/command_context.h"

namespace kvick {

class SortPattern {
 public:
  explicit SortPattern(std::string_view text);

  bool is_element() const { return text_ == "#"; }
  bool names_key() const { return star_ != std::string_view::npos; }

  // Nothing when there is no such value, or none of this type. For a pattern that names keys, the command runs alone.
  std::optional<std::string> Find(CommandContext& context, std::string_view element) const;

 private:
  std::string_view text_;
  size_t star_;
  std::string_view behind_star_;  // up to the arrow
  std::string_view field_;        // empty: none
};

}  // namespace kvick
