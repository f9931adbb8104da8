// Putting a value that was read under a key that does not exist: by RESTORE, and by whoever loads a data set.
#pragma once

#include <cstdint>
#include <optional>

#include "keyspace/database.h"
#include "persistence/rdb_value_reader.h"

namespace kvick {

struct LoadedKeyOptions {
  int64_t expiry_ms = Entry::kNoExpiry;
  std::optional<uint32_t> access;  // bits of the entry; else it is as if the key had been made now
};

// The stripe of the key is held. Takes the value.
void InsertLoaded(Database& database, const KeyRef& key, RdbValue* value, const LoadedKeyOptions& options,
                  Mutation& mutation);

// The access bits of a key that nobody has used for so long.
uint32_t AccessOfIdle(int64_t idle_s, int64_t now_ms);
// Those of a key with this frequency.
uint32_t AccessOfFrequency(uint8_t frequency, int64_t now_ms);

}  // namespace kvick
