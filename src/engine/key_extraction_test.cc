// The shapes of key specs that commands have, and every spec of the reference with arguments at random.
#include "engine/key_extraction.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "support/threads.h"

namespace kvick {
namespace {

using Json = nlohmann::json;

// Holds a row and what CommandTable makes of its keys.
struct Shape {
  explicit Shape(const KeySpecs& keys) : spec{.name = "X", .keys = keys} {
    command.spec = &spec;
    for (const KeySpec& key : spec.keys) command.key_spec_count += key.exists() ? 1 : 0;
  }
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;

  CommandSpec spec;
  Command command;
};

std::vector<std::string_view> Words(const std::string& line) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(std::string_view(line).substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// The keys joined by blanks; "refused" when the arguments contradict the specs.
std::string KeysOf(const KeySpecs& keys, const std::string& line) {
  const Shape shape(keys);
  const std::vector<std::string_view> words = Words(line);
  std::vector<KeyPosition> positions;
  if (!ExtractKeys(shape.command, words, &positions)) return positions.empty() ? "refused" : "refused with keys";
  std::string text;
  for (const KeyPosition& position : positions) {
    if (!text.empty()) text += ' ';
    text += words[position.argument_index];
  }
  return text;
}

KeySpec Keyword(std::string_view keyword, int start_from) {
  KeySpec spec;
  spec.begin = KeySpec::Begin::kKeyword;
  spec.begin_keyword = keyword;
  spec.begin_index = start_from;
  return spec;
}

TEST(KeyExtractionTest, OneKey) {
  EXPECT_EQ(KeysOf({OneKey(1, 0)}, "GET a"), "a");
  EXPECT_EQ(KeysOf({OneKey(2, 0)}, "OBJECT ENCODING a"), "a");
}

TEST(KeyExtractionTest, AllArguments) {
  EXPECT_EQ(KeysOf({KeyRange(1, -1, 1, 0)}, "DEL a b c"), "a b c");
  EXPECT_EQ(KeysOf({KeyRange(1, -2, 1, 0)}, "BLPOP a b 0"), "a b");
}

TEST(KeyExtractionTest, EverySecondArgument) {
  EXPECT_EQ(KeysOf({KeyRange(1, -1, 2, 0)}, "MSET a 1 b 2"), "a b");
  EXPECT_EQ(KeysOf({KeyRange(1, -1, 2, 0)}, "MSET a 1 b"), "a b") << "the handler answers the missing value";
}

TEST(KeyExtractionTest, ACountBeforeTheKeys) {
  const KeySpecs eval = {CountedKeys(2, 0)};
  EXPECT_EQ(KeysOf(eval, "EVAL script 2 a b c"), "a b");
  EXPECT_EQ(KeysOf(eval, "EVAL script 0 a"), "");
  EXPECT_EQ(KeysOf(eval, "EVAL script 4 a b c"), "refused");
  EXPECT_EQ(KeysOf(eval, "EVAL script -1 a"), "refused");
  EXPECT_EQ(KeysOf(eval, "EVAL script x a"), "refused");
  EXPECT_EQ(KeysOf(eval, "EVAL script 9223372036854775807 a"), "refused");
  EXPECT_EQ(KeysOf(eval, "EVAL script"), "refused");
  EXPECT_EQ(KeysOf({CountedKeys(1, 0, 2)}, "MSETEX 2 a 1 b 2 NX"), "a b");
  EXPECT_EQ(KeysOf({CountedKeys(1, 0, 2)}, "MSETEX 3 a 1 b 2"), "refused");
}

TEST(KeyExtractionTest, ADestinationAndACount) {
  const KeySpecs store = {OneKey(1, 0), CountedKeys(2, 0)};
  EXPECT_EQ(KeysOf(store, "ZUNIONSTORE d 2 a b WEIGHTS 1 2"), "d a b");
  EXPECT_EQ(KeysOf(store, "ZUNIONSTORE d 9 a b"), "refused") << "and not the destination alone";
}

TEST(KeyExtractionTest, BehindAKeyword) {
  const KeySpecs radius = {OneKey(1, 0), Keyword("STORE", 6), Keyword("STOREDIST", 6)};
  EXPECT_EQ(KeysOf(radius, "GEORADIUS a 1 2 3 km store b"), "a b");
  EXPECT_EQ(KeysOf(radius, "GEORADIUS a 1 2 3 km STOREDIST b"), "a b");
  EXPECT_EQ(KeysOf(radius, "GEORADIUS a 1 2 3 km"), "a");
  EXPECT_EQ(KeysOf(radius, "GEORADIUS a 1 2 3 km STORE"), "a") << "nothing follows it";
  EXPECT_EQ(KeysOf(radius, "GEORADIUS a store 2 3 km ASC"), "a") << "too early for the keyword";
}

TEST(KeyExtractionTest, BehindAKeywordLookedForFromTheEnd) {
  KeySpec spec = Keyword("KEYS", -2);
  spec.last_key = -1;
  EXPECT_EQ(KeysOf({OneKey(3, 0), spec}, "MIGRATE h p a 0 5 KEYS b c"), "a b c");
  EXPECT_EQ(KeysOf({OneKey(3, 0), spec}, "MIGRATE h p a 0 5"), "a");
}

TEST(KeyExtractionTest, TheFirstHalfOfTheRest) {
  KeySpec spec = Keyword("STREAMS", 1);
  spec.last_key = -1;
  spec.limit = 2;
  EXPECT_EQ(KeysOf({spec}, "XREAD COUNT 1 STREAMS a b 0 0"), "a b");
  EXPECT_EQ(KeysOf({spec}, "XREAD streams a 0"), "a");
  EXPECT_EQ(KeysOf({spec}, "XREAD COUNT 1"), "");
}

TEST(KeyExtractionTest, UnknownPlacesGiveNoKeys) {
  KeySpec begin_unknown;
  begin_unknown.begin = KeySpec::Begin::kUnknown;
  KeySpec find_unknown = OneKey(1, 0);
  find_unknown.find = KeySpec::Find::kUnknown;
  EXPECT_EQ(KeysOf({OneKey(1, 0), begin_unknown}, "SORT a BY b"), "a");
  EXPECT_EQ(KeysOf({find_unknown}, "SORT a BY b"), "");
}

// The specs of a command as the reference states them.
KeySpecs SpecsOf(const Json& command, std::vector<std::string>* keywords) {
  KeySpecs specs{};
  size_t count = 0;
  for (const Json& stated : command.at("key_specs")) {
    KeySpec& spec = specs.at(count++);
    const Json& begin = stated.at("begin");
    const Json& find = stated.at("find");
    if (begin.is_string()) {
      spec.begin = KeySpec::Begin::kUnknown;
    } else if (begin.contains("index")) {
      spec.begin = KeySpec::Begin::kIndex;
      spec.begin_index = begin.at("index");
    } else {
      spec.begin = KeySpec::Begin::kKeyword;
      keywords->push_back(begin.at("keyword"));
      spec.begin_index = begin.at("startfrom");
    }
    if (find.is_string()) {
      spec.find = KeySpec::Find::kUnknown;
    } else if (find.contains("lastkey")) {
      spec.last_key = find.at("lastkey");
      spec.key_step = find.at("step");
      spec.limit = find.at("limit");
    } else {
      spec.find = KeySpec::Find::kCount;
      spec.count_index = find.at("keynumidx");
      spec.first_key_index = find.at("firstkey");
      spec.key_step = find.at("step");
    }
  }
  // The views, now that the vector does not move any more.
  size_t next_keyword = 0;
  for (KeySpec& spec : specs) {
    if (spec.begin == KeySpec::Begin::kKeyword) spec.begin_keyword = (*keywords)[next_keyword++];
  }
  return specs;
}

TEST(KeyExtractionTest, EverySpecOfTheReferenceStaysWithinItsArguments) {
  std::ifstream file(KVICK_SOURCE_DIR "/tests/reference/commands.json");
  const Json reference = Json::parse(file);
  Random random(test::Seed());
  const std::vector<std::string> numbers = {"0", "1", "2", "3", "-1", "17", "9223372036854775807", "x", ""};
  size_t command_count = 0;
  size_t key_count = 0;
  for (const Json& command : reference.at("commands")) {
    if (!command.contains("key_specs")) continue;
    ++command_count;
    std::vector<std::string> keywords;
    const KeySpecs specs = SpecsOf(command, &keywords);
    const Shape shape(specs);
    for (int round = 0; round < 300; ++round) {
      std::vector<std::string> words(1 + random.Below(9));
      for (std::string& word : words) {
        word = numbers[random.Below(numbers.size())];
        if (!keywords.empty() && random.Below(4) == 0) word = keywords[random.Below(keywords.size())];
      }
      const std::vector<std::string_view> views(words.begin(), words.end());
      std::vector<KeyPosition> positions;
      const bool accepted = ExtractKeys(shape.command, views, &positions);
      ASSERT_TRUE(accepted || positions.empty()) << command.at("name");
      for (const KeyPosition& position : positions) {
        ASSERT_GE(position.argument_index, 1u) << command.at("name");
        ASSERT_LT(position.argument_index, words.size()) << command.at("name");
      }
      key_count += positions.size();
    }
  }
  EXPECT_GT(command_count, 300u);
  EXPECT_GT(key_count, 10'000u);
}

}  // namespace
}  // namespace kvick
