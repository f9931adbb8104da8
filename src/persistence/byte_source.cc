#include "persistence/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kvick {
namespace {

Status SystemError(const std::string& what, const std::string& path) {
  return Status::Error(what + " " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path, uint64_t offset) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (file.get() < 0 || fstat(file.get(), &facts) != 0) return SystemError("Failed opening", path);
  if (offset > 0 && lseek(file.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    return SystemError("Failed reading", path);
  }
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const uint64_t size = S_ISREG(facts.st_mode) ? static_cast<uint64_t>(facts.st_size) : 0;
  return std::unique_ptr<FileSource>(new FileSource(std::move(file), path, size > offset ? size - offset : 0));
}

Result<size_t> FileSource::Read(char* buffer, size_t capacity) {
  while (true) {
    const ssize_t count = read(file_.get(), buffer, capacity);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return SystemError("Failed reading", path_);
  }
}

}  // namespace kvick
