#include "persistence/command_encoder.h"

#include "base/assert.h"
#include "base/numbers.h"
#include "containers/field_table.h"
#include "persistence/command_text.h"
#include "persistence/dump_payload.h"
#include "persistence/stream_commands.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace kvick {
namespace {

class NumberText {
 public:
  explicit NumberText(int64_t number) : size_(FormatInt64(number, text_)) {}
  explicit NumberText(double number) : size_(FormatDouble(number, text_)) {}
  operator std::string_view() const { return {text_, size_}; }  // NOLINT: implicit by design

 private:
  char text_[kDoubleTextMax];
  size_t size_;
};

void AppendExpiry(const Entry& entry, std::string* out) {
  if (entry.has_expiry()) AppendCommand(out, {"PEXPIREAT", entry.key(), NumberText(entry.expiry_ms())});
}

void AppendList(std::string_view key, const ListValue& list, std::string* out) {
  CommandBatch batch("RPUSH", key, 1, list.count(), out);
  char buffer[kInt64TextMax];
  for (ListCursor at = list.SeekEnd(ListEnd::kHead); at.is_valid(); at.Next()) batch.Add(at.Get().value.Text(buffer));
}

void AppendSet(std::string_view key, const SetValue& set, std::string* out) {
  CommandBatch batch("SADD", key, 1, set.count(), out);
  set.ForEach([&batch](std::string_view member) {
    batch.Add(member);
    return true;
  });
  if (set.expiring() == nullptr) return;
  set.ForEach([&](std::string_view member) {
    const int64_t expiry_ms = set.ExpiryOf(member);
    if (expiry_ms != Field::kNoExpiry) {
      AppendCommand(out, {"PEXPIREMEMBERAT", key, member, NumberText(expiry_ms)});
    }
    return true;
  });
}

void AppendSortedSet(std::string_view key, const SortedSetValue& set, std::string* out) {
  CommandBatch batch("ZADD", key, 2, set.count(), out);
  set.ForEach([&batch](std::string_view member, double score) {
    batch.Add(NumberText(score));
    batch.Add(member);
  });
}

void AppendFieldExpiry(std::string_view key, std::string_view name, int64_t expiry_ms, std::string* out) {
  if (expiry_ms == Field::kNoExpiry) return;
  AppendCommand(out, {"HPEXPIREAT", key, NumberText(expiry_ms), "FIELDS", "1", name});
}

void AppendHash(std::string_view key, const HashValue& hash, std::string* out) {
  CommandBatch batch("HMSET", key, 2, hash.count(), out);
  hash.ForEach([&batch](const FieldView& field) {
    batch.Add(field.name);
    batch.Add(field.value);
    return true;
  });
  if (!hash.has_expiring()) return;
  hash.ForEach([&](const FieldView& field) {
    AppendFieldExpiry(key, field.name, field.expiry_ms, out);
    return true;
  });
}

void AppendArray(std::string_view key, const ArrayValue& array, std::string* out) {
  CommandBatch batch("ARMSET", key, 2, array.items().count(), out);
  char text[kInt64TextMax];
  array.items().ForEach(0, SlicedArray::kIndexMax, SlicedArray::Direction::kUp,
                        [&](uint64_t index, std::string_view item) {
                          batch.Add({text, FormatUint64(index, text)});
                          batch.Add(item);
                          return true;
                        });
  if (array.cursor() != 0) AppendCommand(out, {"ARSEEK", key, {text, FormatUint64(array.cursor(), text)}});
}

void AppendValue(const Entry& entry, std::string* out) {
  const std::string_view key = entry.key();
  if (entry.type() == ValueType::kString) {
    const UnpackScope unpacked;
    char text[kInt64TextMax];
    return AppendCommand(out, {"SET", key, entry.string().Text(text)});
  }
  const CollectionView view(entry);
  switch (entry.type()) {
    case ValueType::kString: break;
    case ValueType::kList: return AppendList(key, *static_cast<const ListValue*>(view.get()), out);
    case ValueType::kSet: return AppendSet(key, *static_cast<const SetValue*>(view.get()), out);
    case ValueType::kSortedSet: return AppendSortedSet(key, *static_cast<const SortedSetValue*>(view.get()), out);
    case ValueType::kHash: {
      const auto& hash = *static_cast<const HashValue*>(view.get());
      if (!hash.is_compact()) return AppendHash(key, hash, out);
      return AppendCommand(out, {"RESTORE", key, "0", MakeDumpPayload(entry, false, kRdbVersionNewest), "REPLACE"});
    }
    case ValueType::kStream: return AppendStreamCommands(key, *static_cast<const StreamValue*>(view.get()), out);
    case ValueType::kArray: return AppendArray(key, *static_cast<const ArrayValue*>(view.get()), out);
  }
}

}  // namespace

void CommandEncoder::SelectDatabase(int database_index, std::string* out) const {
  AppendCommand(out, {"SELECT", NumberText(int64_t{database_index})});
}

void CommandEncoder::AppendEntry(const Entry& entry, std::string* out) const {
  AppendValue(entry, out);
  AppendExpiry(entry, out);
}

int CommandEncoder::AppendHead(const Entry& entry, std::string* out) const {
  const std::string_view key = entry.key();
  const CollectionView view(entry);
  switch (entry.type()) {
    case ValueType::kHash:
      static_cast<const HashValue*>(view.get())->ForEach([&](const FieldView& field) {
        AppendCommand(out, {"HMSET", key, field.name, field.value});
        return false;
      });
      break;
    case ValueType::kSet:
      static_cast<const SetValue*>(view.get())->ForEach([&](std::string_view member) {
        AppendCommand(out, {"SADD", key, member});
        return false;
      });
      break;
    case ValueType::kSortedSet:
      static_cast<const SortedSetValue*>(view.get())
          ->ForEachInRange({0, 1}, Order::kAscending, [&](std::string_view member, double score) {
            AppendCommand(out, {"ZADD", key, NumberText(score), member});
          });
      break;
    default: KVICK_ASSERT(false);
  }
  AppendExpiry(entry, out);
  return 0;
}

void CommandEncoder::AppendField(const CollectionHead& head, std::string_view name, std::string_view value,
                                 int64_t expiry_ms, std::string* out) const {
  AppendCommand(out, {"HMSET", head.key, name, value});
  AppendFieldExpiry(head.key, name, expiry_ms, out);
}

void CommandEncoder::AppendMember(const CollectionHead& head, std::string_view member, int64_t expiry_ms,
                                  std::string* out) const {
  AppendCommand(out, {"SADD", head.key, member});
  if (expiry_ms == Field::kNoExpiry) return;
  AppendCommand(out, {"PEXPIREMEMBERAT", head.key, member, NumberText(expiry_ms)});
}

void CommandEncoder::AppendScoredMember(const CollectionHead& head, double score, std::string_view member,
                                        std::string* out) const {
  AppendCommand(out, {"ZADD", head.key, NumberText(score), member});
}

}  // namespace kvick
