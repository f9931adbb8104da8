#include "server/build_identity.h"

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstring>

// Weak: the sanitizers bring an allocator of their own, and then this is null.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value, size_t new_size)
    __attribute__((weak));

namespace kvick {
namespace {

constexpr size_t kBuildIdBytes = 8;

size_t AlignNote(size_t size) { return (size + 3) / 4 * 4; }

// Appends the digits of the first build id among the notes of a segment.
void ReadBuildId(const char* notes, size_t size, std::string* digits) {
  while (size >= sizeof(ElfW(Nhdr)) && digits->empty()) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes, sizeof(header));
    const size_t content_at = sizeof(header) + AlignNote(header.n_namesz);
    const size_t total = content_at + AlignNote(header.n_descsz);
    if (total > size) return;
    if (header.n_type == NT_GNU_BUILD_ID && header.n_descsz >= kBuildIdBytes) {
      static constexpr char kDigits[] = "0123456789abcdef";
      for (size_t i = 0; i < kBuildIdBytes; ++i) {
        const auto byte = static_cast<unsigned char>(notes[content_at + i]);
        *digits += kDigits[byte >> 4];
        *digits += kDigits[byte & 15];
      }
    }
    notes += total;
    size -= total;
  }
}

int ReadProgramNotes(dl_phdr_info* info, size_t /*size*/, void* digits) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    ReadBuildId(reinterpret_cast<const char*>(info->dlpi_addr + segment.p_vaddr), segment.p_memsz,
                static_cast<std::string*>(digits));
  }
  return 1;  // the program itself comes first, its libraries do not matter
}

}  // namespace

std::string BuildId() {
  std::string digits;
  dl_iterate_phdr(ReadProgramNotes, &digits);
  return digits.empty() ? "0000000000000000" : digits;
}

std::string AllocatorName() {
  const char* version = nullptr;
  size_t size = sizeof(version);
  if (mallctl == nullptr || mallctl("version", &version, &size, nullptr, 0) != 0) return "libc";
  return "jemalloc-" + std::string(version, std::strcspn(version, "-"));
}

}  // namespace kvick
