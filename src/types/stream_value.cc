#include "types/stream_value.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/numbers.h"
#include "types/value_features.h"

namespace kvick {

const StreamValue::Groups StreamValue::kNoGroups;

StreamValue::StreamValue(const StreamValue& other)
    : entries_(other.entries_),
      first_id_(other.first_id_),
      last_id_(other.last_id_),
      max_deleted_id_(other.max_deleted_id_),
      added_count_(other.added_count_) {
  for (const auto& [name, group] : other.groups()) {
    if (groups_ == nullptr) groups_ = std::make_unique<Groups>();
    groups_->emplace(name, std::make_unique<StreamGroup>(*group));
  }
  if (other.idempotence_) idempotence_ = std::make_unique<StreamIdempotence>(*other.idempotence_);
}

void StreamValue::SetMeta(const StreamId& last_id, std::optional<uint64_t> added_count,
                          std::optional<StreamId> max_deleted_id) {
  last_id_ = last_id;
  if (added_count) added_count_ = *added_count;
  if (max_deleted_id) max_deleted_id_ = *max_deleted_id;
}

std::optional<StreamId> StreamValue::NextId(int64_t now_ms) const {
  const StreamId now{static_cast<uint64_t>(now_ms), 0};
  return now > last_id_ ? now : last_id_.Next();
}

void StreamValue::Append(const StreamId& id, std::span<const std::string_view> fields_and_values,
                         const StreamLimits& limits) {
  entries_.Append(id, fields_and_values, limits);
  if (count() == 1) first_id_ = id;
  last_id_ = id;
  ++added_count_;
}

bool StreamValue::IsReferenced(const StreamId& id) const {
  const auto& all = groups();
  return std::any_of(all.begin(), all.end(),
                     [&id](const auto& named) { return named.second->last_id < id || named.second->Holds(id); });
}

bool StreamValue::IsPending(const StreamId& id) const {
  const auto& all = groups();
  return std::any_of(all.begin(), all.end(), [&id](const auto& named) { return named.second->Holds(id); });
}

void StreamValue::DropReferences(const StreamId& id) {
  for (const auto& [name, group] : groups()) group->Acknowledge(id);
}

StreamValue::Removal StreamValue::Remove(const StreamId& id, StreamRefPolicy policy) {
  if (policy == StreamRefPolicy::kAcked && IsReferenced(id)) {
    return entries_.Contains(id) ? Removal::kReferenced : Removal::kMissing;
  }
  if (policy == StreamRefPolicy::kDelete) DropReferences(id);
  if (!entries_.Erase(id)) return Removal::kMissing;
  max_deleted_id_ = std::max(max_deleted_id_, id);
  if (id == first_id_) first_id_ = entries_.FirstId().value_or(StreamId::Min());
  return Removal::kRemoved;
}

StreamTrimmed StreamValue::Trim(const StreamTrim& trim, StreamRefPolicy policy) {
  std::function<bool(const StreamId&)> may_remove;
  if (groups_ != nullptr && !groups_->empty()) {
    if (policy == StreamRefPolicy::kAcked) may_remove = [this](const StreamId& id) { return !IsReferenced(id); };
    if (policy == StreamRefPolicy::kDelete) {
      may_remove = [this](const StreamId& id) {
        DropReferences(id);
        return true;
      };
    }
  }
  const StreamTrimmed trimmed = entries_.Trim(trim, may_remove);
  if (trimmed.removed_count > 0) {
    max_deleted_id_ = std::max(max_deleted_id_, trimmed.last_removed);
    first_id_ = entries_.FirstId().value_or(StreamId::Min());
  }
  return trimmed;
}

StreamGroup* StreamValue::FindGroup(std::string_view name) const {
  const auto found = groups().find(name);
  return found == groups().end() ? nullptr : found->second.get();
}

StreamGroup* StreamValue::AddGroup(std::string_view name, const StreamId& last_id, int64_t read_count) {
  if (groups_ == nullptr) groups_ = std::make_unique<Groups>();
  const auto [place, is_new] = groups_->try_emplace(std::string(name));
  if (!is_new) return nullptr;
  place->second = std::make_unique<StreamGroup>(last_id, read_count);
  return place->second.get();
}

bool StreamValue::RemoveGroup(std::string_view name) {
  if (groups_ == nullptr) return false;
  const auto found = groups_->find(name);
  if (found == groups_->end()) return false;
  groups_->erase(found);
  if (groups_->empty()) groups_ = nullptr;
  return true;
}

bool StreamValue::MayLackBehind(const StreamId& id) const {
  return !entries_.empty() && !max_deleted_id_.is_zero() && id <= max_deleted_id_;
}

void StreamValue::AdvanceGroup(StreamGroup& group, const StreamId& id) const {
  const bool counts_on =
      group.read_count != StreamGroup::kReadCountUnknown && group.last_id >= first_id_ && !MayLackBehind(group.last_id);
  if (counts_on) {
    // A count that a client set may be too great: more cannot have been read than there was.
    group.read_count = std::min(group.read_count + 1, static_cast<int64_t>(added_count_));
  } else if (added_count_ > 0) {
    group.read_count = PositionOf(id).value_or(StreamGroup::kReadCountUnknown);
  }
  group.last_id = id;
}

std::optional<int64_t> StreamValue::PositionOf(const StreamId& id) const {
  const auto added = static_cast<int64_t>(added_count_);
  if (added == 0) return 0;
  if (entries_.empty() && id <= last_id_) return added;
  if (id == last_id_) return added;
  if (id > last_id_) return std::nullopt;
  // Nothing is missing behind the first entry: what was deleted lies in front of it.
  if (max_deleted_id_.is_zero() || max_deleted_id_ < first_id_) {
    if (id < first_id_) return added - static_cast<int64_t>(count());
    if (id == first_id_) return added - static_cast<int64_t>(count()) + 1;
  }
  return std::nullopt;
}

std::optional<int64_t> StreamValue::LagOf(const StreamGroup& group) const {
  const auto added = static_cast<int64_t>(added_count_);
  if (added == 0) return 0;
  if (group.read_count != StreamGroup::kReadCountUnknown && !MayLackBehind(group.last_id)) {
    return added - group.read_count;
  }
  const std::optional<int64_t> position = PositionOf(group.last_id);
  return position ? std::optional(added - *position) : std::nullopt;
}

StreamIdempotence& StreamValue::idempotence(const StreamIdempotenceLimits& defaults) {
  if (!idempotence_) {
    idempotence_ = std::make_unique<StreamIdempotence>(defaults);
    ValueFeatures::Note(ValueFeature::kProducers);
  }
  return *idempotence_;
}

void StreamValue::AdoptNode(const StreamId& base, Listpack node) {
  const bool is_first = entries_.empty();
  entries_.AdoptNode(base, std::move(node));
  if (is_first) first_id_ = entries_.FirstId().value_or(StreamId::Min());
}

size_t StreamValue::memory_bytes() const {
  size_t bytes = malloc_usable_size(const_cast<StreamValue*>(this)) + entries_.memory_bytes();
  for (const auto& [name, group] : groups()) bytes += sizeof(Groups::value_type) + 32 + group->memory_bytes();
  if (idempotence_) bytes += idempotence_->memory_bytes();
  return bytes;
}

size_t StreamValue::free_effort() const {
  size_t effort = entries_.node_count();
  for (const auto& [name, group] : groups()) effort += 1 + group->pending_count() / 32 + group->consumers().size();
  if (idempotence_) effort += idempotence_->name_count();
  return effort;
}

void StreamValue::AddTo(Digest* digest) const {
  char buffer[kInt64TextMax];
  for (StreamCursor at = entries_.Seek(StreamId::Min()); at.is_valid(); at.Next()) {
    digest->Append(StreamIdText(at.id()));
    at.ForEachField([&](const ListpackValue& field, const ListpackValue& value) {
      digest->Append(field.Text(buffer));
      digest->Append(value.Text(buffer));
    });
  }
  const auto append_number = [&](int64_t number) { digest->Append({buffer, FormatInt64(number, buffer)}); };
  digest->Append(StreamIdText(last_id_));
  digest->Append(StreamIdText(max_deleted_id_));
  append_number(static_cast<int64_t>(added_count_));
  for (const auto& [name, group] : groups()) {
    digest->Append(name);
    digest->Append(StreamIdText(group->last_id));
    append_number(group->read_count);
    for (const auto& [consumer_name, consumer] : group->consumers()) digest->Append(consumer_name);
    for (auto at = group->Seek(StreamId::Min()); at.is_valid(); at.Next()) {
      const PendingEntry entry = group->Read(at);
      digest->Append(StreamIdText(at.id()));
      digest->Append(entry.consumer == nullptr ? std::string_view() : std::string_view(entry.consumer->name));
      append_number(entry.delivered_ms);
      append_number(entry.delivery_count);
    }
  }
}

void RegisterStreamType() {
  RegisterValueType(
      ValueType::kStream,
      {
          .type_name = "stream",
          .destroy = [](void* value) { delete static_cast<StreamValue*>(value); },
          .copy = [](const void* value) -> void* { return new StreamValue(*static_cast<const StreamValue*>(value)); },
          .memory_bytes = [](const void* value) { return static_cast<const StreamValue*>(value)->memory_bytes(); },
          .free_effort = [](const void* value) { return static_cast<const StreamValue*>(value)->free_effort(); },
          .item_count = [](const void* value) { return static_cast<const StreamValue*>(value)->count(); },
          .encoding_name = [](const void*) -> std::string_view { return "stream"; },
          .digest = [](const void* value, Digest* digest) { static_cast<const StreamValue*>(value)->AddTo(digest); },
      });
}

}  // namespace kvick
