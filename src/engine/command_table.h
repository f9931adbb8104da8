// CommandTable: all commands of the server, made once from the rows of every family and not changed afterwards but
// by rename-command before the workers run. Any thread may look things up.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command_spec.h"
#include "engine/syntax.h"

namespace kvick {

// One command or subcommand at run time: its row and what follows from it.
struct Command {
  const CommandSpec* spec = nullptr;
  std::string name;  // as clients see it: "get", "client|kill"
  int arity = 0;
  uint64_t flags = 0;
  uint32_t categories = 0;
  uint32_t index = 0;  // dense, for arrays of counters
  size_t key_spec_count = 0;
  bool is_brief = false;      // by its nature: others may be kept waiting for it
  int single_key_index = 0;   // the one key's argument when that is all there is to know, else 0
  Command* parent = nullptr;  // of a subcommand
  std::vector<std::unique_ptr<Command>> subcommands;
  std::vector<SyntaxArgument> arguments;

  bool has(uint64_t flag) const { return (flags & flag) != 0; }
  bool accepts(size_t argument_count) const {
    const auto count = static_cast<int64_t>(argument_count);
    return arity >= 0 ? count >= arity && count <= arity + spec->more_arguments : count >= -arity;
  }
  // Must not run beside others, with these arguments.
  bool RunsAlone(std::span<const std::string_view> request) const {
    return has(kExclusive) || (spec->must_run_alone != nullptr && spec->must_run_alone(request));
  }
  const Command* FindSubcommand(std::string_view subcommand) const;
};

class CommandTable {
 public:
  CommandTable() = default;
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  // Containers come before their subcommands. Asserts on rows that contradict themselves.
  void Add(std::span<const CommandSpec> rows);
  // There will be no more: who is told of all commands from here on, such as rules of users, may count on it.
  void Seal() { is_sealed_ = true; }

  // By the words of a request, any case; null when unknown. A container is returned as itself: see Resolve.
  const Command* Find(std::string_view name) const;
  // The command that a request runs: descends into subcommands. Null when the name or the subcommand is unknown; then
  // `*container` tells which container did not know it.
  const Command* Resolve(std::span<const std::string_view> arguments, const Command** container) const;

  // rename-command: an empty new name removes the command. False when there is no such command.
  bool Rename(std::string_view name, std::string_view new_name);

  size_t command_count() const { return all_.size(); }  // with subcommands
  const Command& at(size_t index) const { return *all_[index]; }
  // Top-level commands in order of declaration.
  const std::vector<std::unique_ptr<Command>>& commands() const { return commands_; }

 private:
  // A name in lower case as two words, which say all there is to say about most names: its first eight bytes and its
  // last eight, or all of a short one with zeros behind it.
  struct Name {
    uint64_t head = 0;
    uint64_t tail = 0;
    size_t size = 0;  // 0: no name
    bool operator==(const Name&) const = default;
    size_t Hash() const { return static_cast<size_t>(((head ^ (tail << 5) ^ size) * 0x9e3779b97f4a7c15) >> 40); }
  };
  struct Slot {
    Name name;
    std::string text;  // lower case
    const Command* command = nullptr;
  };
  static constexpr size_t kNoSlot = SIZE_MAX;

  bool is_sealed_ = false;

  static Name FoldName(std::string_view name);
  void Rehash();
  void Place(std::string_view name, const Command* command);
  size_t FindSlot(std::string_view name) const;

  std::vector<std::unique_ptr<Command>> commands_;
  std::vector<Command*> all_;
  std::vector<Slot> slots_;  // open addressing, a power of two
};

// Names of flags and categories in the order in which clients print them.
std::vector<std::string_view> FlagNames(const Command& command);
std::vector<std::string_view> CategoryNames(uint32_t categories);
std::vector<std::string_view> KeyFlagNames(unsigned flags);

}  // namespace kvick
