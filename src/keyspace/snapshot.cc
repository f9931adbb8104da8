#include "keyspace/snapshot.h"

#include <deque>
#include <utility>

#include "base/assert.h"
#include "base/secret_hash.h"
#include "containers/field_table.h"
#include "keyspace/name_set.h"

namespace kvick {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;
// Captured under one locking of a stripe.
constexpr size_t kLockedBytesMax = size_t{8} << 10;
constexpr size_t kLockedEntriesMax = 64;
// What waits for the walk is kept in blocks of this size, which end where less than the latter is free.
constexpr size_t kPendingBlockBytes = size_t{16} << 10;
constexpr size_t kPendingBlockFreeMin = 512;
// Collections with fewer parts are captured as a whole.
constexpr size_t kPartsMin = 256;

bool IsCapturedInParts(const Entry& entry) {
  if (entry.form() != ValueForm::kObject) return false;
  const ValueOperations& operations = OperationsOf(entry.type());
  return operations.has_parts != nullptr && operations.has_parts(entry.object()) &&
         operations.free_effort(entry.object()) >= kPartsMin;
}

}  // namespace

// A large collection that is being captured. Guarded by the lock of the stripe in which it lies.
class Snapshot::Capture final : public PartListener, public PartVisitor {
 public:
  Capture(Snapshot& snapshot, int database_index, Stripe& stripe, const Entry& entry)
      : snapshot_(snapshot),
        database_index_(database_index),
        stripe_(&stripe),
        type_(entry.type()),
        key_(entry.key()),
        identity_(entry.object()),
        object_(entry.object()) {
    head_.key = key_;
    head_.form = snapshot_.encoder_.AppendHead(entry, &head_bytes_);
    operations().listen(object_, this);
  }

  void BeforeChange(const CollectionPart& part) override {
    const uint64_t hash = SecretHash(part.name);
    if (!IsAhead(hash) || !seen_.Add(part.name, hash) || snapshot_.is_discarded()) return;
    if (captured_.empty() || captured_.back().size() >= kLockedBytesMax) captured_.emplace_back();
    std::string& bytes = captured_.back();
    const size_t size_before = bytes.size();
    Append(part, &bytes);
    snapshot_.pending_bytes_.fetch_add(bytes.size() - size_before, std::memory_order_relaxed);
  }
  void BeforeAdding(std::string_view name) override {
    const uint64_t hash = SecretHash(name);
    if (IsAhead(hash)) seen_.Add(name, hash);
  }
  void OnGone() override {
    object_ = nullptr;
    is_walked_ = true;
  }
  void Visit(const CollectionPart& part) override {
    const uint64_t hash = SecretHash(part.name);
    if (IsAhead(hash) && !seen_.Contains(part.name, hash)) Append(part, out_);
  }

  // Appends the next parts, and gives away what writers captured, which may be much: it is appended when the lock is
  // let go. True when that was all.
  bool Walk(std::string* out, std::deque<std::string>* captured) {
    captured->swap(captured_);
    const size_t end = out->size() + kLockedBytesMax;
    out_ = out;
    while (!is_walked_ && out->size() < end) {
      if (!snapshot_.is_discarded()) position_ = operations().scan_parts(object_, position_, *this);
      is_walked_ = snapshot_.is_discarded() || position_ == 0;
      if (is_walked_) operations().listen(object_, nullptr);
    }
    return is_walked_;
  }
  void DestroyObject() {
    if (object_ != nullptr) operations().destroy(object_);
  }

  const std::string& head_bytes() const { return head_bytes_; }  // come first

  Snapshot& snapshot_;
  const int database_index_;
  Stripe* stripe_;  // guarded by captures_mutex_, and changed under the locks of both stripes; null: ours alone
  const ValueType type_;
  const std::string key_;
  const void* const identity_;  // the object, even when it is gone
  bool is_begun_ = false;       // the walking thread's: something of it was written

 private:
  const ValueOperations& operations() const { return OperationsOf(type_); }
  // Whether the walk has not come to the part.
  bool IsAhead(uint64_t name_hash) const {
    return !is_walked_ && TagTable<FieldKind>::PositionOf(name_hash) >= position_;
  }
  void Append(const CollectionPart& part, std::string* out) const {
    const EntryEncoder& encoder = snapshot_.encoder_;
    switch (type_) {
      case ValueType::kHash: return encoder.AppendField(head_, part.name, part.value, part.expiry_ms, out);
      case ValueType::kSet: return encoder.AppendMember(head_, part.name, part.expiry_ms, out);
      default: return encoder.AppendScoredMember(head_, part.score, part.name, out);
    }
  }

  CollectionHead head_;
  void* object_;            // null: it is gone, and all was captured before
  uint64_t position_ = 0;   // parts in front of it were captured
  bool is_walked_ = false;  // all parts were
  NameSet seen_;            // names ahead of the position that were captured, or did not exist at the cut
  std::string head_bytes_;
  std::deque<std::string> captured_;  // by writers, in pieces, so that growing copies little
  std::string* out_ = nullptr;
};

Snapshot::Snapshot(std::span<Database* const> databases, const EntryEncoder& encoder) : encoder_(encoder) {
  mark_ = !databases.front()->cut_mark_;
  for (Database* database : databases) {
    database->cut_mark_ = mark_;
    database->cut_index_ = database->index();
    database->snapshot_ = this;
    const uint64_t count = database->EntryCount();
    key_count_ += count;
    areas_.push_back({database, count > 0 ? database->stripes_.get() : nullptr, database->index(), nullptr});
  }
}

Snapshot::~Snapshot() {
  KVICK_ASSERT(area_ == areas_.size());
  for (const Area& area : areas_) area.database->snapshot_ = nullptr;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Snapshot::BeforeChange(int cut_index, Stripe& stripe, Entry* entry) {
  if (entry->mark() == mark_) return;
  EntryStore::SetMark(entry, mark_);
  captured_count_.fetch_add(1, std::memory_order_relaxed);
  if (is_discarded()) return;
  if (IsCapturedInParts(*entry)) return Open(cut_index, stripe, entry);
  Pending& pending = pending_[(reinterpret_cast<uintptr_t>(&stripe) / sizeof(Stripe)) % kPendingCount];
  const SpinLockHolder guard(pending.lock);
  if (pending.blocks.empty() || pending.blocks.back().size() > kPendingBlockBytes - kPendingBlockFreeMin) {
    pending.blocks.emplace_back().reserve(kPendingBlockBytes);
    pending.selected_database = -1;
  }
  std::string& bytes = pending.blocks.back();
  const size_t size_before = bytes.size();
  if (pending.selected_database != cut_index) {
    encoder_.SelectDatabase(cut_index, &bytes);
    pending.selected_database = cut_index;
  }
  encoder_.AppendEntry(*entry, &bytes);
  pending_bytes_.fetch_add(bytes.size() - size_before, std::memory_order_relaxed);
}

void Snapshot::Open(int cut_index, Stripe& stripe, Entry* entry) {
  auto capture = std::make_unique<Capture>(*this, cut_index, stripe, *entry);
  const MutexLock guard(captures_mutex_);
  waiting_.push_back(capture.get());
  captures_.emplace(entry->object(), std::move(capture));
}

void Snapshot::Moved(const void* object, Stripe& stripe) {
  const MutexLock guard(captures_mutex_);
  const auto found = captures_.find(object);
  if (found != captures_.end()) found->second->stripe_ = &stripe;
}

bool Snapshot::Keep(const void* object) {
  const MutexLock guard(captures_mutex_);
  const auto found = captures_.find(object);
  if (found == captures_.end()) return false;
  found->second->stripe_ = nullptr;
  return true;
}

void Snapshot::Keep(std::unique_ptr<Database::Contents>* contents) {
  for (size_t i = area_; i < areas_.size(); ++i) {
    if (areas_[i].stripes == nullptr || areas_[i].stripes != (*contents)->stripes_.get()) continue;
    areas_[i].kept = std::move(*contents);
    *contents = std::make_unique<Database::Contents>(Database::MakeStripes());
    return;
  }
}

bool Snapshot::Walk(std::string* out) {
  const size_t begin = out->size();
  const size_t end = begin + kPieceBytes;
  selected_database_ = -1;
  while (out->size() < end) {
    // A capture is written in one piece; its bytes may go out in several.
    if (current_ != nullptr || (current_ = NextCapture()) != nullptr) {
      if (WalkCapture(*current_, out)) current_ = nullptr;
      continue;
    }
    TakePending(end, out);
    if (out->size() >= end) break;
    if (area_ == areas_.size()) return out->size() > begin;
    if (!WalkArea(out)) {
      areas_[area_].kept.reset();
      ++area_;
      stripe_ = 0;
    }
    if (is_discarded()) out->resize(begin);
  }
  return true;
}

void Snapshot::TakePending(size_t size_max, std::string* out) {
  for (Pending& pending : pending_) {
    while (out->size() < size_max) {
      std::string taken;
      {
        const SpinLockHolder guard(pending.lock);
        if (pending.blocks.empty()) break;
        taken = std::move(pending.blocks.front());
        pending.blocks.pop_front();
      }
      pending_bytes_.fetch_sub(taken.size(), std::memory_order_relaxed);
      out->append(taken);
      selected_database_ = -1;
    }
  }
}

// False when the area was walked to its end.
bool Snapshot::WalkArea(std::string* out) {
  Area& area = areas_[area_];
  if (area.stripes == nullptr) return false;
  while (stripe_ < Stripe::kCount && area.stripes[stripe_].entry_count.load(std::memory_order_relaxed) == 0 &&
         position_ == 0) {
    ++stripe_;
  }
  if (stripe_ == Stripe::kCount) return false;
  WalkStripe(area, area.stripes[stripe_], out);
  if (position_ == 0) ++stripe_;
  return true;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Snapshot::WalkStripe(Area& area, Stripe& stripe, std::string* out) {
  struct Context {
    Snapshot* snapshot;
    const Area* area;
    Stripe* stripe;
    std::string* out;
    size_t visited;
  } context{this, &area, &stripe, out, 0};
  const size_t end = out->size() + kLockedBytesMax;
  const SpinLockHolder guard(stripe.lock);
  do {
    position_ = stripe.table.ScanBucket(position_, &context, [](void* raw, Entry* entry) {
      auto* to = static_cast<Context*>(raw);
      to->snapshot->VisitEntry(*to->area, *to->stripe, entry, to->out);
      ++to->visited;
    });
  } while (position_ != 0 && out->size() < end && context.visited < kLockedEntriesMax);
}

void Snapshot::VisitEntry(const Area& area, Stripe& stripe, Entry* entry, std::string* out) {
  if (entry->mark() == mark_) return;
  EntryStore::SetMark(entry, mark_);
  captured_count_.fetch_add(1, std::memory_order_relaxed);
  if (is_discarded()) return;
  if (IsCapturedInParts(*entry)) return Open(area.index, stripe, entry);
  if (selected_database_ != area.index) {
    encoder_.SelectDatabase(area.index, out);
    selected_database_ = area.index;
  }
  encoder_.AppendEntry(*entry, out);
}

Snapshot::Capture* Snapshot::NextCapture() {
  const MutexLock guard(captures_mutex_);
  if (waiting_.empty()) return nullptr;
  Capture* next = waiting_.front();
  waiting_.pop_front();
  return next;
}

// True when the capture is complete; it is gone then.
KVICK_NO_THREAD_SAFETY_ANALYSIS bool Snapshot::WalkCapture(Capture& capture, std::string* out) {
  if (!std::exchange(capture.is_begun_, true)) {
    encoder_.SelectDatabase(capture.database_index_, out);
    selected_database_ = capture.database_index_;
    out->append(capture.head_bytes());
  }
  const auto location = [&] {
    const MutexLock guard(captures_mutex_);
    return capture.stripe_;
  };
  Stripe* stripe = location();
  while (stripe != nullptr) {
    stripe->lock.Lock();
    Stripe* now = location();
    if (now == stripe) break;
    stripe->lock.Unlock();
    stripe = now;
  }
  std::deque<std::string> captured;
  const bool is_complete = capture.Walk(out, &captured);
  std::unique_ptr<Capture> done;
  if (is_complete) {
    const MutexLock guard(captures_mutex_);
    const auto found = captures_.find(capture.identity_);
    done = std::move(found->second);
    captures_.erase(found);
  }
  if (stripe != nullptr) {
    stripe->lock.Unlock();
  } else if (done != nullptr) {
    done->DestroyObject();
  }
  size_t captured_bytes = 0;
  for (const std::string& bytes : captured) {
    captured_bytes += bytes.size();
    out->append(bytes);
  }
  pending_bytes_.fetch_sub(captured_bytes, std::memory_order_relaxed);
  return is_complete;
}

}  // namespace kvick
