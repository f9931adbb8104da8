// RecentCommands: what an executor's clients called lately, by the names as they wrote them.
//
// Most requests repeat one of a few names, letter for letter: comparing two words finds it, without lower case and
// without the table. Names of up to sixteen bytes of commands without subcommands only; everything else is the table's.
//
// One thread. The table must not change any more (CommandTable::Rename comes before the first executor).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/words.h"
#include "engine/command_table.h"

namespace kvick {

class RecentCommands {
 public:
  // Null: look in the table.
  const Command* Find(std::string_view name) const {
    if (name.size() - 1 >= kNameMax) return nullptr;
    const Name wanted = NameOf(name);
    const Place& place = places_[IndexOf(wanted)];
    return place.name == wanted ? place.command : nullptr;
  }
  // What the table said; null is not kept.
  void Note(std::string_view name, const Command* command) {
    const bool is_plain = command != nullptr && command->parent == nullptr && command->subcommands.empty();
    if (is_plain && name.size() - 1 < kNameMax) places_[IndexOf(NameOf(name))] = {NameOf(name), command};
  }

 private:
  static constexpr size_t kNameMax = 16;
  static constexpr int kIndexBits = 5;
  // The first eight bytes and the last eight, or all of a short one with zeros behind it.
  struct Name {
    uint64_t head = 0;
    uint64_t tail = 0;
    size_t size = 0;
    bool operator==(const Name&) const = default;
  };
  struct Place {
    Name name;
    const Command* command = nullptr;
  };
  static Name NameOf(std::string_view name) {
    if (name.size() <= 8) return {LoadUpTo8(name.data(), name.size()), 0, name.size()};
    return {LoadWord<uint64_t>(name.data()), LoadWord<uint64_t>(name.data() + name.size() - 8), name.size()};
  }
  static size_t IndexOf(const Name& name) {
    return ((name.head ^ name.tail << 5) * 0x9e3779b97f4a7c15) >> (64 - kIndexBits);
  }

  std::array<Place, size_t{1} << kIndexBits> places_{};
};

}  // namespace kvick
