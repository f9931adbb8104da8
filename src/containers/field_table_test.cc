#include "containers/field_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/random.h"

namespace kvick {
namespace {

struct ModelField {
  std::string value;
  int64_t expiry_ms;
  bool operator==(const ModelField&) const = default;
};
using Model = std::map<std::string, ModelField>;

Model AllOf(const FieldTable& fields) {
  Model all;
  fields.ForEach([&](const Field& field) {
    return all.emplace(field.name(), ModelField{std::string(field.value()), field.expiry_ms()}).second;
  });
  return all;
}

TEST(FieldTableTest, AgreesWithAModelUnderRandomChanges) {
  constexpr int64_t kNowMs = 1'700'000'000'000;
  Random random(9);
  FieldTable fields;
  Model model;
  for (int step = 0; step < 60000; ++step) {
    std::string name = std::to_string(random.Below(5000));
    if (random.Below(20) == 0) name.resize(random.Below(300), 'n');  // short and long sizes
    const std::string value(random.Below(random.Below(10) == 0 ? 600 : 20), 'v');
    const int64_t expiry_ms = random.Below(3) == 0 ? kNowMs + static_cast<int64_t>(random.Below(100000)) : -1;
    const uint64_t choice = random.Below(10);
    if (choice < 5) {
      ASSERT_EQ(fields.Set(name, value, {expiry_ms, kNowMs}), model.count(name) == 0);
      model[name] = {value, expiry_ms};
    } else if (choice < 8) {
      ASSERT_EQ(fields.Erase(name), model.erase(name) == 1);
    } else if (model.count(name) == 1) {
      fields.SetExpiry(name, {expiry_ms, kNowMs});
      model[name].expiry_ms = expiry_ms;
    }
    const Field* field = fields.Find(name);
    ASSERT_EQ(field != nullptr, model.count(name) == 1);
    if (field != nullptr) {
      ASSERT_EQ((ModelField{std::string(field->value()), field->expiry_ms()}), model[name]);
    }
  }
  EXPECT_EQ(AllOf(fields), model);
}

TEST(FieldTableTest, ErasesWhatIsDueAndNothingElse) {
  constexpr int64_t kNowMs = 1'700'000'000'000;
  Random random(21);
  FieldTable fields;
  Model model;
  for (int i = 0; i < 3000; ++i) {
    const std::string name = std::to_string(i);
    const int64_t expiry_ms = i % 3 == 0 ? -1 : kNowMs + 1 + static_cast<int64_t>(random.Below(3'600'000));
    fields.Set(name, "v", {expiry_ms, kNowMs});
    model[name] = {"v", expiry_ms};
  }
  for (int64_t now_ms = kNowMs; now_ms <= kNowMs + 3'600'100; now_ms += 60'000) {
    // A moment is served within 16 ms.
    fields.EraseDue(now_ms + 16, SIZE_MAX, [&](std::string_view name) {
      const auto found = model.find(std::string(name));
      ASSERT_NE(found, model.end());
      ASSERT_LE(found->second.expiry_ms, now_ms + 16);
      ASSERT_NE(found->second.expiry_ms, -1);
      model.erase(found);
    });
    for (const auto& [name, field] : model) ASSERT_TRUE(field.expiry_ms == -1 || field.expiry_ms > now_ms) << name;
    ASSERT_EQ(fields.count(), model.size());
  }
  fields.EraseDue(kNowMs + 4'000'000, SIZE_MAX, [&](std::string_view name) { model.erase(std::string(name)); });
  EXPECT_EQ(fields.count(), 1000U);
  EXPECT_EQ(fields.expiring_count(), 0U);
}

TEST(FieldTableTest, ItsOrderOfExpiriesDoesNotGrowWithChanges) {
  FieldTable fields;
  for (int64_t i = 0; i < 100000; ++i) fields.Set("field", "value", {2'000'000 - i, 1000});
  EXPECT_LT(fields.memory_bytes(), 16U * 1024);
}

TEST(FieldTableTest, TakesAtMostFiftySixBytesForAFieldOfSixteenAndSixteen) {
  FieldTable fields;
  for (int i = 1000000; i < 1100000; ++i) {
    const std::string number = std::to_string(i);
    fields.Set("field:000" + number, "value:000" + number);
  }
  EXPECT_LE(fields.memory_bytes() / fields.count(), 56U);
}

}  // namespace
}  // namespace kvick
