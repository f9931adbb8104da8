// TemplateLoading: while an RDB file is loaded that has no compact hashes, makes those of it compact that are of as
// many fields as hash-rdb-load-min-template-entries and -max-template-entries say; what turned out not to be shared by
// enough keys (hash-rdb-load-template-disassembly-threshold) is made ordinary again at the end.
//
// Any thread that loads may call MakeCompact; Finish is for one, when the others are done.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"
#include "persistence/rdb_value_reader.h"

namespace kvick {

class TemplateLoading {
 public:
  explicit TemplateLoading(const Settings& settings);

  bool is_on() const { return limits_.template_entries_min != 0 && !is_given_up_.load(std::memory_order_relaxed); }
  // The file has compact hashes: whoever wrote it has decided.
  void GiveUp() { is_given_up_.store(true, std::memory_order_relaxed); }
  // `value` was read as a value of this RDB type.
  void MakeCompact(uint8_t type, RdbValue* value);
  // Walks all keys if there may be anything to do.
  void Finish(Engine& engine);

 private:
  // With so many templates, most of which are rare, the data is not such that they help.
  static constexpr uint64_t kTemplatesBeforeDoubt = 1000;

  HashLimits limits_;
  const uint64_t keys_min_;
  std::atomic<bool> is_given_up_{false};
  std::atomic<uint64_t> compacted_count_{0};
};

}  // namespace kvick
