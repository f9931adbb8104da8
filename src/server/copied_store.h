// CopiedStore: an engine of its own that begins with what another one has, key by key as they are asked for. Scripts
// are debugged on it (scripting/debug_store.h).
//
// Each key is copied as it is when it is first reached, under its stripe's lock and as the bytes of DUMP. What walks
// the keyspace gets all keys, up to a limit, because they are held twice.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "config/settings.h"
#include "engine/engine.h"
#include "engine/executor.h"
#include "scripting/debug_store.h"

namespace kvick {

class CopiedStore final : public DebugStore {
 public:
  // What all copies of a store may weigh, as bytes of DUMP.
  static constexpr uint64_t kCopiedBytesMax = uint64_t{256} << 20;

  static std::unique_ptr<DebugStore> Make(Executor& reader);
  // `reader` belongs to the calling thread, and is between batches whenever this is used.
  explicit CopiedStore(Executor& reader, uint64_t copied_bytes_max = kCopiedBytesMax);

  Executor& executor() override { return *executor_; }
  Status BringKeys(std::span<const DeclaredKey> keys) override;
  Status BringEverything() override;

 private:
  // A key as it is in the other engine.
  struct Copy {
    bool exists = false;
    std::string payload;
    int64_t expiry_ms = 0;
    uint32_t access = 0;
  };

  static Settings SettingsFor(Executor& reader);
  Status Bring(int database_index, const KeyRef& key);
  Copy Read(int database_index, const KeyRef& key);
  Status Insert(int database_index, const KeyRef& key, const Copy& copy);
  Status BringStripe(int database_index, size_t stripe_index);

  Executor& reader_;
  const uint64_t copied_bytes_max_;
  Settings settings_;
  Engine engine_;
  std::unique_ptr<Executor> executor_;
  std::set<std::pair<int, std::string>> brought_;
  uint64_t copied_bytes_ = 0;
  bool has_everything_ = false;
};

}  // namespace kvick
