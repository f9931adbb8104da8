// The limits of packed sets, as configured.
#pragma once

#include "config/settings.h"
#include "types/set_value.h"

namespace kvick {

inline SetLimits SetLimitsOf(const Settings& settings) {
  return {.intset_entries_max = settings.set_intset_entries_max,
          .listpack_entries_max = settings.set_listpack_entries_max,
          .listpack_value_max_bytes = settings.set_listpack_value_max_bytes};
}

}  // namespace kvick
