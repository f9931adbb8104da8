// FileSystem: the operations on files by which data is kept, in one place, so that tests can make each of them fail.
//
//   KVICK_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, files.Create("temp-1.rdb"));
//   KVICK_RETURN_IF_ERROR(file->Write(bytes));
//   KVICK_RETURN_IF_ERROR(file->Sync());
//   KVICK_RETURN_IF_ERROR(files.Rename("temp-1.rdb", "dump.rdb"));   // and syncs the folder
//
// Errors are texts like "Failed opening ... : Permission denied": what failed, and the system's reason.
// Thread rule: a FileSystem may be used by several threads, an OutputFile by one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "persistence/byte_sink.h"

namespace kvick {

// A file open for writing at its end.
class OutputFile : public ByteSink {
 public:
  ~OutputFile() override = default;
  // Hands everything written to the disk (fdatasync).
  virtual Status Sync() = 0;
  // Cuts the file.
  virtual Status Truncate(uint64_t size) = 0;
  // What Write has taken, from the beginning of the file: after an error, with what was written of the last bytes.
  virtual uint64_t size() const = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Makes the file, or empties it.
  virtual Result<std::unique_ptr<OutputFile>> Create(const std::string& path) = 0;
  // Opens the file for writing behind its end; makes it when there is none.
  virtual Result<std::unique_ptr<OutputFile>> OpenForAppend(const std::string& path) = 0;
  // Replaces `to`, and syncs the folder, so that the new name outlives a power loss.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Link(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  // Fine when there is one.
  virtual Status MakeFolder(const std::string& path) = 0;
  virtual Status SyncFolder(const std::string& path) = 0;

  // The system's. Other ones are given by tests.
  static FileSystem& System();
};

// The last part of such an error, which is the system's: "Permission denied".
std::string_view SystemReason(const Status& status);

}  // namespace kvick
