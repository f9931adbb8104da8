// Loading what an append-only file holds: its base, then its increments, command by command.
//
//   KVICK_ASSIGN_OR_RETURN(const AofManifest manifest, folder.LoadManifest());
//   KVICK_RETURN_IF_ERROR(LoadAppendOnlyFiles(engine, folder, manifest, rules, &progress));
//
// Commands have the effects that were recorded: nothing expires, is recorded again or told to anybody. MULTI ... EXEC
// is done as a whole or not at all. A file that ends within a command is cut behind the last whole one if the rules say
// so; it must be the last that holds anything.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "engine/engine.h"
#include "persistence/aof_folder.h"
#include "persistence/aof_manifest.h"
#include "persistence/load_progress.h"

namespace kvick {

struct AofLoadRules {
  bool cuts_truncated = true;     // aof-load-truncated
  uint64_t corrupt_tail_max = 0;  // aof-load-corrupt-tail-max-size
  // aof-load-until: what was recorded after this second is left out, and no file is changed; 0: everything is loaded.
  int64_t until_s = 0;

  static AofLoadRules Of(const Settings& settings);
};

// The data set must be empty. Outside of the gate, while Engine::is_loading keeps clients away from the data. The error
// is what is logged before the process ends with status 1.
Status LoadAppendOnlyFiles(Engine& engine, const AofFolder& folder, const AofManifest& manifest,
                           const AofLoadRules& rules, LoadProgress* progress);

}  // namespace kvick
