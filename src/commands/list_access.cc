#include "commands/list_access.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/multi_pop.h"

namespace kvick {

ListLimits ListLimitsOf(const Settings& settings) {
  return {settings.list_listpack_size_max, settings.list_compress_depth, settings.list_packed_threshold_bytes};
}

Result<ListEnd> ParseListEnd(std::string_view word) {
  if (EqualsIgnoreCase(word, "LEFT")) return ListEnd::kHead;
  if (EqualsIgnoreCase(word, "RIGHT")) return ListEnd::kTail;
  return errors::Syntax();
}

void ReplyEnd(ReplyWriter& reply, const ListValue& list, ListEnd end, size_t count) {
  ListCursor cursor = list.SeekEnd(end);
  while (true) {
    ReplyElement(reply, cursor.Get());
    if (--count == 0) return;
    cursor.Step(end);
  }
}

void RemoveEnd(CommandContext& context, size_t ordinal, ListValue& list, ListEnd end, size_t count) {
  list.EraseEnd(end, count, ListLimitsOf(context.settings()));
  context.Modified(ordinal);
  context.Notify(KeyEventClass::kList, PopEvent(end), ordinal);
  FinishRemoval(context, ordinal, list);
}

void FinishRemoval(CommandContext& context, size_t ordinal, ListValue& list) {
  if (list.count() > 0) {
    list.Shrink(ListLimitsOf(context.settings()));
  } else {
    context.EraseKey(ordinal);
    context.Notify(KeyEventClass::kGeneric, "del", ordinal);
  }
}

Result<PopRequest> ParsePopRequest(CommandContext& context, size_t first) {
  KVICK_ASSIGN_OR_RETURN(const MultiPop pop, ParseMultiPop(context, first, "LEFT", "RIGHT"));
  return PopRequest{pop.names_second ? ListEnd::kTail : ListEnd::kHead, pop.count};
}

Result<bool> PopFromFirst(CommandContext& context, CommandContext::KeyRange keys, const PopRequest& request) {
  for (size_t i = keys.first; i < keys.last; ++i) {
    KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(i));
    if (list == nullptr) continue;
    const size_t count = std::min(request.count, list->count());
    context.Reply().Array(2);
    context.Reply().Bulk(context.KeyName(i));
    context.Reply().Array(count);
    ReplyEnd(context.Reply(), *list, request.end, count);
    RemoveEnd(context, i, *list, request.end, count);
    context.Changed(count);
    context.Effect({PopName(request.end), context.KeyName(i), std::to_string(count)});
    return true;
  }
  return false;
}

namespace {

// Adds to the list under key 1, or to a new one that becomes its value.
void PushToDestination(CommandContext& context, ListValue* destination, ListEnd end,
                       const std::vector<std::string_view>& texts) {
  const ListLimits limits = ListLimitsOf(context.settings());
  std::unique_ptr<ListValue> created;
  if (destination == nullptr) {
    created = std::make_unique<ListValue>();
    destination = created.get();
  }
  size_t text_bytes = 0;
  for (const std::string_view text : texts) text_bytes += text.size();
  destination->GrowFor(text_bytes, texts.size(), limits);
  for (const std::string_view text : texts) destination->Push(end, text, limits);
  if (created != nullptr) {
    context.PutValue(1, std::move(created));
  } else {
    context.Modified(1);
  }
  context.Notify(KeyEventClass::kList, PushEvent(end), 1);
}

}  // namespace

Result<bool> MoveElement(CommandContext& context, ListEnd from, ListEnd to) {
  KVICK_ASSIGN_OR_RETURN(auto* source, context.FindValueForWrite<ListValue>(0));
  if (source == nullptr) return false;
  KVICK_ASSIGN_OR_RETURN(auto* destination, context.FindValueForWrite<ListValue>(1));
  char buffer[kInt64TextMax];
  const ListCursor cursor = source->SeekEnd(from);
  const std::string_view text = cursor.Get().value.Text(buffer);
  ReplyElement(context.Reply(), cursor.Get());
  if (source == destination) {
    const std::string copy(text);
    source->EraseEnd(from, 1, ListLimitsOf(context.settings()));
    PushToDestination(context, destination, to, {copy});
    context.Notify(KeyEventClass::kList, PopEvent(from), 0);
  } else {
    PushToDestination(context, destination, to, {text});
    RemoveEnd(context, 0, *source, from, 1);
  }
  context.Changed();
  return true;
}

Result<MoveManyRequest> ParseMoveManyRequest(CommandContext& context, size_t options) {
  KVICK_ASSIGN_OR_RETURN(const ListEnd from, ParseListEnd(context.Arg(3)));
  KVICK_ASSIGN_OR_RETURN(const ListEnd to, ParseListEnd(context.Arg(4)));
  MoveManyRequest request{.from = from, .to = to};
  if (context.argument_count() == options) return request;
  if (context.argument_count() != options + 3) return errors::Syntax();
  request.is_exact = context.ArgIs(options, "EXACTLY");
  if (!request.is_exact && !context.ArgIs(options, "COUNT")) return errors::Syntax();
  request.keeps_order = context.ArgIs(options + 2, "BULK");
  if (!request.keeps_order && !context.ArgIs(options + 2, "OBO")) return errors::Syntax();
  KVICK_ASSIGN_OR_RETURN(const int64_t count,
                         IntegerFrom(1, context.Arg(options + 1), "count should be greater than 0"));
  request.count = static_cast<size_t>(count);
  return request;
}

Result<size_t> MoveMany(CommandContext& context, const MoveManyRequest& request) {
  KVICK_ASSIGN_OR_RETURN(auto* source, context.FindValueForWrite<ListValue>(0));
  if (source == nullptr) return size_t{0};
  KVICK_ASSIGN_OR_RETURN(auto* destination, context.FindValueForWrite<ListValue>(1));
  if (request.is_exact && source->count() < request.count) return size_t{0};
  const size_t count = std::min(request.count, source->count());

  std::vector<std::string> taken;  // in the order of popping
  taken.reserve(count);
  ListCursor cursor = source->SeekEnd(request.from);
  char buffer[kInt64TextMax];
  for (size_t i = 0; i < count; ++i, cursor.Step(request.from)) taken.emplace_back(cursor.Get().value.Text(buffer));
  // How they will lie, from head to tail: pushed one by one at the head they come to lie the other way round; in bulk
  // they lie as in the source.
  const ListEnd turned_by = request.keeps_order ? request.from : Opposite(request.to);
  if (turned_by == ListEnd::kTail) std::reverse(taken.begin(), taken.end());
  context.Reply().Array(count);
  for (const std::string& text : taken) context.Reply().Bulk(text);

  std::vector<std::string_view> pushed(taken.begin(), taken.end());
  if (request.to == ListEnd::kHead) std::reverse(pushed.begin(), pushed.end());
  if (source == destination) {
    source->EraseEnd(request.from, count, ListLimitsOf(context.settings()));
    PushToDestination(context, destination, request.to, pushed);
    context.Notify(KeyEventClass::kList, PopEvent(request.from), 0);
  } else {
    PushToDestination(context, destination, request.to, pushed);
    RemoveEnd(context, 0, *source, request.from, count);
  }
  context.Changed(count);
  return count;
}

}  // namespace kvick
