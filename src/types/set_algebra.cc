#include "types/set_algebra.h"

#include <algorithm>
#include <vector>

namespace kvick {
namespace {

// A table is walked beside another one when that is at most so many times as large; else members are looked up in it.
constexpr size_t kSideBySideMax = 4;
// Up to so many sets a member is looked up in each; with more, a table of what was seen is cheaper.
constexpr size_t kLookupSetsMax = 8;

bool AllAreIntsets(std::span<const SetValue* const> sets) {
  return std::all_of(sets.begin(), sets.end(), [](const SetValue* set) { return set->intset() != nullptr; });
}

// All are sorted, so each is walked once, side by side.
void IntersectIntsets(std::span<const SetValue* const> sorted_by_size, const MemberVisitor& visit) {
  std::vector<size_t> indexes(sorted_by_size.size(), 0);
  const Intset& first = *sorted_by_size[0]->intset();
  char buffer[kInt64TextMax];
  for (size_t i = 0; i < first.count(); ++i) {
    const int64_t candidate = first.At(i);
    bool is_shared = true;
    for (size_t s = 1; s < sorted_by_size.size() && is_shared; ++s) {
      const Intset& other = *sorted_by_size[s]->intset();
      size_t& index = indexes[s];
      while (index < other.count() && other.At(index) < candidate) ++index;
      if (index == other.count()) return;
      is_shared = other.At(index) == candidate;
    }
    if (is_shared && !visit({buffer, FormatInt64(candidate, buffer)})) return;
  }
}

bool AnyContains(std::span<const SetValue* const> sets, std::string_view member) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const SetValue* set) { return set != nullptr && set->Contains(member); });
}

bool AreOfOneSize(const MemberTable* small, const MemberTable* large) {
  return small != nullptr && large != nullptr && large->count() <= small->count() * kSideBySideMax;
}

size_t CountOf(const SetValue* set) { return set == nullptr ? 0 : set->count(); }

}  // namespace

const SetValue* SmallestOf(std::span<const SetValue* const> sets) {
  return *std::min_element(sets.begin(), sets.end(),
                           [](const SetValue* a, const SetValue* b) { return a->count() < b->count(); });
}

void ForEachInIntersection(std::span<const SetValue* const> sets, const MemberVisitor& visit) {
  std::vector<const SetValue*> sorted(sets.begin(), sets.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const SetValue* a, const SetValue* b) { return a->count() < b->count(); });
  if (AllAreIntsets(sorted)) return IntersectIntsets(sorted, visit);
  std::span<const SetValue* const> others = std::span(sorted).subspan(1);
  const auto visit_shared = [&](std::string_view member) {
    for (const SetValue* other : others) {
      if (other != sorted[0] && !other->Contains(member)) return true;
    }
    return visit(member);
  };
  if (!others.empty() && AreOfOneSize(sorted[0]->table(), others[0]->table())) {
    const MemberTable& next = *others[0]->table();
    others = others.subspan(1);
    sorted[0]->table()->ForEachShared(next, visit_shared);
  } else {
    sorted[0]->ForEach(visit_shared);
  }
}

void ForEachInUnion(std::span<const SetValue* const> sets, const MemberVisitor& visit) {
  MemberTable seen;
  bool goes_on = true;
  for (size_t i = 0; i < sets.size() && goes_on; ++i) {
    if (sets[i] == nullptr) continue;
    sets[i]->ForEach([&](std::string_view member) {
      const bool is_new = sets.size() > kLookupSetsMax ? seen.Add(member) : !AnyContains(sets.subspan(0, i), member);
      goes_on = !is_new || visit(member);
      return goes_on;
    });
  }
}

void ForEachInDifference(std::span<const SetValue* const> sets, const MemberVisitor& visit) {
  if (sets[0] == nullptr) return;
  const std::span<const SetValue* const> others = sets.subspan(1);
  size_t others_count = 0;
  for (const SetValue* other : others) {
    if (other == sets[0]) return;
    others_count += CountOf(other);
  }
  // The larger a set, the likelier it decides.
  std::vector<const SetValue*> sorted(others.begin(), others.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const SetValue* a, const SetValue* b) { return CountOf(a) > CountOf(b); });
  if (others.size() <= kLookupSetsMax || CountOf(sets[0]) * others.size() / 2 <= CountOf(sets[0]) + others_count) {
    sets[0]->ForEach([&](std::string_view member) { return AnyContains(sorted, member) || visit(member); });
    return;
  }
  MemberTable excluded;
  for (const SetValue* other : sorted) {
    if (other == nullptr) continue;
    other->ForEach([&](std::string_view member) {
      excluded.Add(member);
      return true;
    });
  }
  sets[0]->ForEach([&](std::string_view member) { return excluded.Contains(member) || visit(member); });
}

}  // namespace kvick
