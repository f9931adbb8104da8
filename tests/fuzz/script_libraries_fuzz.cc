// What scripts decode: JSON, MessagePack, packed structs, and payloads and texts of functions. Nothing crashes, what a
// decoder takes can be written and read again, and the replies can be read.
//
//   input = which rest    ; which: 1OCTET, chooses one of kScripts
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"
#include "base/crc64.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/local_client.h"
#include "resp/reply_decoder.h"
#include "scripting/function_payload.h"
#include "server/features.h"

using namespace kvick;

namespace {

// Each is run with the input as ARGV[1], and answers whether all is well. What cannot be written again, such as numbers
// that JSON does not have, is no defect.
constexpr std::string_view kScripts[] = {
    R"(local ok, value = pcall(cjson.decode, ARGV[1])
       if not ok then return 1 end
       local written, text = pcall(cjson.encode, value)
       if not written then return 1 end
       return pcall(cjson.decode, text) and 1 or 0)",
    R"(local ok, value = pcall(cmsgpack.unpack, ARGV[1])
       if not ok then return 1 end
       local written, text = pcall(cmsgpack.pack, value)
       if not written then return 1 end
       -- What is nested too deep is written as nil, which is no key of a table.
       local read, problem = pcall(cmsgpack.unpack, text)
       return (read or string.find(tostring(problem), 'index is nil')) and 1 or 0)",
    R"(pcall(cmsgpack.unpack_one, ARGV[1], 1) pcall(cmsgpack.unpack_limit, ARGV[1], 2, 0) return 1)",
    // The first line is the format.
    R"(local format, bytes = string.match(ARGV[1], '^([^\n]*)\n(.*)$')
       if not format then return 1 end
       pcall(struct.size, format)
       pcall(struct.unpack, format, bytes)
       pcall(struct.pack, format, 1, -2, 3.5, 'abc', 5, 6, 7, 8)
       return 1)",
    R"(for _, name in ipairs({'tobit', 'bnot', 'bswap', 'tohex'}) do pcall(bit[name], tonumber(ARGV[1]) or ARGV[1]) end
       pcall(bit.lshift, tonumber(ARGV[1]), #ARGV[1]) return 1)",
};

std::string Execute(std::initializer_list<std::string_view> words) {
  static Settings settings;
  static Engine* engine = [] {
    SetLogLevel(LogLevel::kNothing);
    settings.databases = 1;
    auto* made = new Engine(&settings, SystemClock::Instance());
    RegisterFeatures(*made);
    return made;
  }();
  static auto* client = new LocalClient(*engine);
  std::string reply = client->Execute(words);
  ReplyDecoder decoder;
  decoder.Feed(reply);
  Result<std::optional<Value>> read = decoder.Next();
  KVICK_ASSERT(read.ok() && *read && decoder.idle());
  return reply;
}

// The checksum is made right: who sends a payload can do so as well.
void RestoreFunctions(std::string_view libraries) {
  std::string payload(libraries);
  payload.append({'\x0a', '\0'});
  uint64_t sum = Crc64(payload, 0);
  for (int i = 0; i < 8; ++i, sum >>= 8) payload.push_back(static_cast<char>(sum));
  const Result<std::vector<std::string>> texts = DecodeFunctionPayload(payload);
  if (!texts.ok()) return;
  const std::vector<std::string_view> views(texts->begin(), texts->end());
  for (const bool compresses : {false, true}) {
    const Result<std::vector<std::string>> again = DecodeFunctionPayload(EncodeFunctionPayload(views, compresses));
    KVICK_ASSERT(again.ok() && *again == *texts);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t which = data[0] % (std::size(kScripts) + 2);
  if (which < std::size(kScripts)) {
    KVICK_ASSERT(Execute({"EVAL", kScripts[which], "0", rest}) == ":1\r\n");
  } else if (which == std::size(kScripts)) {
    RestoreFunctions(rest);
  } else {
    Execute({"FUNCTION", "LOAD", rest});
    Execute({"FUNCTION", "LIST", "WITHCODE"});
    Execute({"FUNCTION", "FLUSH", "SYNC"});
  }
  return 0;
}
