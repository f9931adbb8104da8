#include "persistence/file_system.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/faulty_file_system.h"
#include "support/temporary_folder.h"

namespace kvick {
namespace {

std::unique_ptr<OutputFile> Opened(Result<std::unique_ptr<OutputFile>> file) {
  EXPECT_TRUE(file.ok()) << file.status().text();
  return std::move(file).value();
}

TEST(FileSystemTest, WritesBehindTheEndAlsoAfterTruncating) {
  const TemporaryFolder folder;
  FileSystem& files = FileSystem::System();
  const std::string path = folder / "log";
  {
    const auto file = Opened(files.Create(path));
    ASSERT_TRUE(file->Write("hello ").ok());
    ASSERT_TRUE(file->Write("world").ok());
    EXPECT_EQ(file->size(), 11u);
    ASSERT_TRUE(file->Truncate(5).ok());
    EXPECT_EQ(file->size(), 5u);
    ASSERT_TRUE(file->Write("!").ok());
    EXPECT_TRUE(file->Sync().ok());
  }
  EXPECT_EQ(ReadWholeFile(path), "hello!");
  {
    const auto file = Opened(files.OpenForAppend(path));
    EXPECT_EQ(file->size(), 6u);
    ASSERT_TRUE(file->Write("?").ok());
  }
  EXPECT_EQ(ReadWholeFile(path), "hello!?");
  EXPECT_EQ(Opened(files.Create(path))->size(), 0u);
  EXPECT_EQ(ReadWholeFile(path), "");
}

TEST(FileSystemTest, ErrorsNameTheFileAndEndWithTheSystemsReason) {
  const TemporaryFolder folder;
  FileSystem& files = FileSystem::System();
  const auto file = files.Create(folder / "missing/log");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().text(), "Failed opening " + (folder / "missing/log") + ": No such file or directory");
  EXPECT_EQ(SystemReason(file.status()), "No such file or directory");
  EXPECT_FALSE(files.Remove(folder / "nothing").ok());
  EXPECT_FALSE(files.Rename(folder / "nothing", folder / "something").ok());
}

TEST(FileSystemTest, MakesAFolderThatIsThereButNotInThePlaceOfAFile) {
  const TemporaryFolder folder;
  FileSystem& files = FileSystem::System();
  EXPECT_TRUE(files.MakeFolder(folder / "a").ok());
  EXPECT_TRUE(files.MakeFolder(folder / "a").ok());
  EXPECT_TRUE(files.SyncFolder(folder / "a").ok());
  WriteWholeFile(folder / "b", "");
  EXPECT_EQ(SystemReason(files.MakeFolder(folder / "b")), "Not a directory");
}

TEST(FileSystemTest, RenamesAndLinks) {
  const TemporaryFolder folder;
  FileSystem& files = FileSystem::System();
  WriteWholeFile(folder / "new", "new");
  WriteWholeFile(folder / "old", "old");
  ASSERT_TRUE(files.Rename(folder / "new", folder / "old").ok());
  EXPECT_FALSE(FileExists(folder / "new"));
  EXPECT_EQ(ReadWholeFile(folder / "old"), "new");
  ASSERT_TRUE(files.Link(folder / "old", folder / "other").ok());
  ASSERT_TRUE(files.Remove(folder / "old").ok());
  EXPECT_EQ(ReadWholeFile(folder / "other"), "new");
}

TEST(FaultyFileSystemTest, FailsTheChosenCallHalfwayAndNoOther) {
  const TemporaryFolder folder;
  FaultyFileSystem files;
  files.FailAt(FileOperation::kWrite, 2);
  const auto file = Opened(files.Create(folder / "log"));
  EXPECT_TRUE(file->Write("1234").ok());
  EXPECT_FALSE(files.has_failed());
  EXPECT_EQ(SystemReason(file->Write("5678")), "No space left on device");
  EXPECT_TRUE(files.has_failed());
  EXPECT_EQ(file->size(), 6u);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(file->Write("9").ok());
  EXPECT_EQ(ReadWholeFile(folder / "log"), "1234569");
  EXPECT_EQ(files.CallCount(FileOperation::kWrite), 3);
}

}  // namespace
}  // namespace kvick
