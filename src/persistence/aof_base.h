// AofBase: the base of an append-only file while it is written: it takes the entries of a snapshot and puts something
// before and behind them. One is made for each rewrite, in the exclusive moment of its cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/status.h"
#include "keyspace/entry_encoder.h"
#include "persistence/byte_sink.h"

namespace kvick {

class Engine;

class AofBase : public ByteSink {
 public:
  // The end of the file's name.
  [[nodiscard]] virtual std::string_view extension() const = 0;
  [[nodiscard]] virtual std::shared_ptr<const EntryEncoder> encoder() const = 0;
  // In the exclusive moment of the cut: it may read everything, and should not take long.
  virtual Status Begin() = 0;
  // When the last entry has been written; any thread.
  virtual Status End() = 0;
};

// Makes one that is written to this file. In an exclusive moment.
using AofBaseMaker = std::function<std::shared_ptr<AofBase>(Engine& engine, std::shared_ptr<ByteSink> file)>;

}  // namespace kvick
