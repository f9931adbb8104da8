#include "persistence/aof_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "persistence/aof_folder.h"
#include "support/faulty_file_system.h"
#include "support/temporary_folder.h"

namespace kvick {
namespace {

using testing::HasSubstr;

AofManifest Parsed(std::string_view text) {
  Result<AofManifest> manifest = AofManifest::Parse(text);
  EXPECT_TRUE(manifest.ok()) << manifest.status().text();
  return manifest.ok() ? *manifest : AofManifest();
}

TEST(AofManifestTest, WritesWhatItRead) {
  const std::string text =
      "file appendonly.aof.2.base.rdb seq 2 type b\n"
      "file appendonly.aof.1.incr.aof seq 1 type h\n"
      "file \"with blank\" seq 2 type i\n"
      "file appendonly.aof.7.incr.aof seq 7 type i\n";
  const AofManifest manifest = Parsed(text);
  EXPECT_EQ(manifest.base->name, "appendonly.aof.2.base.rdb");
  EXPECT_EQ(manifest.base_sequence, 2);
  EXPECT_EQ(manifest.increment_sequence, 7);
  EXPECT_EQ(manifest.increments[0].name, "with blank");
  EXPECT_EQ(manifest.Format(), text);
}

TEST(AofManifestTest, SkipsCommentsAndKeysThatItDoesNotKnow) {
  const AofManifest manifest = Parsed("# of another server\n  FILE a SEQ 3 type i startoffset 77 endoffset 99\r\n");
  EXPECT_EQ(manifest.Format(), "file a seq 3 type i\n");
}

TEST(AofManifestTest, SaysWhatIsWrongAndWhere) {
  const struct {
    std::string text;
    std::string reason;
  } kCases[] = {
      {"", "Found an empty AOF manifest"},
      {"hello\n", "at line 1\n>>> 'hello'\nInvalid AOF manifest file format"},
      {"\n", "at line 1\n>>> ''\nInvalid AOF manifest file format"},
      {"file a seq 1\n", "Invalid AOF manifest file format"},
      {"file a seq 1 type b x\n", "Invalid AOF manifest file format"},
      {"file a seq 0 type b\n", "Invalid AOF manifest file format"},
      {"file a seq x type b\n", "Invalid AOF manifest file format"},
      {"file \"a seq 1 type b\n", "Invalid AOF manifest file format"},
      {"file a seq 1 type x\n", "Unknown AOF file type"},
      {"file a/b seq 1 type b\n", "File can't be a path, just a filename"},
      {"file a seq 1 type b\nfile b seq 2 type b\n", "at line 2\n>>> 'file b seq 2 type b'\nFound duplicate base"},
      {"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number"},
      {"file " + std::string(1100, 'a') + " seq 1 type b\n", "The AOF manifest file contains too long line"},
      {"file a seq 1 type b", "The AOF manifest file contains too long line"},
  };
  for (const auto& example : kCases) {
    const Result<AofManifest> manifest = AofManifest::Parse(example.text);
    ASSERT_FALSE(manifest.ok()) << example.text;
    EXPECT_THAT(std::string(manifest.status().text()), HasSubstr("*** FATAL AOF MANIFEST FILE ERROR ***"));
    EXPECT_THAT(std::string(manifest.status().text()), HasSubstr(example.reason));
  }
}

TEST(AofManifestTest, ANewBaseMakesHistoryOfWhatItHolds) {
  AofManifest manifest = Parsed("file p.1.base.rdb seq 1 type b\nfile p.1.incr.aof seq 1 type i\n");
  const int64_t kept_from = manifest.AddIncrement("p").sequence;
  manifest.ReplaceBase("p", "aof", kept_from);
  EXPECT_EQ(manifest.Format(),
            "file p.2.base.aof seq 2 type b\n"
            "file p.1.incr.aof seq 1 type h\n"
            "file p.1.base.rdb seq 1 type h\n"
            "file p.2.incr.aof seq 2 type i\n");
}

class AofFolderTest : public testing::Test {
 protected:
  TemporaryFolder place_;
  FaultyFileSystem files_;
  AofFolder folder_{files_, place_ / "dir", "p"};
};

TEST_F(AofFolderTest, HasNoManifestAtFirst) {
  const Result<AofManifest> manifest = folder_.LoadManifest();
  ASSERT_TRUE(manifest.ok());
  EXPECT_FALSE(manifest->has_data());
}

TEST_F(AofFolderTest, KeepsTheOldManifestWhateverFailsOfSavingANewOne) {
  ASSERT_TRUE(folder_.Make().ok());
  AofManifest before;
  before.AddIncrement("p");
  ASSERT_TRUE(folder_.SaveManifest(before).ok());
  AofManifest after = before;
  after.AddIncrement("p");
  for (const FileOperation operation :
       {FileOperation::kCreate, FileOperation::kWrite, FileOperation::kSync, FileOperation::kRename}) {
    files_.FailAt(operation, 1);
    EXPECT_FALSE(folder_.SaveManifest(after).ok()) << FileOperationName(operation);
    EXPECT_TRUE(files_.has_failed());
    EXPECT_EQ(*folder_.LoadManifest(), before);
    EXPECT_FALSE(FileExists(place_ / "dir/temp-p.manifest"));
  }
  files_.FailNothing();
  ASSERT_TRUE(folder_.SaveManifest(after).ok());
  EXPECT_EQ(*folder_.LoadManifest(), after);
}

TEST_F(AofFolderTest, MeasuresItsFilesAndMissesThoseThatAreNotThere) {
  ASSERT_TRUE(folder_.Make().ok());
  AofManifest manifest;
  WriteWholeFile(folder_.PathOf(manifest.AddIncrement("p").name), "12345");
  EXPECT_EQ(*folder_.TotalSize(manifest), 5u);
  manifest.AddIncrement("p");
  EXPECT_EQ(folder_.TotalSize(manifest).status().text(),
            "Unable to obtain the AOF file p.2.incr.aof length. stat: No such file or directory");
}

}  // namespace
}  // namespace kvick
