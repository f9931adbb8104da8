// Values as RESTORE gets them: the first byte is the type (its top bit says whether the file is Valkey's). What is read
// becomes a key, and is written and read again with the same contents; skipping it finds the same end.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/digest.h"
#include "config/settings.h"
#include "keyspace/database.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_value_reader.h"
#include "persistence/value_insertion.h"
#include "persistence/value_limits.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

using namespace kvick;

namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

bool RegisterTypes() {
  RegisterArrayType();
  RegisterHashType();
  RegisterListType();
  RegisterSetType();
  RegisterSortedSetType();
  RegisterStreamType();
  return true;
}

std::string DigestOf(const Entry& entry) {
  Digest digest;
  if (entry.type() == ValueType::kString) {
    char buffer[kInt64TextMax];
    digest.Append(entry.string().Text(buffer));
  } else {
    OperationsOf(entry.type()).digest(CollectionView(entry).get(), &digest);
  }
  return digest.Hex();
}

const Entry* Insert(Database& database, std::string_view name, RdbValue* value) {
  Mutation mutation;
  mutation.now_ms = kNowMs;
  mutation.is_alone = true;
  const KeyRef key = KeyRef::Make(name);
  InsertLoaded(database, key, value, {}, mutation);
  return database.FindAgain(key).entry;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_registered = RegisterTypes();
  KVICK_ASSERT(is_registered);
  if (size == 0) return 0;
  const Settings settings;
  const RdbDialect dialect{.is_valkey = (data[0] & 0x80) != 0, .is_payload = true};
  const uint8_t type = data[0] & 0x7f;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  RdbValueReader reader(ValueLimits::Of(settings), kNowMs, dialect);
  RdbBytes bytes(body);
  RdbValue value;
  if (reader.Read(type, &bytes, &value) != RdbValueReader::Outcome::kRead) return 0;

  RdbBytes skipped(body);
  SkipRdbValue(type, dialect, &skipped);
  KVICK_ASSERT(skipped.ok() && skipped.place() == bytes.place());

  Database database(0);
  const Entry* entry = Insert(database, "key", &value);
  KVICK_ASSERT(entry != nullptr);
  const std::string digest = DigestOf(*entry);
  const RdbEncoder encoder({.version = kRdbVersionNewest, .compresses = true, .now_ms = kNowMs});
  std::string written;
  encoder.AppendValue(*entry, &written);
  RdbBytes again(std::string_view(written).substr(1));
  RdbValueReader own_reader(ValueLimits::Of(settings), kNowMs);
  KVICK_ASSERT(own_reader.Read(static_cast<uint8_t>(written[0]), &again, &value) == RdbValueReader::Outcome::kRead);
  KVICK_ASSERT(again.is_at_end());
  KVICK_ASSERT(DigestOf(*Insert(database, "again", &value)) == digest);
  // Older forms hold less, but they are forms.
  for (const int version : {10, 11, 12, 13}) {
    std::string older;
    RdbEncoder({.version = version, .compresses = false, .now_ms = kNowMs}).AppendValue(*entry, &older);
    RdbBytes older_bytes(std::string_view(older).substr(1));
    KVICK_ASSERT(own_reader.Read(static_cast<uint8_t>(older[0]), &older_bytes, &value) !=
                 RdbValueReader::Outcome::kFailed);
  }
  return 0;
}
