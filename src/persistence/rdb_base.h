// RdbBase: the base of an append-only file as an RDB file, and the loading of one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/engine.h"
#include "persistence/aof_base.h"
#include "persistence/load_progress.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_file_writer.h"
#include "persistence/rdb_loader.h"

namespace kvick {

// What stands in front of the records of a file of this engine's data. In an exclusive moment.
enum class RdbFileKind : uint8_t { kDataSet, kAofBase };
Status BeginRdbFile(Engine& engine, RdbFileKind kind, int version, int64_t now_ms, RdbFileWriter* writer);

class RdbBase final : public AofBase {
 public:
  // In an exclusive moment. `version`: of the file's format.
  RdbBase(Engine& engine, std::shared_ptr<ByteSink> file, int version);

  [[nodiscard]] std::string_view extension() const override { return "rdb"; }
  [[nodiscard]] std::shared_ptr<const EntryEncoder> encoder() const override { return encoder_; }
  Status Begin() override;
  Status Write(std::string_view records) override { return writer_.Append(records); }
  Status End() override { return writer_.Finish(); }

 private:
  Engine& engine_;
  const std::shared_ptr<ByteSink> file_;
  const int version_;
  const int64_t now_ms_;
  const std::shared_ptr<RdbEncoder> encoder_;
  RdbFileWriter writer_;
};

// Loads the RDB file with which this file begins; returns what it says, and where it ends. Keys that have expired are
// kept: the commands that follow know of them. Outside of the gate, while nobody else executes commands.
Result<RdbLoaded> LoadRdbBase(Engine& engine, const std::string& path, LoadProgress* progress);

}  // namespace kvick
