#include "base/program_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kvick {
namespace {

// Only what nobody could have written to: tables that are relocated at the start lie in writable segments, also where
// they are protected afterwards.
int ReleaseConstants(dl_phdr_info* object, size_t /*size*/, void* /*context*/) {
  const auto page_bytes = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const ElfW(Addr) begin = (object->dlpi_addr + segment.p_vaddr) & ~(page_bytes - 1);
    const ElfW(Addr) end = object->dlpi_addr + segment.p_vaddr + segment.p_filesz;
    // Fails, which does no harm, where there is no file behind it.
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT(performance-no-int-to-ptr)
  }
  return 0;
}

}  // namespace

// The loader keeps its lock meanwhile: no library comes or goes.
void ReleaseProgramPages() { dl_iterate_phdr(ReleaseConstants, nullptr); }

}  // namespace kvick
