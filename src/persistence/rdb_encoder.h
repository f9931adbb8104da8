// RdbEncoder: entries as records of an RDB file, and values as DUMP has them.
//
//   RdbEncoder encoder({.version = 12, .compresses = true});
//   encoder.SelectDatabase(0, &out);
//   encoder.AppendEntry(entry, &out);
//
// Each value is written in the oldest form that holds it without loss, version 10 at least, so that old servers read
// what they can. A value that needs more than the file's version is written in the nearest older form, and counted:
//
//   fields that expire            11   fields that do not
//   consumers' active times       10   their seen times
//   names of producers            12   forgotten
//   entries given back            13   pending for some consumer, delivered long ago
//   arrays                        13   hashes of indexes and items
//   compact hashes                14   ordinary ones
//
// RequiredVersion says what an entry needs. Any number of threads may use one encoder.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "keyspace/access_clock.h"
#include "keyspace/entry_encoder.h"
#include "persistence/rdb_format.h"

namespace kvick {

class HashValue;
class ListValue;
class SetValue;
class SortedSetValue;
class ArrayValue;

class RdbEncoder final : public EntryEncoder {
 public:
  struct Options {
    int version = kRdbVersionNewest;  // of the file
    bool compresses = true;
    // What the access bits of entries mean, and whether they are written.
    enum class Access : uint8_t { kUnwritten, kRecency, kFrequency };
    Access access = Access::kUnwritten;
    FrequencyRules frequency_rules{};
    int64_t now_ms = 0;

    static Options Of(const Settings& settings, int64_t now_ms);
  };

  explicit RdbEncoder(const Options& options) : options_(options) {}

  void SelectDatabase(int database_index, std::string* out) const override;
  void AppendEntry(const Entry& entry, std::string* out) const override;
  int AppendHead(const Entry& entry, std::string* out) const override;
  void AppendField(const CollectionHead& head, std::string_view name, std::string_view value, int64_t expiry_ms,
                   std::string* out) const override;
  void AppendMember(const CollectionHead& head, std::string_view member, int64_t expiry_ms,
                    std::string* out) const override;
  void AppendScoredMember(const CollectionHead& head, double score, std::string_view member,
                          std::string* out) const override;

  // Type and value, without the key: the front part of a payload.
  void AppendValue(const Entry& entry, std::string* out) const;

  // The version that a file with this entry must have to lose nothing.
  static int RequiredVersion(const Entry& entry);
  // How many values the version could not hold.
  uint64_t degraded_count() const { return degraded_count_.load(std::memory_order_relaxed); }

 private:
  // What AppendHead returns.
  enum HeadForm { kPlainForm, kFieldExpiryForm };

  RdbType TypeOf(const Entry& entry, const void* value) const;
  void AppendAttributes(const Entry& entry, std::string* out) const;
  void AppendBody(RdbType type, const Entry& entry, const void* value, std::string* out) const;
  void AppendText(std::string_view text, std::string* out) const;
  void AppendList(RdbType type, const ListValue& list, std::string* out) const;
  void AppendSet(RdbType type, const SetValue& set, std::string* out) const;
  void AppendSortedSet(RdbType type, const SortedSetValue& set, std::string* out) const;
  void AppendHash(RdbType type, const HashValue& hash, std::string* out) const;
  void AppendCompactHash(RdbType type, const HashValue& hash, std::string* out) const;
  void AppendArray(RdbType type, const ArrayValue& array, std::string* out) const;
  // The AUX item with the moments of a set's members, if some expire.
  void AppendMemberExpiry(const SetValue& set, std::string* out) const;
  bool Holds(int version) const { return options_.version >= version; }

  const Options options_;
  mutable std::atomic<uint64_t> degraded_count_{0};
};

}  // namespace kvick
