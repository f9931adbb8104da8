// COMMAND: what the server says of its own commands, from their rows.
//
// Two reply shapes: the tuples of COMMAND and COMMAND INFO, and the maps of COMMAND DOCS.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "commands/families.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "engine/key_extraction.h"

namespace kvick {
namespace {

// Words as protocol strings: an array in RESP2, a set in RESP3.
void WriteWordSet(ReplyWriter& reply, const std::vector<std::string_view>& words, std::string_view prefix = "") {
  reply.Set(words.size());
  for (const std::string_view word : words) reply.Simple(std::string(prefix) + std::string(word));
}

std::vector<std::string_view> TipsOf(const Command& command) {
  std::vector<std::string_view> tips;
  for (const std::string_view tip : command.spec->tips) {
    if (!tip.empty()) tips.push_back(tip);
  }
  return tips;
}

// ---- COMMAND INFO

// The oldest description of a command's keys: first, last, step. Specs at fixed places that continue each other are
// one range; the others are told by the flag `movablekeys`.
struct KeyRangeSummary {
  int first = 0;
  int last = 0;
  int step = 0;
};

KeyRangeSummary SummariseKeys(const Command& command) {
  KeyRangeSummary summary;
  for (size_t i = 0; i < command.key_spec_count; ++i) {
    const KeySpec& spec = command.spec->keys[i];
    if (spec.begin != KeySpec::Begin::kIndex || spec.find != KeySpec::Find::kRange) continue;
    const int last = spec.last_key < 0 ? spec.last_key : spec.begin_index + spec.last_key;
    if (summary.first == 0) {
      summary = {spec.begin_index, last, spec.key_step};
    } else if (summary.last + 1 == spec.begin_index && summary.step == spec.key_step) {
      summary.last = last;
    }
  }
  return summary;
}

void WriteBeginSearch(ReplyWriter& reply, const KeySpec& spec) {
  reply.Map(2);
  reply.Bulk("type");
  if (spec.begin == KeySpec::Begin::kIndex) {
    reply.Bulk("index");
    reply.Bulk("spec");
    reply.Map(1);
    reply.Bulk("index");
    reply.Integer(spec.begin_index);
  } else if (spec.begin == KeySpec::Begin::kKeyword) {
    reply.Bulk("keyword");
    reply.Bulk("spec");
    reply.Map(2);
    reply.Bulk("keyword");
    reply.Bulk(spec.begin_keyword);
    reply.Bulk("startfrom");
    reply.Integer(spec.begin_index);
  } else {
    reply.Bulk("unknown");
    reply.Bulk("spec");
    reply.Map(0);
  }
}

void WriteFindKeys(ReplyWriter& reply, const KeySpec& spec) {
  reply.Map(2);
  reply.Bulk("type");
  if (spec.begin == KeySpec::Begin::kUnknown || spec.find == KeySpec::Find::kUnknown) {
    reply.Bulk("unknown");
    reply.Bulk("spec");
    reply.Map(0);
  } else if (spec.find == KeySpec::Find::kRange) {
    reply.Bulk("range");
    reply.Bulk("spec");
    reply.Map(3);
    reply.Bulk("lastkey");
    reply.Integer(spec.last_key);
    reply.Bulk("keystep");
    reply.Integer(spec.key_step);
    reply.Bulk("limit");
    reply.Integer(spec.limit);
  } else {
    reply.Bulk("keynum");
    reply.Bulk("spec");
    reply.Map(3);
    reply.Bulk("keynumidx");
    reply.Integer(spec.count_index);
    reply.Bulk("firstkey");
    reply.Integer(spec.first_key_index);
    reply.Bulk("keystep");
    reply.Integer(spec.key_step);
  }
}

void WriteInfo(ReplyWriter& reply, const Command* command) {
  if (command == nullptr) return reply.Null();
  const KeyRangeSummary keys = SummariseKeys(*command);
  reply.Array(10);
  reply.Bulk(command->name);
  reply.Integer(command->arity);
  WriteWordSet(reply, FlagNames(*command));
  reply.Integer(keys.first);
  reply.Integer(keys.last);
  reply.Integer(keys.step);
  WriteWordSet(reply, CategoryNames(command->categories), "@");
  const std::vector<std::string_view> tips = TipsOf(*command);
  reply.Set(tips.size());
  for (const std::string_view tip : tips) reply.Bulk(tip);
  reply.Set(command->key_spec_count);
  for (size_t i = 0; i < command->key_spec_count; ++i) {
    const KeySpec& spec = command->spec->keys[i];
    reply.Map(3);
    reply.Bulk("flags");
    WriteWordSet(reply, KeyFlagNames(spec.flags));
    reply.Bulk("begin_search");
    WriteBeginSearch(reply, spec);
    reply.Bulk("find_keys");
    WriteFindKeys(reply, spec);
  }
  reply.Set(command->subcommands.size());
  for (const auto& subcommand : command->subcommands) WriteInfo(reply, subcommand.get());
}

// "GET", "config|get": null when there is none.
const Command* FindByFullName(const CommandTable& table, std::string_view name) {
  const size_t bar = name.find('|');
  const Command* command = table.Find(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return command->FindSubcommand(name.substr(bar + 1));
}

Status CommandAll(CommandContext& context) {
  const auto& commands = context.engine().commands().commands();
  context.Reply().Array(commands.size());
  for (const auto& command : commands) WriteInfo(context.Reply(), command.get());
  return Status::Ok();
}

Status CommandInfo(CommandContext& context) {
  if (context.argument_count() == 2) return CommandAll(context);
  context.Reply().Array(context.argument_count() - 2);
  for (size_t i = 2; i < context.argument_count(); ++i) {
    WriteInfo(context.Reply(), FindByFullName(context.engine().commands(), context.Arg(i)));
  }
  return Status::Ok();
}

Status CommandCount(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(context.engine().commands().commands().size()));
  return Status::Ok();
}

// ---- COMMAND DOCS

// A map whose fields are written one after the other, some of them not at all.
class MapBuilder {
 public:
  explicit MapBuilder(ReplyWriter& reply) : reply_(reply), hole_(reply.Begin()) {}
  MapBuilder(const MapBuilder&) = delete;
  MapBuilder& operator=(const MapBuilder&) = delete;
  ~MapBuilder() { reply_.End(hole_, ReplyWriter::Aggregate::kMap, count_); }

  // The caller writes the value next.
  void Name(std::string_view name) {
    reply_.Bulk(name);
    ++count_;
  }
  void Text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    Name(name);
    reply_.Bulk(value);
  }

 private:
  ReplyWriter& reply_;
  OutputBuffer::Hole hole_;
  size_t count_ = 0;
};

void WriteArguments(ReplyWriter& reply, const std::vector<SyntaxArgument>& arguments);

void WriteArgument(ReplyWriter& reply, const SyntaxArgument& argument) {
  using Kind = SyntaxArgument::Kind;
  const bool has_parts = argument.kind == Kind::kOneOf || argument.kind == Kind::kBlock;
  MapBuilder map(reply);
  map.Text("name", argument.name);
  map.Text("type", KindName(argument.kind));
  if (!has_parts) map.Text("display_text", argument.name);
  if (argument.key_spec_index >= 0) {
    map.Name("key_spec_index");
    reply.Integer(argument.key_spec_index);
  }
  if (argument.kind == SyntaxArgument::Kind::kToken) {
    map.Name("token");
    reply.Bulk(argument.token);
  } else {
    map.Text("token", argument.token);
  }
  map.Text("since", argument.since);
  std::vector<std::string_view> flags;
  if (argument.optional) flags.emplace_back("optional");
  if (argument.multiple) flags.emplace_back("multiple");
  if (argument.multiple_token) flags.emplace_back("multiple_token");
  if (!flags.empty()) {
    map.Name("flags");
    WriteWordSet(reply, flags);
  }
  if (has_parts) {
    map.Name("arguments");
    WriteArguments(reply, argument.parts);
  }
}

void WriteArguments(ReplyWriter& reply, const std::vector<SyntaxArgument>& arguments) {
  reply.Array(arguments.size());
  for (const SyntaxArgument& argument : arguments) WriteArgument(reply, argument);
}

void WriteDocs(ReplyWriter& reply, const Command& command) {
  const CommandSpec& spec = *command.spec;
  reply.Bulk(command.name);
  MapBuilder map(reply);
  map.Text("summary", spec.summary);
  map.Text("since", spec.since);
  map.Text("group", spec.group);
  map.Text("complexity", spec.complexity);
  std::vector<std::string_view> flags;
  if (!spec.deprecated_since.empty()) flags.emplace_back("deprecated");
  if (command.has(kSystemCommand)) flags.emplace_back("syscmd");
  if (!flags.empty()) {
    map.Name("doc_flags");
    WriteWordSet(reply, flags);
  }
  map.Text("deprecated_since", spec.deprecated_since);
  map.Text("replaced_by", spec.replaced_by);
  if (!command.arguments.empty()) {
    map.Name("arguments");
    WriteArguments(reply, command.arguments);
  }
  if (!command.subcommands.empty()) {
    map.Name("subcommands");
    reply.Map(command.subcommands.size());
    for (const auto& subcommand : command.subcommands) WriteDocs(reply, *subcommand);
  }
}

Status CommandDocs(CommandContext& context) {
  const CommandTable& table = context.engine().commands();
  std::vector<const Command*> wanted;
  if (context.argument_count() == 2) {
    for (const auto& command : table.commands()) wanted.push_back(command.get());
  }
  for (size_t i = 2; i < context.argument_count(); ++i) {
    // An unknown name is left out, so that a client may ask for more than a server knows.
    if (const Command* command = FindByFullName(table, context.Arg(i))) wanted.push_back(command);
  }
  context.Reply().Map(wanted.size());
  for (const Command* command : wanted) WriteDocs(context.Reply(), *command);
  return Status::Ok();
}

// ---- COMMAND LIST

bool IsInCategory(const Command& command, std::string_view category) {
  const std::vector<std::string_view> names = CategoryNames(command.categories);
  return std::any_of(names.begin(), names.end(),
                     [category](std::string_view name) { return EqualsIgnoreCase(name, category); });
}

Status CommandList(CommandContext& context) {
  std::function<bool(const Command&)> is_wanted = [](const Command&) { return true; };
  if (context.argument_count() > 2) {
    if (context.argument_count() != 5 || !context.ArgIs(2, "FILTERBY")) return errors::Syntax();
    const std::string_view value = context.Arg(4);
    if (context.ArgIs(3, "MODULE")) {
      is_wanted = [](const Command&) { return false; };  // no command comes from a loaded module
    } else if (context.ArgIs(3, "ACLCAT")) {
      is_wanted = [value](const Command& command) { return IsInCategory(command, value); };
    } else if (context.ArgIs(3, "PATTERN")) {
      is_wanted = [value](const Command& command) { return MatchesGlob(value, command.name, true); };
    } else {
      return errors::Syntax();
    }
  }
  ReplyWriter& reply = context.Reply();
  const OutputBuffer::Hole hole = reply.Begin();
  size_t count = 0;
  const CommandTable& table = context.engine().commands();
  for (const auto& command : table.commands()) {
    if (is_wanted(*command)) {
      reply.Bulk(command->name);
      ++count;
    }
    for (const auto& subcommand : command->subcommands) {
      if (!is_wanted(*subcommand)) continue;
      reply.Bulk(subcommand->name);
      ++count;
    }
  }
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

// ---- COMMAND GETKEYS

// The keys of the request that follows the subcommand.
Result<std::vector<KeyPosition>> KeysOfRequest(CommandContext& context) {
  const auto request = context.arguments().subspan(2);
  const Command* container = nullptr;
  const Command* command = context.engine().commands().Resolve(request, &container);
  if (command == nullptr) return errors::Generic("Invalid command specified");
  const std::span<const KeySpec> specs(command->spec->keys.data(), static_cast<size_t>(command->key_spec_count));
  const bool has_keys =
      std::any_of(specs.begin(), specs.end(), [](const KeySpec& spec) { return (spec.flags & kKeyNotKey) == 0; });
  if (!has_keys) return errors::Generic("The command has no key arguments");
  if (!command->accepts(request.size())) return errors::Generic("Invalid number of arguments specified for command");
  std::vector<KeyPosition> positions;
  if (!ExtractKeys(*command, request, &positions)) return errors::Generic("Invalid arguments specified for command");
  // Channels stand in the places of keys but are none.
  std::erase_if(positions, [](const KeyPosition& position) { return (position.flags & kKeyNotKey) != 0; });
  if (positions.empty() && !command->has(kNoMandatoryKeys)) {
    return errors::Generic("Invalid arguments specified for command");
  }
  return positions;
}

Status CommandGetKeys(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<KeyPosition> positions, KeysOfRequest(context));
  context.Reply().Array(positions.size());
  for (const KeyPosition& position : positions) context.Reply().Bulk(context.Arg(2 + position.argument_index));
  return Status::Ok();
}

Status CommandGetKeysAndFlags(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<KeyPosition> positions, KeysOfRequest(context));
  context.Reply().Array(positions.size());
  for (const KeyPosition& position : positions) {
    context.Reply().Array(2);
    context.Reply().Bulk(context.Arg(2 + position.argument_index));
    WriteWordSet(context.Reply(),
                 KeyFlagNames(position.flags & ~static_cast<unsigned>(kKeyVariableFlags | kKeyIncomplete)));
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "COMMAND",
        .summary = "Returns detailed information about all commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(N) where N is the total number of Redis commands",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .arity = -1,
        .tips = {"nondeterministic_output_order"},
        .handler = CommandAll,
    },
    {
        .name = "COMMAND COUNT",
        .summary = "Returns a count of commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .handler = CommandCount,
    },
    {
        .name = "COMMAND DOCS",
        .syntax = "[command-name [command-name ...]]",
        .summary = "Returns documentary information about one, multiple or all commands.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) where N is the number of commands to look up",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .tips = {"nondeterministic_output_order"},
        .handler = CommandDocs,
    },
    {
        .name = "COMMAND GETKEYS",
        .syntax = "command [arg [arg ...]]",
        .summary = "Extracts the key names from a command with its arguments.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(N) where N is the number of arguments to the command",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .handler = CommandGetKeys,
    },
    {
        .name = "COMMAND GETKEYSANDFLAGS",
        .syntax = "command [arg [arg ...]]",
        .summary = "Extracts the key names and the access flags from a command with its arguments.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) where N is the number of arguments to the command",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .handler = CommandGetKeysAndFlags,
    },
    {
        .name = "COMMAND HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "5.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .handler = ReplyHelp,
    },
    {
        .name = "COMMAND INFO",
        .syntax = "[command-name [command-name ...]]",
        .summary = "Returns information about one, multiple or all commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(N) where N is the number of commands to look up",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .tips = {"nondeterministic_output_order"},
        .handler = CommandInfo,
    },
    {
        .name = "COMMAND LIST",
        .syntax = "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
        .argument_notes = "module-name=filterby",
        .summary = "Returns a list of command names.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) where N is the total number of Redis commands",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .tips = {"nondeterministic_output_order"},
        .handler = CommandList,
    },
};

}  // namespace

std::span<const CommandSpec> CommandCommands() { return kCommands; }

}  // namespace kvick
