#include "persistence/aof_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "commands/families.h"
#include "engine/local_client.h"
#include "persistence/aof_parser.h"
#include "support/faulty_file_system.h"
#include "support/temporary_folder.h"
#include "types/list_value.h"

namespace kvick {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSetA = "*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n";
constexpr std::string_view kSetB = "*3\r\n$3\r\nset\r\n$1\r\nb\r\n$1\r\n2\r\n";
constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr std::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

TEST(AofParserTest, CutsCommandsAndAnnotations) {
  const std::string bytes =
      std::string("#TS:1700000000\r\n") + std::string(kSetA) + "# anything\n" + std::string(kExec);
  AofParser parser(bytes);
  EXPECT_EQ(parser.Next(), AofParser::Outcome::kAnnotation);
  EXPECT_EQ(parser.timestamp(), 1700000000);
  EXPECT_EQ(parser.Next(), AofParser::Outcome::kCommand);
  EXPECT_THAT(parser.arguments(), testing::ElementsAre("set", "a", "1"));
  EXPECT_EQ(parser.Next(), AofParser::Outcome::kAnnotation);
  EXPECT_EQ(parser.timestamp(), std::nullopt);
  EXPECT_EQ(parser.Next(), AofParser::Outcome::kCommand);
  EXPECT_EQ(parser.Next(), AofParser::Outcome::kEnd);
  EXPECT_EQ(parser.offset(), bytes.size());
}

TEST(AofParserTest, EveryBeginningOfACommandIsTruncated) {
  for (size_t size = 1; size < kSetA.size(); ++size) {
    AofParser parser(kSetA.substr(0, size));
    EXPECT_EQ(parser.Next(), AofParser::Outcome::kTruncated) << size;
    EXPECT_EQ(parser.offset(), 0u);
  }
}

TEST(AofParserTest, RefusesWhatIsNoCommand) {
  for (const char* bytes : {"xyz\r\n", "*0\r\n", "*-1\r\n", "*x\r\n", "*1\n$1\na\n", "*1\r\n+a\r\n", "*1\r\n$-1\r\n",
                            "*1\r\n$1\r\nabc\r\n", "*99999999999999999999999\r\n", "*1\r\n$1\r\na\rb"}) {
    AofParser parser(bytes);
    EXPECT_EQ(parser.Next(), AofParser::Outcome::kBadFormat) << bytes;
  }
  // A count or a length that no file could hold allocates nothing.
  AofParser many("*9223372036854775807\r\n$1\r\na\r\n");
  EXPECT_EQ(many.Next(), AofParser::Outcome::kTruncated);
  AofParser large("*1\r\n$9223372036854775807\r\na\r\n");
  EXPECT_EQ(large.Next(), AofParser::Outcome::kTruncated);
}

class AofLoaderTest : public testing::Test {
 protected:
  AofLoaderTest() : engine_(&settings_, clock_), folder_(files_, place_ / "dir", "p") {
    RegisterListType();
    for (const auto& family : {ConnectionCommands(), ExpireCommands(), GenericCommands(), KeyspaceCommands(),
                               ListCommands(), StringCommands(), StringMultiCommands(), TransactionCommands()}) {
      engine_.commands().Add(family);
    }
    EXPECT_TRUE(folder_.Make().ok());
  }

  void AddFile(std::string_view bytes) { WriteWholeFile(folder_.PathOf(manifest_.AddIncrement("p").name), bytes); }
  std::string ReadFile(int number) {
    return ReadWholeFile(folder_.PathOf("p." + std::to_string(number) + ".incr.aof"));
  }
  Status Load(const AofLoadRules& rules = {}) {
    return LoadAppendOnlyFiles(engine_, folder_, manifest_, rules, &progress_);
  }
  std::string Execute(std::initializer_list<std::string_view> arguments) {
    return LocalClient(engine_).Execute(arguments);
  }

  TemporaryFolder place_;
  FaultyFileSystem files_;
  Settings settings_;
  ManualClock clock_;
  Engine engine_;
  AofFolder folder_;
  AofManifest manifest_;
  LoadProgress progress_;
};

TEST_F(AofLoaderTest, LoadsFilesInOrder) {
  AddFile(kSetA);
  AddFile("");
  AddFile("");
  WriteWholeFile(folder_.PathOf("p.3.incr.aof"), "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n" + std::string(kSetB));
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(Execute({"MGET", "a", "b"}), "*2\r\n$-1\r\n$1\r\n2\r\n");
  EXPECT_FALSE(engine_.is_loading);
  EXPECT_EQ(progress_.loaded_bytes, progress_.total_bytes);
}

TEST_F(AofLoaderTest, NothingExpiresWhileItIsRepeated) {
  AddFile(
      "*5\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n$4\r\nPXAT\r\n$4\r\n5000\r\n"
      "*2\r\n$7\r\nPERSIST\r\n$1\r\na\r\n");
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(Execute({"GET", "a"}), "$1\r\n1\r\n");
}

TEST_F(AofLoaderTest, CutsATornTailWhereverItIsTorn) {
  const std::string group = std::string(kMulti) + std::string(kSetB) + std::string(kSetB) + std::string(kExec);
  for (size_t size = 1; size < group.size(); ++size) {
    manifest_ = {};
    AddFile(std::string(kSetA) + group.substr(0, size));
    ASSERT_TRUE(Load().ok()) << size;
    EXPECT_EQ(ReadFile(1), kSetA) << size;
    EXPECT_EQ(Execute({"MGET", "a", "b"}), "*2\r\n$1\r\n1\r\n$-1\r\n") << size;
    Execute({"FLUSHALL"});
  }
}

TEST_F(AofLoaderTest, RefusesATornTailIfTheRulesSaySo) {
  AddFile(std::string(kSetA) + "*1\r\n");
  AofLoadRules rules;
  rules.cuts_truncated = false;
  EXPECT_THAT(std::string(Load(rules).text()),
              HasSubstr("Unexpected end of file reading the append only file p.1.incr.aof. You can: 1)"));
  EXPECT_EQ(ReadFile(1), std::string(kSetA) + "*1\r\n");
}

TEST_F(AofLoaderTest, ATornFileMustBeTheLastThatHoldsAnything) {
  AddFile(std::string(kSetA) + "*1\r\n");
  AddFile(kSetB);
  EXPECT_EQ(Load().text(), "Fatal error: the truncated file is not the last file");
  EXPECT_EQ(ReadFile(1), std::string(kSetA) + "*1\r\n");
  WriteWholeFile(folder_.PathOf("p.2.incr.aof"), "");
  EXPECT_TRUE(Load().ok());
}

TEST_F(AofLoaderTest, CutsACorruptTailOnlyUpToTheSizeThatIsAdmitted) {
  const std::string bytes = std::string(kSetA) + "hello" + std::string(kSetB);
  AddFile(bytes);
  AofLoadRules rules;
  rules.corrupt_tail_max = 5 + kSetB.size() - 1;
  EXPECT_THAT(std::string(Load(rules).text()), HasSubstr("Bad file format reading the append only file p.1.incr.aof: "
                                                         "make a backup of your AOF file"));
  EXPECT_EQ(ReadFile(1), bytes);
  Execute({"FLUSHALL"});
  ++rules.corrupt_tail_max;
  EXPECT_TRUE(Load(rules).ok());
  EXPECT_EQ(ReadFile(1), kSetA);
  EXPECT_EQ(Execute({"MGET", "a", "b"}), "*2\r\n$1\r\n1\r\n$-1\r\n");
}

TEST_F(AofLoaderTest, RefusesCommandsThatDoNotExistAndGoesOnBehindErrors) {
  AddFile("*3\r\n$5\r\nlpush\r\n$1\r\na\r\n$1\r\n1\r\n" + std::string(kSetA) +
          "*3\r\n$5\r\nlpush\r\n$1\r\na\r\n$1\r\n1\r\n" + std::string(kExec) + std::string(kSetB));
  EXPECT_TRUE(Load().ok());
  EXPECT_EQ(Execute({"GET", "b"}), "$1\r\n2\r\n");
  AddFile("*1\r\n$3\r\nFOO\r\n");
  EXPECT_EQ(Load().text(), "Unknown command 'FOO' reading the append only file p.2.incr.aof");
}

TEST_F(AofLoaderTest, LoadsUpToASecondAndChangesNoFile) {
  const std::string first = "#TS:100\r\n" + std::string(kSetA) + "#TS:200\r\n" + std::string(kSetB);
  const std::string second = "#TS:300\r\n*1\r\n$8\r\nFLUSHALL\r\n*1\r\n$5";
  AddFile(first);
  AddFile(second);
  const std::pair<int64_t, std::string_view> expected[] = {{99, "*2\r\n$-1\r\n$-1\r\n"},
                                                           {100, "*2\r\n$1\r\n1\r\n$-1\r\n"},
                                                           {200, "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
                                                           {300, "*2\r\n$-1\r\n$-1\r\n"}};
  for (const auto& [second_wanted, values] : expected) {
    Execute({"FLUSHALL"});
    AofLoadRules rules;
    rules.until_s = second_wanted;
    EXPECT_TRUE(Load(rules).ok());
    EXPECT_EQ(Execute({"MGET", "a", "b"}), values) << second_wanted;
  }
  EXPECT_EQ(ReadFile(1), first);
  EXPECT_EQ(ReadFile(2), second);
}

TEST_F(AofLoaderTest, RefusesToStopSomewhereWithoutTimestamps) {
  AddFile(kSetA);
  AofLoadRules rules;
  rules.until_s = 100;
  EXPECT_THAT(std::string(Load(rules).text()), HasSubstr("has no timestamps"));
}

TEST_F(AofLoaderTest, SaysWhichFileIsMissing) {
  AddFile(kSetA);
  manifest_.AddIncrement("p");
  EXPECT_EQ(Load().text(), "Unable to obtain the AOF file p.2.incr.aof length. stat: No such file or directory");
}

TEST_F(AofLoaderTest, AFileThatCannotBeCutIsSaidSo) {
  for (const FileOperation operation :
       {FileOperation::kOpenForAppend, FileOperation::kTruncate, FileOperation::kSync}) {
    manifest_ = {};
    AddFile(std::string(kSetA) + "*1\r\n");
    files_.FailAt(operation, 1, FaultyFileSystem::Lasting::kOnce, "Read-only file system");
    EXPECT_EQ(Load().text(), "Error truncating the AOF file p.1.incr.aof: Read-only file system");
    files_.FailNothing();
  }
}

}  // namespace
}  // namespace kvick
