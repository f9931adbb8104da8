#include "engine/command_table.h"

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/words.h"

namespace kvick {
namespace {

// `lower` is in lower case already.
bool MatchesName(std::string_view lower, std::string_view word) {
  if (lower.size() != word.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    if (lower[i] != ToLower(word[i])) return false;
  }
  return true;
}

uint32_t CategoriesOf(const CommandSpec& spec, bool is_container) {
  uint32_t categories = spec.categories;
  if ((spec.flags & kWrite) != 0) categories |= kAclWrite;
  // Scripts and the like carry the read flag for routing; only commands on data are in the read category.
  if ((spec.flags & kReadonly) != 0 && (spec.categories & kAclScripting) == 0) categories |= kAclRead;
  if ((spec.flags & kAdmin) != 0) categories |= kAclAdmin | kAclDangerous;
  if ((spec.flags & kPubSub) != 0) categories |= kAclPubSub;
  if ((spec.flags & kBlocking) != 0) categories |= kAclBlocking;
  categories |= (spec.flags & kFast) != 0 ? kAclFast : kAclSlow;
  return is_container && spec.handler == nullptr ? spec.categories | kAclSlow : categories;
}

// Of constant or logarithmic time. That SET is, but not in the category of fast commands, is history.
bool IsBrief(const CommandSpec& spec) {
  if ((spec.flags & kExclusive) != 0) return false;  // it waits for all others
  return (spec.flags & kFast) != 0 || spec.complexity.starts_with("O(1)") || spec.complexity.starts_with("O(log(N))");
}

}  // namespace

inline CommandTable::Name CommandTable::FoldName(std::string_view name) {
  Name folded;
  folded.size = name.size();
  if (name.empty()) return folded;
  if (name.size() <= 8) {
    folded.head = ToLowerWord(LoadUpTo8(name.data(), name.size()));
  } else {
    folded.head = ToLowerWord(LoadWord<uint64_t>(name.data()));
    folded.tail = ToLowerWord(LoadWord<uint64_t>(name.data() + name.size() - 8));
  }
  return folded;
}

const Command* Command::FindSubcommand(std::string_view subcommand) const {
  for (const auto& candidate : subcommands) {
    const std::string_view full = candidate->name;
    if (MatchesName(full.substr(full.find('|') + 1), subcommand)) return candidate.get();
  }
  return nullptr;
}

void CommandTable::Add(std::span<const CommandSpec> rows) {
  KVICK_ASSERT(!is_sealed_);
  for (const CommandSpec& row : rows) {
    auto command = std::make_unique<Command>();
    command->spec = &row;
    command->flags = row.flags;
    command->is_brief = IsBrief(row);
    command->arguments = ParseSyntax(row.syntax);
    const size_t blank = row.name.find(' ');
    command->name = ToLower(row.name);
    command->index = static_cast<uint32_t>(all_.size());
    for (const KeySpec& key : row.keys) {
      if (key.exists()) ++command->key_spec_count;
      if (key.exists() && (key.begin == KeySpec::Begin::kKeyword || key.find == KeySpec::Find::kCount ||
                           key.begin == KeySpec::Begin::kUnknown)) {
        command->flags |= kMovableKeys;
      }
    }
    Annotate(row.argument_notes, static_cast<int>(command->key_spec_count), &command->arguments);
    const KeySpec& first = row.keys[0];
    if (command->key_spec_count == 1 && first.begin == KeySpec::Begin::kIndex && first.find == KeySpec::Find::kRange &&
        first.last_key == 0 && row.place_keys == nullptr && (first.flags & kKeyNotKey) == 0) {
      command->single_key_index = first.begin_index;
    }
    all_.push_back(command.get());
    if (blank == std::string_view::npos) {
      command->arity = row.arity != 0 ? row.arity : ArityOf(command->arguments, 1);
      KVICK_ASSERT(Find(row.name) == nullptr);
      commands_.push_back(std::move(command));
      continue;
    }
    command->name[blank] = '|';
    command->arity = row.arity != 0 ? row.arity : ArityOf(command->arguments, 2);
    Command* parent = nullptr;
    for (const auto& candidate : commands_) {
      if (candidate->name == ToLower(row.name.substr(0, blank))) parent = candidate.get();
    }
    KVICK_ASSERT(parent != nullptr);
    command->parent = parent;
    parent->subcommands.push_back(std::move(command));
  }
  for (Command* command : all_) command->categories = CategoriesOf(*command->spec, !command->subcommands.empty());
  Rehash();
}

void CommandTable::Rehash() {
  size_t size = 64;
  while (size < commands_.size() * 4) size *= 2;
  slots_.assign(size, Slot());
  for (const auto& command : commands_) Place(command->name, command.get());
}

// There is always a free slot: commands are a quarter of them, and each can be renamed once.
void CommandTable::Place(std::string_view name, const Command* command) {
  const size_t mask = slots_.size() - 1;
  const Name folded = FoldName(name);
  size_t i = folded.Hash() & mask;
  while (slots_[i].name.size != 0) i = (i + 1) & mask;
  slots_[i] = {folded, ToLower(name), command};
}

inline size_t CommandTable::FindSlot(std::string_view name) const {
  const size_t mask = slots_.size() - 1;
  const Name folded = FoldName(name);
  for (size_t i = folded.Hash() & mask; slots_[i].name.size != 0; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.name != folded || slot.command == nullptr) continue;
    // Up to sixteen bytes the two words are all there is.
    if (name.size() <= 16 || MatchesName(slot.text, name)) return i;
  }
  return kNoSlot;
}

const Command* CommandTable::Find(std::string_view name) const {
  if (slots_.empty() || name.empty()) return nullptr;
  const size_t slot = FindSlot(name);
  return slot == kNoSlot ? nullptr : slots_[slot].command;
}

const Command* CommandTable::Resolve(std::span<const std::string_view> arguments, const Command** container) const {
  const Command* command = Find(arguments[0]);
  if (command == nullptr || command->subcommands.empty()) return command;
  if (arguments.size() == 1) return command;  // COMMAND alone works; the others fail by their arity
  if (const Command* subcommand = command->FindSubcommand(arguments[1])) return subcommand;
  *container = command;
  return nullptr;
}

bool CommandTable::Rename(std::string_view name, std::string_view new_name) {
  if (Find(name) == nullptr) return false;
  // The name stays as a tombstone.
  const Command* command = std::exchange(slots_[FindSlot(name)].command, nullptr);
  if (!new_name.empty()) Place(new_name, command);
  return true;
}

std::vector<std::string_view> FlagNames(const Command& command) {
  static constexpr std::pair<uint64_t, std::string_view> kNames[] = {
      {kWrite, "write"},
      {kReadonly, "readonly"},
      {kDenyOom, "denyoom"},
      {kAdmin, "admin"},
      {kPubSub, "pubsub"},
      {kNoScript, "noscript"},
      {kBlocking, "blocking"},
      {kLoading, "loading"},
      {kStale, "stale"},
      {kSkipMonitor, "skip_monitor"},
      {kSkipSlowlog, "skip_slowlog"},
      {kAsking, "asking"},
      {kFast, "fast"},
      {kNoAuth, "no_auth"},
      {kMayReplicate, "may_replicate"},
      {kNoMandatoryKeys, "no_mandatory_keys"},
      {kNoAsyncLoading, "no_async_loading"},
      {kNoMulti, "no_multi"},
      {kMovableKeys, "movablekeys"},
      {kAllowBusy, "allow_busy"},
      {kScriptRunner, "script_runner"},
  };
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kNames) {
    if (command.has(flag)) names.push_back(name);
  }
  return names;
}

std::vector<std::string_view> CategoryNames(uint32_t categories) {
  static constexpr std::pair<uint32_t, std::string_view> kNames[] = {
      {kAclKeyspace, "keyspace"},
      {kAclRead, "read"},
      {kAclWrite, "write"},
      {kAclSet, "set"},
      {kAclSortedSet, "sortedset"},
      {kAclList, "list"},
      {kAclHash, "hash"},
      {kAclString, "string"},
      {kAclBitmap, "bitmap"},
      {kAclHyperLogLog, "hyperloglog"},
      {kAclGeo, "geo"},
      {kAclStream, "stream"},
      {kAclArray, "array"},
      {kAclPubSub, "pubsub"},
      {kAclAdmin, "admin"},
      {kAclFast, "fast"},
      {kAclSlow, "slow"},
      {kAclBlocking, "blocking"},
      {kAclDangerous, "dangerous"},
      {kAclConnection, "connection"},
      {kAclTransaction, "transaction"},
      {kAclScripting, "scripting"},
  };
  std::vector<std::string_view> names;
  for (const auto& [category, name] : kNames) {
    if ((categories & category) != 0) names.push_back(name);
  }
  return names;
}

std::vector<std::string_view> KeyFlagNames(unsigned flags) {
  static constexpr std::pair<unsigned, std::string_view> kNames[] = {
      {kKeyReadOnly, "RO"},
      {kKeyReadWrite, "RW"},
      {kKeyOverwrite, "OW"},
      {kKeyRemove, "RM"},
      {kKeyAccess, "access"},
      {kKeyUpdate, "update"},
      {kKeyInsert, "insert"},
      {kKeyDelete, "delete"},
      {kKeyNotKey, "not_key"},
      {kKeyIncomplete, "incomplete"},
      {kKeyVariableFlags, "variable_flags"},
  };
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) != 0) names.push_back(name);
  }
  return names;
}

}  // namespace kvick
