#include "persistence/rdb_stream_codec.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "containers/stream_node.h"

namespace kvick {
namespace {

constexpr size_t kIdBytes = sizeof(StreamId::Key);
// What a StoredPending holds; and nobody delivers later than in the year 6000.
constexpr int64_t kTimeMax = (int64_t{1} << 47) - 1;
// Where entries that were given back go when a version cannot say so and their group has no consumer.
constexpr std::string_view kSubstituteConsumer = "-";

bool HasConsumerTimes(RdbType type) { return type != RdbType::kStream && type != RdbType::kStream2; }
bool HasProducers(RdbType type) { return type == RdbType::kStream4 || type == RdbType::kStream5; }
bool HasReturned(RdbType type) { return type == RdbType::kStream5; }

class StreamWriter {
 public:
  StreamWriter(RdbType type, bool compresses, std::string* out) : type_(type), compresses_(compresses), out_(out) {}
  void Write(const StreamValue& stream);

 private:
  void Length(uint64_t length) { AppendRdbLength(out_, length); }
  void Text(std::string_view text) { AppendRdbString(out_, text, compresses_); }
  void Id(const StreamId& id) {
    Length(id.ms);
    Length(id.seq);
  }
  void Key(const StreamId& id) {
    const StreamId::Key key = id.ToKey();
    out_->append(key.data(), key.size());
  }
  void Group(std::string_view name, const StreamGroup& group);
  void Consumer(std::string_view name, const StreamConsumer& consumer, const std::vector<StreamId>& more);
  void Producers(const StreamIdempotence* idempotence);

  const RdbType type_;
  const bool compresses_;
  std::string* const out_;
};

void StreamWriter::Write(const StreamValue& stream) {
  Length(stream.entries().node_count());
  stream.entries().ForEachNode([this](const StreamId& base, std::string_view node) {
    Length(kIdBytes);
    Key(base);
    Text(node);
  });
  Length(stream.count());
  Id(stream.last_id());
  Id(stream.first_id());
  Id(stream.max_deleted_id());
  Length(stream.added_count());
  Length(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) Group(name, *group);
  if (HasProducers(type_)) Producers(stream.FindIdempotence());
}

void StreamWriter::Group(std::string_view name, const StreamGroup& group) {
  Text(name);
  Id(group.last_id);
  Length(static_cast<uint64_t>(group.read_count));
  Length(group.pending_count());
  std::vector<std::pair<int64_t, StreamId>> returned;  // with their order
  for (auto at = group.Seek(StreamId::Min()); at.is_valid(); at.Next()) {
    const PendingEntry entry = group.Read(at);
    if (entry.consumer == nullptr) returned.emplace_back(at.value().order(), at.id());
    Key(at.id());
    AppendRdbInt64(out_, entry.delivered_ms);
    Length(static_cast<uint64_t>(entry.delivery_count));
  }
  std::sort(returned.begin(), returned.end());
  std::vector<StreamId> ids;
  for (const auto& [order, id] : returned) ids.push_back(id);

  std::vector<StreamId> substituted;
  if (!HasReturned(type_)) substituted.swap(ids);
  const bool lacks_consumer = !substituted.empty() && group.consumers().empty();
  Length(group.consumers().size() + (lacks_consumer ? 1 : 0));
  for (const auto& [consumer_name, consumer] : group.consumers()) {
    Consumer(consumer_name, *consumer, substituted);
    substituted.clear();
  }
  if (lacks_consumer) Consumer(kSubstituteConsumer, StreamConsumer{}, substituted);
  if (!HasReturned(type_)) return;
  Length(ids.size());
  for (const StreamId& id : ids) Key(id);
}

void StreamWriter::Consumer(std::string_view name, const StreamConsumer& consumer, const std::vector<StreamId>& more) {
  Text(name);
  AppendRdbInt64(out_, consumer.seen_ms);
  if (HasConsumerTimes(type_)) AppendRdbInt64(out_, consumer.active_ms);
  Length(consumer.pending.count() + more.size());
  for (auto at = consumer.pending.First(); at.is_valid(); at.Next()) Key(at.id());
  for (const StreamId& id : more) Key(id);
}

void StreamWriter::Producers(const StreamIdempotence* idempotence) {
  if (idempotence == nullptr) {
    for (int i = 0; i < 5; ++i) Length(0);
    return;
  }
  Length(static_cast<uint64_t>(idempotence->limits().duration_s));
  Length(static_cast<uint64_t>(idempotence->limits().names_max));
  Length(idempotence->producer_count());
  struct Named {
    std::string_view text;
    StreamId id;
  };
  std::vector<Named> names;  // of one producer
  std::string_view current;
  const auto flush = [&] {
    if (names.empty()) return;
    Text(current);
    Length(names.size());
    for (const Named& name : names) {
      Text(name.text);
      Id(name.id);
    }
    names.clear();
  };
  idempotence->ForEach([&](std::string_view producer, std::string_view name, const StreamId& id, int64_t) {
    if (producer != current) flush();
    current = producer;
    names.push_back({name, id});
  });
  flush();
  Length(idempotence->added_count());
  Length(idempotence->duplicate_count());
}

class StreamReader {
 public:
  StreamReader(RdbType type, const StreamIdempotenceLimits& idempotence_defaults, int64_t now_ms, RdbBytes* bytes)
      : type_(type), idempotence_defaults_(idempotence_defaults), now_ms_(now_ms), bytes_(*bytes) {}

  std::unique_ptr<StreamValue> Read();

 private:
  struct Pending {
    StreamId id;
    StreamDelivery delivery;
    bool is_assigned = false;
  };

  StreamId TakeId() {
    const uint64_t ms = bytes_.TakeLength();
    return {ms, bytes_.TakeLength()};
  }
  StreamId TakeKey() {
    const std::string_view key = bytes_.TakeBytes(kIdBytes);
    return key.size() == kIdBytes ? StreamId::FromKey(key) : StreamId::Min();
  }
  int64_t TakeTime() { return std::clamp<int64_t>(bytes_.TakeInt64(), -1, kTimeMax); }
  // A count of events: no negative ones.
  int64_t TakeEvents() {
    return static_cast<int64_t>(
        std::min<uint64_t>(bytes_.TakeLength(), static_cast<uint64_t>(std::numeric_limits<int64_t>::max())));
  }
  void ReadNodes();
  void ReadMeta();
  void ReadGroup();
  void ReadPending();
  void ReadConsumer(StreamGroup& group);
  void ReadReturned(StreamGroup& group);
  Pending* FindPending(const StreamId& id);
  void ReadProducers();

  const RdbType type_;
  const StreamIdempotenceLimits& idempotence_defaults_;
  const int64_t now_ms_;
  RdbBytes& bytes_;
  std::unique_ptr<StreamValue> stream_ = std::make_unique<StreamValue>();
  StreamId last_entry_id_;
  std::vector<Pending> pending_;  // of the group that is read, by id
  std::string scratch_;
  std::string name_scratch_;
};

std::unique_ptr<StreamValue> StreamReader::Read() {
  ReadNodes();
  ReadMeta();
  for (uint64_t left = bytes_.TakeCount(6); left > 0 && bytes_.ok(); --left) ReadGroup();
  if (HasProducers(type_)) ReadProducers();
  return bytes_.ok() ? std::move(stream_) : nullptr;
}

void StreamReader::ReadNodes() {
  bool has_entries = false;
  for (uint64_t left = bytes_.TakeCount(2); left > 0 && bytes_.ok(); --left) {
    const std::string_view key = bytes_.TakeString(&name_scratch_);
    if (!bytes_.ok()) return;
    if (key.size() != kIdBytes) return bytes_.Fail("the id of a stream's node has not 16 bytes");
    const StreamId base = StreamId::FromKey(key);
    const std::string_view node = bytes_.TakeString(&scratch_);
    if (!bytes_.ok()) return;
    if (!StreamNode::IsValid(node, base)) return bytes_.Fail("a stream's node is damaged");
    StreamNodeCursor last(ListpackView(node), base);
    if (!last.is_valid()) return bytes_.Fail("a stream's node is empty");
    if (has_entries && last.id() <= last_entry_id_) return bytes_.Fail("a stream's nodes are out of order");
    last.SeekLast();
    last_entry_id_ = last.id();
    has_entries = true;
    if (StreamNode::CountsOf(ListpackView(node)).live == 0) continue;
    stream_->AdoptNode(base, Listpack::CopyOf(ListpackView(node)));
  }
}

void StreamReader::ReadMeta() {
  const uint64_t length = bytes_.TakeLength();
  const StreamId last_id = TakeId();
  StreamId max_deleted_id;
  uint64_t added_count = length;
  if (type_ != RdbType::kStream) {
    TakeId();  // the first id, which the entries tell
    max_deleted_id = TakeId();
    added_count = bytes_.TakeLength();
  }
  if (!bytes_.ok()) return;
  if (length != stream_->count()) return bytes_.Fail("a stream's length is not that of its nodes");
  if (last_id < last_entry_id_) return bytes_.Fail("a stream's last id lies in front of its last entry");
  stream_->SetMeta(last_id, added_count, max_deleted_id);
}

void StreamReader::ReadGroup() {
  const std::string name(bytes_.TakeString(&name_scratch_));
  const StreamId last_id = TakeId();
  int64_t read_count = StreamGroup::kReadCountUnknown;
  if (type_ != RdbType::kStream) {
    read_count = std::max(static_cast<int64_t>(bytes_.TakeLength()), StreamGroup::kReadCountUnknown);
  } else {
    read_count = stream_->PositionOf(last_id).value_or(StreamGroup::kReadCountUnknown);
  }
  if (!bytes_.ok()) return;
  StreamGroup* group = stream_->AddGroup(name, last_id, read_count);
  if (group == nullptr) return bytes_.Fail("duplicate consumer group");
  ReadPending();
  for (uint64_t left = bytes_.TakeCount(10); left > 0 && bytes_.ok(); --left) ReadConsumer(*group);
  if (HasReturned(type_)) ReadReturned(*group);
  const bool all_assigned =
      std::all_of(pending_.begin(), pending_.end(), [](const Pending& entry) { return entry.is_assigned; });
  if (!all_assigned) bytes_.Fail("a pending entry has no consumer");
}

void StreamReader::ReadPending() {
  const uint64_t count = bytes_.TakeCount(kIdBytes + 9);
  pending_.clear();
  pending_.reserve(count);
  for (uint64_t i = 0; i < count && bytes_.ok(); ++i) {
    Pending entry;
    entry.id = TakeKey();
    entry.delivery.delivered_ms = std::max<int64_t>(TakeTime(), 0);
    entry.delivery.delivery_count = TakeEvents();
    if (!pending_.empty() && entry.id <= pending_.back().id) {
      return bytes_.Fail("pending entries are duplicate or out of order");
    }
    pending_.push_back(entry);
  }
}

StreamReader::Pending* StreamReader::FindPending(const StreamId& id) {
  const auto found = std::lower_bound(pending_.begin(), pending_.end(), id,
                                      [](const Pending& entry, const StreamId& sought) { return entry.id < sought; });
  return found != pending_.end() && found->id == id ? &*found : nullptr;
}

void StreamReader::ReadConsumer(StreamGroup& group) {
  const std::string_view name = bytes_.TakeString(&name_scratch_);
  if (!bytes_.ok()) return;
  if (group.FindConsumer(name) != nullptr) return bytes_.Fail("duplicate consumer");
  StreamConsumer& consumer = group.AddConsumer(name, TakeTime());
  consumer.active_ms = HasConsumerTimes(type_) ? TakeTime() : consumer.seen_ms;
  consumer.NoteTimes();
  for (uint64_t left = bytes_.TakeCount(kIdBytes); left > 0 && bytes_.ok(); --left) {
    const StreamId id = TakeKey();
    Pending* entry = FindPending(id);
    if (entry == nullptr) return bytes_.Fail("a consumer's entry is not pending in its group");
    if (entry->is_assigned) return bytes_.Fail("an entry is pending twice");
    entry->is_assigned = true;
    group.Assign(id, consumer, entry->delivery);
  }
}

void StreamReader::ReadReturned(StreamGroup& group) {
  for (uint64_t left = bytes_.TakeCount(kIdBytes); left > 0 && bytes_.ok(); --left) {
    const StreamId id = TakeKey();
    Pending* entry = FindPending(id);
    if (entry == nullptr || entry->is_assigned)
      return bytes_.Fail("an entry given back is not pending, or a consumer's");
    entry->is_assigned = true;
    group.Return(id, entry->delivery.delivery_count);
  }
}

void StreamReader::ReadProducers() {
  constexpr uint64_t kSecondsMax = 86'400;
  constexpr uint64_t kNamesMax = 10'000;
  const uint64_t duration_s = bytes_.TakeLength();
  const uint64_t names_max = bytes_.TakeLength();
  const uint64_t producer_count = bytes_.TakeCount(2);
  if (!bytes_.ok()) return;
  if (duration_s > kSecondsMax || names_max > kNamesMax)
    return bytes_.Fail("impossible limits of a stream's producers");
  StreamIdempotenceLimits limits = idempotence_defaults_;
  const bool has_limits = duration_s != 0 && names_max != 0;
  if (has_limits) limits = {static_cast<int64_t>(duration_s), static_cast<int64_t>(names_max)};
  if (has_limits || producer_count > 0) stream_->idempotence(limits);
  for (uint64_t left = producer_count; left > 0 && bytes_.ok(); --left) {
    const std::string producer(bytes_.TakeString(&name_scratch_));
    for (uint64_t names_left = bytes_.TakeCount(3); names_left > 0 && bytes_.ok(); --names_left) {
      const std::string_view name = bytes_.TakeString(&scratch_);
      const StreamId id = TakeId();
      if (!bytes_.ok()) return;
      // A name is as old as its entry.
      const auto recorded_ms = static_cast<int64_t>(std::min(id.ms, static_cast<uint64_t>(now_ms_)));
      StreamIdempotence& idempotence = stream_->idempotence(limits);
      if (recorded_ms <= now_ms_ - limits.duration_s * 1000) continue;
      if (idempotence.Find(producer, name, recorded_ms)) return bytes_.Fail("duplicate name of a producer");
      idempotence.Record(producer, name, id, recorded_ms);
    }
  }
  const uint64_t added_count = bytes_.TakeLength();
  const uint64_t duplicate_count = bytes_.TakeLength();
  if (StreamIdempotence* idempotence = stream_->FindIdempotence()) idempotence->SetCounts(added_count, duplicate_count);
}

}  // namespace

int RequiredRdbVersion(const StreamValue& stream) {
  int version = stream.FindIdempotence() != nullptr ? kRdbVersionIdempotence : kRdbVersionLowest;
  for (const auto& [name, group] : stream.groups()) {
    if (group->returned_count() > 0) return kRdbVersionArrays;
    for (const auto& [consumer_name, consumer] : group->consumers()) {
      if (consumer->active_ms != consumer->seen_ms) version = std::max(version, kRdbVersionConsumerTimes);
    }
  }
  return version;
}

RdbType RdbTypeOf(const StreamValue& stream, int version) {
  const int wanted = std::min(RequiredRdbVersion(stream), version);
  if (wanted >= kRdbVersionArrays) return RdbType::kStream5;
  if (wanted >= kRdbVersionIdempotence) return RdbType::kStream4;
  return wanted >= kRdbVersionConsumerTimes ? RdbType::kStream3 : RdbType::kStream2;
}

void AppendRdbStream(RdbType type, const StreamValue& stream, bool compresses, std::string* out) {
  StreamWriter(type, compresses, out).Write(stream);
}

std::unique_ptr<StreamValue> ReadRdbStream(RdbType type, const StreamIdempotenceLimits& idempotence_defaults,
                                           int64_t now_ms, RdbBytes* bytes) {
  return StreamReader(type, idempotence_defaults, now_ms, bytes).Read();
}

void SkipRdbStream(RdbType type, RdbBytes* bytes) {
  const auto skip_lengths = [bytes](int count) {
    for (int i = 0; i < count; ++i) bytes->TakeLength();
  };
  for (uint64_t left = bytes->TakeLength(); left > 0 && bytes->ok(); --left) {
    bytes->SkipString();
    bytes->SkipString();
  }
  skip_lengths(type == RdbType::kStream ? 3 : 8);
  for (uint64_t left = bytes->TakeLength(); left > 0 && bytes->ok(); --left) {
    bytes->SkipString();
    skip_lengths(type == RdbType::kStream ? 2 : 3);
    for (uint64_t pending = bytes->TakeLength(); pending > 0 && bytes->ok(); --pending) {
      bytes->TakeBytes(kIdBytes + sizeof(int64_t));
      bytes->TakeLength();
    }
    for (uint64_t consumers = bytes->TakeLength(); consumers > 0 && bytes->ok(); --consumers) {
      bytes->SkipString();
      bytes->TakeBytes(sizeof(int64_t) * (HasConsumerTimes(type) ? 2 : 1));
      for (uint64_t ids = bytes->TakeLength(); ids > 0 && bytes->ok(); --ids) bytes->TakeBytes(kIdBytes);
    }
    if (!HasReturned(type)) continue;
    for (uint64_t ids = bytes->TakeLength(); ids > 0 && bytes->ok(); --ids) bytes->TakeBytes(kIdBytes);
  }
  if (!HasProducers(type)) return;
  skip_lengths(2);
  for (uint64_t left = bytes->TakeLength(); left > 0 && bytes->ok(); --left) {
    bytes->SkipString();
    for (uint64_t names = bytes->TakeLength(); names > 0 && bytes->ok(); --names) {
      bytes->SkipString();
      skip_lengths(2);
    }
  }
  skip_lengths(2);
}

}  // namespace kvick
