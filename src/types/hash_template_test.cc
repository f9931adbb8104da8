#include "types/hash_template.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "types/hash_value.h"

namespace kvick {
namespace {

using Encoding = HashValue::Encoding;

constexpr HashLimits kPacked;
constexpr HashLimits kAlwaysCompact{.template_entries_min = 1};

HashTemplateRef Get(const std::vector<std::string_view>& names) {
  return HashTemplates::Get(names, TemplateHolder::kOther);
}

TEST(HashTemplateTest, TheSameNamesAreTheSameTemplate) {
  const HashTemplateRef first = Get({"age", "name"});
  const HashTemplateRef second = Get({"age", "name"});
  EXPECT_EQ(&*first, &*second);
  EXPECT_EQ(&HashTemplates::ById(first->id()), &*first);
  const HashTemplateRef other = Get({"agen", "ame"});
  EXPECT_NE(&*first, &*other);
  EXPECT_EQ(first->IndexOf("name"), 1U);
  EXPECT_FALSE(first->IndexOf("nam"));
  EXPECT_EQ(first->PlaceOf("b"), 1U);
}

TEST(HashTemplateTest, GoesWithItsLastHolder) {
  const uint64_t before = HashTemplates::MeasureUsage().template_count;
  HashTemplateRef held = Get({"a", "b"});
  {
    const HashTemplateRef again = HashTemplateRef::Another(*held, TemplateHolder::kHash);
    EXPECT_EQ(held->key_count(), 1U);
    EXPECT_EQ(HashTemplates::MeasureUsage().template_count, before + 1);
  }
  EXPECT_EQ(held->key_count(), 0U);
  held = {};
  EXPECT_EQ(HashTemplates::MeasureUsage().template_count, before);
}

TEST(CompactHashTest, ReadsBackValuesOfEveryForm) {
  const std::vector<std::string> texts = {"",
                                          "0",
                                          "127",
                                          "128",
                                          "-1",
                                          "4095",
                                          "4096",
                                          "-4096",
                                          "-4097",
                                          "32767",
                                          "32768",
                                          "-32769",
                                          "01",
                                          "2147483648",
                                          "-9223372036854775808",
                                          "free",
                                          "Ada Lovelace",
                                          "GB",
                                          "a",
                                          std::string(31, 'v'),
                                          std::string(31, '!'),
                                          std::string(32, 'u'),
                                          std::string(63, 'x'),
                                          std::string(64, 'y'),
                                          std::string(4095, 'z'),
                                          std::string(4096, 'w')};
  const std::vector<std::string_view> values(texts.begin(), texts.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < texts.size(); ++i) names.push_back(std::to_string(100 + i));
  const std::vector<std::string_view> views(names.begin(), names.end());
  HashValue hash(HashTemplates::Get(views, TemplateHolder::kHash), values,
                 {.listpack_entries_max = 100, .listpack_value_max_bytes = 10'000});
  ASSERT_EQ(hash.encoding(), Encoding::kTemplateListpack);
  FieldTexts found;
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(hash.Find(names[i], found)->value, texts[i]);
  size_t index = 0;
  hash.ForEach([&](const FieldView& field) {
    EXPECT_EQ(field.name, names[index]);
    EXPECT_EQ(field.value, texts[index]);
    return ++index < 1000;
  });
  EXPECT_EQ(index, names.size());
}

TEST(CompactHashTest, AFieldThatIsToExpireMakesItOrdinary) {
  HashValue hash;
  hash.Set("b", "1", kPacked);
  hash.Set("a", "2", kPacked);
  hash.Settle(kAlwaysCompact);
  ASSERT_EQ(hash.encoding(), Encoding::kTemplateListpack);
  hash.SetExpiry("a", {});
  EXPECT_EQ(hash.encoding(), Encoding::kTemplateListpack);
  hash.SetExpiry("a", {5, 1});
  EXPECT_EQ(hash.encoding(), Encoding::kListpackEx);
  hash.Settle(kAlwaysCompact);
  EXPECT_EQ(hash.encoding(), Encoding::kListpackEx);
  EXPECT_EQ(hash.count(), 2U);
}

TEST(CompactHashTest, AgreesWithAModelWhateverTheLimits) {
  Random random(77);
  const uint64_t before = HashTemplates::MeasureUsage().template_count;
  for (const HashLimits& limits : {HashLimits{512, 64, 1, 0}, HashLimits{20, 8, 1, 0}, HashLimits{0, 0, 3, 30}}) {
    HashValue hash;
    std::map<std::string, std::string> model;
    for (int step = 0; step < 6000; ++step) {
      const std::string name = (random.Below(2) == 0 ? "f" : "") + std::to_string(random.Below(40));
      const std::string value = random.Below(2) == 0 ? std::to_string(random.Below(100'000))
                                                     : std::string(static_cast<size_t>(step % 12), 'v');
      if (random.Below(10) < 6) {
        ASSERT_EQ(hash.Set(name, value, limits), model.count(name) == 0);
        model[name] = value;
      } else {
        ASSERT_EQ(hash.Erase(name), model.erase(name) == 1);
      }
      hash.Settle(limits);
      ASSERT_EQ(hash.count(), model.size());
      if (step % 100 != 0) continue;
      const HashValue copy(hash);
      auto expected = model.begin();
      std::map<std::string, std::string> all;
      copy.ForEach([&](const FieldView& field) { return all.emplace(field.name, field.value).second; });
      ASSERT_EQ(all, model);
      if (hash.is_compact() && !model.empty()) {
        FieldTexts texts;
        ASSERT_EQ(hash.names().name(0), expected->first);
        ASSERT_EQ(model.count(std::string(hash.Draw(random, texts).name)), 1U);
      }
    }
    hash.MakeOrdinary();
    EXPECT_FALSE(hash.is_compact());
    EXPECT_EQ(hash.count(), model.size());
  }
  EXPECT_EQ(HashTemplates::MeasureUsage().template_count, before);
}

// Threads make, copy and drop hashes of few templates, which come and go all the time: none is freed that somebody
// holds, and none stays.
TEST(HashTemplateConcurrencyTest, TemplatesAreSharedAndFreedByManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kSteps = 4000;
  const uint64_t before = HashTemplates::MeasureUsage().template_count;
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([thread, &wrong] {
      Random random(static_cast<uint64_t>(thread) + 1);
      for (int step = 0; step < kSteps; ++step) {
        HashValue hash;
        const std::string last = "f" + std::to_string(random.Below(3));
        hash.Set("a", std::to_string(step), kAlwaysCompact);
        hash.Set(last, "x", kAlwaysCompact);
        hash.Settle(kAlwaysCompact);
        HashValue copy(hash);
        copy.Erase(last);
        FieldTexts texts;
        if (hash.Find("a", texts)->value != std::to_string(step) || copy.count() != 1) wrong.fetch_add(1);
        if (hash.names().name(1) != last || copy.names().name(0) != "a") wrong.fetch_add(1);
        if (step % 64 == 0) HashTemplates::MeasureUsage();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(HashTemplates::MeasureUsage().template_count, before);
}

}  // namespace
}  // namespace kvick
