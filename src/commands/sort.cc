// SORT and SORT_RO: the elements of a list, set or sorted set in order, or what patterns name for each of them.
//
// Patterns reach keys that no request declares, so with one that names keys the command runs alone; without, it locks
// its key and its destination like any other.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "commands/list_access.h"
#include "commands/set_access.h"
#include "commands/sort_pattern.h"
#include "engine/command_context.h"
#include "engine/key_extraction.h"
#include "types/sorted_set_value.h"

namespace kvick {
namespace {

constexpr size_t kSource = 0;
constexpr size_t kDestination = 1;

struct SortRequest {
  bool is_descending = false;
  bool is_alphabetic = false;
  bool keeps_order = false;  // BY something that names no key
  int64_t offset = 0;
  int64_t count = -1;  // negative: all
  std::optional<SortPattern> by;
  std::vector<SortPattern> gets;
  size_t store_index = 0;  // argument of the destination; 0: none

  bool stores() const { return store_index != 0; }
};

bool MayStore(const Command& command) { return command.has(kWrite); }

// Patterns reach keys that the request does not name.
Status AdmitPattern(CommandContext& context, std::string_view option) {
  const Session& session = context.session();
  if ((session.restrictions & Session::kRestrictedUser) == 0 ||
      context.engine().hooks.authorizer->MayReadEverything(session, context.command(), context.arguments(),
                                                           context.keys())) {
    return Status::Ok();
  }
  return errors::Generic(std::string(option) + " option of SORT denied due to insufficient ACL permissions.");
}

Result<SortRequest> ParseSort(CommandContext& context) {
  SortRequest request;
  const size_t argument_count = context.argument_count();
  for (size_t i = 2; i < argument_count; ++i) {
    const size_t behind = argument_count - i - 1;
    if (context.ArgIs(i, "ASC")) {
      request.is_descending = false;
    } else if (context.ArgIs(i, "DESC")) {
      request.is_descending = true;
    } else if (context.ArgIs(i, "ALPHA")) {
      request.is_alphabetic = true;
    } else if (context.ArgIs(i, "LIMIT") && behind >= 2) {
      KVICK_ASSIGN_OR_RETURN(request.offset, context.IntegerArg(i + 1));
      KVICK_ASSIGN_OR_RETURN(request.count, context.IntegerArg(i + 2));
      i += 2;
    } else if (context.ArgIs(i, "STORE") && behind >= 1 && MayStore(context.command())) {
      request.store_index = ++i;
    } else if (context.ArgIs(i, "BY") && behind >= 1) {
      request.by.emplace(context.Arg(++i));
      if (request.by->names_key()) {
        KVICK_RETURN_IF_ERROR(AdmitPattern(context, "BY"));
      } else {
        request.keeps_order = true;
      }
    } else if (context.ArgIs(i, "GET") && behind >= 1) {
      KVICK_RETURN_IF_ERROR(AdmitPattern(context, "GET"));
      request.gets.emplace_back(context.Arg(++i));
    } else {
      return errors::Syntax();
    }
  }
  return request;
}

// Calls `visit(option, value)` for the options that name keys. What is no request is left to the handler.
template <typename Visit>
void ForEachNamingOption(std::span<const std::string_view> arguments, Visit&& visit) {
  for (size_t i = 2; i + 1 < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    if (EqualsIgnoreCase(option, "LIMIT")) {
      i += 2;
    } else if (EqualsIgnoreCase(option, "STORE") || EqualsIgnoreCase(option, "BY") || EqualsIgnoreCase(option, "GET")) {
      visit(option, ++i);
    }
  }
}

// The destination is the last one named.
void FindDestination(std::span<const std::string_view> arguments, std::vector<KeyPosition>* keys) {
  size_t index = 0;
  ForEachNamingOption(arguments, [&](std::string_view option, size_t value) {
    if (EqualsIgnoreCase(option, "STORE")) index = value;
  });
  if (index != 0) keys->push_back({static_cast<uint32_t>(index), kKeyOverwrite | kKeyUpdate});
}

bool NamesUndeclaredKeys(std::span<const std::string_view> arguments) {
  bool names_keys = false;
  ForEachNamingOption(arguments, [&](std::string_view option, size_t value) {
    names_keys = names_keys || (!EqualsIgnoreCase(option, "STORE") && SortPattern(arguments[value]).names_key());
  });
  return names_keys;
}

// The part of `size` elements that LIMIT leaves.
struct Window {
  size_t begin = 0;
  size_t end = 0;

  size_t count() const { return end - begin; }
};

Window WindowOf(const SortRequest& request, size_t size) {
  Window window{0, size};
  if (request.offset > 0) window.begin = std::min(static_cast<uint64_t>(request.offset), static_cast<uint64_t>(size));
  if (request.count >= 0) {
    window.end = window.begin + std::min(static_cast<uint64_t>(request.count), uint64_t{size - window.begin});
  }
  return window;
}

struct SortItem {
  std::string element;
  double score = 0;
  std::optional<std::string> weight;  // what BY found, to be compared as text
};

// The value under the source: of the three types, or none.
struct Source {
  const ListValue* list = nullptr;
  const SetValue* set = nullptr;
  const SortedSetValue* sorted_set = nullptr;

  size_t count() const {
    return list != nullptr         ? list->count()
           : set != nullptr        ? set->count()
           : sorted_set != nullptr ? sorted_set->count()
                                   : 0;
  }
};

Result<Source> FindSource(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(kSource);
  if (MayStore(context.command())) context.CountRead(kSource, slot);  // of a write; Find counted the other
  Source source;
  if (slot.entry == nullptr) return source;
  switch (slot.entry->type()) {
    case ValueType::kList: source.list = context.ValueOf<ListValue>(*slot.entry); break;
    case ValueType::kSortedSet: source.sorted_set = context.ValueOf<SortedSetValue>(*slot.entry); break;
    case ValueType::kSet: source.set = SetOf(context, kSource, *slot.entry); break;
    default: return errors::WrongType();
  }
  return source;
}

// All elements; or, where they are not sorted anyway, those in the window alone.
std::vector<SortItem> Load(const Source& source, const SortRequest& request, const Window& window) {
  const bool takes_window = request.keeps_order && source.set == nullptr;
  const Window taken = takes_window ? window : Window{0, source.count()};
  std::vector<SortItem> items;
  if (taken.count() == 0) return items;
  items.reserve(taken.count());
  if (source.list != nullptr) {
    const bool is_backwards = takes_window && request.is_descending;
    const auto first = static_cast<int64_t>(is_backwards ? source.count() - 1 - taken.begin : taken.begin);
    ListCursor cursor = source.list->Seek(first);
    char buffer[kInt64TextMax];
    for (size_t i = 0; i < taken.count(); ++i, cursor.Step(is_backwards ? ListEnd::kTail : ListEnd::kHead)) {
      items.push_back({std::string(cursor.Get().value.Text(buffer)), 0, std::nullopt});
    }
  } else if (source.set != nullptr) {
    source.set->ForEach([&](std::string_view member) {
      items.push_back({std::string(member), 0, std::nullopt});
      return true;
    });
  } else {
    const bool is_backwards = takes_window && request.is_descending;
    RankRange ranks{taken.begin, taken.end};
    if (is_backwards) ranks = {source.count() - taken.end, source.count() - taken.begin};
    source.sorted_set->ForEachInRange(ranks, is_backwards ? Order::kDescending : Order::kAscending,
                                      [&](std::string_view member, double) {
                                        items.push_back({std::string(member), 0, std::nullopt});
                                      });
  }
  return items;
}

// As C reads a double: blanks in front, hexadecimal digits and the empty text pass.
std::optional<double> ParseScore(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const double score = std::strtod(text.c_str(), &end);
  if (*end != '\0' || errno == ERANGE || std::isnan(score)) return std::nullopt;
  return score;
}

// Finds what each element is sorted by. False when one of these is no number and should be.
bool Weigh(CommandContext& context, const SortRequest& request, std::vector<SortItem>* items) {
  bool are_numbers = true;
  for (SortItem& item : *items) {
    std::optional<std::string> found;
    if (request.by) found = request.by->Find(context, item.element);
    if (request.is_alphabetic) {
      item.weight = std::move(found);
    } else if (!request.by || found) {
      const std::optional<double> score = ParseScore(request.by ? *found : item.element);
      are_numbers = are_numbers && score.has_value();
      item.score = score.value_or(0);
    }
  }
  return are_numbers;
}

int Sign(bool is_less, bool is_greater) { return is_less ? -1 : is_greater ? 1 : 0; }

// In the order of their bytes. What is only shown is compared up to a zero byte, as C does in its plain locale; what is
// stored must not leave the order of two texts open.
int CompareTexts(std::string_view a, std::string_view b, bool is_stored) {
  return is_stored ? a.compare(b) : UpToZeroByte(a).compare(UpToZeroByte(b));
}

int Compare(const SortRequest& request, const SortItem& a, const SortItem& b) {
  if (!request.is_alphabetic) {
    if (a.score != b.score) return Sign(a.score < b.score, true);
    return a.element.compare(b.element);  // so that equal scores have an order too
  }
  if (!request.by) return CompareTexts(a.element, b.element, request.stores());
  if (!a.weight || !b.weight) return Sign(!a.weight && b.weight, a.weight && !b.weight);
  return CompareTexts(*a.weight, *b.weight, request.stores());
}

// Only what lies in the window is put in order.
void Sort(const SortRequest& request, const Window& window, std::vector<SortItem>* items) {
  std::vector<const SortItem*> order;
  order.reserve(items->size());
  for (const SortItem& item : *items) order.push_back(&item);
  const auto comes_first = [&](const SortItem* a, const SortItem* b) {
    const int compared = Compare(request, *a, *b);
    if (compared != 0) return request.is_descending ? compared > 0 : compared < 0;
    return a < b;  // as they came
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(window.end), order.end(), comes_first);
  std::vector<SortItem> sorted;
  sorted.reserve(window.count());
  for (size_t i = window.begin; i < window.end; ++i) sorted.push_back(std::move(*const_cast<SortItem*>(order[i])));
  *items = std::move(sorted);
}

// What the command is to return, element after element.
using SortOutput = std::vector<std::optional<std::string>>;

SortOutput OutputOf(CommandContext& context, const SortRequest& request, std::vector<SortItem> items) {
  SortOutput output;
  output.reserve(items.size() * std::max<size_t>(request.gets.size(), 1));
  for (SortItem& item : items) {
    for (const SortPattern& get : request.gets) output.push_back(get.Find(context, item.element));
    if (request.gets.empty()) output.emplace_back(std::move(item.element));
  }
  return output;
}

void Reply(ReplyWriter& reply, const SortOutput& output) {
  reply.Array(output.size());
  for (const auto& value : output) value ? reply.Bulk(*value) : reply.Null();
}

// The destination becomes a list of the output; what was not found is an empty element there.
void Store(CommandContext& context, const SortOutput& output) {
  if (output.empty()) {
    if (context.EraseKey(kDestination)) {
      context.Changed();
      context.Notify(KeyEventClass::kGeneric, "del", kDestination);
    }
    return;
  }
  const ListLimits limits = ListLimitsOf(context.settings());
  size_t text_bytes = 0;
  for (const auto& value : output) text_bytes += value ? value->size() : 0;
  auto list = std::make_unique<ListValue>();
  list->GrowFor(text_bytes, output.size(), limits);
  for (const auto& value : output) list->Push(ListEnd::kTail, value ? *value : std::string_view(), limits);
  context.PutValue(kDestination, std::move(list));
  context.Changed(output.size());
  context.Notify(KeyEventClass::kList, "sortstore", kDestination);
}

Status RefusePatternsInCluster(CommandContext& context, const SortRequest& request) {
  if (context.engine().hooks.slot_guard == nullptr) return Status::Ok();
  const auto refusal = [](std::string_view option) {
    return errors::Generic(std::string(option) +
                           " option of SORT denied in cluster mode when keys formed by the "
                           "pattern may be in different slots.");
  };
  if (request.by && request.by->names_key()) return refusal("BY");
  for (const SortPattern& get : request.gets) {
    if (get.names_key()) return refusal("GET");
  }
  return Status::Ok();
}

Status SortKey(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(SortRequest request, ParseSort(context));
  KVICK_RETURN_IF_ERROR(RefusePatternsInCluster(context, request));
  KVICK_ASSIGN_OR_RETURN(const Source source, FindSource(context));
  // The order of a set's members is nobody's promise: what is stored has one that any server finds again.
  if (request.keeps_order && source.set != nullptr && request.stores()) {
    request.keeps_order = false;
    request.is_alphabetic = true;
    request.by.reset();
  }
  const Window window = WindowOf(request, source.count());
  std::vector<SortItem> items = Load(source, request, window);
  if (!request.keeps_order) {
    if (!Weigh(context, request, &items)) return errors::Generic("One or more scores can't be converted into double");
    Sort(request, window, &items);
  } else if (items.size() > window.count()) {
    items.erase(items.begin(), items.begin() + static_cast<ptrdiff_t>(window.begin));
    items.resize(window.count());
  }
  const SortOutput output = OutputOf(context, request, std::move(items));
  if (request.stores()) {
    Store(context, output);
    context.Reply().Integer(static_cast<int64_t>(output.size()));
  } else {
    Reply(context.Reply(), output);
  }
  return Status::Ok();
}

// Keys that patterns name: known only by the elements.
constexpr KeySpec UnknownKeys(unsigned flags) {
  KeySpec spec;
  spec.flags = static_cast<uint16_t>(flags);
  spec.begin = KeySpec::Begin::kUnknown;
  spec.find = KeySpec::Find::kUnknown;
  return spec;
}

constexpr std::string_view kComplexity =
    "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned "
    "elements. "
    "When the elements are not sorted, complexity is O(N).";

constexpr CommandSpec kCommands[] = {
    {
        .name = "SORT",
        .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] "
                  "[STORE destination]",
        .argument_notes = "BY=by-pattern#1 pattern=get-pattern#1 asc=order alpha=sorting destination#2",
        .summary = "Returns or stores the elements of a list, a set or a sorted set in order.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = kComplexity,
        .flags = kWrite | kDenyOom | kMovableKeys,
        .categories = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess), UnknownKeys(kKeyReadOnly | kKeyAccess),
                 UnknownKeys(kKeyOverwrite | kKeyUpdate)},
        .find_other_keys = FindDestination,
        .must_run_alone = NamesUndeclaredKeys,
        .handler = SortKey,
    },
    {
        .name = "SORT_RO",
        .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]",
        .argument_notes = "BY=by-pattern#1 pattern=get-pattern#1 asc=order alpha=sorting",
        .summary = "Returns the elements of a list, a set or a sorted set in order.",
        .since = "7.0.0",
        .group = "generic",
        .complexity = kComplexity,
        .flags = kReadonly | kMovableKeys,
        .categories = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess), UnknownKeys(kKeyReadOnly | kKeyAccess)},
        .must_run_alone = NamesUndeclaredKeys,
        .handler = SortKey,
    },
};

}  // namespace

std::span<const CommandSpec> SortCommands() { return kCommands; }

}  // namespace kvick
