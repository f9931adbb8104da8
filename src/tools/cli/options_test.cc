#include "tools/cli/options.h"

#include <gtest/gtest.h>

#include "tools/cli/repl.h"

namespace kvick::cli {
namespace {

Options Parse(const std::vector<std::string>& arguments) {
  Result<Options> options = ParseOptions(arguments);
  EXPECT_TRUE(options.ok()) << options.status().text();
  return options.ok() ? *options : Options();
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  return std::string(ParseOptions(arguments).status().text());
}

TEST(OptionsTest, EndsTheOptionsAtTheFirstWordWithoutADash) {
  const Options options = Parse({"-p", "7000", "-n", "3", "--raw", "set", "-p", "--raw"});
  EXPECT_EQ(options.address.port, 7000);
  EXPECT_EQ(options.database, 3);
  EXPECT_EQ(options.print_mode, PrintMode::kRaw);
  EXPECT_EQ(options.arguments, (std::vector<std::string>{"set", "-p", "--raw"}));
  EXPECT_EQ(Parse({"--raw", "", "x"}).arguments, (std::vector<std::string>{"", "x"}));
}

TEST(OptionsTest, RefusesWhatItDoesNotKnowAndFlagsWithoutTheirValue) {
  EXPECT_EQ(ErrorOf({"--nosuch"}), "Unrecognized option or bad number of args for: '--nosuch'");
  EXPECT_EQ(ErrorOf({"-p"}), "Unrecognized option or bad number of args for: '-p'");
  EXPECT_EQ(ErrorOf({"-"}), "Unrecognized option or bad number of args for: '-'");
  EXPECT_EQ(ErrorOf({"-p", "70000"}), "Invalid server port.");
  EXPECT_EQ(ErrorOf({"-x", "-X", "tag", "get"}), "Options -x and -X are mutually exclusive.");
}

TEST(OptionsTest, TakesTheLatestOutputModeAndPrefersResp3ForJson) {
  EXPECT_EQ(Parse({"--json"}).protocol, Protocol::kResp3IfPossible);
  EXPECT_EQ(Parse({"-2", "--json"}).protocol, Protocol::kResp2);
  EXPECT_EQ(Parse({"--json", "-2"}).protocol, Protocol::kResp2);
  EXPECT_EQ(Parse({"--json", "--csv"}).print_mode, PrintMode::kCsv);
  EXPECT_EQ(Parse({"get"}).print_mode, std::nullopt);
}

TEST(OptionsTest, ReadsQuotedInputOnlyWhenAsked) {
  EXPECT_EQ(Parse({"--quoted-input", "set", "\"a\\x00b\"", "plain"}).arguments,
            (std::vector<std::string>{"set", std::string("a\0b", 3), "plain"}));
  EXPECT_EQ(Parse({"get", "\"a\""}).arguments, (std::vector<std::string>{"get", "\"a\""}));
  EXPECT_EQ(ErrorOf({"--quoted-input", "get", "\"a"}), "Invalid quoted string");
}

TEST(OptionsTest, ReadsFractionsOfASecond) {
  EXPECT_EQ(Parse({"-i", "0.25", "ping"}).interval_us, 250'000);
  EXPECT_EQ(Parse({"-r", "-1", "ping"}).repeat_count, -1);
}

TEST(UriTest, ReadsAllParts) {
  Options options;
  ASSERT_TRUE(ApplyUri("redis://us%65r:p%40w@example.org:7001/4", &options).ok());
  EXPECT_EQ(options.user, "user");
  EXPECT_EQ(options.password, "p@w");
  EXPECT_EQ(options.address.host, "example.org");
  EXPECT_EQ(options.address.port, 7001);
  EXPECT_EQ(options.database, 4);
  EXPECT_TRUE(options.password_on_command_line);
}

TEST(UriTest, AsksForTls) {
  Options options;
  ASSERT_TRUE(ApplyUri("rediss://user:secret@h:6380", &options).ok());
  EXPECT_TRUE(options.tls.is_used);
  EXPECT_EQ(options.address.host, "h");
  EXPECT_EQ(options.address.port, 6380);
}

TEST(OptionsTest, ReadsWhatTlsNeeds) {
  const Options options =
      Parse({"--tls", "--sni", "cache", "--cacert", "ca.crt", "--cacertdir", "cas", "--cert", "c.crt", "--key", "c.key",
             "--tls-ciphers", "HIGH", "--tls-ciphersuites", "TLS_AES_128_GCM_SHA256", "--insecure", "ping"});
  EXPECT_TRUE(options.tls.is_used);
  EXPECT_TRUE(options.tls.is_insecure);
  EXPECT_EQ(options.tls.server_name, "cache");
  EXPECT_EQ(options.tls.ca_file, "ca.crt");
  EXPECT_EQ(options.tls.ca_folder, "cas");
  EXPECT_EQ(options.tls.certificate_file, "c.crt");
  EXPECT_EQ(options.tls.key_file, "c.key");
  EXPECT_EQ(options.tls.ciphers, "HIGH");
  EXPECT_EQ(options.tls.ciphersuites, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(options.arguments, std::vector<std::string>{"ping"});
}

TEST(UriTest, LeavesOutWhatIsNotThere) {
  Options options;
  ASSERT_TRUE(ApplyUri("redis://example.org", &options).ok());
  EXPECT_EQ(options.address.port, 6379);
  EXPECT_FALSE(options.password);
  ASSERT_TRUE(ApplyUri("redis://secret@[::1]:7002", &options).ok());
  EXPECT_EQ(options.password, "secret");
  EXPECT_EQ(options.user, "");
  EXPECT_EQ(options.address.host, "::1");
  EXPECT_EQ(options.address.port, 7002);
  ASSERT_TRUE(ApplyUri("redis://:other@h", &options).ok());
  EXPECT_EQ(options.password, "other");
  EXPECT_EQ(options.user, "");
  EXPECT_FALSE(options.tls.is_used);
  EXPECT_EQ(ApplyUri("http://h", &options).text(), "Invalid URI scheme");
  EXPECT_EQ(ApplyUri("nonsense", &options).text(), "Invalid URI scheme");
}

TEST(ReplTest, KeepsPasswordsOutOfTheHistory) {
  EXPECT_TRUE(IsSensitive({"auth", "x"}));
  EXPECT_TRUE(IsSensitive({"HELLO", "3", "auth", "u", "p"}));
  EXPECT_TRUE(IsSensitive({"ACL", "SETUSER", "bob", ">x"}));
  EXPECT_TRUE(IsSensitive({"config", "set", "maxmemory", "1", "requirepass", "x"}));
  EXPECT_TRUE(IsSensitive({"migrate", "h", "1", "k", "0", "5", "AUTH2", "u", "p"}));
  EXPECT_FALSE(IsSensitive({"HELLO", "3"}));
  EXPECT_FALSE(IsSensitive({"config", "get", "requirepass"}));
  EXPECT_FALSE(IsSensitive({"set", "auth", "x"}));
}

}  // namespace
}  // namespace kvick::cli
