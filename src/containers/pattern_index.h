// PatternIndex: glob patterns, and which of them match a text, without trying each.
//
//   PatternIndex<int> index;
//   index.Get("news.*") = 1;
//   index.ForEachMatch("news.sports", [](const std::string& pattern, int value) { ... });
//
// A pattern is filed under the text that it begins with ("news."), or else under the one that it ends with ("*.png"):
// its anchor. A text is looked up by each of its own beginnings and ends that is as long as some anchor. So a match
// costs one hash a distinct length of anchors, and one glob for each pattern whose anchor fits. Patterns without an
// anchor ("*") are all tried.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace kvick {

// Lets unordered containers of strings be searched by views.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

template <typename Value>
class PatternIndex {
 public:
  // Adds the pattern when it is new.
  Value& Get(std::string_view pattern) {
    const auto [found, is_new] = items_.try_emplace(std::string(pattern));
    if (is_new) {
      const Anchor anchor = AnchorOf(found->first);
      Table& table = anchor.is_suffix ? suffixes_ : prefixes_;
      table.buckets[std::string(anchor.text)].push_back(&*found);
      ++table.lengths[anchor.text.size()];
    }
    return found->second;
  }

  Value* Find(std::string_view pattern) {
    const auto found = items_.find(pattern);
    return found == items_.end() ? nullptr : &found->second;
  }

  void Remove(std::string_view pattern) {
    const auto found = items_.find(pattern);
    if (found == items_.end()) return;
    const Anchor anchor = AnchorOf(found->first);
    Table& table = anchor.is_suffix ? suffixes_ : prefixes_;
    const auto bucket = table.buckets.find(anchor.text);
    std::vector<Item*>& filed = bucket->second;
    for (size_t i = 0; i < filed.size(); ++i) {
      if (filed[i] != &*found) continue;
      filed[i] = filed.back();
      filed.pop_back();
      break;
    }
    const auto length = table.lengths.find(anchor.text.size());
    if (--length->second == 0) table.lengths.erase(length);
    if (filed.empty()) table.buckets.erase(bucket);
    items_.erase(found);
  }

  [[nodiscard]] size_t size() const { return items_.size(); }

  template <typename Visit>
  void ForEachMatch(std::string_view text, Visit&& visit) {
    for (const auto& [length, count] : prefixes_.lengths) {
      if (length > text.size()) break;
      VisitMatches(prefixes_, text.substr(0, length), text, visit);
    }
    for (const auto& [length, count] : suffixes_.lengths) {
      if (length > text.size()) break;
      VisitMatches(suffixes_, text.substr(text.size() - length), text, visit);
    }
  }

 private:
  using Item = std::pair<const std::string, Value>;

  struct Anchor {
    std::string_view text;
    bool is_suffix;
  };
  struct Table {
    std::unordered_map<std::string, std::vector<Item*>, TextHash, std::equal_to<>> buckets;
    std::map<size_t, size_t> lengths;  // of the anchors, and how many patterns have one of that length
  };

  static Anchor AnchorOf(std::string_view pattern) {
    const size_t first = std::min(pattern.find_first_of("*?[\\"), pattern.size());
    if (first > 0) return {pattern.substr(0, first), false};
    // A class that is not closed and an escape reach further than they look: such patterns have no end to go by.
    if (pattern.find_first_of("[\\") != std::string_view::npos) return {{}, false};
    const size_t last = pattern.find_last_of("*?");
    if (last == std::string_view::npos || last + 1 == pattern.size()) return {{}, false};
    return {pattern.substr(last + 1), true};
  }

  template <typename Visit>
  static void VisitMatches(Table& table, std::string_view anchor, std::string_view text, Visit& visit) {
    const auto bucket = table.buckets.find(anchor);
    if (bucket == table.buckets.end()) return;
    for (Item* item : bucket->second) {
      if (MatchesGlob(item->first, text)) visit(item->first, item->second);
    }
  }

  std::unordered_map<std::string, Value, TextHash, std::equal_to<>> items_;
  Table prefixes_;
  Table suffixes_;
};

}  // namespace kvick
