#include "types/packed_editor.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "base/random.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"

namespace kvick {
namespace {

constexpr size_t kRoomBytes = 400;

// Keeps the bytes in a string; what the room is filled with before it is written differs each time.
class StringEditor final : public PackedEditor {
 public:
  StringEditor(std::string bytes, uint8_t kind) : bytes_(std::move(bytes)), kind_(kind) {}

  std::string_view bytes() const override { return bytes_; }
  uint8_t kind() const override { return kind_; }
  char* Splice(const PackedSplice& splice) override {
    if (bytes_.size() - splice.erased + splice.inserted > kRoomBytes) return nullptr;
    bytes_.replace(splice.at, splice.erased, splice.inserted, fill_++);
    latest_ = splice;
    return bytes_.data();
  }
  const PackedSplice& latest() const { return latest_; }

 private:
  std::string bytes_;
  uint8_t kind_;
  char fill_ = 'A';
  PackedSplice latest_;
};

StringEditor EditorOf(ValueType type, const void* value) {
  const std::optional<PackedValue> packed = OperationsOf(type).packed(value);
  return {std::string(packed.value().bytes), packed->kind};
}

// Whether the value, changed the usual way, has the bytes that the editor has.
void ExpectSame(ValueType type, const void* value, const StringEditor& editor) {
  const std::optional<PackedValue> packed = OperationsOf(type).packed(value);
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->bytes, editor.bytes());
  EXPECT_EQ(packed->kind, editor.kind());
  EXPECT_EQ(editor.latest().items_after, OperationsOf(type).item_count(value));
}

std::string RandomText(Random& random) {
  switch (random.Below(5)) {
    case 0: return std::to_string(static_cast<int64_t>(random.Next()) >> random.Below(64));
    case 1: return std::string(random.Below(100), 't');
    default: return "text-" + std::to_string(random.Below(30));
  }
}

class PackedEditorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    RegisterListType();
    RegisterSetType();
    RegisterHashType();
  }
};

TEST_F(PackedEditorTest, APushInPlaceIsAPush) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    ListLimits limits;
    if (seed % 3 == 0) limits.node_size_max = static_cast<int>(1 + random.Below(20));
    ListValue list;
    list.Push(ListEnd::kTail, RandomText(random), limits);
    StringEditor editor = EditorOf(ValueType::kList, &list);
    while (true) {
      const std::string text = RandomText(random);
      const ListEnd end = random.Below(2) == 0 ? ListEnd::kHead : ListEnd::kTail;
      const size_t before = list.count();
      list.GrowFor(text.size(), 1, limits);
      list.Push(end, text, limits);
      const std::optional<size_t> count = ListValue::PushPacked(editor, end, text, limits);
      // Declined: because it does not fit here, or because the list becomes something else.
      if (!count) {
        EXPECT_TRUE(list.is_quicklist() || list.pack().size_bytes() > kRoomBytes) << "seed " << seed;
        break;
      }
      ASSERT_EQ(*count, before + 1);
      EXPECT_EQ(editor.latest().items_before, before);
      ASSERT_NO_FATAL_FAILURE(ExpectSame(ValueType::kList, &list, editor)) << "seed " << seed;
    }
  }
}

TEST_F(PackedEditorTest, AddingAMemberInPlaceIsAddingIt) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    SetLimits limits;
    if (seed % 3 == 0) limits.listpack_entries_max = limits.intset_entries_max = random.Below(20);
    SetValue set;
    const bool has_integers = seed % 2 == 0;
    const auto member = [&] {
      return has_integers ? std::to_string(static_cast<int64_t>(random.Below(200)) - 100) : RandomText(random);
    };
    set.Add(has_integers ? "7" : "seven", limits);
    if (set.table() != nullptr) continue;
    StringEditor editor = EditorOf(ValueType::kSet, &set);
    for (int step = 0; step < 300; ++step) {
      const std::string text = member();
      set.ExpectMore(1, limits);
      const bool is_added = set.Add(text, limits);
      const SetValue::Adding adding = SetValue::AddPacked(editor, text, limits);
      if (adding == SetValue::Adding::kDeclined) {
        const std::optional<PackedValue> packed = OperationsOf(ValueType::kSet).packed(&set);
        EXPECT_TRUE(!packed || packed->kind != editor.kind() || packed->bytes.size() > kRoomBytes) << "seed " << seed;
        break;
      }
      ASSERT_EQ(adding == SetValue::Adding::kAdded, is_added);
      if (is_added) {
        ASSERT_NO_FATAL_FAILURE(ExpectSame(ValueType::kSet, &set, editor)) << "seed " << seed;
      }
    }
  }
}

TEST_F(PackedEditorTest, AnIntsetThatMustBecomeWiderIsDeclined) {
  SetValue set;
  set.Add("1", {});
  StringEditor editor = EditorOf(ValueType::kSet, &set);
  EXPECT_EQ(SetValue::AddPacked(editor, "32767", {}), SetValue::Adding::kAdded);
  EXPECT_EQ(SetValue::AddPacked(editor, "32768", {}), SetValue::Adding::kDeclined);
  EXPECT_EQ(SetValue::AddPacked(editor, "one", {}), SetValue::Adding::kDeclined);
  EXPECT_EQ(SetValue::AddPacked(editor, "1", {}), SetValue::Adding::kPresent);
}

TEST_F(PackedEditorTest, SettingAFieldInPlaceIsSettingIt) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    HashLimits limits;
    if (seed % 3 == 0) limits.listpack_entries_max = 1 + random.Below(10);
    HashValue hash;
    hash.Set("name", "Ada", limits);
    StringEditor editor = EditorOf(ValueType::kHash, &hash);
    for (int step = 0; step < 300; ++step) {
      const std::string name = RandomText(random);
      const std::string value = RandomText(random);
      hash.ExpectMore(1, std::max(name.size(), value.size()), limits);
      const bool is_new = hash.Set(name, value, limits);
      const HashValue::Setting setting = HashValue::SetPacked(editor, name, value, limits);
      if (setting == HashValue::Setting::kDeclined) {
        EXPECT_TRUE(hash.table() != nullptr || std::as_const(hash).pack().size_bytes() > kRoomBytes) << "seed " << seed;
        break;
      }
      ASSERT_EQ(setting == HashValue::Setting::kNew, is_new);
      ASSERT_NO_FATAL_FAILURE(ExpectSame(ValueType::kHash, &hash, editor)) << "seed " << seed;
    }
  }
}

TEST_F(PackedEditorTest, AHashThatIsLargerThanTheLimitsNowIsLeftToBecomeATable) {
  HashValue hash;
  for (int i = 0; i < 5; ++i) hash.Set(std::to_string(i), "v", {});
  StringEditor editor = EditorOf(ValueType::kHash, &hash);
  EXPECT_EQ(HashValue::SetPacked(editor, "0", "w", {.listpack_entries_max = 4}), HashValue::Setting::kDeclined);
  EXPECT_EQ(HashValue::SetPacked(editor, "0", "w", {.listpack_entries_max = 5}), HashValue::Setting::kReplaced);
  EXPECT_EQ(HashValue::SetPacked(editor, "9", "w", {.listpack_entries_max = 5}), HashValue::Setting::kDeclined);
}

}  // namespace
}  // namespace kvick
