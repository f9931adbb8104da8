#include "tools/benchmark/workload.h"

#include <string_view>
#include <utility>

namespace kvick::benchmark {
namespace {

struct Test {
  std::string_view name;
  std::string_view title;
  std::vector<std::string> words;
};

std::vector<std::string> MSetWords() {
  std::vector<std::string> words = {"MSET"};
  for (int i = 0; i < 10; ++i) words.insert(words.end(), {"key:__rand_int__", "__data__"});
  return words;
}

std::vector<std::string> LRangeWords(const char* last) { return {"LRANGE", "mylist", "0", last}; }

const std::vector<Test>& Tests() {
  static const auto* const tests = new std::vector<Test>{
      {"ping_mbulk", "PING_MBULK", {"PING"}},
      {"set", "SET", {"SET", "key:__rand_int__", "__data__"}},
      {"get", "GET", {"GET", "key:__rand_int__"}},
      {"incr", "INCR", {"INCR", "counter:__rand_int__"}},
      {"lpush", "LPUSH", {"LPUSH", "mylist", "__data__"}},
      {"rpush", "RPUSH", {"RPUSH", "mylist", "__data__"}},
      {"lpop", "LPOP", {"LPOP", "mylist"}},
      {"rpop", "RPOP", {"RPOP", "mylist"}},
      {"sadd", "SADD", {"SADD", "myset", "element:__rand_int__"}},
      {"hset", "HSET", {"HSET", "myhash", "element:__rand_int__", "__data__"}},
      {"spop", "SPOP", {"SPOP", "myset"}},
      {"zadd", "ZADD", {"ZADD", "myzset", "__rand_int__", "element:__rand_int__"}},
      {"zpopmin", "ZPOPMIN", {"ZPOPMIN", "myzset"}},
      {"lrange_100", "LRANGE_100 (first 100 elements)", LRangeWords("99")},
      {"lrange_300", "LRANGE_300 (first 300 elements)", LRangeWords("299")},
      {"lrange_500", "LRANGE_500 (first 500 elements)", LRangeWords("499")},
      {"lrange_600", "LRANGE_600 (first 600 elements)", LRangeWords("599")},
      {"mset", "MSET (10 keys)", MSetWords()},
      {"xadd", "XADD", {"XADD", "mystream", "*", "myfield", "__data__"}},
  };
  return *tests;
}

const Test* FindTest(std::string_view name) {
  for (const Test& test : Tests()) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

// Random letters and digits rather than one repeated character: a server that compresses must not look better.
std::string MakeData(uint64_t size_bytes, uint64_t seed) {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  Random random(seed);
  std::string data(size_bytes, ' ');
  for (char& c : data) c = kLetters[random.Below(kLetters.size())];
  return data;
}

uint64_t KeyCount(const Options& options) { return options.key_count == 0 ? 1 : options.key_count; }

KeyNumbers NumbersOf(const Options& options) {
  if (options.keys_in_order) return KeyNumbers::InSequence(0);
  return options.each_key_once ? KeyNumbers::EachOnce(KeyCount(options))
                               : KeyNumbers::Randomly(options.seed, KeyCount(options));
}

}  // namespace

Result<Workload> Workload::Make(const std::string& test, const Options& options) {
  const std::string data = MakeData(options.data_size_bytes, options.seed);
  Workload made(test, options.request_count, NumbersOf(options), options.seed + 1);

  const std::vector<std::string> set_words = FindTest("set")->words;
  if (test == "ping_inline") {
    made.title_ = "PING_INLINE";
    made.kinds_.push_back({RequestTemplate::Raw("PING\r\n"), 1});
  } else if (test == "mixed") {
    made.title_ =
        "MIXED (" + std::to_string(options.mixed_writes) + " SET : " + std::to_string(options.mixed_reads) + " GET)";
    made.kinds_.push_back({RequestTemplate::Make(set_words, data), options.mixed_writes});
    made.kinds_.push_back({RequestTemplate::Make(FindTest("get")->words, data), options.mixed_reads});
  } else if (test == "fill") {
    made.title_ = "FILL";
    made.request_count_ = KeyCount(options);
    made.numbers_ = KeyNumbers::InSequence(0);
    std::vector<std::string> words = set_words;
    if (options.ttl_seconds > 0) words.insert(words.end(), {"EX", std::to_string(options.ttl_seconds)});
    made.kinds_.push_back({RequestTemplate::Make(words, data), 1});
  } else if (const Test* const known = FindTest(test)) {
    made.title_ = known->title;
    made.kinds_.push_back({RequestTemplate::Make(known->words, data), 1});
  } else {
    return Status::Error("no test is named '" + test + "'; try --help");
  }
  for (const Kind& kind : made.kinds_) made.weight_sum_ += kind.weight;
  return made;
}

Result<std::vector<Workload>> Workload::MakeAll(const Options& options) {
  std::vector<Workload> made;
  if (!options.custom.empty()) {
    std::string title;
    for (const std::string& word : options.custom) title += (title.empty() ? "" : " ") + word;
    Workload workload(title, options.request_count, NumbersOf(options), options.seed + 1);
    const std::string data = MakeData(options.data_size_bytes, options.seed);
    workload.kinds_.push_back({RequestTemplate::Make(options.custom, data), 1});
    workload.weight_sum_ = 1;
    made.push_back(std::move(workload));
    return made;
  }
  std::vector<std::string> names = options.tests;
  if (names.empty()) {
    names.emplace_back("ping_inline");
    for (const Test& test : Tests()) names.emplace_back(test.name);
  }
  bool list_is_filled = false;
  for (const std::string& name : names) {
    if (name.starts_with("lrange_") && !list_is_filled) {
      KVICK_ASSIGN_OR_RETURN(Workload fill, Make("lpush", options));
      fill.title_ = "LPUSH (needed to benchmark LRANGE)";
      made.push_back(std::move(fill));
      list_is_filled = true;
    }
    KVICK_ASSIGN_OR_RETURN(Workload workload, Make(name, options));
    made.push_back(std::move(workload));
  }
  return made;
}

void Workload::AppendRequest(std::string& out) {
  if (kinds_.size() == 1) {
    kinds_[0].request.AppendTo(out, numbers_);
    return;
  }
  uint64_t drawn = choice_.Below(weight_sum_);
  for (const Kind& kind : kinds_) {
    if (drawn < kind.weight) {
      kind.request.AppendTo(out, numbers_);
      return;
    }
    drawn -= kind.weight;
  }
}

}  // namespace kvick::benchmark
