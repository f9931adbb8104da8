#include "types/expiring_members.h"

namespace kvick {

size_t ExpiringMembers::count() const {
  if (!MayHoldDue(seen_at_ms_)) return fields_.count();
  size_t seen_count = 0;
  ForEach([&](std::string_view) {
    ++seen_count;
    return true;
  });
  return seen_count;
}

bool ExpiringMembers::Add(std::string_view member) {
  if (Contains(member)) return false;
  fields_.Set(member, {});
  return true;
}

bool ExpiringMembers::Remove(std::string_view member) { return Contains(member) && fields_.Erase(member); }

std::string_view ExpiringMembers::Draw(Random& random) const {
  while (true) {
    const Field& field = fields_.Draw(random.Next());
    if (IsSeen(field)) return field.name();
  }
}

void ExpiringMembers::CopyFrom(const ExpiringMembers& other) {
  seen_at_ms_ = other.seen_at_ms_;
  other.fields_.ForEach([&](const Field& field) {
    if (other.IsSeen(field)) fields_.Set(field.name(), {}, {field.expiry_ms(), other.seen_at_ms_});
    return true;
  });
}

}  // namespace kvick
