#include "persistence/aof_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/log.h"

namespace kvick {
namespace {

bool Exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

// A manifest has a line for each of a handful of files.
constexpr size_t kManifestBytesMax = size_t{64} << 20;

}  // namespace

Result<AofManifest> AofFolder::LoadManifest() const {
  const std::string path = PathOf(manifest_name());
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return AofManifest();
    return Status::Error("Fatal error: can't open the AOF manifest file " + manifest_name() +
                         " for reading: " + std::strerror(errno));
  }
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(fd, buffer, sizeof(buffer))) > 0 && text.size() < kManifestBytesMax) {
    text.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  if (got != 0) return Status::Error("\n*** FATAL AOF MANIFEST FILE ERROR ***\nRead AOF manifest failed");
  return AofManifest::Parse(text);
}

Status AofFolder::SaveManifest(const AofManifest& manifest) const {
  const std::string temporary = PathOf("temp-" + manifest_name());
  const auto write = [&] {
    KVICK_ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> file, files_.Create(temporary));
    KVICK_RETURN_IF_ERROR(file->Write(manifest.Format()));
    return file->Sync();
  };
  Status status = write();
  if (status.ok()) status = files_.Rename(temporary, PathOf(manifest_name()));
  if (!status.ok()) {
    Log(LogLevel::kWarning, "Can't write the AOF manifest file " + manifest_name() + ". " + std::string(status.text()));
    static_cast<void>(files_.Remove(temporary).ok());  // it may not even be there
  }
  return status;
}

Status AofFolder::TakeOverSingleFile(AofManifest* manifest) const {
  if (!Exists(prefix_)) return Status::Ok();
  const bool is_unfinished = manifest->base && manifest->base->name == prefix_ && manifest->increments.empty() &&
                             manifest->history.empty() && !Exists(PathOf(prefix_));
  if (manifest->has_data() && !is_unfinished) return Status::Ok();
  if (const Status made = Make(); !made.ok()) {
    return Status::Error("Can't open or create append-only dir " + path_ + ": " + std::string(SystemReason(made)));
  }
  AofManifest taken;
  taken.base = AofFile{prefix_, 1, AofFile::Kind::kBase};
  taken.base_sequence = 1;
  // The manifest comes first: a file that it names and that is not there yet is looked for beside the folder.
  KVICK_RETURN_IF_ERROR(SaveManifest(taken));
  if (const Status moved = files_.Rename(prefix_, PathOf(prefix_)); !moved.ok()) {
    return Status::Error("Error trying to move the old AOF file " + prefix_ + " into dir " + path_ + ": " +
                         std::string(SystemReason(moved)));
  }
  *manifest = std::move(taken);
  Log(LogLevel::kNotice,
      "Successfully migrated an old-style AOF file (" + prefix_ + ") into the AOF directory (" + path_ + ").");
  return Status::Ok();
}

Result<uint64_t> AofFolder::SizeOf(std::string_view name) const {
  struct stat info {};
  if (stat(PathOf(name).c_str(), &info) != 0) {
    return Status::Error("Unable to obtain the AOF file " + std::string(name) +
                         " length. stat: " + std::strerror(errno));
  }
  return static_cast<uint64_t>(info.st_size);
}

Result<uint64_t> AofFolder::TotalSize(const AofManifest& manifest) const {
  uint64_t total = 0;
  for (const AofFile& file : manifest.DataFiles()) {
    KVICK_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file.name));
    total += size;
  }
  return total;
}

}  // namespace kvick
