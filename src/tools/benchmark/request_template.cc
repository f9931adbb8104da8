#include "tools/benchmark/request_template.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace kvick::benchmark {
namespace {

constexpr std::string_view kRandomMark = "__rand_int__";
constexpr std::string_view kShortRandomMark = "__rand_6__";
constexpr std::string_view kDataMark = "__data__";
constexpr size_t kNumberDigits = 12;
constexpr size_t kShortNumberDigits = 6;

// Three digits at a time: half the cost of a request at deep pipelines is here.
constexpr auto kThreeDigits = [] {
  struct Table {
    char digits[1000][3];
  } table{};
  for (int i = 0; i < 1000; ++i) {
    table.digits[i][0] = static_cast<char>('0' + i / 100);
    table.digits[i][1] = static_cast<char>('0' + i / 10 % 10);
    table.digits[i][2] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

// `count` is a multiple of three.
void WriteDigits(uint64_t number, size_t count, char* out) {
  for (size_t at = count; at > 0; at -= 3) {
    std::memcpy(out + at - 3, kThreeDigits.digits[number % 1000], 3);
    number /= 1000;
  }
}

// Steps of about these parts of the bound visit it evenly and in no order that shows.
constexpr double kStepParts[] = {0.6180339887, 0.4142135624, 0.7320508076, 0.2360679775};

}  // namespace

KeyNumbers KeyNumbers::EachOnce(uint64_t bound) {
  KeyNumbers made(Order::kEachOnce, 0, bound);
  for (const double part : kStepParts) {
    auto step = std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(bound) * part));
    while (std::gcd(step, bound) != 1) ++step;
    made.walks_.push_back({step % bound, 0});
  }
  return made;
}

uint64_t KeyNumbers::Next(size_t mark) {
  if (order_ == Order::kRandom) return random_.Below(bound_);
  if (order_ == Order::kSequence) return next_++;
  Walk& walk = walks_[mark % walks_.size()];
  const uint64_t number = walk.at;
  walk.at = (walk.at + walk.step) % bound_;
  return number;
}

// Writes a word as it will be sent. Only marks of the word count, not those that the data happens to contain.
std::string RequestTemplate::Expand(std::string_view word, std::string_view data, std::vector<Place>* numbers) {
  std::string text;
  while (!word.empty()) {
    size_t mark_size = 1;
    if (word.starts_with(kDataMark)) {
      mark_size = kDataMark.size();
      text += data;
    } else if (word.starts_with(kRandomMark) || word.starts_with(kShortRandomMark)) {
      const bool is_short = word.starts_with(kShortRandomMark);
      mark_size = is_short ? kShortRandomMark.size() : kRandomMark.size();
      numbers->push_back({text.size(), is_short ? kShortNumberDigits : kNumberDigits});
      text.append(numbers->back().digit_count, '0');
    } else {
      text += word[0];
    }
    word.remove_prefix(mark_size);
  }
  return text;
}

RequestTemplate RequestTemplate::Make(const std::vector<std::string>& words, std::string_view data) {
  RequestTemplate made;
  made.bytes_ = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    std::vector<Place> numbers;
    const std::string text = Expand(word, data, &numbers);
    made.bytes_ += "$" + std::to_string(text.size()) + "\r\n";
    for (const Place& place : numbers) made.numbers_.push_back({made.bytes_.size() + place.offset, place.digit_count});
    made.bytes_ += text;
    made.bytes_ += "\r\n";
  }
  return made;
}

RequestTemplate RequestTemplate::Raw(std::string bytes) {
  RequestTemplate made;
  made.bytes_ = std::move(bytes);
  return made;
}

void RequestTemplate::AppendTo(std::string& out, KeyNumbers& numbers) const {
  const size_t start = out.size();
  out.append(bytes_);
  for (size_t mark = 0; mark < numbers_.size(); ++mark) {
    WriteDigits(numbers.Next(mark), numbers_[mark].digit_count, out.data() + start + numbers_[mark].offset);
  }
}

}  // namespace kvick::benchmark
