// AofFolder: the folder of the append-only file: its manifest and where its files are.
//
//   AofFolder folder(FileSystem::System(), "appendonlydir", "appendonly.aof");
//   KVICK_ASSIGN_OR_RETURN(AofManifest manifest, folder.LoadManifest());
//   ... manifest.AddIncrement(folder.prefix()) ...
//   KVICK_RETURN_IF_ERROR(folder.SaveManifest(manifest));
//
// Thread rule: const methods may run together; who saves a manifest does so alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "persistence/aof_manifest.h"
#include "persistence/file_system.h"

namespace kvick {

class AofFolder {
 public:
  // `path` is appenddirname, `prefix` appendfilename.
  AofFolder(FileSystem& files, std::string path, std::string prefix)
      : files_(files), path_(std::move(path)), prefix_(std::move(prefix)) {}

  FileSystem& files() const { return files_; }
  const std::string& path() const { return path_; }
  const std::string& prefix() const { return prefix_; }
  // Where what is recorded goes while the first base is being written.
  std::string first_increment_name() const { return "temp-" + prefix_ + ".incr"; }
  std::string manifest_name() const { return prefix_ + ".manifest"; }
  std::string PathOf(std::string_view name) const { return path_ + "/" + std::string(name); }

  Status Make() const { return files_.MakeFolder(path_); }

  // Empty when there is none.
  Result<AofManifest> LoadManifest() const;
  // By a temporary file, so that there is always a whole one.
  Status SaveManifest(const AofManifest& manifest) const;

  // Servers before version 7 had a single file beside the folder. When there is such, and the folder does not say that
  // it was taken over already, it becomes the base.
  Status TakeOverSingleFile(AofManifest* manifest) const;

  // Of one of the files. The error is what is logged before the process gives up.
  Result<uint64_t> SizeOf(std::string_view name) const;
  Result<uint64_t> TotalSize(const AofManifest& manifest) const;

 private:
  FileSystem& files_;
  std::string path_;
  std::string prefix_;
};

}  // namespace kvick
