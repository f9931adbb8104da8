// ValueLimits: how the settings want values to be held. A value that is loaded gets the form that it would have had it
// been made here, whatever form its file has.
#pragma once

#include "config/settings.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace kvick {

struct ValueLimits {
  HashLimits hash;
  ListLimits list;
  SetLimits set;
  SortedSetLimits sorted_set;
  ArrayLimits array;
  StreamIdempotenceLimits idempotence;

  static ValueLimits Of(const Settings& settings) {
    return {
        .hash = {.listpack_entries_max = settings.hash_listpack_entries_max,
                 .listpack_value_max_bytes = settings.hash_listpack_value_max_bytes},
        .list = {settings.list_listpack_size_max, settings.list_compress_depth, settings.list_packed_threshold_bytes},
        .set = {.intset_entries_max = settings.set_intset_entries_max,
                .listpack_entries_max = settings.set_listpack_entries_max,
                .listpack_value_max_bytes = settings.set_listpack_value_max_bytes},
        .sorted_set = {.listpack_entries_max = settings.zset_listpack_entries_max,
                       .listpack_value_max_bytes = settings.zset_listpack_value_max_bytes},
        .array = {settings.array_slice_size, settings.array_sparse_max, settings.array_sparse_min},
        .idempotence = {.duration_s = settings.stream_idempotence_duration_s,
                        .names_max = settings.stream_idempotence_entries_max},
    };
  }
};

}  // namespace kvick
