// How values are written (strings and lengths as in rdb_format.h):
//
//   string          string
//   list            count node*                      node: 1 element | 2 listpack, each a string
//   set             intset | listpack | count member*
//   sorted set      listpack | count (member score:f64)*
//   hash            listpack | count (field value)*
//   with expiry     earliest:i64 listpack            of field, value, milliseconds (0: never), ordered by these
//                 | earliest:i64 count (moment field value)*    moment: 0 never, else milliseconds - earliest + 1
//   compact         form listpack (listpack | value*)    the names, then the values; form: kRdbNamesPacked
//   array           count has-cursor [last-insert] (index item)*
//   stream          rdb_stream_codec.h
#include "persistence/rdb_encoder.h"

#include <algorithm>

#include "base/numbers.h"
#include "containers/quicklist.h"
#include "persistence/rdb_bytes.h"
#include "persistence/rdb_stream_codec.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace kvick {
namespace {

// With parts that are written one by one nobody knows the earliest in time: from here on the moment is the time itself.
constexpr int64_t kEarliestOfParts = 1;

void AppendOpcode(std::string* out, RdbOpcode opcode) { out->push_back(static_cast<char>(opcode)); }
void AppendType(std::string* out, RdbType type) { out->push_back(static_cast<char>(type)); }

template <typename Value>
const Value& As(const void* value) {
  return *static_cast<const Value*>(value);
}

// A listpack of fields, values and moments without the latter.
Listpack WithoutMoments(const HashValue& hash) {
  Listpack pairs(hash.pack().size_bytes());
  hash.ForEach([&pairs](const FieldView& field) {
    pairs.Append(field.name);
    pairs.Append(field.value);
    return true;
  });
  return pairs;
}

int64_t EarliestExpiry(const HashValue& hash) {
  int64_t earliest_ms = ExpiryIndex::kNever;
  hash.ForEach([&earliest_ms](const FieldView& field) {
    if (field.expiry_ms != Field::kNoExpiry) earliest_ms = std::min(earliest_ms, field.expiry_ms);
    return true;
  });
  return earliest_ms;
}

int RequiredVersionOf(ValueType type, const void* value) {
  switch (type) {
    case ValueType::kHash: {
      const auto& hash = As<HashValue>(value);
      if (hash.is_compact()) return kRdbVersionCompactHashes;
      return hash.has_expiring() ? kRdbVersionFieldExpiry : kRdbVersionLowest;
    }
    case ValueType::kStream: return RequiredRdbVersion(As<StreamValue>(value));
    case ValueType::kArray: return kRdbVersionArrays;
    default: return kRdbVersionLowest;
  }
}

}  // namespace

RdbEncoder::Options RdbEncoder::Options::Of(const Settings& settings, int64_t now_ms) {
  Options options;
  options.compresses = settings.rdb_compression;
  options.now_ms = now_ms;
  options.frequency_rules = {settings.lfu_log_factor, settings.lfu_decay_time_min};
  switch (settings.max_memory_policy) {
    case EvictionPolicy::kVolatileLru:
    case EvictionPolicy::kAllKeysLru:
    case EvictionPolicy::kVolatileLrm:
    case EvictionPolicy::kAllKeysLrm: options.access = Access::kRecency; break;
    case EvictionPolicy::kVolatileLfu:
    case EvictionPolicy::kAllKeysLfu: options.access = Access::kFrequency; break;
    default: break;
  }
  return options;
}

int RdbEncoder::RequiredVersion(const Entry& entry) {
  if (entry.type() == ValueType::kString) return kRdbVersionLowest;
  return RequiredVersionOf(entry.type(), CollectionView(entry).get());
}

void RdbEncoder::SelectDatabase(int database_index, std::string* out) const {
  AppendOpcode(out, RdbOpcode::kSelectDatabase);
  AppendRdbLength(out, static_cast<uint64_t>(database_index));
}

void RdbEncoder::AppendText(std::string_view text, std::string* out) const {
  AppendRdbString(out, text, options_.compresses);
}

void RdbEncoder::AppendAttributes(const Entry& entry, std::string* out) const {
  if (entry.has_expiry()) {
    AppendOpcode(out, RdbOpcode::kExpiryMs);
    AppendRdbInt64(out, entry.expiry_ms());
  }
  if (options_.access == Options::Access::kRecency) {
    AppendOpcode(out, RdbOpcode::kIdle);
    AppendRdbLength(out, IdleSeconds(entry.access(), options_.now_ms));
  } else if (options_.access == Options::Access::kFrequency) {
    AppendOpcode(out, RdbOpcode::kFrequency);
    out->push_back(static_cast<char>(FrequencyOf(entry.access(), options_.now_ms, options_.frequency_rules)));
  }
}

void RdbEncoder::AppendEntry(const Entry& entry, std::string* out) const {
  if (entry.type() == ValueType::kString) {
    AppendAttributes(entry, out);
    AppendType(out, RdbType::kString);
    AppendText(entry.key(), out);
    return AppendBody(RdbType::kString, entry, nullptr, out);
  }
  const CollectionView view(entry);
  const RdbType type = TypeOf(entry, view.get());
  if (entry.type() == ValueType::kSet) AppendMemberExpiry(As<SetValue>(view.get()), out);
  AppendAttributes(entry, out);
  AppendType(out, type);
  AppendText(entry.key(), out);
  AppendBody(type, entry, view.get(), out);
}

void RdbEncoder::AppendValue(const Entry& entry, std::string* out) const {
  if (entry.type() == ValueType::kString) {
    AppendType(out, RdbType::kString);
    return AppendBody(RdbType::kString, entry, nullptr, out);
  }
  const CollectionView view(entry);
  const RdbType type = TypeOf(entry, view.get());
  AppendType(out, type);
  AppendBody(type, entry, view.get(), out);
  if (entry.type() == ValueType::kSet) AppendMemberExpiry(As<SetValue>(view.get()), out);
}

RdbType RdbEncoder::TypeOf(const Entry& entry, const void* value) const {
  if (!Holds(RequiredVersionOf(entry.type(), value))) degraded_count_.fetch_add(1, std::memory_order_relaxed);
  switch (entry.type()) {
    case ValueType::kList: return RdbType::kListNodes;
    case ValueType::kSet: {
      const auto& set = As<SetValue>(value);
      if (set.intset() != nullptr) return RdbType::kSetIntset;
      return set.listpack() != nullptr && Holds(kRdbVersionConsumerTimes) ? RdbType::kSetListpack : RdbType::kSet;
    }
    case ValueType::kSortedSet:
      return As<SortedSetValue>(value).listpack() != nullptr ? RdbType::kSortedSetListpack : RdbType::kSortedSet;
    case ValueType::kHash: {
      const auto& hash = As<HashValue>(value);
      if (hash.is_compact()) {
        if (!Holds(kRdbVersionCompactHashes)) return RdbType::kHash;
        return hash.compact_fields() != nullptr ? RdbType::kHashTemplateListpack : RdbType::kHashTemplateValues;
      }
      const bool keeps_expiry = hash.has_expiring() && Holds(kRdbVersionFieldExpiry);
      if (hash.table() != nullptr) return keeps_expiry ? RdbType::kHashExpiry : RdbType::kHash;
      return keeps_expiry ? RdbType::kHashListpackExpiry : RdbType::kHashListpack;
    }
    case ValueType::kStream: return RdbTypeOf(As<StreamValue>(value), options_.version);
    case ValueType::kArray: return Holds(kRdbVersionArrays) ? RdbType::kArray : RdbType::kHash;
    case ValueType::kString: break;
  }
  return RdbType::kString;
}

void RdbEncoder::AppendBody(RdbType type, const Entry& entry, const void* value, std::string* out) const {
  switch (entry.type()) {
    case ValueType::kString: {
      const UnpackScope unpacked;
      const StringRef text = entry.string();
      return text.is_integer ? AppendRdbIntegerString(out, text.integer) : AppendText(text.bytes, out);
    }
    case ValueType::kList: return AppendList(type, As<ListValue>(value), out);
    case ValueType::kSet: return AppendSet(type, As<SetValue>(value), out);
    case ValueType::kSortedSet: return AppendSortedSet(type, As<SortedSetValue>(value), out);
    case ValueType::kHash: return AppendHash(type, As<HashValue>(value), out);
    case ValueType::kStream: return AppendRdbStream(type, As<StreamValue>(value), options_.compresses, out);
    case ValueType::kArray: return AppendArray(type, As<ArrayValue>(value), out);
  }
}

void RdbEncoder::AppendList(RdbType /*type*/, const ListValue& list, std::string* out) const {
  if (!list.is_quicklist()) {
    AppendRdbLength(out, 1);
    AppendRdbLength(out, kRdbNodePacked);
    return AppendText(list.pack().bytes(), out);
  }
  AppendRdbLength(out, list.quicklist()->node_count());
  list.quicklist()->ForEachNode([&](bool is_plain, std::string_view bytes) {
    AppendRdbLength(out, is_plain ? kRdbNodePlain : kRdbNodePacked);
    AppendText(bytes, out);
  });
}

void RdbEncoder::AppendSet(RdbType type, const SetValue& set, std::string* out) const {
  if (type == RdbType::kSetIntset) return AppendText(set.intset()->bytes(), out);
  if (type == RdbType::kSetListpack) return AppendText(set.listpack()->bytes(), out);
  // Members that expire are all written, whatever SeeAt hides: the reader drops those that are due.
  if (const ExpiringMembers* expiring = set.expiring()) {
    AppendRdbLength(out, expiring->total_count());
    return expiring->ForEachWithExpiry(
        [&](std::string_view member, int64_t /*expiry_ms*/) { AppendText(member, out); });
  }
  AppendRdbLength(out, set.count());
  set.ForEach([&](std::string_view member) {
    AppendText(member, out);
    return true;
  });
}

void RdbEncoder::AppendMemberExpiry(const SetValue& set, std::string* out) const {
  const ExpiringMembers* members = set.expiring();
  if (members == nullptr) return;
  std::string moments;
  members->ForEachWithExpiry([&moments](std::string_view member, int64_t expiry_ms) {
    if (expiry_ms == Field::kNoExpiry) return;
    AppendRdbString(&moments, member, false);
    AppendRdbInt64(&moments, expiry_ms);
  });
  if (moments.empty()) return;
  AppendOpcode(out, RdbOpcode::kAux);
  AppendText(kRdbMemberExpiry, out);
  AppendText(moments, out);
}

void RdbEncoder::AppendSortedSet(RdbType type, const SortedSetValue& set, std::string* out) const {
  if (type == RdbType::kSortedSetListpack) return AppendText(set.listpack()->bytes(), out);
  AppendRdbLength(out, set.count());
  // The greatest first: servers that keep a linked list insert each at its front.
  set.ForEachInRange({0, set.count()}, Order::kDescending, [&](std::string_view member, double score) {
    AppendText(member, out);
    AppendRdbDouble(out, score);
  });
}

void RdbEncoder::AppendHash(RdbType type, const HashValue& hash, std::string* out) const {
  switch (type) {
    case RdbType::kHashListpack:
      if (hash.encoding() == HashValue::Encoding::kListpack) return AppendText(hash.pack().bytes(), out);
      return AppendText(WithoutMoments(hash).bytes(), out);
    case RdbType::kHashListpackExpiry:
      AppendRdbInt64(out, hash.next_due_ms());
      return AppendText(hash.pack().bytes(), out);
    case RdbType::kHashTemplateListpack:
    case RdbType::kHashTemplateValues: return AppendCompactHash(type, hash, out);
    default: break;
  }
  const bool keeps_expiry = type == RdbType::kHashExpiry;
  const int64_t earliest_ms = keeps_expiry ? EarliestExpiry(hash) : 0;
  if (keeps_expiry) AppendRdbInt64(out, earliest_ms);
  AppendRdbLength(out, hash.count());
  hash.ForEach([&](const FieldView& field) {
    if (keeps_expiry) {
      const bool expires = field.expiry_ms != Field::kNoExpiry;
      AppendRdbLength(out, expires ? static_cast<uint64_t>(field.expiry_ms - earliest_ms) + 1 : 0);
    }
    AppendText(field.name, out);
    AppendText(field.value, out);
    return true;
  });
}

void RdbEncoder::AppendCompactHash(RdbType type, const HashValue& hash, std::string* out) const {
  Listpack names;
  for (size_t i = 0; i < hash.names().count(); ++i) names.Append(hash.names().name(i));
  AppendRdbLength(out, kRdbNamesPacked);
  AppendText(names.bytes(), out);
  if (type == RdbType::kHashTemplateListpack) {
    Listpack values;
    hash.ForEach([&values](const FieldView& field) {
      values.Append(field.value);
      return true;
    });
    return AppendText(values.bytes(), out);
  }
  hash.ForEach([&](const FieldView& field) {
    AppendText(field.value, out);
    return true;
  });
}

void RdbEncoder::AppendArray(RdbType type, const ArrayValue& array, std::string* out) const {
  AppendRdbLength(out, array.items().count());
  const bool is_array = type == RdbType::kArray;
  if (is_array) {
    const bool has_cursor = array.cursor() != 0;
    AppendRdbLength(out, has_cursor ? 1 : 0);
    if (has_cursor) AppendRdbLength(out, array.cursor() - 1);
  }
  array.items().ForEach(0, SlicedArray::kIndexMax, SlicedArray::Direction::kUp,
                        [&](uint64_t index, std::string_view item) {
                          if (is_array) {
                            AppendRdbLength(out, index);
                          } else {
                            char text[kInt64TextMax];
                            AppendText({text, FormatUint64(index, text)}, out);
                          }
                          AppendText(item, out);
                          return true;
                        });
}

int RdbEncoder::AppendHead(const Entry& entry, std::string* out) const {
  const CollectionView view(entry);
  const RdbType type = TypeOf(entry, view.get());
  if (entry.type() == ValueType::kSet) AppendMemberExpiry(As<SetValue>(view.get()), out);
  AppendAttributes(entry, out);
  AppendType(out, type);
  AppendText(entry.key(), out);
  uint64_t count = 0;
  switch (entry.type()) {
    case ValueType::kHash: count = As<HashValue>(view.get()).count(); break;
    case ValueType::kSortedSet: count = As<SortedSetValue>(view.get()).count(); break;
    default: {
      const auto& set = As<SetValue>(view.get());
      count = set.expiring() != nullptr ? set.expiring()->total_count() : set.count();
    }
  }
  if (type == RdbType::kHashExpiry) AppendRdbInt64(out, kEarliestOfParts);
  AppendRdbLength(out, count);
  return type == RdbType::kHashExpiry ? kFieldExpiryForm : kPlainForm;
}

void RdbEncoder::AppendField(const CollectionHead& head, std::string_view name, std::string_view value,
                             int64_t expiry_ms, std::string* out) const {
  if (head.form == kFieldExpiryForm) {
    AppendRdbLength(out, expiry_ms == Field::kNoExpiry ? 0 : static_cast<uint64_t>(expiry_ms));
  }
  AppendText(name, out);
  AppendText(value, out);
}

// When it expires was said in front of the head.
void RdbEncoder::AppendMember(const CollectionHead& /*head*/, std::string_view member, int64_t /*expiry_ms*/,
                              std::string* out) const {
  AppendText(member, out);
}

void RdbEncoder::AppendScoredMember(const CollectionHead& /*head*/, double score, std::string_view member,
                                    std::string* out) const {
  AppendText(member, out);
  AppendRdbDouble(out, score);
}

}  // namespace kvick
