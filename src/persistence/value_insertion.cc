#include "persistence/value_insertion.h"

#include <algorithm>

#include "keyspace/access_clock.h"

namespace kvick {

void InsertLoaded(Database& database, const KeyRef& key, RdbValue* value, const LoadedKeyOptions& options,
                  Mutation& mutation) {
  const uint32_t access_clock = mutation.access_clock;
  if (options.access) mutation.access_clock = *options.access;
  const PutOptions put{.keep_expiry = false, .expiry_ms = options.expiry_ms};
  if (value->type() == ValueType::kString) {
    database.PutString(key, {}, {value->text()}, put, mutation);
  } else if (value->packed()) {
    database.PutPacked(key, value->type(), *value->packed(), options.expiry_ms, mutation);
  } else {
    void* object = value->TakeObject();
    const KeyTable::Slot slot = database.PutObject(key, {}, value->type(), object, put, mutation);
    database.HoldCollection(key, slot, object);
  }
  mutation.access_clock = access_clock;
}

uint32_t AccessOfIdle(int64_t idle_s, int64_t now_ms) {
  // Beyond what the clock can tell is the longest that it can.
  const int64_t idle_ms = std::min<int64_t>(idle_s, kAccessMask) * 1000;
  return RecencyClock(std::max<int64_t>(now_ms - idle_ms, 0));
}

uint32_t AccessOfFrequency(uint8_t frequency, int64_t now_ms) { return (NewFrequency(now_ms) & ~0xffu) | frequency; }

}  // namespace kvick
