// Commands for tests of the engine's promises, declared here because the engine knows no family of commands and
// because they stress what real ones rarely do: many keys at once, reading everything alone.
//
//   PUT key value               READ key [key ...]            an array of values, null where there is none
//   ADD key amount              TRANSFER from to amount       integers; a missing key is 0
//   PUTALL value key [key ...]  COPY from to                  the value, or its absence
//   PUTEX key ms value          GRIND key amount              as ADD, but reads, waits a moment, and writes
//   TOTAL                       exclusive: the sum of all integers of all databases
//   EMPTY                       exclusive: removes everything     EXCHANGE a b   exclusive: SWAPDB
//   CHOOSE index                SELECT
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/local_client.h"
#include "resp/value.h"

namespace kvick::test {

void AddConcurrencyCommands(Engine& engine);

// The reply as a value; null when there was none.
Value Call(LocalClient& client, const std::vector<std::string>& arguments);

// Everything an engine holds: text and expiry by (database, key). Nobody may execute meanwhile.
using Contents = std::map<std::pair<int, std::string>, std::pair<std::string, int64_t>>;
Contents ContentsOf(Engine& engine);

// `count` different names that start with `prefix`. On one stripe they also share a bucket of its table.
std::vector<std::string> KeysOnOneStripe(const std::string& prefix, size_t count);
std::vector<std::string> KeysAnywhere(const std::string& prefix, size_t count);

}  // namespace kvick::test
