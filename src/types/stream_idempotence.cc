#include "types/stream_idempotence.h"

namespace kvick {

StreamIdempotence::Producer::Producer(const Producer& other) : names(other.names) {
  for (const Name& name : names) by_text.emplace(name.text, &name);
}

void StreamIdempotence::SetLimits(const StreamIdempotenceLimits& limits) {
  if (limits == limits_) return;
  limits_ = limits;
  producers_.clear();
  name_count_ = 0;
}

void StreamIdempotence::DropOldest(Producer& producer) {
  producer.by_text.erase(producer.names.front().text);
  producer.names.pop_front();
  --name_count_;
}

void StreamIdempotence::DropDue(Producer& producer, int64_t now_ms) {
  const int64_t recorded_max = now_ms - limits_.duration_s * 1000;
  while (!producer.names.empty() && producer.names.front().recorded_ms <= recorded_max) DropOldest(producer);
}

std::optional<StreamId> StreamIdempotence::Find(std::string_view producer_name, std::string_view name, int64_t now_ms) {
  const auto found = producers_.find(producer_name);
  if (found == producers_.end()) return std::nullopt;
  Producer& producer = found->second;
  DropDue(producer, now_ms);
  if (producer.names.empty()) {
    producers_.erase(found);
    return std::nullopt;
  }
  const auto known = producer.by_text.find(name);
  return known == producer.by_text.end() ? std::nullopt : std::optional(known->second->id);
}

void StreamIdempotence::Record(std::string_view producer_name, std::string_view name, const StreamId& id,
                               int64_t now_ms) {
  auto found = producers_.find(producer_name);
  if (found == producers_.end()) found = producers_.try_emplace(std::string(producer_name)).first;
  Producer& producer = found->second;
  if (producer.names.size() >= static_cast<size_t>(limits_.names_max)) DropOldest(producer);
  const Name& added = producer.names.emplace_back(Name{std::string(name), id, now_ms});
  producer.by_text.emplace(added.text, &added);
  ++name_count_;
  ++added_count_;
}

void StreamIdempotence::Expire(int64_t now_ms) {
  for (auto place = producers_.begin(); place != producers_.end();) {
    DropDue(place->second, now_ms);
    place = place->second.names.empty() ? producers_.erase(place) : std::next(place);
  }
}

size_t StreamIdempotence::memory_bytes() const {
  constexpr size_t kMapNodeBytes = 48;
  constexpr size_t kHashNodeBytes = 40;
  constexpr size_t kEmptyDequeBytes = 576;
  size_t bytes = sizeof(*this);
  for (const auto& [producer_name, producer] : producers_) {
    bytes += kMapNodeBytes + sizeof(std::string) + sizeof(Producer) + kEmptyDequeBytes + producer_name.capacity();
    for (const Name& name : producer.names) {
      bytes += sizeof(Name) + kHashNodeBytes + (name.text.capacity() > 15 ? name.text.capacity() + 1 : 0);
    }
  }
  return bytes;
}

}  // namespace kvick
