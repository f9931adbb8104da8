// EntryEditor: the PackedEditor of an entry that a command found.
#pragma once

#include <cstdint>
#include <string_view>

#include "keyspace/database.h"
#include "types/packed_editor.h"

namespace kvick {

class EntryEditor final : public PackedEditor {
 public:
  // The entry's form() must be kPacked; the stripe's lock is held.
  EntryEditor(Database& database, const KeyRef& key, const KeyTable::Slot& slot, Mutation& mutation)
      : database_(database), key_(key), slot_(slot), mutation_(mutation) {}

  std::string_view bytes() const override { return slot_.entry->packed().bytes; }
  uint8_t kind() const override { return slot_.entry->packed().kind; }
  char* Splice(const PackedSplice& splice) override { return database_.SplicePacked(key_, &slot_, splice, mutation_); }

 private:
  Database& database_;
  const KeyRef& key_;
  KeyTable::Slot slot_;
  Mutation& mutation_;
};

}  // namespace kvick
