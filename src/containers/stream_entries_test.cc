#include "containers/stream_entries.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

using Texts = std::vector<std::string>;
using Model = std::map<StreamId, Texts>;

std::vector<std::string_view> Views(const Texts& texts) { return {texts.begin(), texts.end()}; }

Texts FieldsAt(const StreamCursor& at) {
  Texts texts;
  char buffer[kInt64TextMax];
  at.ForEachField([&](const ListpackValue& field, const ListpackValue& value) {
    texts.emplace_back(field.Text(buffer));
    texts.emplace_back(value.Text(buffer));
  });
  return texts;
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

void ExpectSame(const StreamEntries& entries, const Model& model) {
  ASSERT_EQ(entries.count(), model.size());
  auto place = model.begin();
  for (StreamCursor at = entries.Seek(StreamId::Min()); at.is_valid(); at.Next(), ++place) {
    ASSERT_EQ(at.id(), place->first);
    ASSERT_EQ(FieldsAt(at), place->second);
  }
  EXPECT_EQ(place, model.end());
  for (StreamCursor at = entries.SeekBackwards(StreamId::Max()); at.is_valid(); at.Previous()) {
    --place;
    ASSERT_EQ(at.id(), place->first);
  }
  EXPECT_EQ(place, model.begin());
  entries.ForEachNode([](const StreamId& base, std::string_view bytes) {
    EXPECT_TRUE(StreamNode::IsValid(bytes, base));
    EXPECT_FALSE(StreamNode::IsValid(bytes, *base.Next()) && StreamNode::IsValid(bytes.substr(1), base));
  });
}

TEST(StreamEntriesTest, ANodeHasTheBytesOfTheFormat) {
  StreamEntries entries;
  const StreamLimits limits;
  entries.Append({1, 1}, Views({"a", "1", "temp", "x"}), limits);
  entries.Append({1, 2}, Views({"a", "-70000", "temp", "yy"}), limits);
  entries.Append({3, 0}, Views({"b", "5"}), limits);
  entries.Erase({1, 2});
  // As a stock server dumps it.
  entries.ForEachNode([](const StreamId& base, std::string_view bytes) {
    EXPECT_EQ(base, (StreamId{1, 1}));
    EXPECT_EQ(Hex(bytes),
              "4600000019000201010102018161028474656d700500010201000100010101817802050103010001"
              "0101f290eefe0482797903050100010201dfff02010181620205010601ff");
  });
}

TEST(StreamEntriesTest, IdsOfOneNodeMayBeFarApart) {
  StreamEntries entries;
  const StreamLimits limits;
  Model model;
  for (const StreamId id :
       {StreamId{0, 1}, StreamId{5, UINT64_MAX}, StreamId{6, 0}, StreamId{UINT64_MAX / 2, 3},
        StreamId{UINT64_MAX / 2 + 1, 2}, StreamId{UINT64_MAX, 0}, StreamId{UINT64_MAX, UINT64_MAX}}) {
    entries.Append(id, Views({"a", "1"}), limits);
    model[id] = {"a", "1"};
  }
  ExpectSame(entries, model);
}

StreamTrimmed TrimModel(Model* model, const StreamTrim& trim) {
  StreamTrimmed result;
  const bool by_length = trim.strategy == StreamTrim::Strategy::kMaxLength;
  while (!model->empty() && (by_length ? model->size() > trim.length_max : model->begin()->first < trim.id_min)) {
    result.last_removed = model->begin()->first;
    model->erase(model->begin());
    ++result.removed_count;
  }
  return result;
}

TEST(StreamEntriesTest, DoesWhatAMapDoes) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const StreamLimits limits{.node_bytes_max = seed % 3 == 0 ? size_t{0} : size_t{600},
                              .node_entries_max = seed % 2 == 0 ? size_t{200} : size_t{7}};
    StreamEntries entries;
    Model model;
    StreamId last;
    const auto text = [&random] {
      return random.Below(2) == 0 ? std::to_string(static_cast<int64_t>(random.Below(100'000)) - 50'000)
                                  : std::string(random.Below(90), 'x');
    };
    for (int step = 0; step < 6'000; ++step) {
      const StreamId id{random.Below(last.ms + 2), random.Below(20)};
      const uint64_t dice = random.Below(100);
      if (dice < 60) {
        last = random.Below(3) == 0 ? StreamId{last.ms + random.Below(1000), last.seq + 1} : *last.Next();
        Texts fields;
        for (uint64_t i = random.Below(10) == 0 ? 1 + random.Below(5) : 2; i > 0; --i) {
          fields.push_back("field" + std::to_string(i));
          fields.push_back(text());
        }
        entries.Append(last, Views(fields), limits);
        model[last] = fields;
      } else if (dice < 85 && !model.empty()) {
        const StreamId victim =
            random.Below(4) == 0
                ? id
                : std::next(model.begin(), static_cast<std::ptrdiff_t>(random.Below(model.size())))->first;
        ASSERT_EQ(entries.Erase(victim), model.erase(victim) == 1);
      } else if (dice < 87) {
        StreamTrim trim;
        trim.strategy = random.Below(2) == 0 ? StreamTrim::Strategy::kMaxLength : StreamTrim::Strategy::kMinId;
        trim.length_max = model.size() > 30 ? model.size() - random.Below(30) : model.size();
        trim.id_min = model.empty()
                          ? id
                          : std::next(model.begin(),
                                      static_cast<std::ptrdiff_t>(random.Below(std::min<size_t>(model.size(), 20))))
                                ->first;
        const StreamTrimmed expected = TrimModel(&model, trim);
        const StreamTrimmed trimmed = entries.Trim(trim, nullptr);
        ASSERT_EQ(trimmed.removed_count, expected.removed_count);
        ASSERT_GE(trimmed.last_removed, expected.last_removed);
        if (!model.empty()) ASSERT_LT(trimmed.last_removed, model.begin()->first);
      } else {
        const StreamCursor at = entries.Seek(id);
        const auto place = model.lower_bound(id);
        ASSERT_EQ(at.is_valid(), place != model.end());
        if (at.is_valid()) ASSERT_EQ(at.id(), place->first);
        ASSERT_EQ(entries.Contains(id), model.count(id) == 1);
        const StreamCursor before = entries.SeekBackwards(id);
        const auto behind = model.upper_bound(id);
        ASSERT_EQ(before.is_valid(), behind != model.begin());
        if (before.is_valid()) ASSERT_EQ(before.id(), std::prev(behind)->first);
      }
      if (step % 500 == 0) ExpectSame(entries, model);
    }
    ExpectSame(entries, model);
    ExpectSame(StreamEntries(entries), model);
  }
}

TEST(StreamEntriesTest, AnApproximateTrimTakesWholeNodesUpToItsLimit) {
  StreamEntries entries;
  const StreamLimits limits{.node_bytes_max = 4096, .node_entries_max = 10};
  for (uint64_t i = 1; i <= 35; ++i) entries.Append({i, 0}, Views({"a", "1"}), limits);
  StreamTrim trim{.strategy = StreamTrim::Strategy::kMaxLength, .is_approximate = true, .length_max = 9, .limit = 15};
  EXPECT_EQ(entries.Trim(trim, nullptr).removed_count, 10u);
  trim.limit = 0;
  const StreamTrimmed trimmed = entries.Trim(trim, nullptr);
  EXPECT_EQ(trimmed.removed_count, 10u);
  EXPECT_EQ(trimmed.end, (StreamId{21, 0}));
  EXPECT_EQ(entries.count(), 15u);
}

TEST(StreamEntriesTest, ATrimSkipsWhatMayNotGoAndEndsAtItsThreshold) {
  for (const size_t entries_max : {size_t{3}, size_t{100}}) {
    StreamEntries entries;
    for (uint64_t i = 1; i <= 20; ++i) entries.Append({i, 0}, Views({"a", "1"}), {.node_entries_max = entries_max});
    const StreamTrim trim{.strategy = StreamTrim::Strategy::kMaxLength, .length_max = 8};
    const StreamTrimmed trimmed = entries.Trim(trim, [](const StreamId& id) { return id.ms % 3 != 0; });
    EXPECT_EQ(trimmed.considered_count, 12u);
    EXPECT_EQ(trimmed.removed_count, 8u);
    EXPECT_EQ(trimmed.last_removed, (StreamId{11, 0}));
    EXPECT_EQ(trimmed.end, (StreamId{13, 0}));
    EXPECT_EQ(entries.count(), 12u);
    EXPECT_EQ(entries.FirstId(), (StreamId{3, 0}));
  }
}

TEST(StreamNodeTest, DamagedNodesAreRefused) {
  StreamEntries entries;
  for (uint64_t i = 0; i < 8; ++i) {
    entries.Append({i + 1, i}, Views(i % 3 == 0 ? Texts{"b", "2"} : Texts{"a", "1", "c", "x"}), {});
  }
  entries.Erase({3, 2});
  std::string node;
  entries.ForEachNode([&node](const StreamId&, std::string_view bytes) { node = bytes; });
  ASSERT_TRUE(StreamNode::IsValid(node, {1, 0}));
  EXPECT_FALSE(StreamNode::IsValid("", {1, 0}));
  EXPECT_FALSE(StreamNode::IsValid(Listpack().bytes(), {1, 0}));
  // Whatever is accepted can be walked from both ends.
  size_t refused = 0;
  for (size_t at = 0; at < node.size(); ++at) {
    for (const int bit : {0, 1, 3, 7}) {
      std::string damaged = node;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      if (!StreamNode::IsValid(damaged, {1, 0})) {
        ++refused;
        continue;
      }
      StreamEntries adopted;
      adopted.AdoptNode({1, 0}, *Listpack::FromBytes(damaged));
      size_t count = 0;
      for (StreamCursor cursor = adopted.Seek(StreamId::Min()); cursor.is_valid(); cursor.Next()) ++count;
      EXPECT_EQ(count, adopted.count());
      for (StreamCursor cursor = adopted.SeekBackwards(StreamId::Max()); cursor.is_valid(); cursor.Previous()) --count;
      EXPECT_EQ(count, 0u);
    }
  }
  EXPECT_GT(refused, node.size());
}

}  // namespace
}  // namespace kvick
