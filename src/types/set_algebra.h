// Intersection, union and difference of sets. Nothing is stored: each member of the result is visited once, in no
// order that matters, until `visit` returns false.
//
//   ForEachInUnion({&a, &b}, [&](std::string_view member) { return ++count < limit; });
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "types/set_value.h"

namespace kvick {

// The view is valid during the call.
using MemberVisitor = std::function<bool(std::string_view member)>;

// `sets` may not be empty, nor hold null.
void ForEachInIntersection(std::span<const SetValue* const> sets, const MemberVisitor& visit);
// Null stands for an empty set.
void ForEachInUnion(std::span<const SetValue* const> sets, const MemberVisitor& visit);
void ForEachInDifference(std::span<const SetValue* const> sets, const MemberVisitor& visit);

// The set that an intersection starts from: the smallest. Its form decides that of a stored result.
const SetValue* SmallestOf(std::span<const SetValue* const> sets);

}  // namespace kvick
