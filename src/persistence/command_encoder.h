// CommandEncoder: entries as the commands that make them, for bases of append-only files that are no RDB files.
//
//   SELECT 0                                     the file begins with an empty data set
//   SET key value
//   RPUSH | SADD | ZADD | HMSET key ...          up to 64 elements a command
//   RESTORE key 0 payload REPLACE                compact hashes
//   HPEXPIREAT key ms FIELDS 1 field             fields that expire, one by one
//   PEXPIREMEMBERAT key member ms                members that expire
//   XADD key id field value ...                  every entry, or XADD key MAXLEN 0 0-1 x y for an empty stream
//   XSETID key id ENTRIESADDED n MAXDELETEDID id
//   XGROUP CREATE | XCLAIM | XGROUP CREATECONSUMER | XNACK ... FORCE
//   XCFGSET | XIDMPRECORD                        what producers added under names
//   ARMSET key index item ..., ARSEEK key index
//   PEXPIREAT key ms                             last
//
// The parts of a large collection come one by one and in any order, so each is a command of its own; the head makes the
// key, with one of them, so that its expiry can be set.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keyspace/entry_encoder.h"

namespace kvick {

class CommandEncoder final : public EntryEncoder {
 public:
  void SelectDatabase(int database_index, std::string* out) const override;
  void AppendEntry(const Entry& entry, std::string* out) const override;
  int AppendHead(const Entry& entry, std::string* out) const override;
  void AppendField(const CollectionHead& head, std::string_view name, std::string_view value, int64_t expiry_ms,
                   std::string* out) const override;
  void AppendMember(const CollectionHead& head, std::string_view member, int64_t expiry_ms,
                    std::string* out) const override;
  void AppendScoredMember(const CollectionHead& head, double score, std::string_view member,
                          std::string* out) const override;
};

}  // namespace kvick
