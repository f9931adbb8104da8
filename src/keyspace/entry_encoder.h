// EntryEncoder: how a snapshot writes the entries that it captures: as records of an RDB file, or as commands.
//
//   encoder.SelectDatabase(0, &out);
//   encoder.AppendEntry(entry, &out);             // one that is written at once
//
//   encoder.AppendHead(big_hash_entry, &out);     // or a large hash, set or sorted set: its head with the count ...
//   encoder.AppendField(key, field, &out);        // ... then each part, in any order, nothing else in between
//
// Methods are called under the lock of the entry's stripe, by the thread that walks the keyspace and by any thread that
// is about to change an entry, several at once: an encoder has no state that changes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keyspace/entry.h"

namespace kvick {

class EntryEncoder {
 public:
  virtual ~EntryEncoder() = default;

  virtual void SelectDatabase(int database_index, std::string* out) const = 0;
  // Key, expiry, value, everything. The entry may have expired.
  virtual void AppendEntry(const Entry& entry, std::string* out) const = 0;

  // The entry holds a FieldTable, a MemberTable or a scored table of so many parts: hashes, sets, sorted sets that are
  // neither packed nor an intset.
  virtual void AppendHead(const Entry& entry, std::string* out) const = 0;
  // `expiry_ms`: Field::kNoExpiry for none. `key` is the entry's.
  virtual void AppendField(std::string_view key, std::string_view name, std::string_view value, int64_t expiry_ms,
                           std::string* out) const = 0;
  virtual void AppendMember(std::string_view key, std::string_view member, std::string* out) const = 0;
  virtual void AppendScoredMember(std::string_view key, double score, std::string_view member,
                                  std::string* out) const = 0;
};

}  // namespace kvick
