// KeyNotifications publishes what happens to keys, as notify-keyspace-events asks for:
//
//   K  __keyspace@0__:user:1             expire
//   E  __keyevent@0__:expire             user:1
//   S  __subkeyspace@0__:user:1          hset|4:name,3:age
//   T  __subkeyevent@0__:hset            6:user:1|4:name,3:age
//   I  __subkeyspaceitem@0__:user:1\nname  hset
//   V  __subkeyspaceevent@0__:hset|user:1  4:name,3:age
//
// It is the engine's change sink only while some class and some kind of channel is asked for. Its fields change in
// exclusive moments; its methods are called under stripes' locks.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "engine/engine.h"
#include "engine/hooks.h"

namespace kvick {

class KeyNotifications final : public ChangeSink {
 public:
  explicit KeyNotifications(Engine& engine) : engine_(engine) {}

  // In an exclusive moment, or before executors run: reads the setting, and becomes the change sink or ceases to be it.
  void Configure();

  void OnKeyEvent(int database_index, KeyEventClass event_class, std::string_view event, std::string_view key) override;
  void OnPartsEvent(int database_index, KeyEventClass event_class, std::string_view event, std::string_view key,
                    std::span<const std::string_view> parts) override;

 private:
  [[nodiscard]] bool Has(char letter) const { return letters_[static_cast<unsigned char>(letter) % letters_.size()]; }

  Engine& engine_;
  std::array<bool, 128> letters_{};
};

}  // namespace kvick
