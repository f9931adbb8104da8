// AofManifest says of which files the append-only file consists. It is itself a file of lines like
//
//   file appendonly.aof.2.base.rdb seq 2 type b
//   file appendonly.aof.1.incr.aof seq 1 type h
//   file appendonly.aof.2.incr.aof seq 2 type i
//
//   b  the base, one or none: the data set at one moment, as an RDB file or as commands
//   i  increments, in the order of their numbers: what changed since
//   h  history: files that are not needed any more, and not removed yet
//
// Names are quoted when they must be, keys are known in any case, unknown keys and lines that begin with # are skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kvick {

struct AofFile {
  enum class Kind : char { kBase = 'b', kIncrement = 'i', kHistory = 'h' };

  std::string name;
  int64_t sequence = 0;
  Kind kind = Kind::kBase;

  bool operator==(const AofFile&) const = default;
};

struct AofManifest {
  std::optional<AofFile> base;
  std::vector<AofFile> increments;
  std::vector<AofFile> history;
  // The last numbers that were given.
  int64_t base_sequence = 0;
  int64_t increment_sequence = 0;

  // The Status is what is logged before the process gives up.
  static Result<AofManifest> Parse(std::string_view text);
  [[nodiscard]] std::string Format() const;

  [[nodiscard]] bool has_data() const { return base.has_value() || !increments.empty(); }
  // The files that hold the data, in the order in which they are read.
  [[nodiscard]] std::vector<AofFile> DataFiles() const;

  // Names of files to come. `prefix` is appendfilename.
  const AofFile& AddIncrement(std::string_view prefix);
  // The base becomes history, and all increments but those from `kept_from` on.
  const AofFile& ReplaceBase(std::string_view prefix, std::string_view extension, int64_t kept_from);

  bool operator==(const AofManifest&) const = default;
};

}  // namespace kvick
