// Holds the option rows to the facts about the reference server: tests/reference/redis-conf-directives.json.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config_file.h"
#include "config/option_table.h"
#include "config/settings.h"

namespace kvick {
namespace {

using Json = nlohmann::json;

// What differs on purpose: (directive, fact) and why.
const std::map<std::pair<std::string, std::string>, std::string> kDifferences = {
    {{"io-threads", "name"}, "an old name of `threads`: all threads execute commands"},
    {{"io-threads", "default"}, "0: as many as the machine has cores"},
    {{"io-threads", "min"}, "0: as many as the machine has cores"},
    {{"appendonly", "deny_loading"}, "its first base is a snapshot, which half of the data would not do for"},
    {{"dir", "default"}, "shown as the working directory that it is"},
    {{"search-workers", "default"}, "a number that the machine decides"},
    {{"ts-libmr-protocol", "mutable"}, "not known; immutable until the feature exists"},
    {{"ts-topology-events", "mutable"}, "not known; immutable until the feature exists"},
    {{"cf-initial-size", "range"}, "the lower end depends on cf-bucket-size: 2 times its smallest value here"},
    {{"ts-chunk-size-bytes", "range"}, "text goes on: multiple of 8, checked by a function"},
};

// What the reference server does not have.
const std::set<std::string_view> kOwnDirectives = {
    "aof-load-until",
    "audit-file",
    "value-compression",
    "value-compression-min-bytes",
    "auth-failures-max",
    "commandlog-large-reply-max-len",
    "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",
    "commandlog-request-larger-than",
    "log-format",
    "log-timestamp-format",
    "metrics-bind",
    "metrics-port",
    "rdb-version",
    "threads",
    "top-keys-sample-ratio",
    "unauthenticated-timeout",
};

bool IsExcused(const std::string& name, const std::string& fact) { return kDifferences.contains({name, fact}); }

Json Reference() {
  std::ifstream file(KVICK_SOURCE_DIR "/tests/reference/redis-conf-directives.json");
  return Json::parse(file);
}

std::vector<Json> Directives() {
  const Json reference = Reference();
  std::vector<Json> all;
  for (const char* list : {"core", "components"}) {
    for (const Json& directive : reference.at(list)) all.push_back(directive);
  }
  return all;
}

std::string NameOf(const Json& directive) { return directive.at("name").get<std::string>(); }

bool IsLineOrIgnored(const Json& directive) {
  const std::string type = directive.at("type");
  return type == "file directive" || type == "ignored";
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

OptionKind KindOf(const Json& directive) {
  const std::string type = directive.at("type");
  if (type == "bool") return OptionKind::kBool;
  if (type == "enum" || (type == "string" && directive.contains("values"))) return OptionKind::kChoice;
  if (type == "string") return OptionKind::kText;
  if (type == "special") return OptionKind::kSpecial;
  if (type == "double") return OptionKind::kDecimal;
  return OptionKind::kInteger;
}

class DirectivesReferenceTest : public testing::Test {
 protected:
  // Calls check(directive, spec) for every directive that is an option.
  template <typename Check>
  void ForEachOption(Check check) {
    size_t count = 0;
    for (const Json& directive : Directives()) {
      if (IsLineOrIgnored(directive) || directive.at("type") == "alias") continue;
      const OptionSpec* spec = options_.Find(NameOf(directive));
      ASSERT_NE(spec, nullptr) << NameOf(directive);
      check(directive, *spec);
      ++count;
    }
    EXPECT_GT(count, 290U);
  }

  Settings settings_;
  OptionTable options_{&settings_};
};

TEST_F(DirectivesReferenceTest, EveryDirectiveIsKnown) {
  const std::vector<Json> directives = Directives();
  EXPECT_EQ(directives.size(), 224U + 83U);
  for (const Json& directive : directives) {
    const std::string name = NameOf(directive);
    if (IsLineOrIgnored(directive)) {
      EXPECT_TRUE(IsLineDirective(name) || IsIgnoredDirective(name)) << name;
      continue;
    }
    const OptionSpec* spec = options_.Find(name);
    ASSERT_NE(spec, nullptr) << name;
    if (directive.contains("alias")) {
      EXPECT_EQ(options_.Find(directive.at("alias").get<std::string>()), spec) << name;
    }
    if (directive.contains("alias_of")) {
      EXPECT_EQ(options_.Find(directive.at("alias_of").get<std::string>()), spec) << name;
    } else if (!IsExcused(name, "name")) {
      EXPECT_EQ(spec->name, name);
    }
  }
}

TEST_F(DirectivesReferenceTest, WeHaveNoOptionsOfOurOwnButThese) {
  std::set<std::string> known;
  for (const Json& directive : Directives()) known.insert(NameOf(directive));
  for (const OptionSpec& spec : options_.specs()) {
    const std::string name(spec.name);
    EXPECT_TRUE(known.contains(name) || kOwnDirectives.contains(name)) << name;
  }
}

TEST_F(DirectivesReferenceTest, KindsAreThose) {
  ForEachOption(
      [](const Json& directive, const OptionSpec& spec) { EXPECT_EQ(spec.kind, KindOf(directive)) << spec.name; });
}

TEST_F(DirectivesReferenceTest, DefaultsAreThose) {
  ForEachOption([this](const Json& directive, const OptionSpec& spec) {
    const std::string name = NameOf(directive);
    if (IsExcused(name, "default")) return;
    EXPECT_EQ(options_.DefaultValue(spec), TextOf(directive.at("default"))) << name;
  });
}

TEST_F(DirectivesReferenceTest, DefaultsAreAccepted) {
  for (const OptionSpec& spec : options_.specs()) {
    const std::string value = options_.DefaultValue(spec);
    // An unset replicaof has no text of its own.
    if (spec.name == "replicaof") continue;
    EXPECT_TRUE(options_.SetFromFile(spec, {value}).ok()) << spec.name << " " << value;
    EXPECT_EQ(options_.Value(spec), value) << spec.name;
  }
}

TEST_F(DirectivesReferenceTest, MutabilityAndFlagsAreThose) {
  const std::map<std::string, OptionFlags> flags = {
      {"hidden", kOptionHidden},       {"protected", kOptionProtected},
      {"sensitive", kOptionSensitive}, {"deny_loading", kOptionDenyLoading},
      {"multi_arg", kOptionMultiArg},  {"volatile", kOptionVolatile}};
  ForEachOption([&flags](const Json& directive, const OptionSpec& spec) {
    if (!IsExcused(NameOf(directive), "mutable")) {
      EXPECT_EQ(!spec.Has(kOptionImmutable), directive.at("mutable").get<bool>()) << spec.name;
    }
    const Json named = directive.value("flags", Json::array());
    for (const auto& [name, flag] : flags) {
      if (IsExcused(NameOf(directive), name)) continue;
      const bool is_named = std::find(named.begin(), named.end(), name) != named.end();
      EXPECT_EQ(spec.Has(flag), is_named) << spec.name << " " << name;
    }
    EXPECT_EQ(spec.Has(kOptionUnsetIfEmpty), directive.value("empty_means_unset", false)) << spec.name;
  });
}

TEST_F(DirectivesReferenceTest, BoundsAndUnitsAreThose) {
  ForEachOption([](const Json& directive, const OptionSpec& spec) {
    const std::string name = NameOf(directive);
    if (directive.contains("min") && !IsExcused(name, "min")) {
      EXPECT_EQ(spec.minimum, directive.at("min").get<int64_t>()) << name;
    }
    if (directive.contains("max")) {
      EXPECT_EQ(spec.maximum, directive.at("max").get<uint64_t>()) << name;
    }
    if (directive.contains("range") && spec.kind == OptionKind::kInteger && !IsExcused(name, "range")) {
      const std::string range = "[" + std::to_string(spec.minimum) + " .. " + std::to_string(spec.maximum) + "]";
      EXPECT_EQ(range, directive.at("range").get<std::string>()) << name;
    }
    const std::string unit = directive.value("unit", "");
    NumberUnit expected = NumberUnit::kPlain;
    if (unit == "octal") expected = NumberUnit::kOctal;
    if (unit == "memory") expected = directive.contains("percent") ? NumberUnit::kMemoryOrPercent : NumberUnit::kMemory;
    EXPECT_EQ(spec.unit, expected) << name;
  });
}

TEST_F(DirectivesReferenceTest, ChoicesAreThose) {
  ForEachOption([](const Json& directive, const OptionSpec& spec) {
    if (spec.kind != OptionKind::kChoice) return;
    std::vector<std::string> names;
    for (const OptionChoice& choice : spec.choices) names.emplace_back(choice.name);
    EXPECT_EQ(names, directive.at("values").get<std::vector<std::string>>()) << spec.name;
  });
}

}  // namespace
}  // namespace kvick
