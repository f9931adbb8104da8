// EntryEncoder: how a snapshot writes the entries that it captures: as records of an RDB file, or as commands.
//
//   encoder.SelectDatabase(0, &out);
//   encoder.AppendEntry(entry, &out);             // one that is written at once
//
//   const int form = encoder.AppendHead(big_hash_entry, &out);   // or a large hash, set or sorted set: its head ...
//   encoder.AppendField({key, form}, field, &out);               // ... then each part, in any order, nothing between
//
// Methods are called under the lock of the entry's stripe, by the thread that walks the keyspace and by any thread that
// is about to change an entry, several at once: an encoder has no state that changes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keyspace/entry.h"

namespace kvick {

// What the parts of a collection must know of it.
struct CollectionHead {
  std::string_view key;
  int form = 0;  // what AppendHead returned
};

class EntryEncoder {
 public:
  virtual ~EntryEncoder() = default;

  virtual void SelectDatabase(int database_index, std::string* out) const = 0;
  // Key, expiry, value, everything. The entry may have expired.
  virtual void AppendEntry(const Entry& entry, std::string* out) const = 0;

  // The entry holds a FieldTable, a MemberTable or a scored table of so many parts: hashes, sets, sorted sets that are
  // neither packed nor an intset. Returns a number by which the encoder knows again how it began (hashes with expiring
  // fields, for example, are written otherwise).
  virtual int AppendHead(const Entry& entry, std::string* out) const = 0;
  // `expiry_ms`: Field::kNoExpiry for none.
  virtual void AppendField(const CollectionHead& head, std::string_view name, std::string_view value, int64_t expiry_ms,
                           std::string* out) const = 0;
  // Members of a set may expire too (EXPIREMEMBER).
  virtual void AppendMember(const CollectionHead& head, std::string_view member, int64_t expiry_ms,
                            std::string* out) const = 0;
  virtual void AppendScoredMember(const CollectionHead& head, double score, std::string_view member,
                                  std::string* out) const = 0;
};

}  // namespace kvick
