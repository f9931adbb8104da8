#include "support/dump_encoder.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/numbers.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"

namespace kvick::test {
namespace {

void AppendText(std::string_view text, std::string* out) {
  const uint64_t size = text.size();
  out->append(reinterpret_cast<const char*>(&size), sizeof(size));
  out->append(text);
}

void AppendPart(std::string_view name, std::string_view value, std::string* out) {
  out->push_back('P');
  AppendText(name, out);
  AppendText(value, out);
}

void AppendKey(const Entry& entry, std::string* out) {
  out->push_back('K');
  AppendText(entry.key(), out);
  AppendText(entry.type() == ValueType::kString ? "string" : OperationsOf(entry.type()).type_name, out);
  AppendText(std::to_string(entry.expiry_ms()), out);
}

}  // namespace

void DumpEncoder::SelectDatabase(int database_index, std::string* out) const {
  out->push_back('D');
  AppendText(std::to_string(database_index), out);
}

void DumpEncoder::AppendEntry(const Entry& entry, std::string* out) const {
  if (entry.type() == ValueType::kString) {
    AppendKey(entry, out);
    char text[kInt64TextMax];
    return AppendPart("", entry.string().Text(text), out);
  }
  const CollectionHead head{entry.key(), AppendHead(entry, out)};
  const CollectionView view(entry);
  switch (entry.type()) {
    case ValueType::kHash:
      static_cast<const HashValue*>(view.get())->ForEach([&](const FieldView& field) {
        AppendField(head, field.name, field.value, field.expiry_ms, out);
        return true;
      });
      break;
    case ValueType::kSet:
      static_cast<const SetValue*>(view.get())->ForEach([&](std::string_view member) {
        AppendMember(head, member, -1, out);
        return true;
      });
      break;
    case ValueType::kSortedSet:
      static_cast<const SortedSetValue*>(view.get())->ForEach([&](std::string_view member, double score) {
        AppendScoredMember(head, score, member, out);
      });
      break;
    case ValueType::kList: {
      const auto* list = static_cast<const ListValue*>(view.get());
      for (size_t i = 0; i < list->count(); ++i) {
        char text[kInt64TextMax];
        AppendPart(std::to_string(i), list->Seek(static_cast<int64_t>(i)).Get().value.Text(text), out);
      }
      break;
    }
    default: FAIL() << "a type that the tests' dumps do not know";
  }
}

int DumpEncoder::AppendHead(const Entry& entry, std::string* out) const {
  AppendKey(entry, out);
  return static_cast<int>(entry.type());
}

void DumpEncoder::AppendField(const CollectionHead& head, std::string_view name, std::string_view value,
                              int64_t expiry_ms, std::string* out) const {
  EXPECT_EQ(head.form, static_cast<int>(ValueType::kHash));
  AppendPart(name, std::string(value) + "/" + std::to_string(expiry_ms), out);
}

void DumpEncoder::AppendMember(const CollectionHead& head, std::string_view member, int64_t /*expiry_ms*/,
                               std::string* out) const {
  EXPECT_EQ(head.form, static_cast<int>(ValueType::kSet));
  AppendPart(member, "", out);
}

void DumpEncoder::AppendScoredMember(const CollectionHead& head, double score, std::string_view member,
                                     std::string* out) const {
  EXPECT_EQ(head.form, static_cast<int>(ValueType::kSortedSet));
  AppendPart(member, FormatDouble(score), out);
}

Dump ReadDump(std::string_view bytes) {
  Dump dump;
  int database = -1;
  DumpedValue* value = nullptr;
  const auto take = [&] {
    uint64_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof(size));
    std::string text(bytes.substr(sizeof(size), size));
    bytes.remove_prefix(sizeof(size) + size);
    return text;
  };
  while (!bytes.empty()) {
    const char kind = bytes.front();
    bytes.remove_prefix(1);
    if (kind == 'D') {
      database = std::stoi(take());
      value = nullptr;
    } else if (kind == 'K') {
      std::string key = take();
      const auto [place, is_new] = dump.try_emplace({database, key});
      EXPECT_TRUE(is_new) << "twice: " << key;
      value = &place->second;
      value->type = take();
      value->expiry_ms = std::stoll(take());
    } else {
      std::string name = take();
      std::string text = take();
      EXPECT_NE(value, nullptr) << "a part without a key: " << name;
      if (value == nullptr) continue;
      EXPECT_TRUE(value->parts.try_emplace(name, text).second) << "twice: " << name;
    }
  }
  return dump;
}

}  // namespace kvick::test
