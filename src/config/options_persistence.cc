// Directives of snapshots and of the append-only file.
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

bool IsPath(std::string_view name) { return name.find('/') != std::string_view::npos; }

Status CheckDbFileName(std::string_view name) {
  return IsPath(name) ? Status::Error("dbfilename can't be a path, just a filename") : Status::Ok();
}

Status CheckAppendFileName(std::string_view name) {
  if (name.empty()) return Status::Error("appendfilename can't be empty");
  return IsPath(name) ? Status::Error("appendfilename can't be a path, just a filename") : Status::Ok();
}

Status CheckAppendDirectoryName(std::string_view name) {
  if (name.empty()) return Status::Error("appenddirname can't be empty");
  return IsPath(name) ? Status::Error("appenddirname can't be a path, just a dirname") : Status::Ok();
}

Status CheckBackupDirectoryName(std::string_view name) {
  if (name.empty()) return Status::Error("backupdirname can't be empty");
  if (name == "." || name == "..") return Status::Error("backupdirname can't be '.' or '..'");
  return IsPath(name) ? Status::Error("backupdirname can't be a path, just a dirname") : Status::Ok();
}

// What follows the prefix, if there is any.
bool HasPreloadPath(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && name.size() > prefix.size();
}

Status CheckPreloadFile(std::string_view name) {
  if (name.empty() || HasPreloadPath(name, "rdb:") || HasPreloadPath(name, "aof:")) return Status::Ok();
  return Status::Error("preload-file must be aof:<path of a manifest> or rdb:<path>");
}

// Older versions than 10 hold none of the forms that are written.
Status CheckRdbVersion(std::string_view text) {
  return text == "0" || text.size() == 2 ? Status::Ok() : Status::Error("rdb-version must be 0 or between 10 and 15");
}

std::string WorkingDirectory() {
  char buffer[4096];
  return getcwd(buffer, sizeof(buffer)) == nullptr ? std::string() : std::string(buffer);
}

// `dir` is the working directory itself, so a relative `include` or `logfile` in a later line is relative to it.
OptionSpec Dir() {
  OptionSpec spec;
  spec.name = "dir";
  spec.kind = OptionKind::kSpecial;
  spec.flags = kOptionProtected | kOptionDenyLoading | kOptionProcessEffect;
  spec.store = [](const OptionSpec&, const std::vector<std::string>& words, OptionSource, Settings*) {
    return chdir(words[0].c_str()) == 0 ? Status::Ok() : Status::Error(std::strerror(errno));
  };
  spec.format = [](const OptionSpec&, const Settings&) { return WorkingDirectory(); };
  spec.rewrite = [](const Settings&) { return std::vector<RewriteLine>{{QuoteArgument(WorkingDirectory()), true}}; };
  return spec;
}

// save: <seconds> <changes>, any number of times; none: no snapshots.
Status StoreSavePoints(const OptionSpec&, const std::vector<std::string>& words, OptionSource source,
                       Settings* settings) {
  const Status invalid = Status::Error("Invalid save parameters");
  if (words.size() % 2 != 0) return invalid;
  std::vector<SavePoint> points;
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::optional<int64_t> seconds = ParseListNumber(words[i]);
    const std::optional<int64_t> changes = ParseListNumber(words[i + 1]);
    if (!seconds || *seconds < 1 || !changes || *changes < 0) return invalid;
    points.push_back({.seconds = *seconds, .changes = *changes});
  }
  const bool adds = source == OptionSource::kFile && !settings->save_points_are_default && !words.empty();
  if (!adds) settings->save_points.clear();
  settings->save_points.insert(settings->save_points.end(), points.begin(), points.end());
  settings->save_points_are_default = false;
  return Status::Ok();
}

OptionSpec Save() {
  OptionSpec spec;
  spec.name = "save";
  spec.flags = kOptionMultiArg;
  spec.store = StoreSavePoints;
  spec.format = [](const OptionSpec&, const Settings& settings) {
    std::vector<std::string> words;
    for (const SavePoint& point : settings.save_points) {
      words.insert(words.end(), {std::to_string(point.seconds), std::to_string(point.changes)});
    }
    return JoinWords(words);
  };
  spec.rewrite = [](const Settings& settings) {
    std::vector<RewriteLine> lines;
    for (const SavePoint& point : settings.save_points) {
      lines.push_back({std::to_string(point.seconds) + " " + std::to_string(point.changes), true});
    }
    if (lines.empty()) lines.push_back({"\"\"", true});
    return lines;
  };
  return spec;
}

}  // namespace

std::vector<OptionSpec> PersistenceOptions() {
  return {
      Bool("aof-disable-auto-gc", &Settings::aof_keeps_history, kOptionHidden),
      Memory("aof-load-corrupt-tail-max-size", &Settings::aof_load_corrupt_tail_bytes_max, {0, kInt64Max}),
      Bool("aof-load-truncated", &Settings::aof_load_truncated),
      Integer("aof-load-until", &Settings::aof_load_until_s, {0, kInt64Max}, kOptionImmutable),
      Bool("aof-rewrite-incremental-fsync", &Settings::aof_rewrite_incremental_sync),
      Bool("aof-timestamp-enabled", &Settings::aof_timestamps),
      Bool("aof-use-rdb-preamble", &Settings::aof_use_rdb_preamble),
      Text("appenddirname", &Settings::append_folder_name, kOptionImmutable).Check(CheckAppendDirectoryName),
      Text("appendfilename", &Settings::append_file_name, kOptionImmutable).Check(CheckAppendFileName),
      Choice("appendfsync", &Settings::append_sync,
             {{"everysec", AppendSync::kEverySecond}, {"always", AppendSync::kAlways}, {"no", AppendSync::kNo}}),
      Bool("appendonly", &Settings::append_only, kOptionDenyLoading),
      Memory("auto-aof-rewrite-min-size", &Settings::aof_rewrite_bytes_min, {0, kInt64Max}),
      Integer("auto-aof-rewrite-percentage", &Settings::aof_rewrite_percentage, {0, kIntMax}),
      Integer("backup-sealed-ttl", &Settings::backup_sealed_ttl_s, {0, kInt64Max}),
      Text("backupdirname", &Settings::backup_folder_name, kOptionImmutable).Check(CheckBackupDirectoryName),
      Text("dbfilename", &Settings::db_filename, kOptionProtected).Check(CheckDbFileName),
      Dir(),
      Integer("key-load-delay", &Settings::key_load_delay_us, {kIntMin, kIntMax}, kOptionHidden),
      Integer("loading-process-events-interval-bytes", &Settings::loading_process_events_interval_bytes,
              {1024, kIntMax}, kOptionHidden),
      Bool("no-appendfsync-on-rewrite", &Settings::aof_no_sync_on_rewrite),
      Bool("rdb-del-sync-files", &Settings::rdb_delete_sync_files),
      Text("preload-file", &Settings::preload_file, kOptionImmutable).Check(CheckPreloadFile),
      Integer("rdb-key-save-delay", &Settings::rdb_key_save_delay_us, {kIntMin, kIntMax}, kOptionHidden),
      Bool("rdb-save-incremental-fsync", &Settings::rdb_save_incremental_fsync),
      Integer("rdb-version", &Settings::rdb_version, {0, 15}).Check(CheckRdbVersion),
      Bool("rdbchecksum", &Settings::rdb_checksum, kOptionImmutable),
      Bool("rdbcompression", &Settings::rdb_compression),
      Choice("sanitize-dump-payload", &Settings::sanitize_dump_payload,
             {{"no", SanitizePayload::kNo}, {"yes", SanitizePayload::kYes}, {"clients", SanitizePayload::kClients}}),
      Save(),
      Bool("stop-writes-on-bgsave-error", &Settings::stop_writes_on_bgsave_error),
  };
}

}  // namespace kvick
