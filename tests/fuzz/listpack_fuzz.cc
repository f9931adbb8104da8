// Listpacks from outside: whatever passes the deep check is walked in both directions without leaving its bytes, and
// survives being changed. The first byte chooses the change.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "containers/listpack.h"

using kvick::Listpack;
using kvick::ListpackView;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  std::optional<Listpack> pack = Listpack::FromBytes(bytes);
  if (!pack) return 0;

  std::vector<Listpack::Position> positions;
  size_t text_bytes = 0;
  for (auto at = pack->First(); at != Listpack::kNone; at = pack->Next(at)) {
    positions.push_back(at);
    text_bytes += pack->Get(at).text_size();
  }
  KVICK_ASSERT(positions.size() == pack->count());
  KVICK_ASSERT(text_bytes <= size * kvick::kInt64TextMax);
  auto at = pack->Last();
  for (size_t i = positions.size(); i-- > 0; at = pack->Previous(at)) KVICK_ASSERT(at == positions[i]);
  KVICK_ASSERT(at == Listpack::kNone);

  if (positions.empty()) {
    pack->Append("1000");
  } else {
    const Listpack::Position chosen = positions[data[0] / 4u % positions.size()];
    switch (data[0] % 4) {
      case 0: pack->Replace(chosen, "a longer text than most"); break;
      case 1: pack->Erase(chosen); break;
      case 2: pack->InsertBefore(chosen, "-70000"); break;
      default: pack->AppendAll(pack->SplitAt(chosen));
    }
  }
  KVICK_ASSERT(ListpackView::IsValid(pack->bytes(), ListpackView::Check::kDeep));
  return 0;
}
