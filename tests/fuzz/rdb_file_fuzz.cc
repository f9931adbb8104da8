// Whole RDB files: cut in one piece and in small ones with the same result, and loaded as far as they are sound.
//
// The engine is made once, and this thread decodes: an engine and a thread for each input cost many times what the
// input does, and make runs that do not repeat.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/log.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "persistence/rdb_file_reader.h"
#include "persistence/rdb_loader.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

using namespace kvick;

namespace {

// Gives a few bytes at a time, and does not know how many there are: a socket.
class TrickleSource final : public ByteSource {
 public:
  explicit TrickleSource(std::string_view bytes) : source_(bytes) {}
  Result<size_t> Read(char* buffer, size_t capacity) override {
    return source_.Read(buffer, std::min<size_t>(capacity, 7));
  }
  uint64_t total_bytes() const override { return 0; }

 private:
  StringSource source_;
};

bool RegisterTypes() {
  SetLogLevel(LogLevel::kNothing);
  RegisterArrayType();
  RegisterHashType();
  RegisterListType();
  RegisterSetType();
  RegisterSortedSetType();
  RegisterStreamType();
  return true;
}

struct Cut {
  size_t record_count = 0;
  size_t record_bytes = 0;
  size_t item_count = 0;
  bool is_whole = false;
};

Cut CutAll(ByteSource* source) {
  Cut cut;
  RdbFileReader reader(source, {.verifies_checksum = false});
  if (!reader.ReadHeader().ok()) return cut;
  while (true) {
    RdbBatch batch;
    const Result<RdbItem> item = reader.Next(&batch);
    if (!item.ok()) return cut;
    cut.record_count += batch.records.size();
    for (const RdbBatch::Record& record : batch.records) cut.record_bytes += batch.BytesOf(record).size();
    if (item->kind != RdbItem::Kind::kNone) ++cut.item_count;
    if (item->kind == RdbItem::Kind::kEnd) break;
  }
  cut.is_whole = true;
  return cut;
}

// What is loaded goes into it, and is taken away after each input: what is still there when the program ends would be
// taken for leaked, since a table's pointers are of six bytes.
Engine& LoadedEngine() {
  static Settings* settings = [] {
    auto* made = new Settings;
    made->databases = 2;
    return made;
  }();
  static auto* engine = new Engine(settings, SystemClock::Instance());
  return *engine;
}

void Empty(Engine& engine) {
  for (int i = 0; i < engine.database_count(); ++i) {
    if (engine.database(i).EntryCount() > 0) engine.database(i).TakeContents();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_registered = RegisterTypes();
  KVICK_ASSERT(is_registered);
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  StringSource whole(file);
  const Cut cut = CutAll(&whole);
  TrickleSource trickle(file);
  const Cut trickled = CutAll(&trickle);
  KVICK_ASSERT(cut.is_whole == trickled.is_whole);
  if (cut.is_whole) {
    KVICK_ASSERT(cut.record_count == trickled.record_count && cut.record_bytes == trickled.record_bytes);
    KVICK_ASSERT(cut.item_count == trickled.item_count);
  }
  Engine& engine = LoadedEngine();
  RdbLoadProgress progress;
  StringSource source(file);
  const Result<RdbLoaded> loaded = LoadRdb(engine, &source, {.worker_count = 0, .verifies_checksum = false}, &progress);
  if (loaded.ok()) KVICK_ASSERT(cut.is_whole);
  Empty(engine);
  return 0;
}
