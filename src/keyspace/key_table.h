// KeyTable: the entries of one stripe, found by key (containers/tag_table.h). Guarded by the lock of its stripe.
// Entries are owned by the caller.
#pragma once

#include <string_view>

#include "containers/tag_table.h"
#include "keyspace/entry.h"

namespace kvick {

struct KeyKind {
  using Entry = kvick::Entry;
  static std::string_view KeyOf(const Entry& entry) { return entry.key(); }
};

extern template class TagTable<KeyKind>;
using KeyTable = TagTable<KeyKind>;

}  // namespace kvick
