#include "server/memory_check.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

namespace kvick {
namespace {

TEST(MemoryCheckTest, FindsNothingInGoodMemory) {
  std::vector<uint64_t> memory(4096);
  EXPECT_EQ(CountMemoryErrors(memory.data(), memory.size(), 1), 0u);
}

// One page seen at two addresses is memory whose address lines are joined: a write through one changes the other.
TEST(MemoryCheckTest, FindsMemoryThatIsTheSameAtTwoAddresses) {
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int file = memfd_create("memory_check_test", 0);
  ASSERT_GE(file, 0);
  ASSERT_EQ(ftruncate(file, static_cast<off_t>(page_bytes)), 0);
  auto* space = static_cast<char*>(mmap(nullptr, 2 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (const size_t offset : {size_t{0}, page_bytes}) {
    ASSERT_NE(mmap(space + offset, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0), MAP_FAILED);
  }
  EXPECT_GT(CountMemoryErrors(reinterpret_cast<uint64_t*>(space), 2 * page_bytes / sizeof(uint64_t), 1), 0u);
  munmap(space, 2 * page_bytes);
  close(file);
}

}  // namespace
}  // namespace kvick
