#include "keyspace/entry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/block_pool.h"
#include "base/numbers.h"
#include "keyspace/integer_text.h"
#include "types/hash_value.h"

namespace kvick {
namespace {

constexpr int64_t kNoExpiry = Entry::kNoExpiry;

class EntryTest : public ::testing::Test {
 protected:
  ~EntryTest() override {
    if (entry_ != nullptr) EntryStore::Free(entry_);
  }

  void Make(std::string_view key, StringInput value, int64_t expiry_ms = kNoExpiry) {
    if (entry_ != nullptr) EntryStore::Free(entry_);
    entry_ = EntryStore::MakeString(pool_, key, value, expiry_ms);
  }
  void Replace(StringInput value) { entry_ = EntryStore::ReplaceByString(pool_, entry_, value); }
  void SetExpiry(int64_t expiry_ms) { entry_ = EntryStore::SetExpiry(pool_, entry_, expiry_ms); }
  char* Resize(size_t size) { return EntryStore::ResizeString(pool_, &entry_, size); }
  std::string Text() const {
    char buffer[kInt64TextMax];
    return std::string(entry_->string().Text(buffer));
  }

  BlockPool& pool_ = BlockPool::Shard(0);
  Entry* entry_ = nullptr;
};

TEST_F(EntryTest, ASmallKeyWithASmallValueIsOneBlock) {
  Make("0123456789abcdef", {"0123456789abcdeX"});
  EXPECT_EQ(entry_->block_bytes(), 40U);
  EXPECT_EQ(entry_->memory_bytes(), 40U);
  SetExpiry(5);
  EXPECT_EQ(entry_->block_bytes(), 48U);
}

TEST_F(EntryTest, AStringTakesTheFormThatItsBytesAllow) {
  Make("k", {"123"});
  EXPECT_EQ(entry_->form(), ValueForm::kInteger);
  for (const char* text : {"", "0123", "-0", "12x", "9223372036854775808", "+1", " 1", "123456789012345678901"}) {
    Make("k", {text});
    EXPECT_EQ(entry_->form(), ValueForm::kInline) << text;
    EXPECT_EQ(Text(), text);
    EXPECT_FALSE(entry_->is_raw());
  }
  Make("k", {"123", false});
  EXPECT_EQ(entry_->form(), ValueForm::kInline);
  EXPECT_TRUE(entry_->is_raw());
  Make("k", {"123", false, false});
  EXPECT_EQ(entry_->form(), ValueForm::kInline);
  EXPECT_FALSE(entry_->is_raw());
  const std::string large(BlockPool::kBlockMax, 'x');
  Make("k", {large});
  EXPECT_EQ(entry_->form(), ValueForm::kShared);
  EXPECT_EQ(Text(), large);
}

// Sizes at which the key's length or the whole block changes its form, in every combination.
TEST_F(EntryTest, EveryValueSurvivesEveryReplacementAndExpiry) {
  std::vector<std::string> values = {"", "1", "-9223372036854775808", "abc", "0012"};
  for (const unsigned size : {200U, 235U, 247U, 250U, 255U, 490U, 495U, 503U, 504U, 511U, 512U, 513U, 2000U}) {
    values.emplace_back(size, 'v');
  }
  for (const unsigned key_size : {0U, 1U, 8U, 254U, 255U, 256U, 257U, 400U, 600U}) {
    const std::string key(key_size, 'k');
    for (const std::string& from : values) {
      for (const std::string& to : values) {
        for (const int64_t expiry_ms : {kNoExpiry, int64_t{77}}) {
          Make(key, {from}, expiry_ms);
          entry_->set_access(0xabcdef);
          Replace({to});
          ASSERT_EQ(Text(), to);
          ASSERT_EQ(entry_->key(), key);
          ASSERT_EQ(entry_->expiry_ms(), expiry_ms);
          ASSERT_EQ(entry_->access(), 0xabcdefU);
          SetExpiry(expiry_ms == kNoExpiry ? 99 : kNoExpiry);
          ASSERT_EQ(Text(), to);
          ASSERT_EQ(entry_->key(), key);
          ASSERT_EQ(entry_->expiry_ms(), expiry_ms == kNoExpiry ? 99 : kNoExpiry);
          ASSERT_EQ(entry_->access(), 0xabcdefU);
        }
      }
    }
  }
}

TEST_F(EntryTest, ResizingKeepsWhatFitsAndZeroesTheRest) {
  for (const unsigned key_size : {3U, 300U, 600U}) {
    for (const unsigned from : {0U, 1U, 5U, 100U, 490U, 513U, 5000U}) {
      for (const unsigned to : {0U, 1U, 4U, 5U, 6U, 100U, 495U, 600U, 5001U, 20000U}) {
        Make(std::string(key_size, 'k'), {std::string(from, 'v')}, 7);
        entry_->set_access(42);
        char* bytes = Resize(to);
        ASSERT_EQ(entry_->string().bytes.data(), bytes);
        ASSERT_EQ(Text(), std::string(std::min(from, to), 'v') + std::string(to - std::min(from, to), '\0'));
        ASSERT_TRUE(entry_->is_raw());
        ASSERT_EQ(entry_->key().size(), key_size);
        ASSERT_EQ(entry_->expiry_ms(), 7);
        ASSERT_EQ(entry_->access(), 42U);
      }
    }
  }
}

TEST_F(EntryTest, ResizingAnIntegerGivesItsText) {
  Make("k", {"-12345"});
  std::memcpy(Resize(8) + 6, "67", 2);
  EXPECT_EQ(Text(), "-1234567");
  EXPECT_EQ(entry_->form(), ValueForm::kInline);
}

TEST_F(EntryTest, GrowingLeavesRoomSoThatAppendingSeldomMoves) {
  Make("k", {std::string(1000, 'v')});
  const char* bytes = Resize(1001);
  for (size_t size = 1002; size < 2000; ++size) ASSERT_EQ(Resize(size), bytes);
}

TEST_F(EntryTest, LentBytesAreLeftAloneByEveryChange) {
  const std::string before(1000, 'v');
  Make("k", {before});
  {
    const SharedBytesRef lent(entry_->string().shared);
    Resize(1000)[0] = 'x';
    EXPECT_EQ(lent.view(), before);
    EXPECT_EQ(Text()[0], 'x');
  }
  {
    const SharedBytesRef lent(entry_->string().shared);
    const std::string now = Text();
    Replace({std::string(1000, 'y')});
    EXPECT_EQ(lent.view(), now);
  }
}

TEST_F(EntryTest, TheRawMarkFollowsTheValueAndGoesWithAReplacement) {
  for (const unsigned size : {4U, 495U, 2000U}) {
    Make("k", {std::string(size, 'v')});
    Resize(size);
    EXPECT_TRUE(entry_->is_raw());
    SetExpiry(5);
    EXPECT_TRUE(entry_->is_raw());
    Entry* copy = EntryStore::CopyValue(pool_, entry_, std::string(300, 'c'), kNoExpiry);
    EXPECT_TRUE(copy->is_raw());
    copy = EntryStore::MoveValue(pool_, copy, "m", 9);
    EXPECT_TRUE(copy->is_raw());
    EntryStore::Free(copy);
    Replace({std::string(size, 'w')});
    EXPECT_FALSE(entry_->is_raw());
    SetExpiry(kNoExpiry);
    EXPECT_FALSE(entry_->is_raw());
  }
}

TEST_F(EntryTest, MovingAndCopyingKeepValueAndFormUnderKeysOfAnyLength) {
  for (const char* text : {"", "12", "abc"}) {
    for (const unsigned value_size : {0U, 400U, 2000U}) {
      for (const unsigned key_size : {1U, 255U, 256U, 509U}) {
        const std::string value = text + std::string(value_size, 'v');
        const std::string key(key_size, 'n');
        Make("k", {value}, 5);
        entry_->set_access(3);
        const ValueForm form = entry_->form();
        Entry* copy = EntryStore::CopyValue(pool_, entry_, key, 8);
        ASSERT_EQ(copy->key(), key);
        ASSERT_EQ(copy->expiry_ms(), 8);
        entry_ = EntryStore::MoveValue(pool_, entry_, key, kNoExpiry);
        ASSERT_EQ(entry_->key(), key);
        ASSERT_EQ(entry_->expiry_ms(), kNoExpiry);
        ASSERT_EQ(entry_->access(), 3U);
        ASSERT_EQ(Text(), value);
        if (form == ValueForm::kInteger) ASSERT_EQ(copy->form(), ValueForm::kInteger);
        EntryStore::Free(entry_);
        entry_ = copy;
        ASSERT_EQ(Text(), value);
      }
    }
  }
}

// A hash of `count` fields in an entry with this key.
class EntryCollectionTest : public ::testing::Test {
 protected:
  EntryCollectionTest() { RegisterHashType(); }
  ~EntryCollectionTest() override { EntryStore::Free(entry_); }

  void Make(std::string_view key, size_t count) {
    if (entry_ != nullptr) EntryStore::Free(entry_);
    auto* hash = new HashValue;
    for (size_t i = 0; i < count; ++i) hash->Set("field" + std::to_string(i), "value", {});
    entry_ = EntryStore::MakeObject(pool_, key, ValueType::kHash, hash, kNoExpiry);
    entry_->set_access(3);
    const std::optional<PackedValue> packed = OperationsOf(ValueType::kHash).packed(hash);
    if (!packed || !EntryStore::FitsPacked(*entry_, packed->bytes.size())) return;
    entry_ = EntryStore::HoldPacked(pool_, entry_, *packed);
    delete hash;
  }
  size_t Count(const Entry& entry) const { return static_cast<const HashValue*>(CollectionView(entry).get())->count(); }

  BlockPool& pool_ = BlockPool::Shard(0);
  Entry* entry_ = nullptr;
};

TEST_F(EntryCollectionTest, ASmallCollectionIsOneBlock) {
  Make("user:1", 5);
  EXPECT_EQ(entry_->form(), ValueForm::kPacked);
  EXPECT_EQ(entry_->memory_bytes(), BlockPool::BlockSize(entry_->block_bytes()));
  EXPECT_EQ(Count(*entry_), 5U);
  EXPECT_EQ(entry_->access(), 3U);
  Make("user:1", 100);
  EXPECT_EQ(entry_->form(), ValueForm::kObject);
  EXPECT_EQ(Count(*entry_), 100U);
}

TEST_F(EntryCollectionTest, BytesAreExchangedInPlaceAndAllElseStays) {
  for (const size_t inserted : {0U, 1U, 2U, 3U, 9U, 40U}) {
    for (const size_t erased : {0U, 1U, 3U, 20U}) {
      for (const size_t at : {0U, 7U, 30U}) {
        Make("user:1", 8);
        entry_ = EntryStore::SetExpiry(pool_, entry_, 77);
        EntryStore::SetInExpiryIndex(entry_, true);
        EntryStore::SetMark(entry_, true);
        entry_->set_uses(2);
        std::string model(entry_->packed().bytes);
        entry_ = EntryStore::SplicePacked(pool_, entry_, at, erased, inserted);
        std::memset(entry_->packed_bytes() + at, 'n', inserted);
        EXPECT_EQ(entry_->packed().bytes, model.replace(at, erased, inserted, 'n'));
        EXPECT_EQ(entry_->key(), "user:1");
        EXPECT_EQ(entry_->expiry_ms(), 77);
        EXPECT_TRUE(entry_->is_in_expiry_index());
        EXPECT_TRUE(entry_->mark());
        EXPECT_EQ(entry_->uses(), 2U);
        EXPECT_EQ(entry_->access(), 3U);
        EXPECT_EQ(entry_->memory_bytes(), BlockPool::BlockSize(entry_->block_bytes()));
      }
    }
  }
}

TEST_F(EntryCollectionTest, ALongerKeyOrAnExpiryMovesACollectionOutOfItsBlock) {
  for (size_t count = 1; count < 60; ++count) {
    Make("k", count);
    const Entry* copy = EntryStore::CopyValue(pool_, entry_, std::string(40, 'k'), 7);
    EXPECT_EQ(Count(*copy), count);
    EXPECT_EQ(copy->expiry_ms(), 7);
    EntryStore::Free(const_cast<Entry*>(copy));
    entry_ = EntryStore::SetExpiry(pool_, entry_, 8);
    EXPECT_EQ(Count(*entry_), count);
    EXPECT_EQ(entry_->access(), 3U);
    entry_ = EntryStore::MoveValue(pool_, entry_, std::string(100, 'k'), kNoExpiry);
    EXPECT_EQ(Count(*entry_), count);
    EXPECT_LE(entry_->block_bytes(), Entry::kInlineBlockMax);
  }
}

TEST_F(EntryCollectionTest, AStringReplacesACollection) {
  for (const size_t count : {5U, 100U}) {
    Make("k", count);
    entry_ = EntryStore::ReplaceByString(pool_, entry_, {"text"});
    EXPECT_EQ(entry_->string().bytes, "text");
    EXPECT_EQ(entry_->type(), ValueType::kString);
    EXPECT_EQ(entry_->access(), 3U);
  }
}

// A long string that is kept compressed.
class EntryCompressedTest : public EntryTest {
 protected:
  static constexpr ValueCompression kLz4{CompressionMethod::kLz4, 0};
  ~EntryCompressedTest() override {
    if (entry_ != nullptr) EntryStore::Free(std::exchange(entry_, nullptr));
    scope_.reset();
    EXPECT_EQ(CompressedBytes::MeasureUsage().count, count_before_);
  }

  void MakeCompressed(std::string_view text) {
    const CompressedBytesRef packed = CompressedBytes::TryMake(text, kLz4);
    ASSERT_TRUE(packed);
    Make("k", {.bytes = text, .compressed = packed.get()}, 9);
    EntryStore::SetInExpiryIndex(entry_, true);
    entry_->set_access(3);
  }
  void ReplaceCompressed(std::string_view text) {
    const CompressedBytesRef packed = CompressedBytes::TryMake(text, kLz4);
    ASSERT_TRUE(packed);
    Replace({.bytes = text, .compressed = packed.get()});
  }

  const int64_t count_before_ = CompressedBytes::MeasureUsage().count;
  std::optional<UnpackScope> scope_{std::in_place};
  const std::string text_ = std::string(1000, 'a') + "b";
};

TEST_F(EntryCompressedTest, ReadsAsIfItWereNot) {
  MakeCompressed(text_);
  EXPECT_EQ(entry_->form(), ValueForm::kCompressed);
  EXPECT_EQ(Text(), text_);
  EXPECT_EQ(entry_->value_size(), text_.size());
  EXPECT_EQ(entry_->encoding_name(), "raw");
  EXPECT_FALSE(entry_->is_raw());
  EXPECT_LT(entry_->memory_bytes(), 200U);
  EXPECT_FALSE(EntryStore::IsExpensiveToFree(entry_));
}

TEST_F(EntryCompressedTest, IsReplacedByWhateverComes) {
  const std::string other = std::string(700, 'c');
  MakeCompressed(text_);
  ReplaceCompressed(other);
  EXPECT_EQ(Text(), other);
  Replace({text_});  // plain, and long
  EXPECT_EQ(entry_->form(), ValueForm::kShared);
  EXPECT_EQ(Text(), text_);
  ReplaceCompressed(other);
  EXPECT_EQ(entry_->form(), ValueForm::kCompressed);
  EXPECT_EQ(Text(), other);
  for (const char* text : {"short", "12", ""}) {
    Replace({text});
    EXPECT_EQ(Text(), text);
    ReplaceCompressed(other);
    EXPECT_EQ(Text(), other);
  }
  EXPECT_EQ(entry_->expiry_ms(), 9);
  EXPECT_EQ(entry_->access(), 3U);
  EXPECT_TRUE(entry_->is_in_expiry_index());
}

TEST_F(EntryCompressedTest, BecomesPlainWhenItIsChangedInPlace) {
  for (const size_t size : {0U, 10U, 1001U, 1002U, 5000U}) {
    MakeCompressed(text_);
    char* bytes = Resize(size);
    EXPECT_EQ(entry_->form(), size <= 10 ? ValueForm::kInline : ValueForm::kShared);
    std::string expected = text_;
    expected.resize(size, '\0');
    EXPECT_EQ(Text(), expected);
    if (size > 0) bytes[0] = 'z';
    EXPECT_TRUE(entry_->is_raw());
    EXPECT_EQ(entry_->expiry_ms(), 9);
  }
}

TEST_F(EntryCompressedTest, IsSharedByItsCopiesAndMovesAlong) {
  MakeCompressed(text_);
  Entry* copy = EntryStore::CopyValue(pool_, entry_, "another key", kNoExpiry);
  EXPECT_EQ(copy->form(), ValueForm::kCompressed);
  EXPECT_EQ(CompressedBytes::MeasureUsage().count, count_before_ + 1);
  EntryStore::ResizeString(pool_, &entry_, 1001)[0] = 'z';
  EXPECT_EQ(copy->string().bytes, text_);
  copy = EntryStore::SetExpiry(pool_, copy, 5);
  copy = EntryStore::MoveValue(pool_, copy, std::string(300, 'k'), 6);
  EXPECT_EQ(copy->string().bytes, text_);
  EXPECT_EQ(copy->expiry_ms(), 6);
  EXPECT_EQ(copy->value_size(), text_.size());
  EntryStore::Free(copy);
}

TEST(IntegerTextSizeTest, IsThatOfTheTextAtEveryPowerOfTwoAndTen) {
  std::vector<int64_t> values = {INT64_MIN, INT64_MAX, 0};
  for (int bit = 0; bit < 63; ++bit) values.push_back(int64_t{1} << bit);
  int64_t power = 1;
  for (int i = 0; i < 18; ++i) values.push_back(power *= 10);
  for (const int64_t value : values) {
    for (const int64_t step : {int64_t{-1}, int64_t{0}, int64_t{1}}) {
      if ((value == INT64_MIN && step < 0) || (value == INT64_MAX && step > 0)) continue;
      for (const int64_t tried : {value + step, value + step == INT64_MIN ? INT64_MIN : -(value + step)}) {
        EXPECT_EQ(IntegerTextSize(tried), std::to_string(tried).size()) << tried;
      }
    }
  }
}

}  // namespace
}  // namespace kvick
