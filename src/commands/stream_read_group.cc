// Streams: reading as a consumer of a group: what nobody has read yet, what is the consumer's own, and what others have
// left lying.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "commands/families.h"
#include "commands/stream_access.h"
#include "commands/stream_read_request.h"

namespace kvick {
namespace {

// A call that waits for entries to become idle looks this often. The earliest moment is known, but what others claim
// meanwhile can bring it nearer.
constexpr int64_t kLookAgainMaxMs = 100;

// One stream of the request.
struct GroupRead {
  StreamValue* stream = nullptr;
  StreamGroup* group = nullptr;
  bool wants_new = false;  // ">"; otherwise what the consumer has pending behind `after`
  StreamId after;
};

Result<GroupRead> ResolveRead(CommandContext& context, const StreamReadRequest& request, size_t ordinal) {
  GroupRead read;
  KVICK_ASSIGN_OR_RETURN(read.stream, context.FindValueForWrite<StreamValue>(ordinal));
  if (read.stream != nullptr) read.group = read.stream->FindGroup(request.group);
  if (read.group == nullptr) {
    const Status status = errors::NoGroup(context.KeyName(ordinal), request.group);
    return Status::Error(std::string(status.text()) + " in XREADGROUP with GROUP option");
  }
  const std::string_view text = context.Arg(request.IdIndex(ordinal));
  if (text == "$") {
    return errors::Generic(
        "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
        "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.");
  }
  if (text == ">") {
    read.wants_new = true;
  } else {
    KVICK_ASSIGN_OR_RETURN(read.after, ParseExactStreamId(text));
    // Behind the last id there is nothing to be had, so it has always meant the same as ">".
    read.wants_new = read.after == StreamId::Max();
  }
  return read;
}

// Reads one stream into the reply.
class GroupReader {
 public:
  GroupReader(CommandContext& context, const StreamReadRequest& request, const GroupRead& read, size_t ordinal,
              StreamReadBudget& budget, StreamReadReply& reply)
      : context_(context),
        request_(request),
        stream_(*read.stream),
        group_(*read.group),
        consumer_(GetConsumer(context, ordinal, group_, request.group, request.consumer)),
        ordinal_(ordinal),
        budget_(budget),
        reply_(reply) {
    consumer_.seen_ms = context.now_ms();
  }
  ~GroupReader() { consumer_.NoteTimes(); }
  GroupReader(const GroupReader&) = delete;
  GroupReader& operator=(const GroupReader&) = delete;

  void ReadNew() {
    if (request_.claim_idle_ms) ClaimIdle();
    if (stream_.count() > 0 && group_.last_id < stream_.last_id()) Deliver();
    if (count_ == 0) return;
    consumer_.active_ms = context_.now_ms();
    reply_.EndStream();
  }

  // What the consumer has pending. Always in the reply, also when it is nothing.
  void ReadHistory(const StreamId& after) {
    reply_.BeginStream(context_.KeyName(ordinal_));
    const std::optional<StreamId> from = after.Next();
    auto at = from ? consumer_.pending.LowerBound(*from) : StreamIdTree<NoStreamValue>::Cursor();
    for (; at.is_valid() && count_ < request_.count_max; at.Next()) {
      const StreamId& id = at.id();
      const StreamCursor entry = Find(id);
      if (!(entry.is_valid() ? budget_.Take(entry) : budget_.TakeId())) break;
      ++count_;
      reply_.CountEntry();
      if (!entry.is_valid()) {
        context_.Reply().Array(2);
        ReplyStreamId(context_.Reply(), id);
        context_.Reply().NullArray();
        continue;
      }
      ReplyStreamEntry(context_.Reply(), entry);
      Assign(id, {context_.now_ms(), NextCount(group_.Find(id)->delivery_count)});
    }
    reply_.EndStream();
  }

 private:
  static int64_t NextCount(int64_t count) { return count == std::numeric_limits<int64_t>::max() ? count : count + 1; }

  StreamCursor Find(const StreamId& id) const {
    const StreamCursor at = stream_.entries().Seek(id);
    return at.is_valid() && at.id() == id ? at : StreamCursor();
  }

  void Assign(const StreamId& id, const StreamDelivery& delivery) {
    group_.Assign(id, consumer_, delivery);
    context_.Changed();
    LogPending(context_, ordinal_, request_.group, group_, consumer_, id, delivery);
  }

  // With CLAIM every entry tells for how long it was idle and how often it was delivered before.
  void Reply(const StreamCursor& entry, int64_t idle_ms, int64_t delivery_count) {
    if (count_++ == 0) reply_.BeginStream(context_.KeyName(ordinal_));
    reply_.CountEntry();
    if (!request_.claim_idle_ms) return ReplyStreamEntry(context_.Reply(), entry);
    context_.Reply().Array(4);
    ReplyStreamId(context_.Reply(), entry.id());
    ReplyStreamFields(context_.Reply(), entry);
    context_.Reply().Integer(idle_ms);
    context_.Reply().Integer(delivery_count);
  }

  void ClaimIdle() {
    const int64_t delivered_max = context_.now_ms() - *request_.claim_idle_ms;
    std::vector<StreamId> claimed;
    bool has_dropped = true;
    // Again after entries that are gone were dropped instead of delivered. What was just claimed may be met again.
    while (has_dropped && count_ < request_.count_max && budget_.count_left() > 0) {
      has_dropped = false;
      const size_t want = std::min(request_.count_max - count_, budget_.count_left());
      const size_t look = want > group_.pending_count() ? group_.pending_count() : want + claimed.size();
      std::sort(claimed.begin(), claimed.end());
      const auto round = static_cast<std::ptrdiff_t>(claimed.size());
      for (const StreamId& id : group_.LongestIdle(delivered_max, look)) {
        if (count_ == request_.count_max) return;
        if (std::binary_search(claimed.begin(), claimed.begin() + round, id)) continue;
        const StreamCursor entry = Find(id);
        if (!entry.is_valid()) {
          Drop(id);
          has_dropped = true;
          continue;
        }
        if (!budget_.Take(entry)) return;
        const PendingEntry pending = *group_.Find(id);
        Reply(entry, context_.now_ms() - pending.delivered_ms, pending.delivery_count);
        Assign(id, {context_.now_ms(), NextCount(pending.delivery_count)});
        claimed.push_back(id);
      }
    }
  }

  void Drop(const StreamId& id) {
    group_.Acknowledge(id);
    context_.Changed();
    context_.Effect({"XACK", context_.KeyName(ordinal_), request_.group, StreamIdText(id)});
  }

  void Deliver() {
    const std::optional<StreamId> from = group_.last_id.Next();
    if (!from) return;
    bool has_delivered = false;
    StreamCursor at = stream_.entries().Seek(*from);
    for (; count_ < request_.count_max && at.is_valid() && budget_.Take(at); at.Next()) {
      Reply(at, 0, 0);
      stream_.AdvanceGroup(group_, at.id());
      has_delivered = true;
      if (!request_.no_ack) Assign(at.id(), {context_.now_ms(), 1});
    }
    if (!has_delivered) return;
    context_.Changed();
    LogGroupPosition(context_, ordinal_, request_.group, group_);
  }

  CommandContext& context_;
  const StreamReadRequest& request_;
  StreamValue& stream_;
  StreamGroup& group_;
  StreamConsumer& consumer_;
  const size_t ordinal_;
  StreamReadBudget& budget_;
  StreamReadReply& reply_;
  size_t count_ = 0;
};

Status XReadGroup(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const StreamReadRequest request, ParseStreamRead(context, StreamReader::kInGroup));
  const CommandContext::KeyRange keys = context.ServableKeys(0, request.stream_count);
  std::vector<GroupRead> reads;
  reads.reserve(keys.last - keys.first);
  for (size_t i = keys.first; i < keys.last; ++i) {
    KVICK_ASSIGN_OR_RETURN(const GroupRead read, ResolveRead(context, request, i));
    reads.push_back(read);
  }

  StreamReadBudget budget(request);
  StreamReadReply reply(context.Reply(), request.stream_count);
  for (size_t i = keys.first; i < keys.last; ++i) {
    const GroupRead& read = reads[i - keys.first];
    GroupReader reader(context, request, read, i, budget, reply);
    read.wants_new ? reader.ReadNew() : reader.ReadHistory(read.after);
  }
  if (!reply.empty()) {
    reply.End();
    return Status::Ok();
  }
  if (!request.block_ms) {
    context.Reply().NullArray();
    return Status::Ok();
  }

  BlockRequest block{
      .awaited = ValueType::kStream, .timeout_ms = *request.block_ms, .waited_count = request.stream_count};
  block.minds_end = true;
  if (request.claim_idle_ms) {
    block.look_again_ms = context.now_ms() + kLookAgainMaxMs;
    for (const GroupRead& read : reads) {
      const std::optional<int64_t> earliest_ms = read.group->EarliestDeliveryMs();
      if (!earliest_ms || *earliest_ms > std::numeric_limits<int64_t>::max() - *request.claim_idle_ms) continue;
      block.look_again_ms = std::min(block.look_again_ms, *earliest_ms + *request.claim_idle_ms);
    }
  }
  return context.Block(block);
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XREADGROUP",
        .syntax = "<GROUP group consumer> [COUNT count] [MAXCOUNT maxcount] [MAXSIZE maxsize] [BLOCK milliseconds] "
                  "[CLAIM min-idle-time] [NOACK] <STREAMS key [key ...] id [id ...]>",
        .argument_notes =
            "group=group-block maxcount(integer)@8.10.0 maxsize(integer)@8.10.0 min-idle-time(integer)@8.4.0",
        .summary = "Returns entries of streams that no consumer of a group has got yet, or that are pending for the "
                   "consumer. Blocks until there are some otherwise.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant "
                      "(e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the "
                      "other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients "
                      "blocked on the stream getting new data.",
        .flags = kWrite | kBlocking | kMovableKeys,
        .categories = kAclStream,
        .keys = {KeysBehind("STREAMS", 4, 2, kKeyReadOnly | kKeyAccess)},
        .handler = XReadGroup,
    },
};

}  // namespace

std::span<const CommandSpec> StreamReadGroupCommands() { return kCommands; }

}  // namespace kvick
