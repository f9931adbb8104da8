// kvick-check-rdb: whether an RDB file is whole, and what it holds.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/version.h"
#include "net/socket.h"
#include "tools/check_rdb/check.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace {

void RegisterTypes() {
  kvick::RegisterArrayType();
  kvick::RegisterHashType();
  kvick::RegisterListType();
  kvick::RegisterSetType();
  kvick::RegisterSortedSetType();
  kvick::RegisterStreamType();
}

// Drawn over itself, and gone before anything else is printed.
void DrawProgress(uint64_t done_bytes, uint64_t total_bytes) {
  constexpr uint64_t kWidth = 40;
  const uint64_t filled = total_bytes == 0 ? kWidth : done_bytes * kWidth / total_bytes;
  const std::string bar = std::string(filled, '#') + std::string(kWidth - std::min(filled, kWidth), ' ');
  std::fprintf(stderr, "\r[%s] %3u%%", bar.c_str(),
               static_cast<unsigned>(done_bytes * 100 / std::max<uint64_t>(total_bytes, 1)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: %s <rdb-file-name>\n", argv[0]);
    return 1;
  }
  const std::string_view name = argv[1];
  if (name == "-v" || name == "--version") {
    std::printf("kvick-check-rdb %s\n", kvick::kKvickVersion);
    return 0;
  }
  std::printf("[offset 0] Checking RDB file %s\n", argv[1]);
  const kvick::FileDescriptor file(open(argv[1], O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (file.get() < 0 || fstat(file.get(), &facts) != 0) {
    std::perror(argv[1]);
    return 1;
  }
  const auto size = S_ISREG(facts.st_mode) ? static_cast<size_t>(facts.st_size) : 0;
  void* bytes = size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0) : nullptr;
  if (bytes == MAP_FAILED) {
    std::perror(argv[1]);
    return 1;
  }
  RegisterTypes();
  const bool is_terminal = isatty(STDOUT_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
  kvick::RdbCheck check;
  check.now_ms = kvick::SystemClock::Instance().NowMs();
  check.print = [is_terminal](std::string_view line) {
    if (is_terminal) std::fprintf(stderr, "\r\x1b[K");
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  };
  if (is_terminal) check.progress = DrawProgress;
  return kvick::CheckRdb({static_cast<const char*>(bytes), size}, check) ? 0 : 1;
}
