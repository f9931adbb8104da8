// Commands in protocol form, put together piece by piece, and commands of many elements cut into several.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"

namespace kvick {

inline void AppendCommandHead(std::string* out, size_t word_count) {
  char text[kInt64TextMax];
  out->push_back('*');
  out->append(text, FormatUint64(word_count, text));
  out->append("\r\n");
}

inline void AppendCommandWord(std::string* out, std::string_view word) {
  char text[kInt64TextMax];
  out->push_back('$');
  out->append(text, FormatUint64(word.size(), text));
  out->append("\r\n");
  out->append(word);
  out->append("\r\n");
}

inline void AppendCommand(std::string* out, std::initializer_list<std::string_view> words) {
  AppendCommandHead(out, words.size());
  for (const std::string_view word : words) AppendCommandWord(out, word);
}

// "NAME key element ...": a new command after every 64 elements, whatever number of words an element has.
//
//   CommandBatch batch("ZADD", key, 2, count, &out);
//   for each: batch.Add(score); batch.Add(member);
class CommandBatch {
 public:
  static constexpr size_t kElementsMax = 64;

  // All words will be there: `element_count` times `words_per_element`.
  CommandBatch(std::string_view name, std::string_view key, size_t words_per_element, size_t element_count,
               std::string* out)
      : name_(name), key_(key), words_per_element_(words_per_element), left_count_(element_count), out_(out) {}

  void Add(std::string_view word) {
    if (words_left_ == 0) Begin();
    AppendCommandWord(out_, word);
    --words_left_;
  }

 private:
  void Begin() {
    const size_t count = left_count_ < kElementsMax ? left_count_ : kElementsMax;
    left_count_ -= count;
    words_left_ = count * words_per_element_;
    AppendCommandHead(out_, 2 + words_left_);
    AppendCommandWord(out_, name_);
    AppendCommandWord(out_, key_);
  }

  const std::string_view name_;
  const std::string_view key_;
  const size_t words_per_element_;
  size_t left_count_;
  size_t words_left_ = 0;
  std::string* const out_;
};

}  // namespace kvick
