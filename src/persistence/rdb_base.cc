#include "persistence/rdb_base.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "observability/rates.h"
#include "persistence/byte_source.h"

namespace kvick {
namespace {

RdbEncoder::Options OptionsFor(Engine& engine, int version, int64_t now_ms) {
  RdbEncoder::Options options = RdbEncoder::Options::Of(engine.settings(), now_ms);
  options.version = version;
  return options;
}

}  // namespace

Status BeginRdbFile(Engine& engine, RdbFileKind kind, int version, int64_t now_ms, RdbFileWriter* writer) {
  std::vector<std::string> functions;
  if (const ScriptRunner* runner = engine.hooks.script_runner) functions = runner->LibraryTexts();
  RdbFileInfo info;
  info.version = version;
  info.created_s = now_ms / 1000;
  info.used_memory_bytes = UsedMemoryBytes();
  info.is_aof_base = kind == RdbFileKind::kAofBase;
  info.functions = functions;
  info.compresses = engine.settings().rdb_compression;
  return writer->Begin(info);
}

RdbBase::RdbBase(Engine& engine, std::shared_ptr<ByteSink> file, int version)
    : engine_(engine),
      file_(std::move(file)),
      version_(version),
      now_ms_(engine.clock().NowMs()),
      encoder_(std::make_shared<RdbEncoder>(OptionsFor(engine, version, now_ms_))),
      writer_(file_.get(), engine.settings().rdb_checksum) {}

Status RdbBase::Begin() { return BeginRdbFile(engine_, RdbFileKind::kAofBase, version_, now_ms_, &writer_); }

Result<RdbLoaded> LoadRdbBase(Engine& engine, const std::string& path, LoadProgress* progress) {
  KVICK_ASSIGN_OR_RETURN(const std::unique_ptr<FileSource> source, FileSource::Open(path));
  RdbLoadOptions options;
  options.worker_count = std::max(std::thread::hardware_concurrency(), 1u);
  options.drops_expired = false;
  options.verifies_checksum = engine.settings().rdb_checksum;
  Result<RdbLoaded> loaded = LoadRdb(engine, source.get(), options, &progress->rdb);
  progress->rdb.bytes_read = 0;  // counted with the whole file from now on
  return loaded;
}

}  // namespace kvick
