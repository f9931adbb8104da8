#include "support/faulty_file_system.h"

#include <utility>

namespace kvick {

std::string_view FileOperationName(FileOperation operation) {
  static constexpr std::array<std::string_view, kFileOperations.size()> kNames = {
      "create", "open", "write", "sync", "truncate", "rename", "link", "remove", "make folder", "sync folder"};
  return kNames[static_cast<size_t>(operation)];
}

class FaultyFileSystem::File final : public OutputFile {
 public:
  File(FaultyFileSystem* owner, std::string path, std::unique_ptr<OutputFile> file)
      : owner_(owner), path_(std::move(path)), file_(std::move(file)) {}

  Status Write(std::string_view bytes) override {
    if (Status status = owner_->Pass(FileOperation::kWrite, path_); !status.ok()) {
      KVICK_RETURN_IF_ERROR(file_->Write(bytes.substr(0, bytes.size() / 2)));
      return status;
    }
    return file_->Write(bytes);
  }
  Status Sync() override {
    KVICK_RETURN_IF_ERROR(owner_->Pass(FileOperation::kSync, path_));
    return file_->Sync();
  }
  Status Truncate(uint64_t size) override {
    KVICK_RETURN_IF_ERROR(owner_->Pass(FileOperation::kTruncate, path_));
    return file_->Truncate(size);
  }
  [[nodiscard]] uint64_t size() const override { return file_->size(); }

 private:
  FaultyFileSystem* const owner_;
  const std::string path_;
  const std::unique_ptr<OutputFile> file_;
};

void FaultyFileSystem::FailAt(FileOperation operation, int nth, Lasting lasting, std::string reason) {
  const MutexLock lock(mutex_);
  counts_ = {};
  has_failed_ = false;
  operation_ = operation;
  nth_ = nth;
  lasting_ = lasting;
  reason_ = std::move(reason);
}

void FaultyFileSystem::FailNothing() { FailAt(FileOperation::kWrite, 0); }

bool FaultyFileSystem::has_failed() const {
  const MutexLock lock(mutex_);
  return has_failed_;
}

int FaultyFileSystem::CallCount(FileOperation operation) const {
  const MutexLock lock(mutex_);
  return counts_[static_cast<size_t>(operation)];
}

Status FaultyFileSystem::Pass(FileOperation operation, const std::string& path) {
  const MutexLock lock(mutex_);
  const int count = ++counts_[static_cast<size_t>(operation)];
  if (operation != operation_ || nth_ == 0 || count < nth_) return Status::Ok();
  if (count > nth_ && lasting_ == Lasting::kOnce) return Status::Ok();
  has_failed_ = true;
  return Status::Error("Failed to " + std::string(FileOperationName(operation)) + " " + path + ": " + reason_);
}

Result<std::unique_ptr<OutputFile>> FaultyFileSystem::Wrap(Result<std::unique_ptr<OutputFile>> file,
                                                           const std::string& path) {
  if (!file.ok()) return file.status();
  return std::unique_ptr<OutputFile>(std::make_unique<File>(this, path, std::move(file).value()));
}

Result<std::unique_ptr<OutputFile>> FaultyFileSystem::Create(const std::string& path) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kCreate, path));
  return Wrap(system_.Create(path), path);
}

Result<std::unique_ptr<OutputFile>> FaultyFileSystem::OpenForAppend(const std::string& path) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kOpenForAppend, path));
  return Wrap(system_.OpenForAppend(path), path);
}

Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kRename, to));
  return system_.Rename(from, to);
}

Status FaultyFileSystem::Link(const std::string& from, const std::string& to) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kLink, to));
  return system_.Link(from, to);
}

Status FaultyFileSystem::Remove(const std::string& path) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kRemove, path));
  return system_.Remove(path);
}

Status FaultyFileSystem::MakeFolder(const std::string& path) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kMakeFolder, path));
  return system_.MakeFolder(path);
}

Status FaultyFileSystem::SyncFolder(const std::string& path) {
  KVICK_RETURN_IF_ERROR(Pass(FileOperation::kSyncFolder, path));
  return system_.SyncFolder(path);
}

}  // namespace kvick
