// DeclaredKey: a key of a request, as its command's key specs found it.
#pragma once

#include <cstdint>

#include "keyspace/database.h"

namespace kvick {

// A key that a command declared, and the database it lives in.
struct DeclaredKey {
  KeyRef key;
  Database* database = nullptr;
  uint16_t flags = 0;  // KeyFlags
};

}  // namespace kvick
