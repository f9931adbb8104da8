// What the commands on lists share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "engine/command_context.h"
#include "types/list_value.h"

namespace kvick {

ListLimits ListLimitsOf(const Settings& settings);

// LEFT or RIGHT in any case, else a syntax error.
Result<ListEnd> ParseListEnd(std::string_view word);
constexpr std::string_view ListEndName(ListEnd end) { return end == ListEnd::kHead ? "LEFT" : "RIGHT"; }
constexpr std::string_view PopName(ListEnd end) { return end == ListEnd::kHead ? "LPOP" : "RPOP"; }
constexpr std::string_view PopEvent(ListEnd end) { return end == ListEnd::kHead ? "lpop" : "rpop"; }
constexpr std::string_view PushEvent(ListEnd end) { return end == ListEnd::kHead ? "lpush" : "rpush"; }

inline void ReplyElement(ReplyWriter& reply, const ListElement& element) {
  if (element.shared != nullptr) {
    reply.Bulk(element.shared);
  } else if (element.value.is_integer) {
    reply.BulkInteger(element.value.integer);
  } else {
    reply.Bulk(element.value.bytes);
  }
}

// Replies with up to `count` elements of the key's list, without the array's length; they must be there.
void ReplyEnd(ReplyWriter& reply, const ListValue& list, ListEnd end, size_t count);

// Removes elements at one end and tells everybody; a list that is empty then goes, its key with it.
void RemoveEnd(CommandContext& context, size_t ordinal, ListValue& list, ListEnd end, size_t count);

// After elements were removed: the key goes when nothing is left of its list.
void FinishRemoval(CommandContext& context, size_t ordinal, ListValue& list);

// Reads "numkeys key [key ...] LEFT|RIGHT [COUNT count]" from the argument `first` on.
struct PopRequest {
  ListEnd end;
  size_t count;
};
Result<PopRequest> ParsePopRequest(CommandContext& context, size_t first);
// Pops from the first of the keys that has a list, replies with its name and the elements. False when none has.
Result<bool> PopFromFirst(CommandContext& context, CommandContext::KeyRange keys, const PopRequest& request);

// Moves one element from key 0 to key 1 and replies with it. False when there is none.
Result<bool> MoveElement(CommandContext& context, ListEnd from, ListEnd to);

// LMOVEM: how many elements, and whether they keep the order that they had.
struct MoveManyRequest {
  ListEnd from;
  ListEnd to;
  size_t count = 1;
  bool is_exact = false;     // that many or none
  bool keeps_order = false;  // BULK; else one by one
};
// The ends are arguments 3 and 4; "COUNT|EXACTLY n OBO|BULK" may stand from the argument `options` on.
Result<MoveManyRequest> ParseMoveManyRequest(CommandContext& context, size_t options);
// Moves from key 0 to key 1, replies with the elements as they lie in the destination and returns how many these were;
// 0 without a reply when there are not enough.
Result<size_t> MoveMany(CommandContext& context, const MoveManyRequest& request);

}  // namespace kvick
