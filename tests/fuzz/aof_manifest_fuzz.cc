// Manifests: what is read, written and read again is the same; what is refused says why.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "persistence/aof_manifest.h"

using kvick::AofManifest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto manifest = AofManifest::Parse({reinterpret_cast<const char*>(data), size});
  if (!manifest.ok()) {
    KVICK_ASSERT(!manifest.status().text().empty());
    return 0;
  }
  const std::string text = manifest->Format();
  if (text.empty()) return 0;  // nothing but comments
  const auto again = AofManifest::Parse(text);
  // A name whose quoted form is longer than a line is the one thing that does not come back.
  if (!again.ok()) {
    KVICK_ASSERT(again.status().text().find("too long line") != std::string_view::npos);
    return 0;
  }
  KVICK_ASSERT(*again == *manifest);
  return 0;
}
