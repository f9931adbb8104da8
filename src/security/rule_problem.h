// What can be wrong with a rule, and the words that clients and log readers know for it.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvick {

enum class RuleProblem : uint8_t {
  kNone,
  kSyntax,
  kUnknownCommand,
  kFirstArgumentOfSubcommand,
  kKeysAlreadyAll,
  kChannelsAlreadyAll,
  kNoSuchPassword,
  kBadPasswordHash,
  kBadDatabase,
};

// Blanks separate rules where they are kept, and line ends users: no name and no pattern has any.
constexpr bool HasBlank(std::string_view text) {
  return text.find_first_of(std::string_view(" \t\n\v\f\r\0", 7)) != std::string_view::npos;
}

constexpr std::string_view TextOf(RuleProblem problem) {
  switch (problem) {
    case RuleProblem::kNone: break;
    case RuleProblem::kSyntax: return "Syntax error";
    case RuleProblem::kUnknownCommand: return "Unknown command or category name in ACL";
    case RuleProblem::kFirstArgumentOfSubcommand: return "Allowing first-arg of a subcommand is not supported";
    case RuleProblem::kKeysAlreadyAll:
      return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
             "Try 'resetkeys' to start with an empty list of patterns";
    case RuleProblem::kChannelsAlreadyAll:
      return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
             "effect. Try 'resetchannels' to start with an empty list of channels";
    case RuleProblem::kNoSuchPassword: return "The password you are trying to remove from the user does not exist";
    case RuleProblem::kBadPasswordHash:
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    case RuleProblem::kBadDatabase: return "The provided database ID is out of range";
  }
  return "";
}

}  // namespace kvick
