// What redis-check-aof prints was taken from it, case by case.
#include "tools/check_aof/check.h"

#include <gtest/gtest.h>

#include <string>

#include "support/temporary_folder.h"

namespace kvick {
namespace {

constexpr std::string_view kSet = "*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n";
constexpr std::string_view kManifest =
    "file p.1.base.aof seq 1 type b\nfile p.1.incr.aof seq 1 type i\nfile p.2.incr.aof seq 2 type i\n";

class CheckAofTest : public testing::Test {
 protected:
  // Status and output, with the folder's path left out.
  std::string Check(AofCheckRequest request, const std::string& answer = "") {
    std::string output;
    AofCheckUi ui;
    ui.print = [&output](std::string_view text) { output += text; };
    ui.ask = [&answer] { return answer; };
    ui.check_rdb = [](std::string_view, std::string_view) { return std::nullopt; };
    request.path = folder_ / request.path;
    const int status = CheckAof(request, ui);
    for (size_t at = 0; (at = output.find(folder_.path() + "/")) != std::string::npos;) {
      output.erase(at, folder_.path().size() + 1);
    }
    return std::to_string(status) + "\n" + output;
  }
  std::string CheckBytes(std::string_view bytes) {
    WriteWholeFile(folder_ / "x", bytes);
    const std::string output = Check({.path = "x"});
    return output.substr(0, output.find("AOF analyzed"));
  }
  void WriteParts(std::string_view first, std::string_view last) {
    WriteWholeFile(folder_ / "p.manifest", kManifest);
    WriteWholeFile(folder_ / "p.1.base.aof", kSet);
    WriteWholeFile(folder_ / "p.1.incr.aof", first);
    WriteWholeFile(folder_ / "p.2.incr.aof", last);
  }

  TemporaryFolder folder_;
};

TEST_F(CheckAofTest, ASingleFile) {
  WriteWholeFile(folder_ / "x", kSet);
  EXPECT_EQ(Check({.path = "x"}),
            "0\nStart checking Old-Style AOF\n"
            "AOF analyzed: filename=x, size=27, ok_up_to=27, ok_up_to_line=8, diff=0\nAOF x is valid\n");
  WriteWholeFile(folder_ / "x", "");
  EXPECT_EQ(Check({.path = "x"}), "0\nStart checking Old-Style AOF\nAOF x is empty\n");
  EXPECT_EQ(Check({.path = "y"}), "1\nCannot open file y: No such file or directory\n");
}

TEST_F(CheckAofTest, PartsAreCheckedInTheOrderOfTheManifest) {
  WriteParts(kSet, "");
  EXPECT_EQ(Check({.path = "p.manifest"}),
            "0\nStart checking Multi Part AOF\nStart to check BASE AOF (RESP format).\n"
            "AOF analyzed: filename=p.1.base.aof, size=27, ok_up_to=27, ok_up_to_line=8, diff=0\n"
            "BASE AOF p.1.base.aof is valid\nStart to check INCR files.\n"
            "AOF analyzed: filename=p.1.incr.aof, size=27, ok_up_to=27, ok_up_to_line=15, diff=0\n"
            "INCR AOF p.1.incr.aof is valid\nINCR AOF p.2.incr.aof is empty\n"
            "All AOF files and manifest are valid\n");
}

TEST_F(CheckAofTest, SaysWhatIsWrongAndWhere) {
  const std::string start = "1\nStart checking Old-Style AOF\n";
  EXPECT_EQ(CheckBytes("*1\r\n$3\r\nab\r\n"), start + "0x               8: Expected to read 5 bytes, got 4 bytes\n");
  EXPECT_EQ(CheckBytes("*1\r\n$1\r\nabc\r\n"), start + "0x               8: Expected \\r\\n, got: 6263\n");
  EXPECT_EQ(CheckBytes("*1\n$1\r\na\r\n"), start + "0x               0: Expected \\r\\n, got: 0a00\n");
  EXPECT_EQ(CheckBytes("*1\r\n+1\r\na\r\n"), start + "0x               4: Expected prefix '$', got: '+'\n");
  EXPECT_EQ(CheckBytes("*1\r\n$1"), start + "0x               4: Expected \\r\\n, got: 0000\n");
  EXPECT_EQ(CheckBytes("*2\r\n$1\r\na\r\n"), start);
  EXPECT_EQ(CheckBytes("*1\r\n$-5\r\na\r\n"),
            start + "0x               4: Expected to read string of -5 bytes, which is not in the suitable range\n");
  EXPECT_EQ(CheckBytes("junk"), start + "AOF x format error\n");
  EXPECT_EQ(CheckBytes("*1\r\n$4\r\nEXEC\r\n"), start + "0x               8: Unexpected EXEC in AOF x\n");
  const std::string multi = "*1\r\n$5\r\nMULTI\r\n";
  EXPECT_EQ(CheckBytes(multi + multi), start + "0x              17: Unexpected MULTI in AOF x\n");
  EXPECT_EQ(CheckBytes(multi + std::string(kSet)),
            start + "0x              27: Reached EOF before reading EXEC for MULTI\n");
}

TEST_F(CheckAofTest, FixesTheEndOfTheLastFileWhenToldSo) {
  WriteParts(kSet, std::string(kSet) + "*1\r\n");
  const std::string question =
      "This will shrink the AOF p.2.incr.aof from 31 bytes, with 4 bytes, to 27 bytes\nContinue? [y/N]: ";
  const std::string refused = Check({.path = "p.manifest", .fixes = true}, "n\n");
  EXPECT_TRUE(refused.ends_with(question + "Aborting...\n")) << refused;
  EXPECT_EQ(ReadWholeFile(folder_ / "p.2.incr.aof").size(), 31u);
  const std::string fixed = Check({.path = "p.manifest", .fixes = true}, "y\n");
  EXPECT_TRUE(fixed.ends_with(question + "Successfully truncated AOF p.2.incr.aof\n" +
                              "All AOF files and manifest are valid\n"))
      << fixed;
  EXPECT_EQ(ReadWholeFile(folder_ / "p.2.incr.aof"), kSet);
  WriteParts(std::string(kSet) + "*1\r\n", kSet);
  const std::string output = Check({.path = "p.manifest", .fixes = true}, "y\n");
  EXPECT_TRUE(output.ends_with("Failed to truncate AOF p.1.incr.aof because it is not the last file\n")) << output;
}

TEST_F(CheckAofTest, CutsAtATime) {
  const std::string stream = "#TS:10\r\n" + std::string(kSet) + "#TS:20\r\n" + std::string(kSet);
  WriteParts(kSet, stream);
  const std::string untouched = Check({.path = "p.manifest", .last_second = 20});
  EXPECT_TRUE(
      untouched.ends_with("Truncate nothing in AOF p.2.incr.aof to timestamp 20\n"
                          "INCR AOF p.2.incr.aof is valid\nAll AOF files and manifest are valid\n"))
      << untouched;
  const std::string cut = Check({.path = "p.manifest", .last_second = 19});
  EXPECT_TRUE(
      cut.ends_with("Successfully truncated AOF p.2.incr.aof to timestamp 19\n"
                    "All AOF files and manifest are valid\n"))
      << cut;
  EXPECT_EQ(ReadWholeFile(folder_ / "p.2.incr.aof"), "#TS:10\r\n" + std::string(kSet));
  WriteWholeFile(folder_ / "x", stream);
  EXPECT_EQ(Check({.path = "x", .last_second = 5}),
            "1\nStart checking Old-Style AOF\nAOF x has nothing before timestamp 5, aborting...\n");
  WriteWholeFile(folder_ / "x", "#TS:x\r\n");
  EXPECT_EQ(Check({.path = "x", .last_second = 5}), "1\nStart checking Old-Style AOF\nInvalid timestamp annotation\n");
}

TEST_F(CheckAofTest, AnRdbFileThatIsNotSoundIsRefused) {
  WriteWholeFile(folder_ / "x", "REDIS0011");
  EXPECT_EQ(Check({.path = "x"}), "1\nStart checking Old-Style AOF\nRDB preamble of AOF file is not sane, aborting.\n");
}

}  // namespace
}  // namespace kvick
