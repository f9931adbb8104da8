// HyperLogLog on any bytes: what is refused is refused everywhere, what is accepted reads the same sparse and dense,
// and raising registers never leaves the value.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "containers/hyperloglog.h"

namespace {

using kvick::HyperLogLogEditor;
using kvick::HyperLogLogView;
using kvick::RegisterBytes;

void CheckWhole(std::string_view bytes) {
  const std::optional<HyperLogLogView> view = HyperLogLogView::FromBytes(bytes);
  KVICK_ASSERT(view.has_value());
  RegisterBytes registers{};
  const bool is_whole = view->RaiseInto(registers);
  const std::optional<uint64_t> count = view->EstimateCount();
  KVICK_ASSERT(is_whole == count.has_value());
  HyperLogLogEditor dense(std::string(bytes), 0);
  KVICK_ASSERT(dense.BecomeDense() == is_whole);
  if (!is_whole) return;
  const HyperLogLogView dense_view = *HyperLogLogView::FromBytes(dense.bytes());
  KVICK_ASSERT(dense_view.EstimateCount() == count);
  for (size_t i = 0; i < kvick::kRegisterCount; i += 1021) {
    KVICK_ASSERT(view->RegisterAt(i) == registers[i]);
    KVICK_ASSERT(dense_view.RegisterAt(i) == registers[i]);
  }
}

}  // namespace

// The first bytes choose the registers to raise, the rest is the value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoiceBytes = 12;
  if (size < kChoiceBytes) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + kChoiceBytes), size - kChoiceBytes);
  if (!HyperLogLogView::FromBytes(bytes)) return 0;
  CheckWhole(bytes);
  RegisterBytes before{};
  const bool is_whole = HyperLogLogView::FromBytes(bytes)->RaiseInto(before);
  HyperLogLogEditor editor(std::string(bytes), bytes.size() + 4);
  for (size_t i = 0; i < kChoiceBytes; i += 3) {
    const auto index = static_cast<uint32_t>((data[i] << 8 | data[i + 1]) % kvick::kRegisterCount);
    const auto value = static_cast<uint8_t>(data[i + 2] % (kvick::kRegisterHashBits + 1) + 1);
    const HyperLogLogEditor::Outcome outcome = editor.Raise({index, value});
    if (!is_whole) continue;
    KVICK_ASSERT((outcome == HyperLogLogEditor::Outcome::kRaised) == (before[index] < value));
    if (before[index] < value) before[index] = value;
  }
  CheckWhole(editor.bytes());
  if (is_whole) {
    RegisterBytes after{};
    KVICK_ASSERT(HyperLogLogView::FromBytes(editor.bytes())->RaiseInto(after));
    KVICK_ASSERT(after == before);
  }
  return 0;
}
