#include "tools/check_aof/rdb_preamble.h"

#include <string>

#include "persistence/byte_source.h"
#include "persistence/rdb_file_reader.h"

namespace kvick {

std::optional<uint64_t> CheckRdbPreamble(std::string_view bytes, std::string_view name,
                                         const std::function<void(std::string_view)>& print) {
  const auto say = [&print](uint64_t offset, const std::string& text) {
    print("[offset " + std::to_string(offset) + "] " + text + "\n");
  };
  say(0, "Checking RDB file " + std::string(name));
  StringSource source(bytes);
  RdbFileReader reader(&source, {});
  const auto fail = [&](const Status& status) {
    print("--- RDB ERROR DETECTED ---\n");
    say(reader.position(), std::string(status.text()));
    return std::nullopt;
  };
  if (const Status status = reader.ReadHeader(); !status.ok()) return fail(status);
  uint64_t key_count = 0;
  while (true) {
    RdbBatch batch;
    const Result<RdbItem> item = reader.Next(&batch);
    if (!item.ok()) return fail(item.status());
    key_count += batch.records.size();
    if (item->kind == RdbItem::Kind::kAux)
      say(reader.position(), "AUX FIELD " + item->name + " = '" + item->value + "'");
    if (item->kind == RdbItem::Kind::kEnd) break;
  }
  const uint64_t end = reader.position();
  if (reader.has_checksum()) say(end, "Checksum OK");
  say(end, "\\o/ RDB looks OK! \\o/");
  print("[info] " + std::to_string(key_count) + " keys read\n");
  return end;
}

}  // namespace kvick
