// ReplacedFile: a file whose contents are exchanged in one step. What is written goes into a file beside it, which
// takes its place when all of it is on the disk; a crash leaves the old one or the new one.
//
//   ReplacedFile file(path);
//   const bool is_done = file.is_open() && file.Write(text) && file.SetMode(0644) && file.Sync() && file.Replace();
//
// Each step is false, with errno set, when it failed; then the old file stays, and no other. Blocks on the disk.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace kvick {

class ReplacedFile {
 public:
  explicit ReplacedFile(std::string path);
  ~ReplacedFile();
  ReplacedFile(const ReplacedFile&) = delete;
  ReplacedFile& operator=(const ReplacedFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  bool Write(std::string_view text);
  bool SetMode(mode_t mode);
  bool Sync();
  bool Replace();

 private:
  const std::string path_;
  std::string temporary_path_;
  int descriptor_;
  bool is_renamed_ = false;
};

}  // namespace kvick
