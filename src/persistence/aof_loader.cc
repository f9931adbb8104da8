#include "persistence/aof_loader.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/executor.h"
#include "engine/local_client.h"
#include "persistence/aof_parser.h"
#include "persistence/mapped_file.h"
#include "persistence/rdb_base.h"
#include "resp/output_buffer.h"

namespace kvick {
namespace {

constexpr size_t kBatchCommands = 64;
constexpr std::string_view kRdbMagic = "REDIS";

std::string Seconds(int64_t duration_us) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f", static_cast<double>(duration_us) / 1e6);
  return text;
}

// Repeats commands, some at a time, so that their keys are brought in together.
class Replay {
 public:
  explicit Replay(Engine& engine) : client_(engine) { client_.executor().ReplayOnly(); }
  ~Replay() {
    executor().BeginBatch();
    executor().DropTransaction(client_.session());
    executor().EndBatch();
  }

  // The arguments lie in the file, and stay. The error is the name of a command that does not exist.
  Status Add(std::vector<std::string_view> arguments) {
    batch_.push_back(std::move(arguments));
    return batch_.size() < kBatchCommands ? Status::Ok() : Flush();
  }

  Status Flush() {
    if (batch_.empty()) return Status::Ok();
    executor().BeginBatch();
    prepared_.clear();
    for (const auto& arguments : batch_) prepared_.push_back(executor().Prepare(client_.session(), arguments));
    executor().Prefetch();
    Status status;
    for (const Executor::Prepared& prepared : prepared_) {
      status = Run(prepared);
      if (!status.ok()) break;
    }
    executor().EndBatch();
    batch_.clear();
    return status;
  }

  // Of a transaction that has no end.
  void Drop() {
    executor().BeginBatch();
    executor().DropTransaction(client_.session());
    executor().EndBatch();
  }

 private:
  Executor& executor() { return client_.executor(); }

  Status Run(const Executor::Prepared& prepared) {
    if (prepared.problem == Executor::Prepared::Problem::kUnknownCommand ||
        prepared.problem == Executor::Prepared::Problem::kUnknownSubcommand) {
      return Status::Error(std::string(prepared.arguments[0]));
    }
    out_.Clear();
    ReplyWriter reply(out_, client_.session().protocol);
    const uint64_t errors_before = executor().stats().error_reply_count.Load();
    executor().Run(client_.session(), prepared, reply);
    if (executor().stats().error_reply_count.Load() != errors_before) LogError(prepared);
    return Status::Ok();
  }

  void LogError(const Executor::Prepared& prepared) {
    const std::string reply = out_.ToString();
    const size_t begin = reply.find('-');  // of an array, the first that is an error
    const std::string_view error =
        begin == std::string::npos ? std::string_view() : std::string_view(reply).substr(begin + 1);
    Log(LogLevel::kWarning, "== CRITICAL == This server is sending an error to its AOF-loading-client: '" +
                                std::string(error.substr(0, error.find('\r'))) + "' after processing the command '" +
                                ToLower(prepared.command->name) + "'");
  }

  LocalClient client_;
  OutputBuffer out_;
  std::vector<std::vector<std::string_view>> batch_;
  std::vector<Executor::Prepared> prepared_;
};

class Loader {
 public:
  Loader(Engine& engine, const AofFolder& folder, const AofLoadRules& rules, LoadProgress* progress)
      : engine_(engine), folder_(folder), rules_(rules), progress_(progress) {}

  Status LoadAll(const std::vector<AofFile>& files) {
    for (size_t i = 0; i < files.size() && !is_past_; ++i) {
      const AofFile& file = files[i];
      const bool is_base = file.kind == AofFile::Kind::kBase;
      const int64_t begin_us = engine_.clock().MonotonicUs();
      KVICK_ASSIGN_OR_RETURN(const bool is_last, IsLast(files, i));
      KVICK_ASSIGN_OR_RETURN(const bool had_data, Load(file, is_last));
      if (!had_data) continue;
      Log(LogLevel::kNotice, std::string("DB loaded from ") + (is_base ? "base" : "incr") + " file " + file.name +
                                 ": " + Seconds(engine_.clock().MonotonicUs() - begin_us) + " seconds");
    }
    if (rules_.until_s != 0 && !has_timestamps_ && has_commands_) {
      return Status::Error("aof-load-until: the append-only file has no timestamps (aof-timestamp-enabled)");
    }
    return Status::Ok();
  }

 private:
  // Whether only empty files follow.
  Result<bool> IsLast(const std::vector<AofFile>& files, size_t index) const {
    for (size_t i = index + 1; i < files.size(); ++i) {
      KVICK_ASSIGN_OR_RETURN(const uint64_t size, folder_.SizeOf(files[i].name));
      if (size > 0) return false;
    }
    return true;
  }

  // False: the file is empty.
  Result<bool> Load(const AofFile& file, bool is_last) {
    const std::string path = folder_.PathOf(file.name);
    const Result<MappedFile> mapped = MappedFile::Open(path);
    if (!mapped.ok()) {
      return Status::Error("Fatal error: can't open the append log file " + file.name +
                           " for reading: " + std::string(mapped.status().text()));
    }
    const std::string_view bytes = mapped->bytes();
    if (bytes.empty()) return false;
    const uint64_t loaded_before = progress_->loaded_bytes;
    uint64_t begin = 0;
    if (bytes.starts_with(kRdbMagic)) {
      KVICK_ASSIGN_OR_RETURN(begin, LoadPreamble(file, path));
    }
    KVICK_RETURN_IF_ERROR(LoadCommands(file, bytes, begin, is_last));
    progress_->loaded_bytes = loaded_before + bytes.size();
    return true;
  }

  Result<uint64_t> LoadPreamble(const AofFile& file, const std::string& path) {
    const bool is_old_style = file.name == folder_.prefix();
    Log(LogLevel::kNotice,
        is_old_style ? "Reading RDB preamble from AOF file..." : "Reading RDB base file on AOF loading...");
    const Result<RdbLoaded> loaded = LoadRdbBase(engine_, path, progress_);
    if (!loaded.ok()) {
      Log(LogLevel::kWarning, loaded.status().text());
      return Status::Error(std::string(is_old_style ? "Error reading the RDB preamble of the AOF file "
                                                    : "Error reading the RDB base "
                                                      "file ") +
                           file.name + ", AOF loading aborted");
    }
    if (rules_.until_s != 0 && loaded->created_s > rules_.until_s) {
      return Status::Error("aof-load-until: the base file " + file.name + " was written at " +
                           std::to_string(loaded->created_s) + ", later than what is wanted");
    }
    if (is_old_style) Log(LogLevel::kNotice, "Reading the remaining AOF tail...");
    return loaded->end_position;
  }

  Status LoadCommands(const AofFile& file, std::string_view bytes, uint64_t begin, bool is_last) {
    Replay replay(engine_);
    AofParser parser(bytes, begin);
    const uint64_t loaded_before = progress_->loaded_bytes;
    const auto unknown = [&file](const Status& name) {
      return Status::Error("Unknown command '" + std::string(name.text()) + "' reading the append only file " +
                           file.name);
    };
    bool in_transaction = false;
    uint64_t transaction_begin = 0;
    AofParser::Outcome outcome = AofParser::Outcome::kEnd;
    size_t count = 0;
    while (true) {
      const uint64_t offset = parser.offset();
      outcome = parser.Next();
      if (outcome == AofParser::Outcome::kAnnotation) {
        if (!EndsAt(file, parser.timestamp(), offset)) continue;
        outcome = AofParser::Outcome::kEnd;
        break;
      }
      if (outcome != AofParser::Outcome::kCommand) break;
      const std::string_view name = parser.arguments()[0];
      if (EqualsIgnoreCase(name, "multi") && !std::exchange(in_transaction, true)) transaction_begin = offset;
      if (EqualsIgnoreCase(name, "exec")) in_transaction = false;
      has_commands_ = has_commands_ || file.kind == AofFile::Kind::kIncrement;
      if (const Status added = replay.Add(parser.arguments()); !added.ok()) return unknown(added);
      if (++count % kBatchCommands != 0) continue;
      progress_->loaded_bytes = loaded_before + parser.offset();
      if (progress_->rdb.is_cancelled) return Status::Error("Loading was cancelled");
    }
    if (const Status done = replay.Flush(); !done.ok()) return unknown(done);
    uint64_t end = parser.offset();
    if (in_transaction) {
      Log(LogLevel::kWarning, "Revert incomplete MULTI/EXEC transaction in AOF file " + file.name);
      replay.Drop();
      end = transaction_begin;
      if (outcome == AofParser::Outcome::kEnd) outcome = AofParser::Outcome::kTruncated;
    }
    switch (outcome) {
      case AofParser::Outcome::kTruncated: return EndTruncated(file, end, is_last);
      case AofParser::Outcome::kBadFormat: return EndCorrupt(file, end, bytes.size(), is_last);
      default: return Status::Ok();
    }
  }

  // Whether what follows is later than what is wanted.
  bool EndsAt(const AofFile& file, std::optional<int64_t> second, uint64_t offset) {
    if (rules_.until_s == 0 || !second) return false;
    has_timestamps_ = true;
    if (*second <= rules_.until_s) return false;
    is_past_ = true;
    Log(LogLevel::kNotice, "Loading ends in " + file.name + " at offset " + std::to_string(offset) +
                               ": what follows was recorded after " + std::to_string(rules_.until_s));
    return true;
  }

  Status EndTruncated(const AofFile& file, uint64_t end, bool is_last) {
    if (!rules_.cuts_truncated) {
      return Status::Error("Unexpected end of file reading the append only file " + file.name +
                           ". You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix "
                           "<filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration "
                           "option to yes and restart the server.");
    }
    Log(LogLevel::kWarning, "!!! Warning: short read while loading the AOF file " + file.name + "!!!");
    KVICK_RETURN_IF_ERROR(Cut(file, end, is_last));
    Log(LogLevel::kWarning, "AOF " + file.name + " loaded anyway because aof-load-truncated is enabled");
    return Status::Ok();
  }

  Status EndCorrupt(const AofFile& file, uint64_t end, uint64_t size, bool is_last) {
    if (size - end > rules_.corrupt_tail_max) {
      return Status::Error("Bad file format reading the append only file " + file.name +
                           ": make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>");
    }
    Log(LogLevel::kWarning, "!!! Warning: corrupt tail of " + std::to_string(size - end) +
                                " bytes while loading the AOF file " + file.name + "!!!");
    KVICK_RETURN_IF_ERROR(Cut(file, end, is_last));
    Log(LogLevel::kWarning,
        "AOF " + file.name + " loaded anyway because aof-load-corrupt-tail-max-size admits its corrupt tail");
    return Status::Ok();
  }

  // What comes behind a hole could not be trusted: nothing is cut then.
  Status Cut(const AofFile& file, uint64_t end, bool is_last) {
    if (!is_last) return Status::Error("Fatal error: the truncated file is not the last file");
    if (rules_.until_s != 0) return Status::Ok();
    Log(LogLevel::kWarning, "!!! Truncating the AOF " + file.name + " at offset " + std::to_string(end) + " !!!");
    const auto cut = [&] {
      KVICK_ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> out,
                             folder_.files().OpenForAppend(folder_.PathOf(file.name)));
      KVICK_RETURN_IF_ERROR(out->Truncate(end));
      return out->Sync();
    };
    const Status status = cut();
    if (status.ok()) return status;
    return Status::Error("Error truncating the AOF file " + file.name + ": " + std::string(SystemReason(status)));
  }

  Engine& engine_;
  const AofFolder& folder_;
  const AofLoadRules& rules_;
  LoadProgress* const progress_;
  bool is_past_ = false;         // what is wanted is loaded
  bool has_timestamps_ = false;  // looked for with until_s only
  bool has_commands_ = false;    // in an increment
};

}  // namespace

AofLoadRules AofLoadRules::Of(const Settings& settings) {
  AofLoadRules rules;
  rules.cuts_truncated = settings.aof_load_truncated;
  rules.until_s = settings.aof_load_until_s;
  rules.corrupt_tail_max = static_cast<uint64_t>(settings.aof_load_corrupt_tail_bytes_max);
  return rules;
}

Status LoadAppendOnlyFiles(Engine& engine, const AofFolder& folder, const AofManifest& manifest,
                           const AofLoadRules& rules, LoadProgress* progress) {
  if (!manifest.has_data()) return Status::Ok();
  KVICK_ASSIGN_OR_RETURN(const uint64_t total_bytes, folder.TotalSize(manifest));
  const int64_t begin_us = engine.clock().MonotonicUs();
  progress->Begin(engine.clock().NowMs() / 1000, total_bytes);
  KVICK_RETURN_IF_ERROR(Loader(engine, folder, rules, progress).LoadAll(manifest.DataFiles()));
  Log(LogLevel::kNotice,
      "DB loaded from append only file: " + Seconds(engine.clock().MonotonicUs() - begin_us) + " seconds");
  return Status::Ok();
}

}  // namespace kvick
