#include "persistence/stream_commands.h"

#include "base/numbers.h"
#include "persistence/command_text.h"

namespace kvick {
namespace {

std::string Text(int64_t number) { return std::to_string(number); }

void AppendEntries(std::string_view key, const StreamValue& stream, std::string* out) {
  for (StreamCursor at = stream.entries().Seek(StreamId::Min()); at.is_valid(); at.Next()) {
    AppendCommandHead(out, 3 + at.field_count() * 2);
    AppendCommandWord(out, "XADD");
    AppendCommandWord(out, key);
    AppendCommandWord(out, StreamIdText(at.id()));
    char text[kInt64TextMax];
    at.ForEachField([&](const ListpackValue& field, const ListpackValue& value) {
      AppendCommandWord(out, field.Text(text));
      AppendCommandWord(out, value.Text(text));
    });
  }
  // A stream without entries is made by one that is removed at once.
  if (stream.count() == 0) AppendCommand(out, {"XADD", key, "MAXLEN", "0", "0-1", "x", "y"});
  AppendCommand(
      out, {"XSETID", key, StreamIdText(stream.last_id()), "ENTRIESADDED",
            Text(static_cast<int64_t>(stream.added_count())), "MAXDELETEDID", StreamIdText(stream.max_deleted_id())});
}

void AppendGroup(std::string_view key, std::string_view name, const StreamGroup& group, std::string* out) {
  AppendCommand(out,
                {"XGROUP", "CREATE", key, name, StreamIdText(group.last_id), "ENTRIESREAD", Text(group.read_count)});
  for (const auto& [consumer_name, consumer] : group.consumers()) {
    if (consumer->pending.count() == 0) AppendCommand(out, {"XGROUP", "CREATECONSUMER", key, name, consumer_name});
  }
  for (auto at = group.Seek(StreamId::Min()); at.is_valid(); at.Next()) {
    const PendingEntry pending = group.Read(at);
    if (pending.consumer == nullptr) continue;
    AppendCommand(out, {"XCLAIM", key, name, pending.consumer->name, "0", StreamIdText(at.id()), "TIME",
                        Text(pending.delivered_ms), "RETRYCOUNT", Text(pending.delivery_count), "JUSTID", "FORCE"});
  }
  // Those that were given back, in the order in which that was done: before all times.
  for (const StreamId& id : group.LongestIdle(-1, group.returned_count())) {
    const auto pending = group.Find(id);
    if (!pending || pending->consumer != nullptr) continue;
    AppendCommand(out, {"XNACK", key, name, "FAIL", "IDS", "1", StreamIdText(id), "RETRYCOUNT",
                        Text(pending->delivery_count), "FORCE"});
  }
}

void AppendIdempotence(std::string_view key, const StreamIdempotence& known, std::string* out) {
  AppendCommand(out, {"XCFGSET", key, "IDMP-DURATION", Text(known.limits().duration_s), "IDMP-MAXSIZE",
                      Text(known.limits().names_max)});
  known.ForEach([&](std::string_view producer, std::string_view name, const StreamId& id, int64_t /*recorded_ms*/) {
    AppendCommand(out, {"XIDMPRECORD", key, producer, name, StreamIdText(id)});
  });
}

}  // namespace

void AppendStreamCommands(std::string_view key, const StreamValue& stream, std::string* out) {
  AppendEntries(key, stream, out);
  if (const StreamIdempotence* known = stream.FindIdempotence()) AppendIdempotence(key, *known, out);
  for (const auto& [name, group] : stream.groups()) AppendGroup(key, name, *group, out);
}

}  // namespace kvick
