// ReplyCounter counts the complete replies in a stream of bytes without building them: a load generator must cost
// less than the server it loads. Knows every RESP2 and RESP3 type by its length rule alone. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kvick::benchmark {

class ReplyCounter {
 public:
  // Takes the next bytes of the stream, cut anywhere, and returns how many replies they completed.
  uint64_t Feed(std::string_view bytes);

  // Replies that were errors, also inside of others, and the first one's text.
  uint64_t error_count() const { return error_count_; }
  const std::string& first_error() const { return first_error_; }
  // True once the stream was no RESP; nothing is counted from then on.
  bool is_broken() const { return is_broken_; }

 private:
  // `line` is without its end. Returns true when it completed a reply.
  bool TakeLine(std::string_view line);
  bool CompleteElement();

  uint64_t awaited_elements_ = 0;  // of the reply being read; 0 between replies
  uint64_t skipped_bytes_ = 0;     // of a bulk and its line end, still to come
  std::string partial_line_;
  uint64_t error_count_ = 0;
  std::string first_error_;
  bool is_broken_ = false;
};

}  // namespace kvick::benchmark
