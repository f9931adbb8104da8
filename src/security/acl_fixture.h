// For the unit tests of this folder: an engine with a handful of commands and its access control.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/command_context.h"
#include "engine/key_extraction.h"
#include "engine/local_client.h"
#include "security/access_control.h"
#include "security/features.h"

namespace kvick {

class AclFixture : public ::testing::Test {
 protected:
  AclFixture() : engine_(&settings_, clock_) {
    engine_.commands().Add(Rows());
    engine_.commands().Add(AclCommands());
    AttachAccessControl(engine_);
  }

  AccessControl& control() { return *static_cast<AccessControl*>(engine_.hooks.authorizer); }
  const CommandCatalog& catalog() { return control().catalog(); }
  RuleDefaults defaults() { return control().Defaults(); }

  User MakeUser(std::string_view name, std::initializer_list<std::string_view> rules) {
    User user(std::string(name), catalog(), defaults());
    for (const std::string_view rule : rules) {
      EXPECT_EQ(TextOf(user.Apply(rule, defaults())), "") << rule;
    }
    return user;
  }

  // "" when the user may, else what is denied: "command get", "key a".
  std::string DenialOf(const User& user, std::initializer_list<std::string_view> words, int database_index = 0) {
    const std::vector<std::string_view> arguments(words);
    const Command* container = nullptr;
    const Command* command = engine_.commands().Resolve(arguments, &container);
    const std::vector<DeclaredKey> keys = DeclareKeys(engine_, database_index, *command, arguments);
    const Denial denial = user.Check({*command, arguments, keys, database_index});
    if (denial.allowed()) return "";
    static constexpr std::string_view kNames[] = {"", "command ", "key ", "auth ", "channel ", "database "};
    return std::string(kNames[static_cast<size_t>(denial.reason)]) + denial.object;
  }

  Settings settings_;
  ManualClock clock_{1'700'000'000'000};
  Engine engine_;

 private:
  static Status Nothing(CommandContext& context) {
    context.Reply().Ok();
    return Status::Ok();
  }
  static void PlaceInArgument(KeyPlacement& placement) {
    DeclaredKey target = placement.keys[0];
    target.database = &placement.engine.database(placement.arguments[2][0] - '0');
    placement.keys.push_back(target);
  }
  static std::span<const CommandSpec> Rows() {
    constexpr unsigned kRead = kKeyReadOnly | kKeyAccess;
    constexpr unsigned kChange = kKeyReadWrite | kKeyUpdate;
    static constexpr CommandSpec kRows[] = {
        {.name = "GET",
         .syntax = "key",
         .flags = kReadonly | kFast,
         .categories = kAclString,
         .keys = {OneKey(1, kRead)},
         .handler = Nothing},
        {.name = "SET",
         .syntax = "key value",
         .flags = kWrite,
         .categories = kAclString,
         .keys = {OneKey(1, kChange)},
         .handler = Nothing},
        {.name = "EXISTS",
         .syntax = "key [key ...]",
         .flags = kReadonly,
         .categories = kAclKeyspace,
         .keys = {KeyRange(1, -1, 1, kKeyReadOnly)},
         .handler = Nothing},
        {.name = "COPY",
         .syntax = "source destination",
         .flags = kWrite,
         .categories = kAclKeyspace,
         .keys = {OneKey(1, kRead), OneKey(2, kKeyOverwrite | kKeyUpdate)},
         .handler = Nothing},
        {.name = "MOVE",
         .syntax = "key db",
         .flags = kWrite,
         .categories = kAclKeyspace,
         .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
         .place_keys = PlaceInArgument,
         .handler = Nothing},
        {.name = "DBSIZE", .flags = kReadonly, .categories = kAclKeyspace, .handler = Nothing},
        {.name = "FLUSHALL", .flags = kWrite, .categories = kAclKeyspace | kAclDangerous, .handler = Nothing},
        {.name = "SELECT", .syntax = "index", .categories = kAclConnection, .handler = Nothing},
        {.name = "AUTH", .syntax = "password", .flags = kNoAuth, .categories = kAclConnection, .handler = Nothing},
        {.name = "PUBLISH", .syntax = "channel message", .flags = kPubSub, .handler = Nothing},
        {.name = "SUBSCRIBE", .syntax = "channel [channel ...]", .flags = kPubSub, .handler = Nothing},
        {.name = "PSUBSCRIBE", .syntax = "pattern [pattern ...]", .flags = kPubSub, .handler = Nothing},
        {.name = "UNSUBSCRIBE", .syntax = "[channel [channel ...]]", .flags = kPubSub, .handler = Nothing},
        {.name = "CONFIG", .arity = -2},
        {.name = "CONFIG GET", .syntax = "parameter", .flags = kAdmin, .handler = Nothing},
        {.name = "CONFIG SET", .syntax = "parameter value", .flags = kAdmin, .handler = Nothing},
    };
    return kRows;
  }
};

}  // namespace kvick
