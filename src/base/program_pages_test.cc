#include "base/program_pages.h"

#include <gtest/gtest.h>

#include <fstream>

namespace kvick {
namespace {

// Resident pages that belong to files, as /proc/self/statm counts them.
int64_t FilePages() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  int64_t of_files = 0;
  statm >> total >> resident >> of_files;
  return of_files;
}

TEST(ProgramPagesTest, LetsGoOfMostAndGoesOnRunning) {
  const int64_t before = FilePages();
  ReleaseProgramPages();
  EXPECT_LT(FilePages(), before);
}

}  // namespace
}  // namespace kvick
