// Selector: one set of permissions: commands, keys, channels and databases that go together. A user has one of his own
// and any number of further ones; a call is allowed when one of them allows all of it.
//
//   Selector selector(catalog, {});
//   selector.Apply("+@read");  selector.Apply("%R~user:*");  selector.Apply("&news.*");  selector.Apply("db=0,1");
//   selector.Check(call).reason == Denial::Reason::kNone
//
// Exclusive state, as users are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/channels.h"
#include "engine/declared_key.h"
#include "security/command_rules.h"

namespace kvick {

// What new users and selectors begin with, and what rules may name.
struct RuleDefaults {
  bool allows_all_channels = false;  // acl-pubsub-default
  int database_count = 16;
};

// What somebody wants to do.
struct AttemptedCall {
  const Command& command;
  std::span<const std::string_view> arguments;
  std::span<const DeclaredKey> keys;
  int database_index;
};

// Why not. The later the reason, the nearer the call came to be allowed.
struct Denial {
  enum class Reason : uint8_t { kNone, kCommand, kKey, kAuthentication, kChannel, kDatabase };
  Reason reason = Reason::kNone;
  size_t position = 0;  // of what was denied, among its like
  std::string object;   // the command, the key, the channel, the database

  bool allowed() const { return reason == Reason::kNone; }
  bool IsNearerThan(const Denial& other) const {
    return reason != other.reason ? reason > other.reason : position > other.position;
  }
};

class Selector {
 public:
  Selector(const CommandCatalog& catalog, const RuleDefaults& defaults);
  // The text between parentheses.
  static RuleProblem Parse(std::string_view text, const CommandCatalog& catalog, const RuleDefaults& defaults,
                           Selector* selector);

  // Nothing changes when there is a problem.
  RuleProblem Apply(std::string_view rule, const RuleDefaults& defaults);
  void Reset(const RuleDefaults& defaults);

  Denial Check(const AttemptedCall& call) const;
  // Check, and every key of the database may be read besides.
  bool AllowsReadingEverything(const AttemptedCall& call) const;
  // By name; patterns literally, unless all channels are allowed.
  bool AllowsChannel(ChannelKind kind, std::string_view name) const;
  bool AllowsReadingKey(std::string_view name) const;
  bool allows_everything() const;

  const CommandRules& commands() const { return commands_; }
  std::string KeysText() const;
  std::string ChannelsText() const;
  // Empty for all databases, which is what servers without such rules mean.
  std::string DatabasesText() const;
  // All of it, a rule a word.
  std::vector<std::string> Rules() const;
  // The same between parentheses. What would not read back is quoted.
  std::string Text() const;

 private:
  struct KeyPattern {
    std::string glob;
    uint8_t access;  // kRead, kWrite
  };
  enum Access : uint8_t { kRead = 1, kWrite = 2 };

  RuleProblem AddKeyPattern(std::string_view glob, uint8_t access);
  RuleProblem AddChannelPattern(std::string_view glob);
  RuleProblem SetDatabases(std::string_view list, int database_count);
  bool AllowsKey(const AttemptedCall& call, const DeclaredKey& key) const;
  bool AllowsDatabase(int index) const;
  Denial CheckChannels(const AttemptedCall& call) const;
  Denial CheckDatabases(const AttemptedCall& call) const;

  CommandRules commands_;
  bool all_keys_ = false;
  bool all_channels_ = false;
  bool all_databases_ = true;
  std::vector<KeyPattern> keys_;
  std::vector<std::string> channels_;
  std::vector<int> databases_;  // ascending
};

}  // namespace kvick
