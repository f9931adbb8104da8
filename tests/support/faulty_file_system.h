// FaultyFileSystem: the system's files, where the n-th call of a kind fails.
//
//   FaultyFileSystem files;
//   for (int nth = 1; ; ++nth) {
//     files.FailAt(FileOperation::kWrite, nth);
//     const Status status = Save(files);
//     if (!files.has_failed()) break;   // there was no n-th write: everything has been swept
//     ... the state is whole ...
//   }
//
// A write that fails has written half of its bytes. Any thread.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/sync.h"
#include "persistence/file_system.h"

namespace kvick {

enum class FileOperation {
  kCreate,
  kOpenForAppend,
  kWrite,
  kSync,
  kTruncate,
  kRename,  // fails before the new name is there
  kLink,
  kRemove,
  kMakeFolder,
  kSyncFolder,  // that of SyncFolder, not the one within a Rename
};
inline constexpr std::array kFileOperations{
    FileOperation::kCreate,     FileOperation::kOpenForAppend, FileOperation::kWrite, FileOperation::kSync,
    FileOperation::kTruncate,   FileOperation::kRename,        FileOperation::kLink,  FileOperation::kRemove,
    FileOperation::kMakeFolder, FileOperation::kSyncFolder};

std::string_view FileOperationName(FileOperation operation);

class FaultyFileSystem final : public FileSystem {
 public:
  enum class Lasting { kOnce, kFromThenOn };

  // Counts from now on: the first call of the kind is number 1. `reason` is what the system would say.
  void FailAt(FileOperation operation, int nth, Lasting lasting = Lasting::kOnce,
              std::string reason = "No space left on device") KVICK_EXCLUDES(mutex_);
  void FailNothing() KVICK_EXCLUDES(mutex_);
  // Since FailAt.
  [[nodiscard]] bool has_failed() const KVICK_EXCLUDES(mutex_);
  // Of all calls of the kind since FailAt or FailNothing.
  [[nodiscard]] int CallCount(FileOperation operation) const KVICK_EXCLUDES(mutex_);

  Result<std::unique_ptr<OutputFile>> Create(const std::string& path) override;
  Result<std::unique_ptr<OutputFile>> OpenForAppend(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeFolder(const std::string& path) override;
  Status SyncFolder(const std::string& path) override;

 private:
  class File;
  // An error when this call is the one.
  Status Pass(FileOperation operation, const std::string& path) KVICK_EXCLUDES(mutex_);
  Result<std::unique_ptr<OutputFile>> Wrap(Result<std::unique_ptr<OutputFile>> file, const std::string& path);

  FileSystem& system_ = FileSystem::System();
  mutable Mutex mutex_;
  std::array<int, kFileOperations.size()> counts_ KVICK_GUARDED_BY(mutex_){};
  FileOperation operation_ KVICK_GUARDED_BY(mutex_) = FileOperation::kWrite;
  int nth_ KVICK_GUARDED_BY(mutex_) = 0;  // 0: nothing fails
  Lasting lasting_ KVICK_GUARDED_BY(mutex_) = Lasting::kOnce;
  std::string reason_ KVICK_GUARDED_BY(mutex_);
  bool has_failed_ KVICK_GUARDED_BY(mutex_) = false;
};

}  // namespace kvick
