// DumpEncoder writes what a snapshot captures so that it can be read again and compared: the tests' own format, apart
// from every format that the server writes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "keyspace/entry_encoder.h"

namespace kvick::test {

class DumpEncoder final : public EntryEncoder {
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

// A value: its type's name and its parts, by name where they have no order, by number where they have.
struct DumpedValue {
  std::string type;
  int64_t expiry_ms = -1;
  std::map<std::string, std::string> parts;

  bool operator==(const DumpedValue&) const = default;
};
using Dump = std::map<std::pair<int, std::string>, DumpedValue>;  // by database and key

// What an encoder wrote. A key or a part that comes twice, and a part without its head, fail the test.
Dump ReadDump(std::string_view bytes);

}  // namespace kvick::test
