// RecentCommands: what an executor's clients called lately, by the names as they wrote them.
//
// Most requests repeat one of a few names, letter for letter: comparing a word finds it, without lower case and without
// the table. Short names of commands without subcommands only; everything else is the table's.
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
    const uint64_t word = LoadUpTo8(name.data(), name.size());
    const Place& place = places_[IndexOf(word)];
    return place.word == word && place.size == name.size() ? place.command : nullptr;
  }
  // What the table said; null is not kept.
  void Note(std::string_view name, const Command* command) {
    if (name.size() - 1 >= kNameMax || command == nullptr || command->parent != nullptr ||
        !command->subcommands.empty()) {
      return;
    }
    const uint64_t word = LoadUpTo8(name.data(), name.size());
    places_[IndexOf(word)] = {word, name.size(), command};
  }

 private:
  static constexpr size_t kNameMax = 8;
  static constexpr int kIndexBits = 5;
  struct Place {
    uint64_t word = 0;
    size_t size = 0;
    const Command* command = nullptr;
  };
  static size_t IndexOf(uint64_t word) { return (word * 0x9e3779b97f4a7c15) >> (64 - kIndexBits); }

  std::array<Place, size_t{1} << kIndexBits> places_{};
};

}  // namespace kvick
