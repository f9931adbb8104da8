// How string values are answered.
#pragma once

#include "keyspace/entry.h"
#include "resp/reply_writer.h"

namespace kvick {

// A value as a bulk string; large ones are lent, not copied.
inline void ReplyString(ReplyWriter& reply, const StringRef& value) {
  if (value.is_integer) {
    reply.BulkInteger(value.integer);
  } else if (value.shared != nullptr) {
    reply.Bulk(value.shared);
  } else {
    reply.Bulk(value.bytes);
  }
}

// `entry` holds a string, or is null for a missing key.
inline void ReplyStringOrNull(ReplyWriter& reply, const Entry* entry) {
  if (entry == nullptr) {
    reply.Null();
  } else {
    ReplyString(reply, entry->string());
  }
}

}  // namespace kvick
