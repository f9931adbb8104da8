#include "config/replaced_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace kvick {
namespace {

// The rename itself must survive a crash too.
bool SyncDirectoryOf(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_synced = fsync(descriptor) == 0;
  close(descriptor);
  return is_synced;
}

}  // namespace

ReplacedFile::ReplacedFile(std::string path) : path_(std::move(path)), temporary_path_(path_ + ".temp-XXXXXX") {
  descriptor_ = mkostemp(temporary_path_.data(), O_CLOEXEC);
}

ReplacedFile::~ReplacedFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  if (!is_renamed_) unlink(temporary_path_.c_str());
}

bool ReplacedFile::Write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool ReplacedFile::SetMode(mode_t mode) { return fchmod(descriptor_, mode) == 0; }

bool ReplacedFile::Sync() { return fsync(descriptor_) == 0; }

bool ReplacedFile::Replace() {
  is_renamed_ = rename(temporary_path_.c_str(), path_.c_str()) == 0;
  return is_renamed_ && SyncDirectoryOf(path_);
}

}  // namespace kvick
