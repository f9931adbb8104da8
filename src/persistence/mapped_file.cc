#include "persistence/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kvick {

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status::Error(std::strerror(errno));
  struct stat info {};
  void* begin = nullptr;
  int code = 0;
  if (fstat(fd, &info) != 0) {
    code = errno;
  } else if (S_ISDIR(info.st_mode)) {
    code = EISDIR;
  } else if (info.st_size > 0) {
    begin = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (begin == MAP_FAILED) code = errno;
  }
  close(fd);
  if (code != 0) return Status::Error(std::strerror(code));
  if (begin == nullptr) return MappedFile(std::string_view());
  madvise(begin, static_cast<size_t>(info.st_size), MADV_SEQUENTIAL);
  return MappedFile({static_cast<const char*>(begin), static_cast<size_t>(info.st_size)});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace kvick
