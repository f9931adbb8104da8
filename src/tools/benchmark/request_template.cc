#include "tools/benchmark/request_template.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kvick::benchmark {
namespace {

constexpr std::string_view kRandomMark = "__rand_int__";
constexpr std::string_view kDataMark = "__data__";
constexpr size_t kNumberDigits = 12;
static_assert(kRandomMark.size() == kNumberDigits);

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

void WriteTwelveDigits(uint64_t number, char* out) {
  for (int group = 3; group >= 0; --group) {
    const char* digits = kThreeDigits.digits[number % 1000];
    out[group * 3] = digits[0];
    out[group * 3 + 1] = digits[1];
    out[group * 3 + 2] = digits[2];
    number /= 1000;
  }
}

std::string ReplaceAll(std::string text, std::string_view mark, std::string_view replacement) {
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + replacement.size())) {
    text.replace(at, mark.size(), replacement);
  }
  return text;
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

RequestTemplate RequestTemplate::Make(const std::vector<std::string>& words, std::string_view data) {
  RequestTemplate made;
  made.bytes_ = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    const std::string text = ReplaceAll(word, kDataMark, data);
    made.bytes_ += "$" + std::to_string(text.size()) + "\r\n";
    // Only marks of the word count, not those that the data happens to contain.
    if (word.find(kRandomMark) != std::string::npos) {
      for (size_t at = text.find(kRandomMark); at != std::string::npos; at = text.find(kRandomMark, at + 1)) {
        made.number_offsets_.push_back(made.bytes_.size() + at);
      }
    }
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
  for (size_t mark = 0; mark < number_offsets_.size(); ++mark) {
    WriteTwelveDigits(numbers.Next(mark), out.data() + start + number_offsets_[mark]);
  }
}

}  // namespace kvick::benchmark
