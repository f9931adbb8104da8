#include "commands/stream_read_request.h"

#include <algorithm>

namespace kvick {
namespace {

Result<int64_t> ParseBlockMs(CommandContext& context, size_t index) {
  const Result<int64_t> timeout_ms = context.IntegerArg(index);
  if (!timeout_ms.ok()) return errors::Generic("timeout is not an integer or out of range");
  if (*timeout_ms < 0) return errors::Generic("timeout is negative");
  return *timeout_ms;
}

Result<size_t> ParsePositive(CommandContext& context, size_t index, std::string_view name) {
  KVICK_ASSIGN_OR_RETURN(const int64_t value, context.IntegerArg(index));
  if (value <= 0) return errors::Generic(std::string(name) + " must be a positive integer");
  return static_cast<size_t>(value);
}

Status OnlyForGroups(std::string_view option) {
  return errors::Generic("The " + std::string(option) +
                         " option is only supported by XREADGROUP. You called XREAD instead.");
}

Status ParseStreams(CommandContext& context, size_t first_key, StreamReadRequest* request) {
  const size_t rest = context.argument_count() - first_key;
  if (rest % 2 != 0) {
    return errors::Generic("Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
  }
  request->first_key = first_key;
  request->stream_count = rest / 2;
  return Status::Ok();
}

}  // namespace

Result<StreamReadRequest> ParseStreamRead(CommandContext& context, StreamReader reader) {
  const bool in_group = reader == StreamReader::kInGroup;
  StreamReadRequest request;
  bool has_group = false;
  int64_t count = 0;
  for (size_t i = 1; i < context.argument_count() && request.stream_count == 0; ++i) {
    const size_t rest = context.argument_count() - i - 1;
    if (rest >= 1 && context.ArgIs(i, "BLOCK")) {
      KVICK_ASSIGN_OR_RETURN(request.block_ms, ParseBlockMs(context, ++i));
    } else if (rest >= 1 && context.ArgIs(i, "COUNT")) {
      KVICK_ASSIGN_OR_RETURN(count, context.IntegerArg(++i));
      if (count > 0) request.count_max = static_cast<size_t>(count);
    } else if (rest >= 1 && context.ArgIs(i, "MAXCOUNT")) {
      KVICK_ASSIGN_OR_RETURN(request.total_count_max, ParsePositive(context, ++i, "MAXCOUNT"));
    } else if (rest >= 1 && context.ArgIs(i, "MAXSIZE")) {
      KVICK_ASSIGN_OR_RETURN(request.total_bytes_max, ParsePositive(context, ++i, "MAXSIZE"));
    } else if (rest >= 1 && context.ArgIs(i, "STREAMS")) {
      KVICK_RETURN_IF_ERROR(ParseStreams(context, i + 1, &request));
    } else if (rest >= 2 && context.ArgIs(i, "GROUP")) {
      if (!in_group) return OnlyForGroups("GROUP");
      request.group = context.Arg(i + 1);
      request.consumer = context.Arg(i + 2);
      has_group = true;
      i += 2;
    } else if (context.ArgIs(i, "NOACK")) {
      if (!in_group) return OnlyForGroups("NOACK");
      request.no_ack = true;
    } else if (rest >= 1 && context.ArgIs(i, "CLAIM")) {
      if (!in_group) return OnlyForGroups("CLAIM");
      KVICK_ASSIGN_OR_RETURN(const int64_t idle_ms, context.IntegerArg(++i));
      if (idle_ms < 0) return errors::Generic("min-idle-time must be a non-negative integer");
      request.claim_idle_ms = idle_ms;
    } else {
      return errors::Syntax();
    }
  }
  if (request.stream_count == 0) return errors::Syntax();
  if (in_group && !has_group) return errors::Generic("Missing GROUP option for XREADGROUP");
  if (count > 0 && request.total_count_max < request.count_max) {
    return errors::Generic("MAXCOUNT must be greater than or equal to COUNT");
  }
  return request;
}

bool StreamReadBudget::Take(const StreamCursor& entry) {
  if (!counts_bytes_) return TakeBytes(0);
  // As it is sent: each text with a header of some bytes.
  constexpr size_t kTextOverhead = 8;
  size_t size_bytes = StreamId::kTextMax;
  entry.ForEachField([&size_bytes](const ListpackValue& field, const ListpackValue& value) {
    size_bytes += field.text_size() + value.text_size() + 2 * kTextOverhead;
  });
  return TakeBytes(size_bytes);
}

bool StreamReadBudget::TakeId() { return TakeBytes(StreamId::kTextMax); }

bool StreamReadBudget::TakeBytes(size_t size_bytes) {
  if (count_left_ == 0) return false;
  if (counts_bytes_) {
    if (size_bytes > bytes_left_ && !is_first_) return false;
    bytes_left_ -= std::min(size_bytes, bytes_left_);
    is_first_ = false;
  }
  --count_left_;
  return true;
}

void StreamReadReply::BeginStream(std::string_view key) {
  if (stream_count_max_ > 1) {
    if (stream_count_ == 0) streams_ = reply_.Begin();
  } else {
    reply_.is_resp3() ? reply_.Map(1) : reply_.Array(1);
  }
  ++stream_count_;
  entry_count_ = 0;
  if (!reply_.is_resp3()) reply_.Array(2);
  reply_.Bulk(key);
  entries_ = reply_.Begin();
}

void StreamReadReply::EndStream() { reply_.End(entries_, ReplyWriter::Aggregate::kArray, entry_count_); }

void StreamReadReply::End() {
  if (stream_count_max_ == 1 || stream_count_ == 0) return;
  reply_.End(streams_, reply_.is_resp3() ? ReplyWriter::Aggregate::kMap : ReplyWriter::Aggregate::kArray,
             stream_count_);
}

}  // namespace kvick
