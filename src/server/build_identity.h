// Which build this is, for --version, the log and INFO.
#pragma once

#include <string>

namespace kvick {

// As in packages of distributions: the commit is not compiled in, BuildId tells builds apart.
inline constexpr char kSourceCommit[] = "00000000";

// Hexadecimal digits that differ between any two builds with different code: from the linker's build id.
std::string BuildId();

// The allocator that this process uses: "jemalloc-5.3.0", "libc".
std::string AllocatorName();

}  // namespace kvick
