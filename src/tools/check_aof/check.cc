#include "tools/check_aof/check.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "persistence/aof_folder.h"
#include "persistence/aof_manifest.h"
#include "persistence/file_system.h"
#include "persistence/mapped_file.h"
#include "tools/check_aof/stream_check.h"

namespace kvick {
namespace {

constexpr std::string_view kRdbMagic = "REDIS";

// Of a path: its folder, and the name in it.
std::pair<std::string, std::string> SplitPath(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// The first line that is no comment names a file.
bool IsManifest(std::string_view bytes) {
  while (bytes.starts_with('#')) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return false;
    bytes.remove_prefix(end + 1);
  }
  return bytes.starts_with("file");
}

class Checker {
 public:
  Checker(const AofCheckRequest& request, const AofCheckUi& ui) : request_(request), ui_(ui) {}

  int Run() {
    struct stat info {};
    if (stat(request_.path.c_str(), &info) != 0) {
      return Fail("Cannot open file " + request_.path + ": " + std::strerror(errno));
    }
    const Result<MappedFile> file = MappedFile::Open(request_.path);
    if (!file.ok()) return Fail("Cannot read file: " + request_.path);
    if (IsManifest(file->bytes())) return CheckManifest(file->bytes());
    Print("Start checking Old-Style AOF");
    const std::string& path = request_.path;
    switch (CheckFile(path, path, true)) {
      case Verdict::kFailed: return 1;
      case Verdict::kSound: Print("AOF " + path + " is valid"); break;
      case Verdict::kEmpty: Print("AOF " + path + " is empty"); break;
      case Verdict::kCut: Print("Successfully truncated AOF " + path); break;
      case Verdict::kCutInTime: PrintCutInTime(path); break;
      case Verdict::kInTime:
        PrintInTime(path);
        Print("AOF " + path + " is valid");
        break;
    }
    return 0;
  }

 private:
  enum class Verdict { kSound, kEmpty, kCut, kCutInTime, kInTime, kFailed };

  int CheckManifest(std::string_view bytes) {
    Print("Start checking Multi Part AOF");
    const Result<AofManifest> manifest = AofManifest::Parse(bytes);
    if (!manifest.ok()) return Fail(std::string(manifest.status().text()));
    const auto [folder, name] = SplitPath(request_.path);
    const std::vector<AofFile> files = manifest->DataFiles();
    if (manifest->base) {
      const Result<MappedFile> base = MappedFile::Open(folder + "/" + manifest->base->name);
      const bool is_rdb = base.ok() && base->bytes().starts_with(kRdbMagic);
      Print(std::string("Start to check BASE AOF (") + (is_rdb ? "RDB" : "RESP") + " format).");
    }
    bool has_said_increments = false;
    for (size_t i = 0; i < files.size(); ++i) {
      const AofFile& file = files[i];
      const bool is_base = file.kind == AofFile::Kind::kBase;
      if (!is_base && !std::exchange(has_said_increments, true)) Print("Start to check INCR files.");
      const std::string title = (is_base ? "BASE AOF " : "INCR AOF ") + file.name;
      switch (CheckFile(folder + "/" + file.name, file.name, i + 1 == files.size())) {
        case Verdict::kFailed: return 1;
        case Verdict::kSound: Print(title + " is valid"); break;
        case Verdict::kEmpty: Print(title + " is empty"); break;
        case Verdict::kCut: Print("Successfully truncated AOF " + file.name); break;
        case Verdict::kCutInTime: PrintCutInTime(file.name); break;
        case Verdict::kInTime:
          PrintInTime(file.name);
          Print(title + " is valid");
          break;
      }
    }
    Print("All AOF files and manifest are valid");
    return 0;
  }

  Verdict CheckFile(const std::string& path, const std::string& name, bool is_last) {
    Result<MappedFile> file = MappedFile::Open(path);
    if (!file.ok()) {
      return Refuse("Cannot open file " + path + ": " + std::string(file.status().text()) + ", aborting...");
    }
    const std::string_view bytes = file->bytes();
    if (bytes.empty()) return Verdict::kEmpty;
    uint64_t begin = 0;
    if (bytes.starts_with(kRdbMagic)) {
      const std::optional<uint64_t> end = ui_.check_rdb(bytes, name);
      if (!end) return Refuse("RDB preamble of AOF file is not sane, aborting.");
      Print("RDB preamble is OK, proceeding with AOF tail...");
      begin = *end;
    }
    StreamCheck check(bytes, path, &line_);
    const std::string second = std::to_string(request_.last_second);
    switch (check.Run(begin, request_.last_second)) {
      case StreamCheck::Outcome::kDone: break;
      case StreamCheck::Outcome::kBadTimestamp: return Refuse("Invalid timestamp annotation");
      case StreamCheck::Outcome::kNothingLeft:
        return Refuse("AOF " + path + " has nothing before timestamp " + second + ", aborting...");
      case StreamCheck::Outcome::kCutHere:
        if (!is_last) {
          return Refuse("Failed to truncate AOF " + path + " to timestamp " + second + " to offset " +
                        std::to_string(check.sound_end()) +
                        " because it is not the last file.\nIf you insist, please delete all files after this file "
                        "according to the manifest file and delete the corresponding records in manifest file "
                        "manually. Then re-run redis-check-aof.");
        }
        return Cut(path, check.sound_end()) ? Verdict::kCutInTime
                                            : Refuse("Failed to truncate AOF " + name + " to timestamp " + second);
    }
    if (check.has_format_error()) Print("AOF " + name + " format error");
    if (!check.error().empty()) Print(check.error());
    const uint64_t rest = bytes.size() - check.sound_end();
    if (request_.last_second != 0 && rest == 0) return Verdict::kInTime;
    Print("AOF analyzed: filename=" + name + ", size=" + std::to_string(bytes.size()) +
          ", ok_up_to=" + std::to_string(check.sound_end()) + ", ok_up_to_line=" + std::to_string(line_) +
          ", diff=" + std::to_string(rest));
    if (rest == 0) return Verdict::kSound;
    return Fix(path, name, bytes.size(), check.sound_end(), is_last);
  }

  Verdict Fix(const std::string& path, const std::string& name, uint64_t size, uint64_t end, bool is_last) {
    if (!request_.fixes) {
      return Refuse("AOF " + name + " is not valid. Use the --fix option to try fixing it.");
    }
    if (!is_last) return Refuse("Failed to truncate AOF " + name + " because it is not the last file");
    ui_.print("This will shrink the AOF " + name + " from " + std::to_string(size) + " bytes, with " +
              std::to_string(size - end) + " bytes, to " + std::to_string(end) + " bytes\nContinue? [y/N]: ");
    const std::string answer = ui_.ask();
    if (!answer.starts_with('y') && !answer.starts_with('Y')) return Refuse("Aborting...");
    return Cut(path, end) ? Verdict::kCut : Refuse("Failed to truncate AOF " + name);
  }

  static bool Cut(const std::string& path, uint64_t size) {
    const Result<std::unique_ptr<OutputFile>> file = FileSystem::System().OpenForAppend(path);
    return file.ok() && (*file)->Truncate(size).ok() && (*file)->Sync().ok();
  }

  void Print(const std::string& line) { ui_.print(line + "\n"); }
  void PrintCutInTime(const std::string& name) {
    Print("Successfully truncated AOF " + name + " to timestamp " + std::to_string(request_.last_second));
  }
  void PrintInTime(const std::string& name) {
    Print("Truncate nothing in AOF " + name + " to timestamp " + std::to_string(request_.last_second));
  }
  int Fail(const std::string& line) {
    Print(line);
    return 1;
  }
  Verdict Refuse(const std::string& line) {
    Print(line);
    return Verdict::kFailed;
  }

  const AofCheckRequest& request_;
  const AofCheckUi& ui_;
  uint64_t line_ = 1;
};

}  // namespace

int CheckAof(const AofCheckRequest& request, const AofCheckUi& ui) { return Checker(request, ui).Run(); }

}  // namespace kvick
