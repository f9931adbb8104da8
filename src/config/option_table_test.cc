#include "config/option_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"

namespace kvick {
namespace {

constexpr SetContext kAllowed{.loading = false, .protected_allowed = true};

class OptionTableTest : public testing::Test {
 protected:
  // The reply of CONFIG SET: "OK" or the error.
  std::string Set(std::vector<std::pair<std::string, std::string>> assignments, SetContext context = kAllowed) {
    const Status status = options_.Set(assignments, context);
    return status.ok() ? "OK" : std::string(status.text());
  }
  std::string Value(const std::string& name) {
    const auto values = options_.Get({name});
    return values.size() == 1 ? values[0].value : "(" + std::to_string(values.size()) + " values)";
  }
  static std::string Failed(const std::string& name, const std::string& reason) {
    return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + reason;
  }

  Settings settings_;
  OptionTable options_{&settings_};
};

TEST_F(OptionTableTest, FindsNamesAndOldNamesInAnyCase) {
  ASSERT_NE(options_.Find("MaxMemory"), nullptr);
  EXPECT_EQ(options_.Find("slave-priority"), options_.Find("replica-priority"));
  EXPECT_EQ(options_.Find("io-threads"), options_.Find("threads"));
  EXPECT_EQ(options_.Find("include"), nullptr);
  EXPECT_EQ(options_.Find(""), nullptr);
}

TEST_F(OptionTableTest, GetShowsOldNamesToo) {
  const std::vector<OptionValue> expected = {{"replica-priority", "100"}, {"slave-priority", "100"}};
  EXPECT_EQ(options_.Get({"*-PRIORITY"}), expected);
  EXPECT_EQ(options_.Get({"slave-pri*"}), (std::vector<OptionValue>{{"slave-priority", "100"}}));
}

TEST_F(OptionTableTest, GetShowsANameOnceAndAFullNameAsItWasWritten) {
  EXPECT_EQ(options_.Get({"TimeOut", "timeout", "time*"}), (std::vector<OptionValue>{{"TimeOut", "0"}}));
}

TEST_F(OptionTableTest, GetShowsHiddenOptionsByTheirFullNameOnly) {
  EXPECT_EQ(Value("key-load-delay"), "0");
  EXPECT_TRUE(options_.Get({"key-load-dela*"}).empty());
}

TEST_F(OptionTableTest, SetChangesTheField) {
  EXPECT_EQ(Set({{"TIMEOUT", "5"}, {"maxmemory", "1gb"}, {"maxmemory-policy", "AllKeys-LRU"}}), "OK");
  EXPECT_EQ(settings_.idle_timeout_s, 5);
  EXPECT_EQ(settings_.max_memory_bytes, 1ULL << 30);
  EXPECT_EQ(settings_.max_memory_policy, EvictionPolicy::kAllKeysLru);
  EXPECT_EQ(Value("maxmemory-policy"), "allkeys-lru");
}

TEST_F(OptionTableTest, SetKeepsValuesOfDirectivesToCome) {
  EXPECT_EQ(Set({{"appendonly", "yes"}, {"appendfsync", "always"}, {"repl-backlog-size", "1mb"}}), "OK");
  EXPECT_EQ(Value("appendonly"), "yes");
  EXPECT_EQ(Value("appendfsync"), "always");
  EXPECT_EQ(settings_.kept.count("repl-backlog-size"), 0U) << "a default needs no entry";
  EXPECT_EQ(Set({{"appendfsync", "sometimes"}}),
            Failed("appendfsync", "argument(s) must be one of the following: everysec, always, no"));
}

TEST_F(OptionTableTest, SetRefusesWhatRedisRefuses) {
  EXPECT_EQ(Set({{"port", "1"}, {"foo", "1"}}), "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
  EXPECT_EQ(Set({{"databases", "4"}, {"foo", "1"}}), Failed("databases", "can't set immutable config"));
  EXPECT_EQ(Set({{"timeout", "1"}, {"TIMEOUT", "2"}}), Failed("TIMEOUT", "duplicate parameter"));
  // An old name beside the new one is no duplicate; the later one counts.
  EXPECT_EQ(Set({{"slave-priority", "1"}, {"replica-priority", "2"}}), "OK");
  EXPECT_EQ(Set({{"timeout", "1k"}}), Failed("timeout", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(Set({{"timeout", "-1"}}), Failed("timeout", "argument must be between 0 and 2147483647 inclusive"));
  EXPECT_EQ(Set({{"maxmemory", "1tb"}}), Failed("maxmemory", "argument must be a memory value"));
  EXPECT_EQ(Set({{"maxmemory", "99999999999gb"}}), Failed("maxmemory", "argument must be a memory value"));
  EXPECT_EQ(Set({{"latency-tracking", "1"}}), Failed("latency-tracking", "argument must be 'yes' or 'no'"));
  EXPECT_EQ(settings_.port, 6379);
  EXPECT_EQ(settings_.idle_timeout_s, 0);
}

TEST_F(OptionTableTest, SetGuardsProtectedAndLoadingSensitiveOptions) {
  EXPECT_EQ(Set({{"dbfilename", "x"}}, {}), Failed("dbfilename", "can't set protected config"));
  EXPECT_EQ(Set({{"dir", "/"}}, {.loading = true, .protected_allowed = true}),
            "LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(Set({{"dbfilename", "x"}}), "OK");
}

TEST_F(OptionTableTest, SetIsAllOrNothing) {
  const std::string old_directory = std::filesystem::current_path();
  EXPECT_EQ(Set({{"save", ""}, {"dir", "/"}, {"appendonly", "yes"}, {"timeout", "x"}}),
            Failed("timeout", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(Value("save"), "3600 1 300 100 60 10000");
  EXPECT_EQ(Value("dir"), old_directory);
  EXPECT_EQ(Value("appendonly"), "no");
}

TEST_F(OptionTableTest, HooksSeeAllNewValuesAndRunOnce) {
  std::vector<std::pair<int, int>> seen;
  options_.OnChange({"port", "timeout"}, [&] {
    seen.emplace_back(settings_.port, settings_.idle_timeout_s);
    return Status::Ok();
  });
  EXPECT_EQ(Set({{"port", "1"}, {"timeout", "2"}}), "OK");
  EXPECT_EQ(seen, (std::vector<std::pair<int, int>>{{1, 2}}));
  EXPECT_EQ(Set({{"port", "1"}}), "OK");
  EXPECT_EQ(seen.size(), 1U) << "nothing changed";
}

TEST_F(OptionTableTest, HooksOfVolatileOptionsRunForTheSameTextToo) {
  int runs = 0;
  options_.OnChange({"tls-cert-file"}, [&] {
    ++runs;
    return Status::Ok();
  });
  EXPECT_EQ(Set({{"tls-cert-file", "a"}}), "OK");
  EXPECT_EQ(Set({{"tls-cert-file", "a"}}), "OK");
  EXPECT_EQ(runs, 2);
}

TEST_F(OptionTableTest, AFailingHookSetsEverythingBackAndTellsTheOthers) {
  std::vector<int> seen;
  options_.OnChange({"timeout"}, [&] {
    seen.push_back(settings_.idle_timeout_s);
    return Status::Ok();
  });
  options_.OnChange({"bind"}, [&] {
    return settings_.bind.size() == 1 ? Status::Error("Failed to bind to specified addresses.") : Status::Ok();
  });
  EXPECT_EQ(Set({{"timeout", "7"}, {"BIND", "300.1.1.1"}}), Failed("bind", "Failed to bind to specified addresses."));
  EXPECT_EQ(seen, (std::vector<int>{7, 0}));
  EXPECT_EQ(Value("bind"), "* -::*");
}

TEST_F(OptionTableTest, MemoryOrPercent) {
  EXPECT_EQ(Set({{"maxmemory-clients", "5%"}}), "OK");
  EXPECT_EQ(Value("maxmemory-clients"), "5%");
  EXPECT_EQ(settings_.max_memory_clients, -5);
  EXPECT_EQ(Set({{"maxmemory-clients", "101%"}}),
            Failed("maxmemory-clients", "percentage argument must be less or equal to 100"));
  EXPECT_EQ(Set({{"maxmemory-clients", "-5"}}),
            Failed("maxmemory-clients", "argument must be a memory or percent value"));
  EXPECT_EQ(Set({{"maxmemory-clients", "1kb"}}), "OK");
  EXPECT_EQ(Value("maxmemory-clients"), "1024");
}

TEST_F(OptionTableTest, SavePoints) {
  EXPECT_EQ(Set({{"save", "900 1 300 10"}}), "OK");
  EXPECT_EQ(settings_.save_points, (std::vector<SavePoint>{{900, 1}, {300, 10}}));
  for (const char* bad : {"x", "900", "0 1", "900 -1", "900  1", " "}) {
    EXPECT_EQ(Set({{"save", bad}}), Failed("save", "Invalid save parameters")) << bad;
  }
  EXPECT_EQ(Value("save"), "900 1 300 10");
  EXPECT_EQ(Set({{"save", ""}}), "OK");
  EXPECT_TRUE(settings_.save_points.empty());
}

TEST_F(OptionTableTest, ClientOutputBufferLimits) {
  EXPECT_EQ(Set({{"client-output-buffer-limit", "REPLICA 1kb 2 3 normal 4 5 6"}}), "OK");
  EXPECT_EQ(Value("client-output-buffer-limit"), "normal 4 5 6 slave 1024 2 3 pubsub 33554432 8388608 60");
  const auto refused = [&](const char* value, const char* reason) {
    EXPECT_EQ(Set({{"client-output-buffer-limit", value}}), Failed("client-output-buffer-limit", reason)) << value;
  };
  refused("normal 1 2", "Wrong number of arguments in buffer limit configuration.");
  refused("foo 1 2 3", "Invalid client class specified in buffer limit configuration.");
  refused("normal 1 2 -3", "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
  EXPECT_EQ(Value("client-output-buffer-limit"), "normal 4 5 6 slave 1024 2 3 pubsub 33554432 8388608 60");
}

TEST_F(OptionTableTest, ShutdownFlagsAreCombined) {
  EXPECT_EQ(Set({{"shutdown-on-sigint", "force save now"}}), "OK");
  EXPECT_EQ(Value("shutdown-on-sigint"), "save now force");
  EXPECT_EQ(settings_.shutdown_on_sigint, kShutdownSave | kShutdownNow | kShutdownForce);
  EXPECT_EQ(Set({{"shutdown-on-sigint", "nosave save"}}),
            Failed("shutdown-on-sigint", "shutdown options SAVE and NOSAVE can't be used simultaneously"));
  EXPECT_EQ(
      Set({{"shutdown-on-sigint", ""}}),
      Failed("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force"));
}

TEST_F(OptionTableTest, EventClassesAreCanonical) {
  const auto canonical = [&](const char* value) {
    EXPECT_EQ(Set({{"notify-keyspace-events", value}}), "OK") << value;
    return Value("notify-keyspace-events");
  };
  EXPECT_EQ(canonical("KEA"), "AKE");
  EXPECT_EQ(canonical("Elg$"), "g$lE");
  EXPECT_EQ(canonical("EKneg"), "genKE");
  EXPECT_EQ(canonical("dmnt"), "tdnm");
  EXPECT_EQ(canonical("ag$lshzxetd"), "A");
  EXPECT_EQ(canonical(""), "");
  EXPECT_EQ(Set({{"notify-keyspace-events", "K?"}}),
            Failed("notify-keyspace-events", "Invalid event class character. Use 'Ag$lshzxeKEtmdnocaSTIV'."));
}

TEST_F(OptionTableTest, Percentiles) {
  EXPECT_EQ(Set({{"latency-tracking-info-percentiles", "99.12345678 5e1"}}), "OK");
  EXPECT_EQ(Value("latency-tracking-info-percentiles"), "99.123457 50");
  EXPECT_EQ(Set({{"latency-tracking-info-percentiles", "101"}}),
            Failed("latency-tracking-info-percentiles",
                   "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"));
  EXPECT_EQ(Set({{"latency-tracking-info-percentiles", ""}}), "OK");
  EXPECT_EQ(Value("latency-tracking-info-percentiles"), "");
}

TEST_F(OptionTableTest, OomScoreAdj) {
  EXPECT_EQ(Set({{"oom-score-adj", "relative"}, {"oom-score-adj-values", "0 100 200"}}), "OK");
  EXPECT_EQ(Value("oom-score-adj"), "yes");
  EXPECT_EQ(Value("oom-score-adj-values"), "0 100 200");
  EXPECT_EQ(Set({{"oom-score-adj-values", "1 2"}}), Failed("oom-score-adj-values", "wrong number of arguments"));
  EXPECT_EQ(Set({{"oom-score-adj-values", "1 2 3000"}}),
            Failed("oom-score-adj-values", "Invalid oom-score-adj-values, elements must be between -2000 and 2000."));
}

TEST_F(OptionTableTest, HzIsMovedIntoItsRange) {
  EXPECT_EQ(Set({{"hz", "0"}}), "OK");
  EXPECT_EQ(Value("hz"), "1");
  EXPECT_EQ(Set({{"hz", "1000"}}), "OK");
  EXPECT_EQ(Value("hz"), "500");
}

TEST_F(OptionTableTest, ProcTitleTemplate) {
  for (const char* bad : {"{bad}", "{title", "", "{title}", "{server-mode} "}) {
    EXPECT_EQ(Set({{"proc-title-template", bad}}),
              Failed("proc-title-template", "template format is invalid or contains unknown variables"))
        << bad;
  }
  EXPECT_EQ(Set({{"proc-title-template", "{{x {port}"}}), "OK");
}

TEST_F(OptionTableTest, LimitsOfArraysMustAgreeWhenAllAreStored) {
  EXPECT_EQ(Set({{"array-sparse-kmin", "10"}}),
            Failed("array-sparse-kmin", "array-sparse-kmin must be less than array-sparse-kmax"));
  EXPECT_EQ(Set({{"array-sparse-kmin", "10"}, {"array-sparse-kmax", "11"}}), "OK");
  EXPECT_EQ(Set({{"array-slice-size", "100"}}), Failed("array-slice-size", "argument must be a power of two"));
}

TEST_F(OptionTableTest, NamesOfFilesAreNoPaths) {
  EXPECT_EQ(Set({{"dbfilename", "a/b"}}), Failed("dbfilename", "dbfilename can't be a path, just a filename"));
  EXPECT_EQ(Set({{"dir", "/nonexistent-directory"}}), Failed("dir", "No such file or directory"));
}

TEST_F(OptionTableTest, UnsignedLimitsReachTheirFullRange) {
  EXPECT_EQ(Set({{"maxmemory", "18446744073709551615"}, {"cluster-link-sendbuf-limit", "18446744073709551615"}}), "OK");
  EXPECT_EQ(Value("maxmemory"), "18446744073709551615");
  EXPECT_EQ(Value("cluster-link-sendbuf-limit"), "18446744073709551615");
  EXPECT_EQ(Set({{"repl-backlog-size", "9223372036854775808"}}),
            Failed("repl-backlog-size", "argument must be between 1 and 9223372036854775807 inclusive"));
}

}  // namespace
}  // namespace kvick
