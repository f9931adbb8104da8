// BufferedFileSink gathers small writes to a file, and hands the file to the disk piece by piece, so that the sync at
// the end does not take long and does not make others wait.
//
//   BufferedFileSink sink(std::move(file), {.sync_every_bytes = 4 << 20});
//   KVICK_RETURN_IF_ERROR(sink.Write(bytes));
//   KVICK_RETURN_IF_ERROR(sink.Finish());
//
// One thread at a time, but for Cancel.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "persistence/file_system.h"

namespace kvick {

class BufferedFileSink final : public ByteSink {
 public:
  // `sync_every_bytes`: 0 syncs at the end only.
  BufferedFileSink(std::unique_ptr<OutputFile> file, uint64_t sync_every_bytes)
      : file_(std::move(file)), sync_every_bytes_(sync_every_bytes) {}

  Status Write(std::string_view bytes) override {
    if (is_cancelled_.load(std::memory_order_relaxed)) return Status::Error("cancelled");
    buffer_.append(bytes);
    return buffer_.size() < kBufferBytes ? Status::Ok() : Flush();
  }

  // Everything is on the disk.
  Status Finish() {
    KVICK_RETURN_IF_ERROR(Flush());
    return file_->Sync();
  }

  // Any thread: the next write fails.
  void Cancel() { is_cancelled_.store(true, std::memory_order_relaxed); }

  [[nodiscard]] uint64_t size() const { return file_->size() + buffer_.size(); }

 private:
  static constexpr size_t kBufferBytes = size_t{128} * 1024;

  Status Flush() {
    KVICK_RETURN_IF_ERROR(file_->Write(buffer_));
    unsynced_bytes_ += buffer_.size();
    buffer_.clear();
    if (sync_every_bytes_ == 0 || unsynced_bytes_ < sync_every_bytes_) return Status::Ok();
    unsynced_bytes_ = 0;
    return file_->Sync();
  }

  const std::unique_ptr<OutputFile> file_;
  const uint64_t sync_every_bytes_;
  std::string buffer_;
  uint64_t unsynced_bytes_ = 0;
  std::atomic<bool> is_cancelled_{false};
};

}  // namespace kvick
