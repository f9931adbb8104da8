// Streams in the RDB format.
//
//   stream    = count node* length last-id first-id max-deleted-id added-count groups [producers]
//   node      = base-id:16 bytes as a string, listpack as a string        (containers/stream_node.h)
//   id        = ms seq, two lengths
//   groups    = count group*
//   group     = name last-id read-count pending consumers [returned]
//   pending   = count (id:16 bytes  delivered:i64  deliveries)*           of all consumers
//   consumers = count (name seen:i64 [active:i64] count id:16 bytes*)*
//   returned  = count id:16 bytes*                                        given back (XNACK), in their order
//   producers = seconds names-max count producer* added-count duplicate-count
//   producer  = name count (name id)*
//
// What is there depends on the type: kStream lacks first-id, max-deleted-id, added-count and read-count; `active`
// begins with kStream3, `producers` with kStream4, `returned` with kStream5. Entries that were given back are pending,
// but of no consumer.
//
// The last two parts are described nowhere: only that they are there and what they hold. Their layout here follows the
// habits of the rest; a file that has another one is refused, because nothing in it would fit.
#pragma once

#include <memory>
#include <string>

#include "persistence/rdb_bytes.h"
#include "persistence/rdb_format.h"
#include "types/stream_idempotence.h"
#include "types/stream_value.h"

namespace kvick {

// The version that holds the stream without loss.
int RequiredRdbVersion(const StreamValue& stream);
// The type that holds it best in a file of this version.
RdbType RdbTypeOf(const StreamValue& stream, int version);
void AppendRdbStream(RdbType type, const StreamValue& stream, bool compresses, std::string* out);

// Null, and `bytes` failed, when it is no whole and consistent stream.
std::unique_ptr<StreamValue> ReadRdbStream(RdbType type, const StreamIdempotenceLimits& idempotence_defaults,
                                           int64_t now_ms, RdbBytes* bytes);
// Leaves the bytes behind the stream, or fails.
void SkipRdbStream(RdbType type, RdbBytes* bytes);

}  // namespace kvick
