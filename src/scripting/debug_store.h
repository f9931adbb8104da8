// DebugStore: the data that a script works on while it is debugged by SCRIPT DEBUG YES: a store of its own that begins
// with what the server has, key by key as the script comes to them, and goes with the session. Nobody else sees it.
//
// Thread rule: the debugging session's thread.
#pragma once

#include <memory>
#include <span>

#include "base/status.h"
#include "engine/declared_key.h"
#include "engine/engine.h"
#include "engine/executor.h"

namespace kvick {

class DebugStore {
 public:
  virtual ~DebugStore() = default;
  // What runs commands in the store.
  virtual Executor& executor() = 0;
  // The keys, which are named as the store's own, are there from now on as they are in the server at this moment;
  // those that were brought before stay as they are. While the store's executor is alone in it (RunExclusive).
  virtual Status BringKeys(std::span<const DeclaredKey> keys) = 0;
  virtual Status BringEverything() = 0;
};

// `reader` executes in the server, whose engine is its own, for this thread; between batches.
using MakeDebugStore = std::unique_ptr<DebugStore> (*)(Executor& reader);

}  // namespace kvick
