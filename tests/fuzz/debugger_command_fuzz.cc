// What clients say to the debugger of scripts: any bytes, cut anywhere, give the same commands as in one piece, and
// none that is larger than allowed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "scripting/debug_session.h"

namespace {

using kvick::DebugPort;

struct Outcome {
  std::vector<std::vector<std::string>> commands;
  bool is_bad = false;
};

void TakeAll(std::string* input, Outcome* outcome) {
  std::vector<std::string> words;
  while (!outcome->is_bad) {
    const size_t size_before = input->size();
    const DebugPort::Arrival arrival = kvick::TakeDebuggerCommand(input, &words);
    if (arrival == DebugPort::Arrival::kGone) return;
    outcome->is_bad = arrival == DebugPort::Arrival::kBadProtocol;
    if (outcome->is_bad) return;
    KVICK_ASSERT(input->size() < size_before && !words.empty() && words.size() <= 1024);
    for (const std::string& word : words) KVICK_ASSERT(!word.empty() && word.size() <= 1024);
    outcome->commands.push_back(words);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Outcome whole;
  std::string input(text);
  TakeAll(&input, &whole);
  Outcome pieces;
  std::string grown;
  const size_t cut = text.empty() ? 0 : data[0] % text.size();
  grown = text.substr(0, cut);
  TakeAll(&grown, &pieces);
  grown += text.substr(cut);
  TakeAll(&grown, &pieces);
  KVICK_ASSERT(whole.commands == pieces.commands && whole.is_bad == pieces.is_bad);
  return 0;
}
