// A backup is whole or it has failed, and neither harms what is served, whatever fails meanwhile.
#include "persistence/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "commands/families.h"
#include "engine/local_client.h"
#include "persistence/aof_loader.h"
#include "persistence/rdb_base.h"
#include "support/faulty_file_system.h"
#include "support/temporary_folder.h"

namespace kvick {
namespace {

std::shared_ptr<AofBase> MakeRdbBase(Engine& engine, std::shared_ptr<ByteSink> file) {
  return std::make_shared<RdbBase>(engine, std::move(file), kRdbVersionLowest);
}

// A server without sockets, its append-only file if it has one, and its backups.
class Store {
 public:
  Store(const TemporaryFolder& place, FileSystem& files, bool has_append_only_file)
      : engine_(&settings_, SystemClock::Instance()), snapshots_(engine_) {
    settings_.append_folder_name = place / "aof";
    settings_.backup_folder_name = place / "backup";
    for (const auto& family : {StringCommands(), StringNumericCommands(), ConnectionCommands()}) {
      engine_.commands().Add(family);
    }
    AppendOnlyFile::Parts parts;
    parts.files = &files;
    parts.snapshots = &snapshots_;
    parts.make_rdb_base = MakeRdbBase;
    parts.die = [] { FAIL() << "the process would end"; };
    file_ = &engine_.Attach<AppendOnlyFile>(engine_, std::move(parts));
    engine_.hooks.append_only_file = file_;
    engine_.hooks.write_guards.push_back(file_);
    backup_ = &engine_.Attach<Backup>(engine_, snapshots_, *file_, MakeRdbBase, files);
    if (has_append_only_file) EXPECT_TRUE(file_->Start({}).ok());
    client_ = std::make_unique<LocalClient>(engine_);
  }
  ~Store() {
    snapshots_.Cancel();
    snapshots_.Wait();
    backup_->Stop();
    file_->Stop();
  }

  std::string Execute(std::initializer_list<std::string_view> arguments) { return client_->Execute(arguments); }
  Status Start() {
    Status status;
    engine_.gate().RunExclusive([&] { status = backup_->Start(); });
    return status;
  }
  // Until it collects changes or has failed.
  Backup::State WaitForBase() {
    while (true) {
      const Backup::State state = backup_->report().state;
      if (state != Backup::State::kPending && state != Backup::State::kSnapshotting) return state;
      backup_->RunPeriodicWork();
      file_->RunPeriodicWork();
      std::this_thread::yield();
    }
  }
  Status Seal() {
    std::atomic<bool> is_done{false};
    Status outcome;
    backup_->Seal([&](const Status& status) {
      outcome = status;
      is_done.store(true, std::memory_order_release);
    });
    while (!is_done.load(std::memory_order_acquire)) std::this_thread::yield();
    return outcome;
  }
  void WaitForRewrite() { file_->WaitForRewrite(); }
  Backup& backup() { return *backup_; }

 private:
  Settings settings_;
  Engine engine_;
  SnapshotJobs snapshots_;
  AppendOnlyFile* file_ = nullptr;
  Backup* backup_ = nullptr;
  std::unique_ptr<LocalClient> client_;
};

// The value of a key in a sealed backup.
std::string Restored(const TemporaryFolder& place, std::string_view key) {
  Settings settings;
  Engine engine(&settings, SystemClock::Instance());
  engine.commands().Add(StringCommands());
  engine.commands().Add(StringNumericCommands());
  engine.commands().Add(ConnectionCommands());
  const AofFolder folder(FileSystem::System(), place / "backup", "appendonly.aof");
  const Result<AofManifest> manifest = folder.LoadManifest();
  EXPECT_TRUE(manifest.ok() && manifest->has_data());
  LoadProgress progress;
  AofLoadRules rules;
  rules.cuts_truncated = false;
  const Status loaded = LoadAppendOnlyFiles(engine, folder, *manifest, rules, &progress);
  EXPECT_TRUE(loaded.ok()) << loaded.text();
  return LocalClient(engine).Execute({"GET", key});
}

class BackupTest : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(AppendOnlyFile, BackupTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

TEST_P(BackupTest, HoldsWhatThereWasWhenItWasSealed) {
  const TemporaryFolder place;
  Store store(place, FileSystem::System(), GetParam());
  store.Execute({"SET", "a", "1"});
  ASSERT_TRUE(store.Start().ok());
  ASSERT_EQ(store.WaitForBase(), Backup::State::kIncrementing);
  store.Execute({"INCR", "a"});
  ASSERT_TRUE(store.Seal().ok());
  store.Execute({"INCR", "a"});
  EXPECT_EQ(store.backup().report().state, Backup::State::kSealed);
  EXPECT_EQ(Restored(place, "a"), "$1\r\n2\r\n");
  EXPECT_EQ(store.backup().Files().size(), 3u);
  EXPECT_TRUE(store.backup().Cleanup().ok());
  EXPECT_TRUE(std::filesystem::is_empty(place / "backup"));
}

TEST_P(BackupTest, IsWholeOrHasFailedWhateverOperationFails) {
  for (const FileOperation operation : kFileOperations) {
    for (int nth = 1;; ++nth) {
      SCOPED_TRACE(std::string(FileOperationName(operation)) + " " + std::to_string(nth));
      const TemporaryFolder place;
      FaultyFileSystem files;
      Store store(place, files, GetParam());
      store.Execute({"SET", "a", "1"});
      files.FailAt(operation, nth);
      bool is_sealed = false;
      if (store.Start().ok() && store.WaitForBase() == Backup::State::kIncrementing) {
        store.Execute({"INCR", "a"});
        is_sealed = store.Seal().ok();
        store.Execute({"INCR", "a"});
      }
      const bool was_swept = !files.has_failed();
      files.FailNothing();
      store.WaitForRewrite();
      const Backup::Report report = store.backup().report();
      if (is_sealed) {
        EXPECT_EQ(report.state, Backup::State::kSealed);
        EXPECT_EQ(Restored(place, "a"), "$1\r\n2\r\n");
        EXPECT_TRUE(store.backup().Cleanup().ok());
      } else if (report.state != Backup::State::kIdle) {
        EXPECT_EQ(report.state, Backup::State::kFailed);
        EXPECT_NE(report.error, "");
        EXPECT_TRUE(store.backup().Files().empty());
      }
      EXPECT_TRUE(!was_swept || is_sealed);
      // And the next one is not disturbed by what the last one left.
      while (store.Execute({"SET", "b", "2"}) != "+OK\r\n") std::this_thread::yield();  // refused for a moment
      ASSERT_TRUE(store.Start().ok());
      ASSERT_EQ(store.WaitForBase(), Backup::State::kIncrementing) << store.backup().report().error;
      const Status sealed = store.Seal();
      ASSERT_TRUE(sealed.ok()) << sealed.text();
      EXPECT_EQ(Restored(place, "b"), "$1\r\n2\r\n");
      if (was_swept) break;
    }
  }
}

TEST_P(BackupTest, CanBeGivenUpAtAnyMoment) {
  for (int delay_us = 0; delay_us < 3000; delay_us += 150) {
    const TemporaryFolder place;
    Store store(place, FileSystem::System(), GetParam());
    for (int i = 0; i < 2000; ++i) store.Execute({"SET", "key:" + std::to_string(i), "value"});
    ASSERT_TRUE(store.Start().ok());
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
    std::thread sealer([&] { static_cast<void>(store.Seal()); });  // may be too early
    const Status aborted = store.backup().Abort();
    sealer.join();
    const Backup::State state = store.backup().report().state;
    EXPECT_EQ(state, aborted.ok() ? Backup::State::kFailed : Backup::State::kSealed);
    store.WaitForRewrite();
    EXPECT_TRUE(store.backup().Cleanup().ok());
    ASSERT_TRUE(store.Start().ok());
    ASSERT_EQ(store.WaitForBase(), Backup::State::kIncrementing) << store.backup().report().error;
    ASSERT_TRUE(store.Seal().ok());
    EXPECT_EQ(Restored(place, "key:1999"), "$5\r\nvalue\r\n");
  }
}

}  // namespace
}  // namespace kvick
