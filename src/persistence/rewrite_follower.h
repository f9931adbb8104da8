// RewriteFollower is told what becomes of the append-only file's bases and increments (Backup, which pins some of
// them).
#pragma once

#include "base/status.h"
#include "persistence/aof_folder.h"
#include "persistence/aof_manifest.h"

namespace kvick {

class RewriteFollower {
 public:
  virtual ~RewriteFollower() = default;
  // The manifest names a new base. What `before` names and `now` does not is still there, and is removed behind this.
  // Under the lock of the manifest: no file changes its name meanwhile.
  virtual void OnNewBase(const AofFolder& folder, const AofManifest& before, const AofManifest& now) = 0;
  // A rewrite has ended, and begins anew by itself if that is what it waits for.
  virtual void OnRewriteEnd(const Status& status) = 0;
  // The file is not written any more. In an exclusive moment.
  virtual void OnTurnedOff() = 0;
};

}  // namespace kvick
