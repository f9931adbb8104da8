#include "security/selector.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

// Which arguments of a command name channels. Leaving a channel needs no permission.
struct ChannelArguments {
  std::string_view command;
  ChannelKind kind;
  bool takes_many;
};

constexpr ChannelArguments kChannelCommands[] = {
    {"PSUBSCRIBE", ChannelKind::kPattern, true},     {"PUBLISH", ChannelKind::kChannel, false},
    {"SPUBLISH", ChannelKind::kShardChannel, false}, {"SSUBSCRIBE", ChannelKind::kShardChannel, true},
    {"SUBSCRIBE", ChannelKind::kChannel, true},
};

// Commands that name databases: the first of the arguments, and how many.
struct DatabaseArguments {
  std::string_view command;
  size_t first;
  size_t count;
};

constexpr DatabaseArguments kDatabaseCommands[] = {{"SELECT", 1, 1}, {"SWAPDB", 1, 2}};
constexpr std::string_view kAllDatabasesCommand = "FLUSHALL";

void Append(std::string* text, std::string_view word) {
  if (!text->empty()) *text += ' ';
  *text += word;
}

}  // namespace

Selector::Selector(const CommandCatalog& catalog, const RuleDefaults& defaults)
    : commands_(catalog), all_channels_(defaults.allows_all_channels) {}

RuleProblem Selector::Parse(std::string_view text, const CommandCatalog& catalog, const RuleDefaults& defaults,
                            Selector* selector) {
  std::vector<std::string> rules;
  if (!SplitArguments(text, &rules)) return RuleProblem::kSyntax;
  Selector parsed(catalog, defaults);
  for (const std::string& rule : rules) {
    if (const RuleProblem problem = parsed.Apply(rule, defaults); problem != RuleProblem::kNone) return problem;
  }
  *selector = std::move(parsed);
  return RuleProblem::kNone;
}

void Selector::Reset(const RuleDefaults& defaults) {
  commands_.DenyAll();
  keys_.clear();
  channels_.clear();
  databases_.clear();
  all_keys_ = false;
  all_channels_ = defaults.allows_all_channels;
  all_databases_ = true;
}

RuleProblem Selector::Apply(std::string_view rule, const RuleDefaults& defaults) {
  const auto is = [rule](std::string_view word) { return EqualsIgnoreCase(rule, word); };
  if (is("allkeys") || is("~*")) {
    all_keys_ = true;
    keys_.clear();
  } else if (is("resetkeys")) {
    all_keys_ = false;
    keys_.clear();
  } else if (is("allchannels") || is("&*")) {
    all_channels_ = true;
    channels_.clear();
  } else if (is("resetchannels")) {
    all_channels_ = false;
    channels_.clear();
  } else if (is("alldbs")) {
    all_databases_ = true;
    databases_.clear();
  } else if (is("resetdbs")) {
    all_databases_ = false;
    databases_.clear();
  } else if (rule.size() > 3 && EqualsIgnoreCase(rule.substr(0, 3), "db=")) {
    return SetDatabases(rule.substr(3), defaults.database_count);
  } else if (rule.starts_with('~')) {
    return AddKeyPattern(rule.substr(1), kRead | kWrite);
  } else if (rule.starts_with('%')) {
    if (all_keys_) return RuleProblem::kKeysAlreadyAll;
    uint8_t access = 0;
    size_t i = 1;
    for (; i < rule.size() && rule[i] != '~'; ++i) {
      const char letter = ToUpper(rule[i]);
      if (letter != 'R' && letter != 'W') return RuleProblem::kSyntax;
      access |= letter == 'R' ? kRead : kWrite;
    }
    if (access == 0) return RuleProblem::kSyntax;
    return AddKeyPattern(i < rule.size() ? rule.substr(i + 1) : std::string_view(), access);
  } else if (rule.starts_with('&')) {
    return AddChannelPattern(rule.substr(1));
  } else {
    return commands_.Apply(rule);
  }
  return RuleProblem::kNone;
}

RuleProblem Selector::AddKeyPattern(std::string_view glob, uint8_t access) {
  if (all_keys_) return RuleProblem::kKeysAlreadyAll;
  if (HasBlank(glob)) return RuleProblem::kSyntax;
  const auto known =
      std::find_if(keys_.begin(), keys_.end(), [glob](const KeyPattern& key) { return key.glob == glob; });
  if (known != keys_.end()) {
    known->access |= access;
  } else {
    keys_.push_back({std::string(glob), access});
  }
  return RuleProblem::kNone;
}

RuleProblem Selector::AddChannelPattern(std::string_view glob) {
  if (all_channels_) return RuleProblem::kChannelsAlreadyAll;
  if (HasBlank(glob)) return RuleProblem::kSyntax;
  if (std::find(channels_.begin(), channels_.end(), glob) == channels_.end()) channels_.emplace_back(glob);
  return RuleProblem::kNone;
}

// "0,1,2": these and no others.
RuleProblem Selector::SetDatabases(std::string_view list, int database_count) {
  std::vector<int> databases;
  while (true) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::optional<int64_t> index = ParseInt64(list.substr(0, comma));
    if (!index) return RuleProblem::kSyntax;
    if (*index < 0 || *index >= database_count) return RuleProblem::kBadDatabase;
    databases.push_back(static_cast<int>(*index));
    if (comma == list.size()) break;
    list.remove_prefix(comma + 1);
  }
  std::sort(databases.begin(), databases.end());
  databases.erase(std::unique(databases.begin(), databases.end()), databases.end());
  databases_ = std::move(databases);
  all_databases_ = false;
  return RuleProblem::kNone;
}

bool Selector::AllowsKey(const AttemptedCall& call, const DeclaredKey& key) const {
  uint16_t flags = key.flags;
  // Executors that lock a key do not care for what.
  const bool varies = (flags & kKeyVariableFlags) != 0 && call.command.spec->refine_key_flags != nullptr;
  if (varies) flags = call.command.spec->refine_key_flags(call.arguments);
  uint8_t wanted = 0;
  if ((flags & kKeyAccess) != 0) wanted |= kRead;
  if ((flags & (kKeyInsert | kKeyDelete | kKeyUpdate)) != 0) wanted |= kWrite;
  return std::any_of(keys_.begin(), keys_.end(), [&](const KeyPattern& pattern) {
    return (pattern.access & wanted) == wanted && MatchesGlob(pattern.glob, key.key.name);
  });
}

bool Selector::AllowsReadingKey(std::string_view name) const {
  return all_keys_ || std::any_of(keys_.begin(), keys_.end(), [name](const KeyPattern& pattern) {
           return (pattern.access & kRead) != 0 && MatchesGlob(pattern.glob, name);
         });
}

bool Selector::AllowsDatabase(int index) const {
  return all_databases_ || std::binary_search(databases_.begin(), databases_.end(), index);
}

bool Selector::AllowsChannel(ChannelKind kind, std::string_view name) const {
  if (all_channels_) return true;
  // A pattern that somebody listens to could match more than any that he was given, so only the same one will do.
  return std::any_of(channels_.begin(), channels_.end(), [&](const std::string& glob) {
    return kind == ChannelKind::kPattern ? glob == name : MatchesGlob(glob, name);
  });
}

Denial Selector::Check(const AttemptedCall& call) const {
  // Whoever is to authenticate must be able to.
  if (!call.command.has(kNoAuth) && !commands_.Allows(call.command, call.arguments)) {
    return {Denial::Reason::kCommand, 0, call.command.name};
  }
  if (!all_keys_) {
    for (size_t i = 0; i < call.keys.size(); ++i) {
      if (!AllowsKey(call, call.keys[i])) return {Denial::Reason::kKey, i, std::string(call.keys[i].key.name)};
    }
  }
  if (!all_channels_ && call.command.has(kPubSub)) {
    if (Denial denial = CheckChannels(call); !denial.allowed()) return denial;
  }
  return all_databases_ ? Denial() : CheckDatabases(call);
}

Denial Selector::CheckChannels(const AttemptedCall& call) const {
  for (const ChannelArguments& row : kChannelCommands) {
    if (row.command != call.command.spec->name) continue;
    const size_t end = row.takes_many ? call.arguments.size() : std::min<size_t>(2, call.arguments.size());
    for (size_t i = 1; i < end; ++i) {
      if (!AllowsChannel(row.kind, call.arguments[i])) {
        return {Denial::Reason::kChannel, i, std::string(call.arguments[i])};
      }
    }
  }
  return {};
}

Denial Selector::CheckDatabases(const AttemptedCall& call) const {
  const auto denied = [](size_t position, std::string object) {
    return Denial{Denial::Reason::kDatabase, position, std::move(object)};
  };
  for (size_t i = 0; i < call.keys.size(); ++i) {
    const int index = call.keys[i].database->index();
    if (!AllowsDatabase(index)) return denied(i, std::to_string(index));
  }
  const std::string_view name = call.command.spec->name;
  if (name == kAllDatabasesCommand) return denied(0, call.command.name);
  for (const DatabaseArguments& row : kDatabaseCommands) {
    if (row.command != name) continue;
    for (size_t i = row.first; i < std::min(row.first + row.count, call.arguments.size()); ++i) {
      const std::optional<int64_t> index = ParseInt64(call.arguments[i]);
      // What is no number is the command's own affair.
      if (index && (*index < 0 || *index > INT32_MAX || !AllowsDatabase(static_cast<int>(*index)))) {
        return denied(i, std::string(call.arguments[i]));
      }
    }
    return {};
  }
  // Whatever else looks at the selected database: KEYS, SCAN, DBSIZE, FLUSHDB ...
  const bool looks_at_keys = (call.command.categories & kAclKeyspace) != 0;
  if (looks_at_keys && call.keys.empty() && !AllowsDatabase(call.database_index)) {
    return denied(0, std::to_string(call.database_index));
  }
  return {};
}

bool Selector::AllowsReadingEverything(const AttemptedCall& call) const {
  if (!Check(call).allowed()) return false;
  return all_keys_ || std::any_of(keys_.begin(), keys_.end(), [](const KeyPattern& pattern) {
           return pattern.glob == "*" && (pattern.access & kRead) != 0;
         });
}

bool Selector::allows_everything() const {
  return all_keys_ && all_channels_ && all_databases_ && commands_.allows_all();
}

std::string Selector::KeysText() const {
  if (all_keys_) return "~*";
  std::string text;
  for (const KeyPattern& key : keys_) {
    // "~*" would read back as `allkeys`, behind which no pattern may come.
    const std::string_view both = key.glob == "*" ? "%RW~" : "~";
    const std::string_view prefix = key.access == kRead ? "%R~" : key.access == kWrite ? "%W~" : both;
    Append(&text, std::string(prefix) + key.glob);
  }
  return text;
}

std::string Selector::ChannelsText() const {
  if (all_channels_) return "&*";
  std::string text;
  for (const std::string& channel : channels_) Append(&text, "&" + channel);
  return text;
}

std::string Selector::DatabasesText() const {
  if (all_databases_) return "";
  if (databases_.empty()) return "resetdbs";
  std::string text;
  for (const int index : databases_) text += (text.empty() ? "db=" : ",") + std::to_string(index);
  return text;
}

std::vector<std::string> Selector::Rules() const {
  std::string text = KeysText();
  if (!all_channels_) Append(&text, "resetchannels");
  if (all_channels_ || !channels_.empty()) Append(&text, ChannelsText());
  if (!all_databases_) Append(&text, DatabasesText());
  Append(&text, commands_.Text());
  // No rule has a blank.
  std::vector<std::string> rules;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    rules.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return rules;
}

std::string Selector::Text() const {
  std::string text;
  for (const std::string& rule : Rules()) {
    const bool is_odd = rule.find_first_of("\"'\\") != std::string::npos || rule.back() == ')';
    Append(&text, is_odd ? QuoteArgument(rule) : rule);
  }
  return "(" + text + ")";
}

}  // namespace kvick
