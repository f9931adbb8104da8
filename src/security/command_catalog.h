// CommandCatalog: the commands as rules name them: "get", "config", "config|get", and categories.
//
// These are the names with which commands were declared: rename-command does not touch them, so that rules mean the
// same whatever clients must call a command.
//
// Made once when all commands are declared; any thread may read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command_table.h"

namespace kvick {

class CommandCatalog {
 public:
  // `table` outlives the catalog.
  explicit CommandCatalog(const CommandTable& table);

  // In any case; null when there is none.
  const Command* Find(std::string_view name) const;
  // "read" or "READ", without the at sign. Nothing when there is none; "all" is none.
  static std::optional<uint32_t> FindCategory(std::string_view name);
  static std::vector<std::string_view> Categories();

  // Commands without their subcommands.
  const std::vector<std::unique_ptr<Command>>& commands() const { return table_.commands(); }
  // Of commands with their subcommands: Command::index is less.
  size_t size() const { return table_.command_count(); }

 private:
  const CommandTable& table_;
  std::map<std::string, const Command*, std::less<>> by_name_;
};

}  // namespace kvick
