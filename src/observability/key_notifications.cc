#include "observability/key_notifications.h"

#include <string>

#include "observability/features.h"

namespace kvick {
namespace {

constexpr std::string_view kAllClasses = "g$lshzxetda";
constexpr std::string_view kEveryLetter = "g$lshzxetdanmocKESTIV";

std::string Channel(std::string_view kind, int database_index, std::string_view rest) {
  std::string channel = "__" + std::string(kind) + "@" + std::to_string(database_index) + "__:";
  channel += rest;
  return channel;
}

void AppendSized(std::string* text, std::string_view bytes) {
  *text += std::to_string(bytes.size());
  *text += ':';
  *text += bytes;
}

}  // namespace

void KeyNotifications::Configure() {
  const std::string& setting = engine_.settings().notify_keyspace_events;
  const bool has_all = setting.find('A') != std::string::npos;
  letters_.fill(false);
  for (const char letter : kEveryLetter) {
    const bool is_in_all = has_all && kAllClasses.find(letter) != std::string_view::npos;
    letters_[static_cast<unsigned char>(letter)] = is_in_all || setting.find(letter) != std::string::npos;
  }
  bool tells = false;
  for (const char letter : std::string_view("KESTIV")) tells = tells || Has(letter);
  engine_.hooks.change_sink = tells ? this : nullptr;
}

void KeyNotifications::OnKeyEvent(int database_index, KeyEventClass event_class, std::string_view event,
                                  std::string_view key) {
  if (!Has(static_cast<char>(event_class))) return;
  Channels& channels = engine_.channels();
  if (!channels.has_subscribers()) return;
  if (Has('K')) channels.Publish(ChannelKind::kChannel, Channel("keyspace", database_index, key), event);
  if (Has('E')) channels.Publish(ChannelKind::kChannel, Channel("keyevent", database_index, event), key);
}

void KeyNotifications::OnPartsEvent(int database_index, KeyEventClass event_class, std::string_view event,
                                    std::string_view key, std::span<const std::string_view> parts) {
  if (parts.empty() || !Has(static_cast<char>(event_class))) return;
  Channels& channels = engine_.channels();
  if (!channels.has_subscribers()) return;
  std::string list;
  for (const std::string_view part : parts) {
    if (!list.empty()) list += ',';
    AppendSized(&list, part);
  }
  const auto publish = [&](std::string_view kind, std::string_view rest, std::string_view message) {
    channels.Publish(ChannelKind::kChannel, Channel(kind, database_index, rest), message);
  };
  // A separator within a name would make these ambiguous.
  const bool has_plain_event = event.find('|') == std::string_view::npos;
  if (Has('S') && has_plain_event) publish("subkeyspace", key, std::string(event) + "|" + list);
  if (Has('T')) {
    std::string message;
    AppendSized(&message, key);
    publish("subkeyevent", event, message + "|" + list);
  }
  if (Has('I') && key.find('\n') == std::string_view::npos) {
    for (const std::string_view part : parts) {
      publish("subkeyspaceitem", std::string(key) + "\n" + std::string(part), event);
    }
  }
  if (Has('V') && has_plain_event) publish("subkeyspaceevent", std::string(event) + "|" + std::string(key), list);
}

void AttachKeyNotifications(Engine& engine) {
  KeyNotifications& notifications = engine.Attach<KeyNotifications>(engine);
  engine.options().OnChange({"notify-keyspace-events"}, [&notifications] {
    notifications.Configure();
    return Status::Ok();
  });
  notifications.Configure();
}

}  // namespace kvick
