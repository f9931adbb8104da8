// CommandSpec: everything kvick knows about a command, declared once, beside its handler. The dispatcher, the key
// locks, ACL, COMMAND, help and hints all read the same row.
//
//   constexpr CommandSpec kStringCommands[] = {
//       {
//           .name = "GET",
//           .syntax = "key",
//           .summary = "Returns the string value of a key.",
//           .since = "1.0.0",
//           .group = "string",
//           .complexity = "O(1)",
//           .flags = kReadonly | kFast,
//           .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
//           .handler = Get,
//       },
//   };
//
// A subcommand is a row named "CONTAINER SUBCOMMAND"; the row of the container itself has no handler, unless it also
// works alone (COMMAND).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kvick {

class CommandContext;
class Engine;
struct KeyPlacement;
struct KeyPosition;

using CommandHandler = Status (*)(CommandContext& context);

// Flags that clients see (COMMAND INFO), then those that steer the dispatcher.
enum CommandFlags : uint64_t {
  kWrite = 1ULL << 0,
  kReadonly = 1ULL << 1,
  kDenyOom = 1ULL << 2,
  kAdmin = 1ULL << 3,
  kPubSub = 1ULL << 4,
  kNoScript = 1ULL << 5,
  kBlocking = 1ULL << 6,
  kLoading = 1ULL << 7,  // allowed while a data set is being loaded
  kStale = 1ULL << 8,    // allowed on a replica that lost its primary
  kSkipMonitor = 1ULL << 9,
  kSkipSlowlog = 1ULL << 10,
  kAsking = 1ULL << 11,
  kFast = 1ULL << 12,
  kNoAuth = 1ULL << 13,  // allowed before authentication
  kMayReplicate = 1ULL << 14,
  kNoMandatoryKeys = 1ULL << 15,
  kNoAsyncLoading = 1ULL << 16,
  kAllowBusy = 1ULL << 17,  // allowed while a script runs past its time
  kNoMulti = 1ULL << 18,
  kMovableKeys = 1ULL << 19,
  kScriptRunner = 1ULL << 20,  // EVAL and its like: runs other commands, under the locks of all their keys

  // Runs alone: every worker is at a safe point, no stripe is locked, everything may be touched.
  kExclusive = 1ULL << 40,
  // Has no declared keys and locks stripes itself, one at a time (KEYS, SCAN).
  kWalksKeyspace = 1ULL << 41,
  // Its arguments hold secrets: they are hidden in logs and MONITOR.
  kSensitive = 1ULL << 42,
  // Changes the state of a transaction and is therefore never queued (MULTI, EXEC, DISCARD, WATCH, RESET, QUIT).
  kControlsTransaction = 1ULL << 43,
  // Leaves a transaction (EXEC, DISCARD, RESET, QUIT): let through where nothing more may be queued.
  kEndsTransaction = 1ULL << 49,
  // Runs what was queued (EXEC), with the effects of what was queued.
  kRunsTransaction = 1ULL << 45,
  // Its argument selects the database of the commands behind it (SELECT).
  kSelectsDatabase = 1ULL << 46,
  // Is let through while CLIENT PAUSE holds others up.
  kIgnoresPause = 1ULL << 44,
  // Is allowed to clients of RESP2 that are subscribed to something.
  kForSubscribers = 1ULL << 47,
  // Changes nothing, but answers what refuses writes (PING): who watches over the server shall learn of it.
  kTellsRefusals = 1ULL << 48,
  // Is of the system rather than for applications: COMMAND DOCS says so.
  kSystemCommand = 1ULL << 52,
};

// ACL categories beyond those that follow from flags (read, write, admin, fast, slow, blocking, pubsub …) and group.
enum AclCategories : uint32_t {
  kAclDangerous = 1u << 0,
  kAclKeyspace = 1u << 1,
  kAclConnection = 1u << 2,
  kAclTransaction = 1u << 3,
  kAclScripting = 1u << 4,
  kAclString = 1u << 5,
  kAclBitmap = 1u << 6,
  kAclList = 1u << 7,
  kAclSet = 1u << 8,
  kAclSortedSet = 1u << 9,
  kAclHash = 1u << 10,
  kAclStream = 1u << 11,
  kAclHyperLogLog = 1u << 12,
  kAclGeo = 1u << 13,
  kAclArray = 1u << 14,
  // Follow from flags; never written in a row.
  kAclRead = 1u << 20,
  kAclWrite = 1u << 21,
  kAclAdmin = 1u << 22,
  kAclFast = 1u << 23,
  kAclSlow = 1u << 24,
  kAclBlocking = 1u << 25,
  kAclPubSub = 1u << 26,
};

enum KeyFlags : uint16_t {
  kKeyReadOnly = 1 << 0,   // RO: reads the value
  kKeyReadWrite = 1 << 1,  // RW: reads and changes it
  kKeyOverwrite = 1 << 2,  // OW: replaces it unseen
  kKeyRemove = 1 << 3,     // RM: removes it unseen
  kKeyAccess = 1 << 4,     // its data is returned, copied or influences the reply
  kKeyUpdate = 1 << 5,     // its data is changed
  kKeyInsert = 1 << 6,     // data is added
  kKeyDelete = 1 << 7,     // data or the key is deleted
  kKeyNotKey = 1 << 8,     // a channel or the like in a key's place
  kKeyIncomplete = 1 << 9,
  kKeyVariableFlags = 1 << 10,  // depends on the arguments
};

// Where the keys of a command are. `begin`: at an index, or behind a keyword. `find`: a range with a step, or a
// count given in an argument.
struct KeySpec {
  enum class Begin : uint8_t { kNone, kIndex, kKeyword, kUnknown };
  enum class Find : uint8_t { kRange, kCount, kUnknown };

  uint16_t flags = 0;
  Begin begin = Begin::kNone;
  int begin_index = 0;             // kIndex: of the argument. kKeyword: where the search starts; negative from the end
  std::string_view begin_keyword;  // kKeyword
  Find find = Find::kRange;
  int last_key = 0;         // kRange: relative to begin; negative from the end of the arguments (-1: the last one)
  int key_step = 1;         // both
  int limit = 0;            // kRange with last_key -1: 2 takes the first half of the rest, 3 a third
  int count_index = 0;      // kCount: the argument with the count, relative to begin
  int first_key_index = 0;  // kCount: the first key, relative to begin

  bool exists() const { return begin != Begin::kNone; }
};

constexpr KeySpec OneKey(int index, unsigned flags) {
  KeySpec spec;
  spec.flags = static_cast<uint16_t>(flags);
  spec.begin = KeySpec::Begin::kIndex;
  spec.begin_index = index;
  return spec;
}

// Keys from `index` to `last` (counted from the end when negative), every `step` arguments.
constexpr KeySpec KeyRange(int index, int last, int step, unsigned flags) {
  KeySpec spec = OneKey(index, flags);
  spec.last_key = last;
  spec.key_step = step;
  return spec;
}

// "numkeys key [key ...]": `index` is that of the count.
constexpr KeySpec CountedKeys(int index, unsigned flags, int step = 1) {
  KeySpec spec = OneKey(index, flags);
  spec.find = KeySpec::Find::kCount;
  spec.count_index = 0;
  spec.first_key_index = 1;
  spec.key_step = step;
  return spec;
}

// The first `1/part` of what follows `keyword`, which is searched for from argument `start` on ("STREAMS key key id
// id").
constexpr KeySpec KeysBehind(std::string_view keyword, int start, int part, unsigned flags) {
  KeySpec spec = OneKey(start, flags);
  spec.begin = KeySpec::Begin::kKeyword;
  spec.begin_keyword = keyword;
  spec.last_key = -1;
  spec.key_step = 1;
  spec.limit = part;
  return spec;
}

using KeySpecs = std::array<KeySpec, 4>;

// Whether argument `index` is a secret.
using SecretFinder = bool (*)(const Engine& engine, std::span<const std::string_view> arguments, size_t index);

struct CommandSpec {
  std::string_view name;    // upper case; "CLIENT KILL" for a subcommand
  std::string_view syntax;  // the arguments behind the name, as the documentation writes them
  // What COMMAND DOCS says of the arguments beyond the syntax: names of groups, types, since when (engine/syntax.h).
  std::string_view argument_notes;
  std::string_view summary;
  std::string_view since;
  std::string_view group;
  std::string_view complexity;
  uint64_t flags = 0;       // CommandFlags
  uint32_t categories = 0;  // AclCategories
  int arity = 0;            // 0: follows from the syntax; negative: at least
  int more_arguments = 0;   // taken beyond a fixed arity, unseen by COMMAND: forms that only other servers know
  KeySpecs keys{};
  // For keys flagged kKeyVariableFlags: what a request does with them.
  uint16_t (*refine_key_flags)(std::span<const std::string_view> arguments) = nullptr;
  // For commands whose keys are not all in the selected database: moves or adds declared keys.
  void (*place_keys)(KeyPlacement& placement) = nullptr;
  // For key specs that leave begin unknown: finds keys that only the command's own rules can tell (SORT's STORE).
  void (*find_other_keys)(std::span<const std::string_view> arguments, std::vector<KeyPosition>* keys) = nullptr;
  // For commands that only with some arguments reach keys which they cannot declare: true makes the request run alone,
  // as kExclusive does, and CommandContext::FindUndeclared is theirs.
  bool (*must_run_alone)(std::span<const std::string_view> arguments) = nullptr;
  std::array<std::string_view, 3> tips{};
  std::string_view deprecated_since;
  std::string_view replaced_by;
  // With kSensitive: which arguments are secrets; null: all behind the name.
  SecretFinder is_secret = nullptr;
  CommandHandler handler = nullptr;
};

}  // namespace kvick
