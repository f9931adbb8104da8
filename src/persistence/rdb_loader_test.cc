#include "persistence/rdb_loader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/crc64.h"
#include "base/digest.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "persistence/rdb_bytes.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_file_writer.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace kvick {
namespace {

using namespace std::string_literals;

constexpr int64_t kNowMs = 1'700'000'000'000;

class RdbLoaderTest : public testing::Test {
 protected:
  RdbLoaderTest() {
    RegisterArrayType();
    RegisterHashType();
    RegisterListType();
    RegisterSetType();
    RegisterSortedSetType();
    RegisterStreamType();
  }

  static std::string File(std::string_view items, int version = 10) {
    std::string file;
    StringSink sink(&file);
    RdbFileWriter writer(&sink, true);
    EXPECT_TRUE(writer.Begin({.version = version, .functions = {}}).ok());
    EXPECT_TRUE(writer.Append(items).ok());
    EXPECT_TRUE(writer.Finish().ok());
    return file;
  }

  // "" or the error.
  std::string Load(std::string_view file, RdbLoadOptions options = {}) {
    StringSource source(file);
    const Result<RdbLoaded> loaded = LoadRdb(engine_, &source, options, &progress_);
    if (!loaded.ok()) return std::string(loaded.status().text());
    end_position_ = loaded->end_position;
    rest_ = loaded->rest;
    return "";
  }

  const Entry* Find(std::string_view key, int database = 0) {
    return engine_.database(database).FindAgain(KeyRef::Make(key)).entry;
  }
  std::string Text(std::string_view key) {
    const Entry* entry = Find(key);
    if (entry == nullptr || entry->type() != ValueType::kString) return "(none)";
    char buffer[kInt64TextMax];
    return std::string(entry->string().Text(buffer));
  }

  ManualClock clock_{kNowMs};
  Settings settings_;
  Engine engine_{&settings_, clock_};
  RdbLoadProgress progress_;
  uint64_t end_position_ = 0;
  std::string rest_;
};

TEST_F(RdbLoaderTest, ManyKeysArriveWhateverTheNumberOfThreads) {
  std::string items;
  for (int i = 0; i < 50'000; ++i) {
    items.push_back('\0');
    AppendRdbString(&items, "key:" + std::to_string(i), false);
    AppendRdbString(&items, std::to_string(i), false);
  }
  const std::string file = File(items);
  for (const size_t threads : {size_t{0}, size_t{1}, size_t{3}}) {
    engine_.database(0).TakeContents();
    EXPECT_EQ(Load(file, {.worker_count = threads}), "");
    EXPECT_EQ(engine_.database(0).EntryCount(), 50'000u);
    EXPECT_EQ(Text("key:49999"), "49999");
  }
  EXPECT_EQ(progress_.keys_loaded.load(), 150'000u);
  EXPECT_EQ(progress_.bytes_read.load(), file.size());
}

TEST_F(RdbLoaderTest, ARecordThatIsLongerThanABufferIsRead) {
  std::string items("\0", 1);
  AppendRdbString(&items, "long", false);
  AppendRdbString(&items, std::string(5'000'000, 'x'), false);
  items +=
      "\0\x01"
      "b\x01"
      "c"s;
  EXPECT_EQ(Load(File(items)), "");
  EXPECT_EQ(Text("long").size(), 5'000'000u);
  EXPECT_EQ(Text("b"), "c");
}

// Hashes of the fields, under "<prefix><number>".
std::string Hashes(const std::string& prefix, int count, std::string_view first, std::string_view second) {
  std::string items;
  for (int i = 0; i < count; ++i) {
    items.push_back('\4');
    AppendRdbString(&items, prefix + std::to_string(i), false);
    AppendRdbLength(&items, 2);
    for (const std::string_view field : {first, second}) {
      AppendRdbString(&items, field, false);
      AppendRdbString(&items, std::to_string(i), false);
    }
  }
  return items;
}

TEST_F(RdbLoaderTest, HashesBecomeCompactIfThatIsWantedAndEnoughShareTheirTemplate) {
  const std::string file = File(Hashes("many", 10, "a", "b") + Hashes("few", 3, "c", "d"));
  EXPECT_EQ(Load(file), "");
  EXPECT_EQ(Find("many1")->encoding_name(), "listpack");
  engine_.database(0).TakeContents();

  settings_.hash_load_template_entries_min = 2;
  settings_.hash_load_template_keys_min = 5;
  EXPECT_EQ(Load(file, {.worker_count = 2}), "");
  EXPECT_EQ(Find("many1")->encoding_name(), "template-listpack");
  EXPECT_EQ(Find("few1")->encoding_name(), "listpack");
  EXPECT_EQ(engine_.database(0).EntryCount(), 13u);
  engine_.database(0).TakeContents();

  settings_.hash_load_template_entries_max = 1;
  EXPECT_EQ(Load(file), "");
  EXPECT_EQ(Find("many1")->encoding_name(), "listpack");
}

TEST_F(RdbLoaderTest, ACompactHashIsReadInWhateverOrderItsNamesAre) {
  const auto compact = [](const Listpack& names, const Listpack& values) {
    std::string item("\x1d\x01k\x00"s);
    AppendRdbString(&item, names.bytes(), false);
    AppendRdbString(&item, values.bytes(), false);
    return item;
  };
  Listpack names;
  Listpack values;
  for (const std::string_view name : {"z", "a", "7"}) names.Append(name);
  for (const std::string_view value : {"1", "two", ""}) values.Append(value);
  EXPECT_EQ(Load(File(compact(names, values), 15)), "");
  EXPECT_EQ(Find("k")->encoding_name(), "template-listpack");
  const CollectionView view(*Find("k"));
  FieldTexts texts;
  const auto& hash = *static_cast<const HashValue*>(view.get());
  EXPECT_EQ(hash.Find("z", texts)->value, "1");
  EXPECT_EQ(hash.Find("a", texts)->value, "two");
  EXPECT_EQ(hash.Find("7", texts)->value, "");
  EXPECT_EQ(hash.names().name(0), "7");
  engine_.database(0).TakeContents();

  names.Append("a");
  EXPECT_NE(Load(File(compact(names, values), 15)).find("not as many values"), std::string::npos);
  values.Append("4");
  EXPECT_NE(Load(File(compact(names, values), 15)).find("duplicate field"), std::string::npos);
}

TEST_F(RdbLoaderTest, ExpiredKeysAreLeftOutIfThatIsWanted) {
  std::string items = "\xfc"s;
  AppendRdbInt64(&items, kNowMs - 1);
  items +=
      "\0\x01"
      "a\x01"
      "x"s;
  items += "\xfc"s;
  AppendRdbInt64(&items, kNowMs + 1);
  items +=
      "\0\x01"
      "b\x01"
      "y"s;
  EXPECT_EQ(Load(File(items)), "");
  EXPECT_EQ(Text("a"), "(none)");
  EXPECT_EQ(Find("b")->expiry_ms(), kNowMs + 1);
  EXPECT_EQ(progress_.keys_expired.load(), 1u);
  engine_.database(0).TakeContents();
  EXPECT_EQ(Load(File(items), {.drops_expired = false}), "");
  EXPECT_EQ(Text("a"), "x");
}

TEST_F(RdbLoaderTest, UseIsRestored) {
  EXPECT_EQ(Load(File("\xf8\x3c\0\x01"
                      "a\x01"
                      "x"s)),
            "");
  EXPECT_EQ(IdleSeconds(Find("a")->access(), kNowMs), 60u);
  settings_.max_memory_policy = EvictionPolicy::kAllKeysLfu;
  EXPECT_EQ(Load(File("\xf9\x63\0\x01"
                      "b\x01"
                      "x"s)),
            "");
  EXPECT_EQ(FrequencyOf(Find("b")->access(), kNowMs, {}), 0x63u);
}

TEST_F(RdbLoaderTest, CollectionsWithoutPartsAreLeftOut) {
  EXPECT_EQ(Load(File("\x02\x01"
                      "s\0\x04\x01"
                      "h\0\0\x01"
                      "a\x01"
                      "x"s)),
            "");
  EXPECT_EQ(engine_.database(0).EntryCount(), 1u);
  EXPECT_EQ(progress_.empty_keys.load(), 2u);
}

TEST_F(RdbLoaderTest, AKeyThatOccursTwiceIsRefusedUnlessItReplaces) {
  const std::string file = File(
      "\0\x01"
      "a\x01"
      "x\0\x01"
      "a\x01"
      "y"s);
  EXPECT_EQ(Load(file), "RDB has duplicated key 'a' in DB 0");
  EXPECT_EQ(Load(file, {.replaces_keys = true}), "");
  EXPECT_EQ(Text("a"), "y");
}

TEST_F(RdbLoaderTest, ItSaysWhereTheDataSetEnds) {
  const std::string file = File(
      "\0\x01"
      "a\x01"
      "x"s);
  EXPECT_EQ(Load(file + "*1\r\n"), "");
  EXPECT_EQ(end_position_, file.size());
  EXPECT_EQ(rest_, "*1\r\n");
}

TEST_F(RdbLoaderTest, EveryCutFileIsRefused) {
  std::string items =
      "\xfe\x01\0\x01"
      "a\x01"
      "x\x05\x01"
      "z\x01\x01"
      "m"s;
  AppendRdbDouble(&items, 1.5);
  const std::string file = File(items);
  for (size_t size = 0; size < file.size(); ++size) {
    for (int i = 0; i < 2; ++i) engine_.database(i).TakeContents();
    const std::string error = Load(std::string_view(file).substr(0, size));
    EXPECT_NE(error.find("Unexpected EOF"), std::string::npos) << size << error;
  }
}

TEST_F(RdbLoaderTest, EveryFlippedBitIsSeen) {
  const std::string file = File(
      "\0\x01"
      "a\x01"
      "x\x02\x01"
      "s\x02\x01"
      "b\x01"
      "c"s);
  for (size_t bit = 0; bit < (file.size() - kRdbChecksumBytes) * 8; ++bit) {
    engine_.database(0).TakeContents();
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(Load(damaged), "") << bit;
  }
}

TEST_F(RdbLoaderTest, DamageIsToldWithItsPlaceAndReason) {
  const std::string front = File("");
  EXPECT_EQ(Load(File("\x02\x01"
                      "k\x02\x01"
                      "a\x01"
                      "a"s))
                .substr(0, 39),
            "Internal error in RDB reading offset " + std::to_string(front.size() - 9 + 6));
  EXPECT_NE(Load(File("\x02\x01"
                      "k\x02\x01"
                      "a\x01"
                      "a"s))
                .find("key 'k' -> duplicate member of a set"),
            std::string::npos);
  EXPECT_NE(Load(File("\x07\x01"
                      "k\x81%%%%%%%%\0"s))
                .find("module type 'JSUlJSUlJ'"),
            std::string::npos);
  EXPECT_NE(Load(File("\xf7\x81%%%%%%%%\x02\x02\0"s)).find("AUX module data"), std::string::npos);
  EXPECT_NE(Load(File("\xf3\x01"s)).find("metadata of a module's class"), std::string::npos);
  EXPECT_NE(Load(File("\xf4\x80\0\0\x40\0\0\0"s)).find("impossible number of a slot"), std::string::npos);
  EXPECT_NE(Load(File("\xfe\x20\0\x01"
                      "a\x01"
                      "x"s))
                .find("more than 16 databases"),
            std::string::npos);
  EXPECT_EQ(Load("REDIS0099"), "Can't handle RDB format version 99");
  EXPECT_EQ(Load("VALKEY079"), "Can't handle RDB format version 79");
  EXPECT_EQ(Load("REDISABCD"), "Wrong signature trying to load DB from file");
}

TEST_F(RdbLoaderTest, FilesOfTheOtherLineageAreRead) {
  std::string file =
      "VALKEY080\xfe\0\xf3\x03job\x01\x01\x02\xf4\x01\x01\0\x16\x01h\x02\x01"
      "f\x01v"s;
  AppendRdbInt64(&file, kNowMs + 5);
  file += "\x01g\x01w"s;
  AppendRdbInt64(&file, -1);
  file += "\xff"s;
  AppendRdbInt64(&file, static_cast<int64_t>(Crc64(file)));
  EXPECT_EQ(Load(file), "");
  const CollectionView view(*Find("h"));
  const auto& hash = *static_cast<const HashValue*>(view.get());
  FieldTexts texts;
  EXPECT_EQ(hash.Find("f", texts)->expiry_ms, kNowMs + 5);
  EXPECT_EQ(hash.Find("g", texts)->expiry_ms, Field::kNoExpiry);
}

TEST_F(RdbLoaderTest, MembersThatExpireInEitherForm) {
  std::string moments;
  AppendRdbString(&moments, "a", false);
  AppendRdbInt64(&moments, kNowMs + 7);
  std::string items = "\xfa"s;
  AppendRdbString(&items, kRdbMemberExpiry, false);
  AppendRdbString(&items, moments, false);
  items +=
      "\x02\x01s\x02\x01"
      "a\x01"
      "b\x02\x01t\x01\x01"
      "c"s;
  for (const std::string_view text :
       {kRdbKeyDbMember, std::string_view("c"), kRdbKeyDbMoment, std::string_view("1700000000009")}) {
    if (text.size() > 15) items += "\xfa"s;
    AppendRdbString(&items, text, false);
  }
  EXPECT_EQ(Load(File(items)), "");
  EXPECT_EQ(static_cast<const SetValue*>(Find("s")->object())->ExpiryOf("a"), kNowMs + 7);
  EXPECT_EQ(static_cast<const SetValue*>(Find("t")->object())->ExpiryOf("c"), kNowMs + 9);
}

// What a snapshot writes in parts equals what it writes in one piece.
TEST_F(RdbLoaderTest, PartsMakeTheSameCollections) {
  HashLimits tiny{0, 0};
  auto hash = std::make_unique<HashValue>();
  hash->Set("f", "v", tiny, {kNowMs + 100, kNowMs});
  hash->Set("g", "w", tiny);
  Mutation mutation;
  mutation.now_ms = kNowMs;
  mutation.is_alone = true;
  const KeyRef key = KeyRef::Make("h");
  engine_.database(0).PutObject(key, {}, ValueType::kHash, hash.release(), {}, mutation);
  const RdbEncoder encoder({.version = 12, .compresses = false, .now_ms = kNowMs});
  EXPECT_EQ(RdbEncoder::RequiredVersion(*Find("h")), kRdbVersionFieldExpiry);
  std::string items;
  const CollectionHead head{"h", encoder.AppendHead(*Find("h"), &items)};
  encoder.AppendField(head, "g", "w", Field::kNoExpiry, &items);
  encoder.AppendField(head, "f", "v", kNowMs + 100, &items);
  engine_.database(0).TakeContents();
  EXPECT_EQ(Load(File(items, 12)), "");
  const CollectionView view(*Find("h"));
  FieldTexts texts;
  EXPECT_EQ(static_cast<const HashValue*>(view.get())->Find("f", texts)->expiry_ms, kNowMs + 100);
  EXPECT_EQ(encoder.degraded_count(), 0u);
  const RdbEncoder older({.version = 11, .compresses = false, .now_ms = kNowMs});
  std::string out;
  older.AppendEntry(*Find("h"), &out);
  EXPECT_EQ(older.degraded_count(), 1u);
}

}  // namespace
}  // namespace kvick
