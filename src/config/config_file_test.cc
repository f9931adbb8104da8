#include "config/config_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "config/settings.h"

namespace kvick {
namespace {

// Lets each test write files into a directory of its own, which is also the working directory.
class ConfigFileTest : public testing::Test {
 protected:
  ConfigFileTest() : old_directory_(std::filesystem::current_path()) {
    std::string pattern = std::filesystem::temp_directory_path() / "kvick-config-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::filesystem::current_path(directory_);
  }
  ~ConfigFileTest() override {
    std::filesystem::current_path(old_directory_);
    std::filesystem::remove_all(directory_);
  }

  static void WriteFile(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  // "OK", or the message without its first line.
  std::string Start(const std::vector<std::string>& arguments, const std::string& input = "") {
    settings_ = Settings();
    const auto parsed = ParseArguments(arguments);
    if (!parsed.ok()) return std::string(parsed.status().text());
    std::istringstream standard_input(input);
    const Status status = LoadConfiguration(*parsed, standard_input, checks_, &options_);
    if (status.ok()) return "OK";
    const std::string text(status.text());
    const std::string header = "\n*** FATAL CONFIG FILE ERROR (kvick " KVICK_VERSION ") ***\n";
    return text.starts_with(header) ? text.substr(header.size()) : text;
  }
  std::string Load(const std::string& text) {
    WriteFile("a.conf", text);
    return Start({"a.conf"});
  }
  static std::string AtLine(int number, const std::string& line, const std::string& reason) {
    return "Reading the configuration file, at line " + std::to_string(number) + "\n>>> '" + line + "'\n" + reason +
           "\n";
  }
  std::string Value(const std::string& name) { return options_.Get({name}).at(0).value; }

  const std::filesystem::path old_directory_;
  std::string directory_;
  LineChecks checks_;
  Settings settings_;
  OptionTable options_{&settings_};
};

TEST_F(ConfigFileTest, ReadsDirectivesCommentsAndQuotes) {
  EXPECT_EQ(
      Load("# comment\n\n  \t maxmemory   1mb \r\n\"timeout\" 5\nPort\t7000\nlogfile 'a b'\nsyslog-ident \"x\\ty\""),
      "OK");
  EXPECT_EQ(settings_.max_memory_bytes, 1U << 20);
  EXPECT_EQ(settings_.idle_timeout_s, 5);
  EXPECT_EQ(settings_.port, 7000);
  EXPECT_EQ(settings_.log_file, "a b");
  EXPECT_EQ(settings_.syslog_ident, "x\ty");
}

TEST_F(ConfigFileTest, NamesTheLineOfAnError) {
  EXPECT_EQ(Load("port 1\n foo bar \n"), AtLine(2, "foo bar", "Bad directive or wrong number of arguments"));
  EXPECT_EQ(Load("maxmemory\n"), AtLine(1, "maxmemory", "wrong number of arguments"));
  EXPECT_EQ(Load("maxmemory 1mb # c\n"), AtLine(1, "maxmemory 1mb # c", "wrong number of arguments"));
  EXPECT_EQ(Load("\nlogfile \"a\n"), AtLine(2, "logfile \"a", "Unbalanced quotes in configuration line"));
  EXPECT_EQ(Load("unixsocketperm 7777\n"),
            AtLine(1, "unixsocketperm 7777", "argument must be between 0 and 777 inclusive"));
  EXPECT_EQ(Load("unixsocketperm 999\n"),
            AtLine(1, "unixsocketperm 999", "argument couldn't be parsed as an octal number"));
  EXPECT_EQ(Load("dir /nonexistent-directory\n"), AtLine(1, "dir /nonexistent-directory", "No such file or directory"));
  EXPECT_EQ(Load("foo.bar\n"), AtLine(1, "foo.bar", "Module config specified without value"));
  EXPECT_EQ(Load("sentinel monitor x\n"),
            AtLine(1, "sentinel monitor x", "sentinel directive while not in sentinel mode"));
  EXPECT_EQ(Load("replicaof 127.0.0.1 99999\n"), AtLine(1, "replicaof 127.0.0.1 99999", "Invalid master port"));
  EXPECT_EQ(Load("cluster-enabled yes\nreplicaof 127.0.0.1 1\n"), "replicaof directive not allowed in cluster mode\n");
}

TEST_F(ConfigFileTest, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(Start({"x.conf"}),
            "Fatal error, can't open config file '" + directory_ + "/x.conf': No such file or directory");
  EXPECT_EQ(Load("include x.conf\n"), "Fatal error, can't open config file 'x.conf': No such file or directory");
}

TEST_F(ConfigFileTest, SaveLinesReplaceTheDefaultsAndThenAdd) {
  EXPECT_EQ(Load("save 900 1\nsave 300 10\n"), "OK");
  EXPECT_EQ(Value("save"), "900 1 300 10");
  EXPECT_EQ(Load("save 900 1 300 10\nsave \"5 5\"\n"), "OK");
  EXPECT_EQ(Value("save"), "900 1 300 10 5 5");
  EXPECT_EQ(Load("save 900 1\nsave \"\"\n"), "OK");
  EXPECT_EQ(Value("save"), "");
  EXPECT_EQ(Load("save ''\nsave 300 10\n"), "OK");
  EXPECT_EQ(Value("save"), "300 10");
  EXPECT_EQ(Load("save \"\" \"\"\n"), AtLine(1, "save \"\" \"\"", "Invalid save parameters"));
}

TEST_F(ConfigFileTest, IncludesFilesWhereTheyStand) {
  WriteFile("b1.conf", "maxmemory 1mb\ntimeout 3\n");
  WriteFile("b2.conf", "maxmemory 2mb\n");
  EXPECT_EQ(Load("timeout 1\ninclude b*.conf\nport 7000\n"), "OK");
  EXPECT_EQ(Value("maxmemory"), "2097152");
  EXPECT_EQ(settings_.idle_timeout_s, 3);
  EXPECT_EQ(settings_.port, 7000);
  EXPECT_EQ(Load("include none*.conf\n"), "OK");
  WriteFile("b1.conf", "port 1\nmaxmemory y\n");
  EXPECT_EQ(Load("include b1.conf\n"), AtLine(2, "maxmemory y", "argument must be a memory value"));
  EXPECT_EQ(Load("include b1.conf b2.conf\n"),
            AtLine(1, "include b1.conf b2.conf", "Bad directive or wrong number of arguments"));
  EXPECT_EQ(Load("include a.conf\n"), AtLine(1, "include a.conf", "Too many include files inside each other"));
}

TEST_F(ConfigFileTest, KeepsLinesThatAreNoOptions) {
  EXPECT_EQ(
      Load("user a on +get\nloadmodule /x.so b\nrename-command GET G\nmod.option 5\nlua-replicate-commands yes\n"),
      "OK");
  EXPECT_EQ(settings_.user_lines, (std::vector<std::vector<std::string>>{{"a", "on", "+get"}}));
  EXPECT_EQ(settings_.module_lines, (std::vector<std::vector<std::string>>{{"/x.so", "b"}}));
  EXPECT_EQ(settings_.command_renames, (std::vector<CommandRename>{{"GET", "G"}}));
  EXPECT_EQ(settings_.module_option_lines, (std::vector<std::vector<std::string>>{{"mod.option", "5"}}));
  for (const char* line : {"user", "loadmodule", "rename-command GET", "list-max-ziplist-value 1 2"}) {
    EXPECT_EQ(Load(line), AtLine(1, line, "Bad directive or wrong number of arguments")) << line;
  }
}

TEST_F(ConfigFileTest, AsksOthersAboutUsersAndCommands) {
  checks_.rename_command = [](const CommandRename& rename) {
    return rename.name == "GET" ? Status::Ok() : Status::Error("No such command in rename-command");
  };
  checks_.user = [](const std::vector<std::string>&) { return Status::Error("Error in user declaration"); };
  EXPECT_EQ(Load("rename-command GET G\nrename-command X Y\n"),
            AtLine(2, "rename-command X Y", "No such command in rename-command"));
  EXPECT_EQ(Load("user a on\n"), AtLine(1, "user a on", "Error in user declaration"));
}

TEST_F(ConfigFileTest, ArgumentsBecomeLinesAfterTheFile) {
  WriteFile("a.conf", "port 7000\nsave 1 1\n");
  EXPECT_EQ(Start({"a.conf", "--maxmemory 700mb", "--save", "900", "1", "300", "10", "--logfile", ""}), "OK");
  EXPECT_EQ(Value("maxmemory"), "734003200");
  EXPECT_EQ(Value("save"), "1 1 900 1 300 10");
  EXPECT_EQ(Start({"a.conf", "loglevel", "verbose", "--timeout", "4"}), "OK");
  EXPECT_EQ(Value("loglevel"), "verbose");
  EXPECT_EQ(settings_.idle_timeout_s, 4);
  EXPECT_EQ(Start({"a.conf", "--port"}), AtLine(4, "port", "wrong number of arguments"));
}

TEST_F(ConfigFileTest, ErrorsInArgumentsCountTheLineBreakBeforeThem) {
  EXPECT_EQ(Start({"--port"}), AtLine(2, "port", "wrong number of arguments"));
  EXPECT_EQ(Start({"--port", "6379", "6380"}), AtLine(2, "port \"6379\" \"6380\"", "wrong number of arguments"));
  EXPECT_EQ(Start({"--port", "1", "--invalid"}), AtLine(3, "invalid", "Bad directive or wrong number of arguments"));
  EXPECT_EQ(Start({"--port", "1", "loglevel", "debug"}),
            AtLine(2, "port \"1\" \"loglevel\" \"debug\"", "wrong number of arguments"));
}

TEST_F(ConfigFileTest, TheFirstValueMayLookLikeADirective) {
  EXPECT_EQ(Start({"--syslog-ident", "--my--name", "--loglevel", "debug"}), "OK");
  EXPECT_EQ(settings_.syslog_ident, "--my--name");
  EXPECT_EQ(Value("loglevel"), "debug");
  EXPECT_EQ(Start({"--requirepass", "--port", "1"}),
            AtLine(2, "requirepass \"--port\" \"1\"", "wrong number of arguments"));
}

TEST_F(ConfigFileTest, SaveMayStandAlone) {
  EXPECT_EQ(Start({"--SAVE", "--port", "7000"}), "OK");
  EXPECT_EQ(Value("save"), "");
  EXPECT_EQ(settings_.port, 7000);
  EXPECT_EQ(Start({"--save"}), "OK");
  EXPECT_EQ(Value("save"), "");
}

TEST_F(ConfigFileTest, ADashReadsStandardInputBeforeTheOptions) {
  WriteFile("a.conf", "timeout 1\nmaxmemory 1mb\n");
  EXPECT_EQ(Start({"a.conf", "--loglevel", "debug", "-"}, "maxmemory 2mb\nloglevel verbose\n"), "OK");
  EXPECT_EQ(Value("maxmemory"), "2097152");
  EXPECT_EQ(Value("loglevel"), "debug");
  EXPECT_EQ(settings_.idle_timeout_s, 1);
  EXPECT_EQ(Start({"-", "--timeout", "9"}, "timeout 8\n"), "OK");
  EXPECT_EQ(settings_.idle_timeout_s, 9);
  EXPECT_EQ(Start({"a.conf", "-", "--timeout", "9"}, "timeout 8\n"),
            AtLine(4, "\"-\"", "Bad directive or wrong number of arguments"));
}

TEST(ParseArgumentsTest, KnowsRequestsThatAreNoStart) {
  EXPECT_EQ(ParseArguments({})->request, ServerRequest::kRun);
  EXPECT_EQ(ParseArguments({"-v"})->request, ServerRequest::kVersion);
  EXPECT_EQ(ParseArguments({"--version"})->request, ServerRequest::kVersion);
  EXPECT_EQ(ParseArguments({"--help"})->request, ServerRequest::kHelp);
  EXPECT_EQ(ParseArguments({"--check-system"})->request, ServerRequest::kCheckSystem);
  const auto test_memory = ParseArguments({"--test-memory", "64"});
  EXPECT_EQ(test_memory->request, ServerRequest::kTestMemory);
  EXPECT_EQ(test_memory->test_memory_mb, 64U);
  EXPECT_FALSE(ParseArguments({"--test-memory"}).ok());
  EXPECT_EQ(ParseArguments({"a.conf", "--help"})->option_text, "help ");
}

TEST(ParseArgumentsTest, MakesThePathAbsoluteAndNoticesSentinelMode) {
  const auto parsed = ParseArguments({"x/../a.conf", "--sentinel", "--port", "1"});
  EXPECT_EQ(parsed->config_path, (std::filesystem::current_path() / "a.conf").string());
  EXPECT_TRUE(parsed->is_sentinel);
  EXPECT_EQ(parsed->option_text, "port \"1\" ");
}

TEST_F(ConfigFileTest, TheSampleFileHasEveryBoundOptionAtItsDefault) {
  const std::string path = KVICK_SOURCE_DIR "/kvick.conf";
  EXPECT_EQ(Start({path}), "OK");
  for (const OptionSpec& spec : options_.specs()) {
    EXPECT_EQ(options_.Value(spec), options_.DefaultValue(spec)) << spec.name;
  }
  std::set<std::string> named;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) named.insert(line.substr(0, line.find(' ')));
  for (const OptionSpec& spec : options_.specs()) {
    if (spec.is_kept || spec.Has(kOptionHidden)) continue;
    EXPECT_TRUE(named.count(std::string(spec.name)) == 1) << "kvick.conf does not mention " << spec.name;
  }
}

}  // namespace
}  // namespace kvick
