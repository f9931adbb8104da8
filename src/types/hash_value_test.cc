#include "types/hash_value.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace kvick {
namespace {

using Encoding = HashValue::Encoding;

constexpr HashLimits kDefault;
constexpr HashLimits kNoneArePacked{.listpack_entries_max = 0, .listpack_value_max_bytes = 0};
constexpr int64_t kNowMs = 1'700'000'000'000;

struct ModelField {
  std::string value;
  int64_t expiry_ms = Field::kNoExpiry;
  bool operator==(const ModelField&) const = default;
};
using Model = std::map<std::string, ModelField>;

Model AllOf(const HashValue& hash) {
  Model all;
  hash.ForEach([&](const FieldView& field) {
    return all.emplace(field.name, ModelField{std::string(field.value), field.expiry_ms}).second;
  });
  return all;
}

std::vector<std::string> NamesInOrder(const HashValue& hash) {
  std::vector<std::string> names;
  hash.ForEach([&](const FieldView& field) {
    names.emplace_back(field.name);
    return true;
  });
  return names;
}

TEST(HashValueTest, GrowsIntoATableWhenAValueOutgrowsTheCompactLimit) {
  HashValue hash;
  EXPECT_TRUE(hash.Set("a", std::string(64, 'v'), kDefault));
  EXPECT_EQ(hash.encoding(), Encoding::kListpack);
  EXPECT_FALSE(hash.Set("a", std::string(65, 'v'), kDefault));
  EXPECT_EQ(hash.encoding(), Encoding::kTable);
  EXPECT_EQ(hash.count(), 1U);
}

TEST(HashValueTest, GrowsIntoATableWithOneFieldTooMany) {
  HashValue hash;
  for (int i = 0; i < 512; ++i) hash.Set(std::to_string(i), "v", kDefault);
  EXPECT_EQ(hash.encoding(), Encoding::kListpack);
  hash.Set("7", "again", kDefault);
  EXPECT_EQ(hash.encoding(), Encoding::kListpack);
  hash.Set("512", "v", kDefault);
  EXPECT_EQ(hash.encoding(), Encoding::kTable);
  FieldTexts texts;
  EXPECT_EQ(hash.Find("7", texts)->value, "again");
}

TEST(HashValueTest, AValueIsNeverTakenForAName) {
  HashValue hash;
  hash.Set("a", "b", kDefault);
  hash.Set("1", "2", kDefault);
  FieldTexts texts;
  EXPECT_FALSE(hash.Find("b", texts));
  EXPECT_FALSE(hash.Find("2", texts));
  hash.SetExpiry("a", {kNowMs, kNowMs});
  EXPECT_FALSE(hash.Find(std::to_string(kNowMs), texts));
}

TEST(HashValueTest, KeepsPackedFieldsInTheOrderOfTheirMoments) {
  HashValue hash;
  for (const char* name : {"a", "b", "c", "d"}) hash.Set(name, "v", kDefault);
  hash.SetExpiry("c", {kNowMs + 20, kNowMs});
  EXPECT_EQ(hash.encoding(), Encoding::kListpackEx);
  hash.SetExpiry("d", {kNowMs + 10, kNowMs});
  hash.SetExpiry("a", {kNowMs + 20, kNowMs});
  EXPECT_EQ(NamesInOrder(hash), (std::vector<std::string>{"d", "c", "a", "b"}));
  EXPECT_EQ(hash.next_due_ms(), kNowMs + 10);
  hash.Set("d", "new", kDefault);
  EXPECT_EQ(NamesInOrder(hash), (std::vector<std::string>{"c", "a", "b", "d"}));
  std::vector<std::string> erased;
  hash.EraseDue(kNowMs + 20, 100, [&](std::string_view name) { erased.emplace_back(name); });
  EXPECT_EQ(erased, (std::vector<std::string>{"c", "a"}));
  EXPECT_FALSE(hash.has_expiring());
  EXPECT_EQ(hash.encoding(), Encoding::kListpackEx);
}

TEST(HashValueTest, AgreesWithAModelWhateverTheLimits) {
  Random random(31);
  for (const HashLimits& limits : {kDefault, kNoneArePacked, HashLimits{20, 8}}) {
    HashValue hash;
    Model model;
    for (int step = 0; step < 8000; ++step) {
      const std::string name = (random.Below(2) == 0 ? "f" : "") + std::to_string(random.Below(60));
      const std::string value =
          random.Below(2) == 0 ? std::to_string(random.Below(1000)) : std::string(static_cast<size_t>(step % 12), 'v');
      const int64_t expiry_ms = random.Below(4) == 0 ? kNowMs + static_cast<int64_t>(random.Below(50)) : -1;
      const uint64_t choice = random.Below(10);
      if (choice < 5) {
        ASSERT_EQ(hash.Set(name, value, limits, {expiry_ms, kNowMs}), model.count(name) == 0);
        model[name] = {value, expiry_ms};
      } else if (choice < 8) {
        ASSERT_EQ(hash.Erase(name), model.erase(name) == 1);
      } else if (model.count(name) == 1) {
        hash.SetExpiry(name, {expiry_ms, kNowMs});
        model[name].expiry_ms = expiry_ms;
      }
      ASSERT_EQ(hash.count(), model.size());
    }
    EXPECT_EQ(AllOf(hash), model);
    EXPECT_EQ(AllOf(HashValue(hash)), model);
    FieldTexts texts;
    for (int i = 0; i < 100; ++i) ASSERT_EQ(model.count(std::string(hash.Draw(random, texts).name)), 1U);
    hash.EraseDue(kNowMs + 100, SIZE_MAX, [&](std::string_view name) {
      ASSERT_NE(model[std::string(name)].expiry_ms, -1);
      model.erase(std::string(name));
    });
    EXPECT_EQ(AllOf(hash), model);
    EXPECT_FALSE(hash.has_expiring());
  }
}

TEST(HashValueTest, MayHoldDueFromTheFirstMomentOn) {
  for (const HashLimits& limits : {HashLimits{}, kNoneArePacked}) {
    for (int64_t moment_ms = kNowMs; moment_ms < kNowMs + 32; ++moment_ms) {
      HashValue hash;
      hash.Set("a", "1", limits, {moment_ms, moment_ms - 20});
      EXPECT_TRUE(hash.MayHoldDue(moment_ms)) << moment_ms;
      EXPECT_FALSE(hash.MayHoldDue(moment_ms - 40)) << moment_ms;
    }
  }
}

TEST(HashValueTest, ACopyExpiresAsTheOriginal) {
  HashValue hash;
  hash.Set("a", "1", kNoneArePacked, {kNowMs + 1000, kNowMs});
  hash.Set("b", "2", kNoneArePacked);
  HashValue copy(hash);
  EXPECT_LE(copy.next_due_ms(), kNowMs + 1016);
  copy.EraseDue(kNowMs + 2000, 10, [](std::string_view name) { EXPECT_EQ(name, "a"); });
  EXPECT_EQ(copy.count(), 1U);
  EXPECT_EQ(hash.count(), 2U);
}

}  // namespace
}  // namespace kvick
