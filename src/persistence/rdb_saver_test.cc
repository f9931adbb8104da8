// A save that fails, at whatever call, leaves the old file as it was and nothing else.
#include "persistence/rdb_saver.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "commands/families.h"
#include "engine/local_client.h"
#include "persistence/snapshot_job.h"
#include "support/faulty_file_system.h"
#include "support/temporary_folder.h"

namespace kvick {
namespace {

class RdbSaverTest : public testing::Test {
 protected:
  // The files of a save are named as the folder in which the process runs sees them.
  RdbSaverTest() : previous_(std::filesystem::current_path()) {
    std::filesystem::current_path(place_ / ".");
    engine_.commands().Add(StringCommands());
  }
  ~RdbSaverTest() override { std::filesystem::current_path(previous_); }

  Status Save() {
    Status status;
    engine_.gate().RunExclusive([&] { status = saver_.SaveNow(); });
    return status;
  }

  const std::filesystem::path previous_;
  TemporaryFolder place_;
  ManualClock clock_{1'700'000'000'000};
  Settings settings_;
  Engine engine_{&settings_, clock_};
  SnapshotJobs jobs_{engine_};
  FaultyFileSystem files_;
  RdbSaver saver_{engine_, jobs_, files_};
};

TEST_F(RdbSaverTest, WhateverCallFailsTheOldFileStays) {
  LocalClient client(engine_);
  client.Execute({"SET", "a", "old"});
  ASSERT_TRUE(Save().ok());
  const std::string before = ReadWholeFile("dump.rdb");
  // Enough for several writes.
  for (int i = 0; i < 200; ++i) client.Execute({"SET", "key:" + std::to_string(i), std::string(10'000, 'x')});
  settings_.rdb_compression = false;
  for (const FileOperation operation :
       {FileOperation::kCreate, FileOperation::kWrite, FileOperation::kSync, FileOperation::kRename}) {
    int failed_count = 0;
    while (true) {
      files_.FailAt(operation, failed_count + 1);
      const Status status = Save();
      if (!files_.has_failed()) break;
      ++failed_count;
      EXPECT_FALSE(status.ok()) << FileOperationName(operation) << " " << failed_count;
      EXPECT_EQ(ReadWholeFile("dump.rdb"), before);
      EXPECT_EQ(std::distance(std::filesystem::directory_iterator("."), {}), 1) << FileOperationName(operation);
    }
    EXPECT_GT(failed_count, operation == FileOperation::kWrite ? 1 : 0) << FileOperationName(operation);
    EXPECT_NE(ReadWholeFile("dump.rdb"), before);
    WriteWholeFile("dump.rdb", before);
  }
}

}  // namespace
}  // namespace kvick
