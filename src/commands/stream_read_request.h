// The arguments of XREAD and XREADGROUP, and how much a reply may hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "commands/stream_access.h"

namespace kvick {

struct StreamReadRequest {
  std::string_view group;  // XREADGROUP
  std::string_view consumer;
  size_t count_max = std::numeric_limits<size_t>::max();        // of each stream
  size_t total_count_max = std::numeric_limits<size_t>::max();  // of all
  size_t total_bytes_max = std::numeric_limits<size_t>::max();
  std::optional<int64_t> block_ms;
  std::optional<int64_t> claim_idle_ms;
  bool no_ack = false;
  size_t first_key = 0;  // index of the argument
  size_t stream_count = 0;

  size_t IdIndex(size_t ordinal) const { return first_key + stream_count + ordinal; }
};

enum class StreamReader : bool { kAlone, kInGroup };
Result<StreamReadRequest> ParseStreamRead(CommandContext& context, StreamReader reader);

// Counts what goes into a reply against what may.
class StreamReadBudget {
 public:
  explicit StreamReadBudget(const StreamReadRequest& request)
      : count_left_(request.total_count_max),
        bytes_left_(request.total_bytes_max),
        counts_bytes_(request.total_bytes_max != std::numeric_limits<size_t>::max()) {}

  size_t count_left() const { return count_left_; }
  // Takes one entry more, if it still fits; the first one always does.
  bool Take(const StreamCursor& entry);
  // The same for one of which only the id is told.
  bool TakeId();

 private:
  bool TakeBytes(size_t size_bytes);

  size_t count_left_;
  size_t bytes_left_;
  const bool counts_bytes_;
  bool is_first_ = true;
};

// The reply of both commands, written as it is found out: streams without entries are not in it.
class StreamReadReply {
 public:
  StreamReadReply(ReplyWriter& reply, size_t stream_count_max) : reply_(reply), stream_count_max_(stream_count_max) {}

  bool empty() const { return stream_count_ == 0; }
  // Begins a stream, whose entries follow.
  void BeginStream(std::string_view key);
  void CountEntry() { ++entry_count_; }
  void EndStream();
  void End();

 private:
  ReplyWriter& reply_;
  const size_t stream_count_max_;
  OutputBuffer::Hole streams_ = 0;
  OutputBuffer::Hole entries_ = 0;
  size_t stream_count_ = 0;
  size_t entry_count_ = 0;
};

}  // namespace kvick
