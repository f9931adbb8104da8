#include "persistence/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace kvick {
namespace {

Status SystemError(std::string_view what, const std::string& path, int code) {
  return Status::Error(std::string(what) + " " + path + ": " + std::strerror(code));
}

// "." for a plain name.
std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class SystemFile final : public OutputFile {
 public:
  SystemFile(std::string path, int fd, uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  ~SystemFile() override { close(fd_); }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  Status Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return SystemError("Failed writing", path_, errno);
      }
      size_ += static_cast<uint64_t>(written);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return Status::Ok();
  }

  Status Sync() override {
    while (fdatasync(fd_) != 0) {
      if (errno == EINVAL || errno == EROFS) return Status::Ok();  // a pipe, a device: nothing to be synced
      if (errno != EINTR) return SystemError("Failed syncing", path_, errno);
    }
    return Status::Ok();
  }

  Status Truncate(uint64_t size) override {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return SystemError("Failed truncating", path_, errno);
    size_ = size;
    return Status::Ok();
  }

  [[nodiscard]] uint64_t size() const override { return size_; }

 private:
  const std::string path_;
  const int fd_;
  uint64_t size_;
};

class SystemFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<OutputFile>> Create(const std::string& path) override { return Open(path, O_TRUNC); }

  Result<std::unique_ptr<OutputFile>> OpenForAppend(const std::string& path) override { return Open(path, 0); }

  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) return SystemError("Failed renaming " + from + " to", to, errno);
    return SyncFolder(FolderOf(to));
  }

  Status Link(const std::string& from, const std::string& to) override {
    if (link(from.c_str(), to.c_str()) != 0) return SystemError("Failed linking " + from + " to", to, errno);
    return Status::Ok();
  }

  Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0) return SystemError("Failed removing", path, errno);
    return Status::Ok();
  }

  Status MakeFolder(const std::string& path) override {
    if (mkdir(path.c_str(), 0755) == 0) return Status::Ok();
    const int code = errno;
    struct stat info {};
    if (code == EEXIST && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return Status::Ok();
    return SystemError("Failed creating the folder", path, code == EEXIST ? ENOTDIR : code);
  }

  Status SyncFolder(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return SystemError("Failed opening", path, errno);
    const int outcome = fsync(fd);
    const int code = errno;
    close(fd);
    // Some file systems sync no folders, and say so.
    if (outcome != 0 && code != EINVAL && code != EBADF) return SystemError("Failed syncing", path, code);
    return Status::Ok();
  }

 private:
  // Always in append mode: what is written after Truncate stands where the file ends then.
  static Result<std::unique_ptr<OutputFile>> Open(const std::string& path, int flags) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0644);
    if (fd < 0) return SystemError("Failed opening", path, errno);
    struct stat info {};
    if (fstat(fd, &info) != 0) {
      const int code = errno;
      close(fd);
      return SystemError("Failed opening", path, code);
    }
    return std::unique_ptr<OutputFile>(
        std::make_unique<SystemFile>(path, fd, S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0));
  }
};

}  // namespace

std::string_view SystemReason(const Status& status) {
  const size_t colon = status.text().rfind(": ");
  return colon == std::string_view::npos ? status.text() : status.text().substr(colon + 2);
}

FileSystem& FileSystem::System() {
  static SystemFiles files;
  return files;
}

}  // namespace kvick
