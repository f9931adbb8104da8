// KeyspaceScan: all keys of the database, a SCAN reply at a time.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "tools/cli/options.h"
#include "tools/cli/session.h"

namespace kvick::cli {

class KeyspaceScan {
 public:
  KeyspaceScan(Session* session, const Options& options) : session_(session), options_(options) {}

  [[nodiscard]] bool done() const { return started_ && cursor_ == "0"; }
  // The next keys, possibly none; a key may come twice.
  Result<std::vector<std::string>> Next();

 private:
  Session* session_;
  const Options& options_;
  bool started_ = false;
  std::string cursor_ = "0";
};

}  // namespace kvick::cli
