#include "engine/client_line.h"

#include <algorithm>
#include <string_view>

#include "engine/channels.h"
#include "engine/command_table.h"
#include "engine/fieldsets.h"
#include "engine/tracking.h"

namespace kvick {
namespace {

class FieldLine {
 public:
  void Field(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += ' ';
    text_ += name;
    text_ += '=';
    text_ += value;
  }
  void Number(std::string_view name, int64_t value) { Field(name, std::to_string(value)); }
  void Number(std::string_view name, uint64_t value) { Field(name, std::to_string(value)); }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string Flags(const Session& session) {
  std::string flags;
  if ((session.restrictions & Session::kMonitor) != 0) flags += 'O';
  if ((session.restrictions & Session::kSubscriber) != 0) flags += 'P';
  if ((session.restrictions & Session::kInTransaction) != 0) flags += 'x';
  if (session.is_waiting()) flags += 'b';
  if (const TrackingState* tracking = session.tracking.get()) {
    flags += 't';
    if (tracking->is_redirect_broken.load(std::memory_order_relaxed)) flags += 'R';
    if (tracking->options.broadcasts) flags += 'B';
  }
  if (session.transaction != nullptr && session.transaction->mark.touched.load(std::memory_order_relaxed)) flags += 'd';
  if (session.close_after_reply) flags += 'c';
  if (session.closing) flags += 'A';
  if (session.is_unix_socket) flags += 'U';
  if (session.no_evict) flags += 'e';
  if (session.no_touch) flags += 'T';
  return flags.empty() ? "N" : flags;
}

std::string Events(const SessionTransport::Usage& usage) {
  std::string events;
  if (usage.is_readable) events += 'r';
  if (usage.is_writable) events += 'w';
  return events;
}

int64_t SecondsSince(int64_t then_ms, int64_t now_ms) { return std::max<int64_t>(now_ms - then_ms, 0) / 1000; }

}  // namespace

std::string ClientLine(const Session& session, int64_t now_ms, size_t argument_bytes) {
  SessionTransport::Usage usage;
  if (session.transport != nullptr) usage = session.transport->MeasureUsage();
  FieldLine line;
  line.Number("id", session.id);
  line.Field("addr", session.address);
  line.Field("laddr", session.local_address);
  line.Number("fd", int64_t{session.fd});
  line.Field("name", session.name);
  line.Number("age", SecondsSince(session.connected_ms, now_ms));
  line.Number("idle", SecondsSince(session.last_active_ms, now_ms));
  line.Field("flags", Flags(session));
  line.Number("db", int64_t{session.database_index});
  const auto subscription_count = [&session](ChannelKind kind) {
    return uint64_t{session.subscriptions != nullptr ? session.subscriptions->count(kind) : 0};
  };
  line.Number("sub", subscription_count(ChannelKind::kChannel));
  line.Number("psub", subscription_count(ChannelKind::kPattern));
  line.Number("ssub", subscription_count(ChannelKind::kShardChannel));
  const Transaction* transaction = session.transaction.get();
  const bool is_queueing = (session.restrictions & Session::kInTransaction) != 0;
  line.Number("multi", is_queueing ? static_cast<int64_t>(transaction->queued.size()) : int64_t{-1});
  line.Number("watch", uint64_t{transaction != nullptr ? transaction->watched.size() : 0});
  const uint64_t multi_bytes = transaction != nullptr ? transaction->queued_bytes : 0;
  line.Number("qbuf", uint64_t{usage.query_bytes});
  line.Number("qbuf-free", uint64_t{usage.query_free_bytes});
  line.Number("argv-mem", uint64_t{usage.argument_bytes + argument_bytes});
  line.Number("multi-mem", multi_bytes);
  line.Number("rbs", uint64_t{usage.reply_buffer_bytes});
  line.Number("rbp", uint64_t{usage.reply_peak_bytes});
  line.Number("obl", uint64_t{usage.reply_buffer_used_bytes});
  line.Number("oll", uint64_t{usage.reply_list_count});
  line.Number("omem", uint64_t{usage.reply_list_bytes});
  const size_t fieldset_bytes = session.fieldsets != nullptr ? session.fieldsets->memory_bytes() : 0;
  line.Number("tot-mem", uint64_t{usage.total_memory_bytes + argument_bytes + multi_bytes + fieldset_bytes});
  line.Field("events", Events(usage));
  line.Field("cmd", session.last_command != nullptr ? std::string_view(session.last_command->name) : "NULL");
  line.Field("user", session.user);
  line.Number("redir", session.tracking != nullptr ? static_cast<int64_t>(session.tracking->options.redirect_id) : -1);
  line.Number("resp", int64_t{session.protocol});
  line.Field("lib-name", session.library_name);
  line.Field("lib-ver", session.library_version);
  line.Number("io-thread", int64_t{usage.thread_index});
  line.Number("tot-net-in", usage.input_bytes);
  line.Number("tot-net-out", usage.output_bytes);
  line.Number("tot-cmds", session.command_count);
  line.Number("read-events", usage.read_count);
  line.Number("parse-batch-cmd-sum", usage.parsed_command_count);
  line.Number("parse-batch-cnt", usage.parsed_batch_count);
  return line.Take();
}

}  // namespace kvick
