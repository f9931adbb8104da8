// StreamCheck goes through the commands of an append-only file and says where they cease to make sense, in the words of
// redis-check-aof.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvick {

class StreamCheck {
 public:
  enum class Outcome {
    kDone,         // at the end, or at a place that error() tells of
    kCutHere,      // what follows sound_end() was recorded after the last second
    kNothingLeft,  // all was
    kBadTimestamp,
  };

  // `name`: what errors call the file. `line`: counted on from file to file.
  StreamCheck(std::string_view bytes, std::string_view name, uint64_t* line)
      : bytes_(bytes), name_(name), line_(*line) {}

  // From `begin` on. `last_second`: 0 for no limit.
  Outcome Run(size_t begin, int64_t last_second);

  // Behind the last command or transaction that is whole.
  size_t sound_end() const { return sound_end_; }
  // A line of output, or empty.
  const std::string& error() const { return error_; }
  // Something stands there that is no command at all.
  bool has_format_error() const { return has_format_error_; }

 private:
  bool ReadCommand();
  bool ReadNumber(char prefix, int64_t* number);
  bool ReadText(int64_t size, std::string_view* text);
  bool NoteTransaction(std::string_view name);
  bool ExpectLineBreak(std::string_view rest);
  bool Fail(const std::string& text);

  const std::string_view bytes_;
  const std::string_view name_;
  uint64_t& line_;
  size_t at_ = 0;
  size_t reading_at_ = 0;  // where the number or text begins that was looked at last
  size_t sound_end_ = 0;
  int transaction_depth_ = 0;
  std::string error_;
  bool has_format_error_ = false;
};

}  // namespace kvick
