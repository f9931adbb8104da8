#include "commands/debug_values.h"

#include <cstdio>

#include "base/bytes.h"
#include "base/log.h"
#include "base/numbers.h"
#include "config/option_rows.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"

namespace kvick {
namespace {

// Redis allows no threshold that is nearly as large as a node can count.
constexpr uint64_t kPackedThresholdMax = (uint64_t{4} << 30) - (uint64_t{1} << 20);

// The listpack that an entry is, if it is one; nullopt for other encodings.
std::optional<ListpackView> FindListpack(const Entry& entry) {
  if (entry.type() == ValueType::kString) return std::nullopt;
  const CollectionView value(entry);
  const auto view = [](const Listpack* pack) {
    return pack != nullptr ? std::optional<ListpackView>(*pack) : std::nullopt;
  };
  switch (entry.type()) {
    case ValueType::kList: {
      const auto& list = *static_cast<const ListValue*>(value.get());
      return list.is_quicklist() ? std::nullopt : std::optional<ListpackView>(list.pack());
    }
    case ValueType::kHash: {
      const auto& hash = *static_cast<const HashValue*>(value.get());
      const bool is_pack = hash.table() == nullptr && !hash.is_compact();
      return is_pack ? std::optional<ListpackView>(hash.pack()) : std::nullopt;
    }
    case ValueType::kSet: return view(static_cast<const SetValue*>(value.get())->listpack());
    case ValueType::kSortedSet: return view(static_cast<const SortedSetValue*>(value.get())->listpack());
    default: return std::nullopt;
  }
}

const Quicklist* FindQuicklist(const Entry& entry) {
  if (entry.type() != ValueType::kList || entry.form() != ValueForm::kObject) return nullptr;
  const auto& list = *static_cast<const ListValue*>(entry.object());
  return list.is_quicklist() ? list.quicklist() : nullptr;
}

void LogElements(const ListpackView& pack) {
  char buffer[kInt64TextMax];
  size_t index = 0;
  for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) {
    const ListpackValue value = pack.Get(at);
    Log(LogLevel::kNotice, "  " + std::to_string(index++) + " at " + std::to_string(at) +
                               (value.is_integer ? ", integer: " : ", bytes: ") + QuoteArgument(value.Text(buffer)));
  }
}

}  // namespace

// Nobody else runs, but the keyspace's methods want the stripe of a key locked.
const Entry* FindEntryForDebug(CommandContext& context, std::string_view name) {
  const KeyRef key = KeyRef::Make(name);
  SpinLockHolder holder(context.database().StripeOf(key).lock);
  return context.database().Peek(key, context.mutation()).entry;
}

Status DebugHtStatsKey(CommandContext& context) {
  const Entry* entry = FindEntryForDebug(context, context.Arg(2));
  if (entry == nullptr) return errors::NoSuchKey();
  if (entry->encoding_name() != "hashtable" && entry->encoding_name() != "skiplist") {
    return errors::Generic("The value stored at the specified key is not represented using an hash table");
  }
  context.Reply().Verbatim("Hash table 0 stats (main hash table):\n memory: " + std::to_string(entry->memory_bytes()) +
                           "\n");
  return Status::Ok();
}

Status DebugListpack(CommandContext& context) {
  const Entry* entry = FindEntryForDebug(context, context.Arg(2));
  if (entry == nullptr) return errors::NoSuchKey();
  const std::optional<ListpackView> pack = FindListpack(*entry);
  if (!pack) return errors::Generic("Not a listpack encoded object.");
  Log(LogLevel::kNotice, "listpack of " + QuoteArgument(context.Arg(2)) + ": " + std::to_string(pack->bytes().size()) +
                             " bytes, " + std::to_string(pack->count()) + " elements");
  LogElements(*pack);
  context.Reply().Simple("Listpack structure printed on stdout");
  return Status::Ok();
}

// <key> [0|1]: also the elements of each node.
Status DebugQuicklist(CommandContext& context) {
  const Entry* entry = FindEntryForDebug(context, context.Arg(2));
  if (entry == nullptr) return errors::NoSuchKey();
  if (entry->type() != ValueType::kList) return errors::Generic("Not a quicklist encoded object.");
  const bool shows_elements = context.argument_count() == 4 && !context.ArgIs(3, "0");
  size_t index = 0;
  const auto log_node = [&](bool is_plain, std::string_view bytes) {
    Log(LogLevel::kNotice, "node " + std::to_string(index++) + (is_plain ? ", plain, " : ", packed, ") +
                               std::to_string(bytes.size()) + " bytes");
    if (shows_elements && !is_plain) LogElements(Listpack::ViewOf(bytes.data()));
  };
  Log(LogLevel::kNotice,
      "quicklist of " + QuoteArgument(context.Arg(2)) + ":" + DescribeQuicklist(*entry, context.settings()));
  if (const Quicklist* list = FindQuicklist(*entry)) {
    list->ForEachNode(log_node);
  } else {
    log_node(false, FindListpack(*entry)->bytes());
  }
  context.Reply().Simple("Quicklist structure printed on stdout");
  return Status::Ok();
}

Status DebugQuicklistPackedThreshold(CommandContext& context) {
  const Result<uint64_t> size_bytes = ParseMemory(context.Arg(2));
  if (!size_bytes.ok() || *size_bytes > kPackedThresholdMax) {
    return errors::Generic("argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  context.engine().set_list_packed_threshold(static_cast<size_t>(*size_bytes));
  context.Reply().Ok();
  return Status::Ok();
}

std::string DescribeQuicklist(const Entry& entry, const Settings& settings) {
  const Quicklist* list = FindQuicklist(entry);
  if (list == nullptr) return {};
  size_t node_bytes = 0;
  list->ForEachNode([&](bool, std::string_view bytes) { node_bytes += bytes.size(); });
  char text[160];
  std::snprintf(text, sizeof(text),
                " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:%d ql_uncompressed_size:%zu",
                list->node_count(), static_cast<double>(list->count()) / static_cast<double>(list->node_count()),
                settings.list_listpack_size_max, settings.list_compress_depth != 0 ? 1 : 0, node_bytes);
  return text;
}

}  // namespace kvick
