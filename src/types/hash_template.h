// HashTemplate: the names of the fields of compact hashes, kept once for all of them.
//
//   const HashTemplateRef names = HashTemplates::Get(sorted_names, TemplateHolder::kHash);
//   if (names) Use(names->IndexOf("city"));
//
// Templates are found by the set of their names: whoever asks for the same names gets the same template. It goes with
// the last hash or fieldset that refers to it.
//
// Thread rule: a template does not change, but for the count of its holders, and may be read by whoever holds it, in
// any thread: keys of different stripes share it. HashTemplates may be asked by any thread, with stripes locked; its
// mutexes are leaves, one for each shard of templates. A holder that is not the last lets go without a lock; the last
// does so under its shard's mutex, so that Get never returns what is about to be freed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvick {

// Hashes are told apart from everybody else: MEMORY USAGE divides a template among them.
enum class TemplateHolder : uint8_t { kHash, kOther };

class HashTemplate {
 public:
  HashTemplate(const HashTemplate&) = delete;
  HashTemplate& operator=(const HashTemplate&) = delete;

  // Not that of another template while this one lives.
  uint32_t id() const { return id_; }
  // Sorted by their bytes.
  size_t count() const { return ends_.size(); }
  std::string_view name(size_t index) const {
    const uint32_t begin = index == 0 ? 0 : ends_[index - 1];
    return {names_.data() + begin, ends_[index] - begin};
  }
  std::optional<size_t> IndexOf(std::string_view name) const;
  // Where a name that is not there would be.
  size_t PlaceOf(std::string_view name) const;
  std::vector<std::string_view> names() const;
  size_t longest_name_bytes() const { return longest_name_bytes_; }

  size_t memory_bytes() const;
  size_t key_count() const { return holders_.load(std::memory_order_relaxed) & kKeyMask; }
  // The part of one hash.
  size_t share_bytes() const { return memory_bytes() / (key_count() == 0 ? 1 : key_count()); }

 private:
  friend class HashTemplates;

  // Hashes are counted in the lower half of holders_, others in the upper one.
  static constexpr uint64_t kKeyMask = 0xffff'ffff;
  static constexpr uint64_t UnitOf(TemplateHolder holder) { return holder == TemplateHolder::kHash ? 1 : kKeyMask + 1; }

  HashTemplate(uint32_t id, std::span<const std::string_view> names);

  const uint32_t id_;
  std::string names_;           // one behind the other
  std::vector<uint32_t> ends_;  // of each
  size_t longest_name_bytes_ = 0;
  std::atomic<uint64_t> holders_{0};
};

// Holds a template.
class HashTemplateRef {
 public:
  HashTemplateRef() = default;
  HashTemplateRef(HashTemplateRef&& other) noexcept
      : names_(std::exchange(other.names_, nullptr)), holder_(other.holder_) {}
  HashTemplateRef& operator=(HashTemplateRef&& other) noexcept {
    std::swap(names_, other.names_);
    std::swap(holder_, other.holder_);
    return *this;
  }
  HashTemplateRef(const HashTemplateRef&) = delete;
  HashTemplateRef& operator=(const HashTemplateRef&) = delete;
  ~HashTemplateRef();

  // One more holder of what somebody holds.
  static HashTemplateRef Another(const HashTemplate& names, TemplateHolder holder);

  explicit operator bool() const { return names_ != nullptr; }
  const HashTemplate& operator*() const { return *names_; }
  const HashTemplate* operator->() const { return names_; }
  // For who keeps the id only, and calls HashTemplates::Drop with it.
  uint32_t Release() { return std::exchange(names_, nullptr)->id(); }

 private:
  friend class HashTemplates;
  HashTemplateRef(const HashTemplate* names, TemplateHolder holder) : names_(names), holder_(holder) {}

  const HashTemplate* names_ = nullptr;
  TemplateHolder holder_ = TemplateHolder::kOther;
};

// All templates of the process.
class HashTemplates {
 public:
  // `names`: sorted, no two equal. Nothing when there are too many templates or too many bytes of names.
  static HashTemplateRef Get(std::span<const std::string_view> names, TemplateHolder holder);
  // Of a template that the caller, or what he looks at, holds.
  static const HashTemplate& ById(uint32_t id) {
    return *chunks_[id / kChunkSize].load(std::memory_order_acquire)[id % kChunkSize].load(std::memory_order_acquire);
  }
  static void Hold(const HashTemplate& names, TemplateHolder holder);
  static void Drop(const HashTemplate& names, TemplateHolder holder);

  struct Usage {
    uint64_t template_count = 0;
    uint64_t key_count = 0;
    uint64_t memory_bytes = 0;
    uint64_t rare_count = 0;  // templates of fewer than `keys_min` keys
  };
  // Any thread; walks all templates.
  static Usage MeasureUsage(uint64_t keys_min = 0);

 private:
  using Slot = std::atomic<HashTemplate*>;
  struct Shard;
  static constexpr uint32_t kChunkSize = 4096;
  static constexpr uint32_t kChunkCount = 4096;

  static Shard& ShardOf(std::span<const std::string_view> names, std::string* identity);
  static Shard* Shards();
  static std::optional<uint32_t> TakeId();
  static void GiveIdBack(uint32_t id);

  // Templates by their ids, which four bytes of every compact hash are. Chunks are never freed.
  static std::atomic<Slot*> chunks_[kChunkCount];
};

}  // namespace kvick
