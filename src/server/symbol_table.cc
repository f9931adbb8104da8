#include "server/symbol_table.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

namespace kvick {
namespace {

using Header = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

constexpr std::string_view kAnonymousNamespace = "_GLOBAL__N_1";

int ReadLoadAddress(dl_phdr_info* info, size_t /*size*/, void* address) {
  *static_cast<uintptr_t*>(address) = info->dlpi_addr;
  return 1;  // the program itself comes first
}

// A number and so many characters, as names are written in mangled names; null when there is none.
const char* ReadNamePart(const char* at, std::string_view* part) {
  size_t length = 0;
  while (*at >= '0' && *at <= '9') length = length * 10 + static_cast<size_t>(*at++ - '0');
  if (length == 0 || std::strlen(at) < length) return nullptr;
  *part = {at, length};
  return at + length;
}

class Text {
 public:
  Text(char* out, size_t size) : out_(out), size_(size) { out_[0] = '\0'; }
  void Add(std::string_view part) {
    for (const char c : part) {
      if (length_ + 1 < size_) out_[length_++] = c;
    }
    out_[length_] = '\0';
  }
  bool empty() const { return length_ == 0; }

 private:
  char* out_;
  size_t size_;
  size_t length_ = 0;
};

}  // namespace

bool SymbolTable::Open() {
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat information {};
  void* mapped = MAP_FAILED;
  if (fstat(fd, &information) == 0 && static_cast<size_t>(information.st_size) > sizeof(Header)) {
    mapped = mmap(nullptr, static_cast<size_t>(information.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  }
  close(fd);
  if (mapped == MAP_FAILED) return false;
  const auto size = static_cast<size_t>(information.st_size);
  const auto* file = static_cast<const char*>(mapped);
  const auto* header = reinterpret_cast<const Header*>(file);
  if (header->e_shoff == 0 || header->e_shoff + size_t{header->e_shnum} * sizeof(Section) > size) return false;
  const auto* sections = reinterpret_cast<const Section*>(file + header->e_shoff);
  for (size_t i = 0; i < header->e_shnum; ++i) {
    const Section& section = sections[i];
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= header->e_shnum) continue;
    const Section& names = sections[section.sh_link];
    if (section.sh_offset + section.sh_size > size || names.sh_offset + names.sh_size > size) return false;
    symbols_ = file + section.sh_offset;
    symbol_count_ = section.sh_size / sizeof(Symbol);
    names_ = file + names.sh_offset;
    names_size_ = names.sh_size;
    break;
  }
  dl_iterate_phdr(ReadLoadAddress, &load_address_);
  return symbols_ != nullptr;
}

// Linear: a few thousand symbols for a few dozen addresses, once in a life.
SymbolTable::Function SymbolTable::Find(uintptr_t address) const {
  const auto* symbols = static_cast<const Symbol*>(symbols_);
  const uintptr_t wanted = address - load_address_;
  for (size_t i = 0; i < symbol_count_; ++i) {
    const Symbol& symbol = symbols[i];
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_name >= names_size_) continue;
    if (wanted < symbol.st_value || wanted - symbol.st_value >= symbol.st_size) continue;
    return {names_ + symbol.st_name, wanted - symbol.st_value};
  }
  return {};
}

// Itanium mangling, the part that names: _Z <length><name>, or _ZN [K] (<length><name>)+ ... E.
void WriteReadableName(const char* name, char* out, size_t out_size) {
  Text text(out, out_size);
  const char* at = name;
  if (std::strncmp(at, "_Z", 2) == 0) {
    at += 2;
    if (*at == 'N') ++at;
    while (*at == 'K' || *at == 'V') ++at;
    std::string_view part;
    while ((at = ReadNamePart(at, &part)) != nullptr) {
      if (!text.empty()) text.Add("::");
      text.Add(part == kAnonymousNamespace ? "(anonymous namespace)" : part);
    }
  }
  if (text.empty()) text.Add(name);
}

}  // namespace kvick
