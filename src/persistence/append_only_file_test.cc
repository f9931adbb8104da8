// What is recorded is on disk and comes back, whatever fails meanwhile.
#include "persistence/append_only_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "commands/families.h"
#include "engine/local_client.h"
#include "persistence/aof_loader.h"
#include "persistence/features.h"
#include "persistence/rdb_base.h"
#include "support/faulty_file_system.h"
#include "support/temporary_folder.h"
#include "types/array_value.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"
#include "types/stream_value.h"

namespace kvick {
namespace {

using testing::HasSubstr;

void RegisterTypes() {
  RegisterArrayType();
  RegisterHashType();
  RegisterListType();
  RegisterSetType();
  RegisterSortedSetType();
  RegisterStreamType();
}

// A server without sockets, and the files it keeps.
class Store {
 public:
  explicit Store(const std::string& folder, FileSystem& files, const Settings& settings = {})
      : settings_(settings), engine_(&settings_, SystemClock::Instance()), snapshots_(engine_) {
    RegisterTypes();
    settings_.append_folder_name = folder;
    for (const auto& family : {ArrayCommands(),
                               ExpireCommands(),
                               GenericCommands(),
                               HashCommands(),
                               HashExpiryCommands(),
                               KeyspaceCommands(),
                               ListCommands(),
                               MemberExpiryCommands(),
                               SetCommands(),
                               SortedSetCommands(),
                               SortedSetRangeCommands(),
                               StreamAddCommands(),
                               StreamClaimCommands(),
                               StreamGroupCommands(),
                               StreamIdempotenceCommands(),
                               StreamInfoCommands(),
                               StreamPendingCommands(),
                               StreamRangeCommands(),
                               StreamReadGroupCommands(),
                               StreamRemoveCommands(),
                               StringCommands(),
                               StringMultiCommands(),
                               StringNumericCommands(),
                               TransactionCommands(),
                               AppendOnlyCommands(),
                               ConnectionCommands()}) {
      engine_.commands().Add(family);
    }
    AppendOnlyFile::Parts parts;
    parts.files = &files;
    parts.snapshots = &snapshots_;
    parts.make_rdb_base = [](Engine& engine, std::shared_ptr<ByteSink> file) {
      return std::make_shared<RdbBase>(engine, std::move(file), kRdbVersionNewest);
    };
    parts.die = [this] { ++death_count; };
    file = &engine_.Attach<AppendOnlyFile>(engine_, std::move(parts));
    engine_.hooks.append_only_file = file;
    engine_.hooks.write_guards.push_back(file);
  }
  ~Store() { file->Stop(); }

  Status Open() {
    KVICK_ASSIGN_OR_RETURN(AofManifest manifest, file->folder().LoadManifest());
    KVICK_RETURN_IF_ERROR(LoadAppendOnlyFiles(engine_, file->folder(), manifest, {}, &progress_));
    return file->Start(std::move(manifest));
  }

  std::string Execute(std::initializer_list<std::string_view> arguments) {
    if (client_ == nullptr) client_ = std::make_unique<LocalClient>(engine_);
    return client_->Execute(arguments);
  }
  // As CONFIG SET does.
  void Change(const std::function<void(Settings&)>& change) {
    engine_.gate().RunExclusive([&] {
      change(settings_);
      file->ApplySettings();
    });
  }
  Status Rewrite() {
    const Result<std::string_view> answer = file->RequestRewrite(false);
    if (!answer.ok()) return answer.status();
    file->WaitForRewrite();
    return Status::Ok();
  }
  std::string Info() {
    InfoWriter out;
    file->WriteInfo(out);
    return out.text();
  }
  // As a worker does at the end of a turn.
  void WriteNow(size_t client_count = 1) {
    client_->executor().BeginBatch();
    file->WriteNow(client_count);
    client_->executor().EndBatch();
  }
  void WaitUntilDurable() {
    while (!file->IsDurable(engine_.log().end_position())) std::this_thread::yield();
  }
  Engine& engine() { return engine_; }
  LocalClient& client() { return *client_; }

  AppendOnlyFile* file = nullptr;
  std::atomic<int> death_count{0};

 private:
  Settings settings_;
  Engine engine_;
  SnapshotJobs snapshots_;
  LoadProgress progress_;
  std::unique_ptr<LocalClient> client_;
};

class AppendOnlyFileTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Open(const Settings& settings = {}) {
    auto store = std::make_unique<Store>(place_ / "dir", files_, settings);
    const Status opened = store->Open();
    EXPECT_TRUE(opened.ok()) << opened.text();
    return store;
  }
  Settings Always() {
    Settings settings;
    settings.append_sync = AppendSync::kAlways;
    return settings;
  }
  std::string Manifest() const { return ReadWholeFile(place_ / "dir/appendonly.aof.manifest"); }

  TemporaryFolder place_;
  FaultyFileSystem files_;
};

TEST_F(AppendOnlyFileTest, WhatWasWrittenComesBackWithEachRuleOfSyncing) {
  int round = 0;
  for (const AppendSync rule : {AppendSync::kNo, AppendSync::kEverySecond, AppendSync::kAlways}) {
    Settings settings;
    settings.append_sync = rule;
    const std::string key = "key" + std::to_string(++round);
    Open(settings)->Execute({"SET", key, "value"});
    auto store = Open(settings);
    EXPECT_EQ(store->Execute({"GET", key}), "$5\r\nvalue\r\n");
    EXPECT_EQ(store->Execute({"DBSIZE"}), ":" + std::to_string(round) + "\r\n");
  }
}

TEST_F(AppendOnlyFileTest, BeginsWithABaseAndAnIncrementAsTheStockServerDoes) {
  Open();
  EXPECT_EQ(Manifest(), "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
}

TEST_F(AppendOnlyFileTest, ATransactionIsOneGroupAndEachFileNamesItsDatabase) {
  auto store = Open();
  store->Execute({"SELECT", "3"});
  store->Execute({"SET", "a", "1"});
  store->Execute({"MULTI"});
  store->Execute({"SET", "b", "2"});
  store->Execute({"SET", "c", "3"});
  store->Execute({"EXEC"});
  ASSERT_TRUE(store->Rewrite().ok());
  store->Execute({"SET", "d", "4"});
  store.reset();
  const std::string increment = ReadWholeFile(place_ / "dir/appendonly.aof.2.incr.aof");
  EXPECT_EQ(increment, "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$1\r\nd\r\n$1\r\n4\r\n");
  EXPECT_EQ(Manifest(), "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_FALSE(FileExists(place_ / "dir/appendonly.aof.1.incr.aof"));
  store = Open();
  store->Execute({"SELECT", "3"});
  EXPECT_EQ(store->Execute({"MGET", "a", "b", "c", "d"}), "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n");
}

TEST_F(AppendOnlyFileTest, AnnotatesTheTimeWhenAskedTo) {
  Settings settings;
  settings.aof_timestamps = true;
  Open(settings)->Execute({"SET", "a", "1"});
  EXPECT_THAT(ReadWholeFile(place_ / "dir/appendonly.aof.1.incr.aof"), testing::StartsWith("#TS:"));
  EXPECT_EQ(Open()->Execute({"GET", "a"}), "$1\r\n1\r\n");
}

TEST_F(AppendOnlyFileTest, RewritesUnderWritesLoseAndRepeatNothing) {
  for (const bool uses_rdb : {true, false}) {
    Settings settings;
    settings.aof_use_rdb_preamble = uses_rdb;
    const std::string counter = uses_rdb ? "rdb" : "commands";
    auto store = Open(settings);
    std::atomic<bool> ends{false};
    int64_t count = 0;
    std::thread writer([&] {
      LocalClient client(store->engine());
      while (!ends) {
        client.Execute({"INCR", counter});
        client.Execute({"RPUSH", counter + "-list", std::to_string(++count)});
      }
    });
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->Rewrite().ok());
    ends = true;
    writer.join();
    EXPECT_THAT(store->Info(), HasSubstr("aof_rewrites:5\r\n"));
    EXPECT_THAT(store->Info(), HasSubstr("aof_last_bgrewrite_status:ok\r\n"));
    store.reset();
    store = Open(settings);
    const std::string text = std::to_string(count);
    EXPECT_EQ(store->Execute({"GET", counter}), "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n");
    EXPECT_EQ(store->Execute({"LLEN", counter + "-list"}), ":" + text + "\r\n");
  }
}

TEST_F(AppendOnlyFileTest, IsSwitchedOnAndOffWhileServing) {
  Store store(place_ / "dir", files_);
  store.Execute({"SET", "before", "1"});
  store.engine().gate().RunExclusive([&] { EXPECT_TRUE(store.file->TurnOn().ok()); });
  EXPECT_EQ(store.file->state(), AppendOnlyFile::State::kWaitingForBase);
  EXPECT_FALSE(FileExists(place_ / "dir/appendonly.aof.manifest"));
  store.Execute({"SET", "meanwhile", "1"});
  store.file->RunPeriodicWork();
  store.file->WaitForRewrite();
  EXPECT_EQ(store.file->state(), AppendOnlyFile::State::kOn);
  store.Execute({"SET", "after", "1"});
  store.engine().gate().RunExclusive([&] { store.file->TurnOff(); });
  store.Execute({"SET", "unrecorded", "1"});
  EXPECT_THAT(store.Info(), HasSubstr("aof_enabled:0\r\n"));
  auto loaded = Open();
  EXPECT_EQ(loaded->Execute({"EXISTS", "before", "meanwhile", "after", "unrecorded"}), ":3\r\n");
}

TEST_F(AppendOnlyFileTest, RewritesByItselfWhenItHasGrown) {
  Settings settings;
  settings.aof_rewrite_bytes_min = 1000;
  auto store = Open(settings);
  store->Execute({"SET", "a", "1"});
  store->WaitUntilDurable();
  store->file->RunPeriodicWork();
  EXPECT_THAT(store->Info(), HasSubstr("aof_rewrites:0\r\n"));
  store->Execute({"SET", "a", std::string(5000, 'x')});
  store->WaitUntilDurable();
  store->file->RunPeriodicWork();
  store->file->WaitForRewrite();
  EXPECT_THAT(store->Info(), HasSubstr("aof_rewrites:1\r\n"));
}

// Waits without an end for what another thread does soon.
void Await(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST_F(AppendOnlyFileTest, RefusesWritesWhileItCannotWriteAndLosesNoneOfThem) {
  auto store = Open();
  store->Execute({"SET", "a", "1"});
  store->WaitUntilDurable();
  files_.FailAt(FileOperation::kWrite, 1, FaultyFileSystem::Lasting::kFromThenOn);
  store->Execute({"SET", "b", "2"});
  Await([&] { return store->engine().write_refusal_count == 1; });
  EXPECT_EQ(store->Execute({"SET", "c", "3"}), "-MISCONF Errors writing to the AOF file: No space left on device\r\n");
  EXPECT_EQ(store->Execute({"PING"}), "-MISCONF Errors writing to the AOF file: No space left on device\r\n");
  EXPECT_EQ(store->Execute({"GET", "b"}), "$1\r\n2\r\n");
  EXPECT_THAT(store->Info(), HasSubstr("aof_last_write_status:err\r\n"));
  files_.FailNothing();
  Await([&] { return store->engine().write_refusal_count == 0; });
  EXPECT_EQ(store->Execute({"SET", "c", "3"}), "+OK\r\n");
  EXPECT_EQ(store->death_count, 0);
  store.reset();
  EXPECT_EQ(Open()->Execute({"MGET", "a", "b", "c"}), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
}

TEST_F(AppendOnlyFileTest, EndsTheProcessWhenAlwaysCannotBeKept) {
  for (const FileOperation operation : {FileOperation::kWrite, FileOperation::kSync}) {
    auto store = Open(Always());
    files_.FailAt(operation, 1);
    store->Execute({"SET", "a", "1"});
    Await([&] { return store->death_count == 1; });
    files_.FailNothing();
  }
}

TEST_F(AppendOnlyFileTest, WithAlwaysRepliesAreReleasedWhenTheirPositionIsSynced) {
  auto store = Open(Always());
  store->Execute({"SET", "a", "1"});
  const uint64_t position = store->client().session().write_position;
  Await([&] { return store->engine().release_gate().IsReleased(position); });
  EXPECT_TRUE(store->file->IsDurable(position));
  EXPECT_FALSE(store->engine().release_gate().IsReleased(position + 1));
  store->Change([](Settings& settings) { settings.append_sync = AppendSync::kEverySecond; });
  store->Execute({"SET", "a", "2"});
  const uint64_t written = store->client().session().write_position;
  store->WriteNow();
  // The writer may be at it already: then it is told to go on, and nobody waits for it.
  Await([&] { return store->engine().release_gate().IsReleased(written); });
  Await(
      [&] { return !store->engine().release_gate().IsReleased(written + 1); });  // while it is synced, all is released
  EXPECT_EQ(ReadWholeFile(place_ / "dir/appendonly.aof.1.incr.aof").substr(0, 6), "*2\r\n$6");
  store->Change([](Settings& settings) { settings.append_sync = AppendSync::kAlways; });
  EXPECT_FALSE(store->engine().release_gate().IsReleased(store->engine().log().end_position() + 1));
}

TEST_F(AppendOnlyFileTest, WithAlwaysNobodyWaitsForLongForThoseWhoDoNotComeAgain) {
  auto store = Open(Always());
  for (const size_t client_count : {50u, 1u, 0u, 50u, 3u}) {
    store->Execute({"INCR", "a"});
    const uint64_t position = store->client().session().write_position;
    store->WriteNow(client_count);
    Await([&] { return store->engine().release_gate().IsReleased(position); });
    EXPECT_TRUE(store->file->IsDurable(position));
  }
  store.reset();
  EXPECT_EQ(Open()->Execute({"GET", "a"}), "$1\r\n5\r\n");
}

// What workers were told is written is in the files, though nothing was synced and the process has not ended.
TEST_F(AppendOnlyFileTest, ConcurrencyOfWorkersThatWriteThemselves) {
  Settings settings;
  settings.append_sync = AppendSync::kNo;
  auto store = Open(settings);
  constexpr int kThreadCount = 4;
  constexpr int kWriteCount = 1000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreadCount; ++i) {
    threads.emplace_back([&store, i] {
      LocalClient client(store->engine());
      const std::string key = "counter:" + std::to_string(i);
      for (int n = 0; n < kWriteCount; ++n) {
        client.Execute({"INCR", key});
        client.executor().BeginBatch();
        store->file->WriteNow(1);
        client.executor().EndBatch();
        while (!store->engine().release_gate().IsReleased(client.session().write_position)) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::filesystem::copy(place_ / "dir", place_ / "copy");
  Store copy(place_ / "copy", files_);
  ASSERT_TRUE(copy.Open().ok());
  for (int i = 0; i < kThreadCount; ++i) {
    EXPECT_EQ(copy.Execute({"GET", "counter:" + std::to_string(i)}), "$4\r\n1000\r\n");
  }
}

TEST_F(AppendOnlyFileTest, WaitAofAnswersWhenTheClientsWritesAreSynced) {
  auto store = Open();
  EXPECT_EQ(store->Execute({"WAITAOF", "0", "0", "0"}), "*2\r\n:1\r\n:0\r\n");
  store->Execute({"SET", "a", "1"});
  std::string reply = store->Execute({"WAITAOF", "1", "0", "0"});
  if (reply.empty()) {
    std::optional<std::string> delivered;
    Await([&] { return (delivered = store->client().TakeDelivered()).has_value(); });
    reply = *delivered;
  }
  EXPECT_EQ(reply, "*2\r\n:1\r\n:0\r\n");
  EXPECT_EQ(store->Execute({"WAITAOF", "2", "0", "0"}), "-ERR value is out of range, value must between 0 and 1\r\n");
  EXPECT_EQ(store->Execute({"WAITAOF", "1", "-1", "0"}), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(store->Execute({"WAITAOF", "1", "0", "x"}), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(store->Execute({"WAITAOF", "1", "0", "-1"}), "-ERR timeout is negative\r\n");
  // While nothing is synced the time runs out.
  store->Change([](Settings& settings) { settings.append_sync = AppendSync::kNo; });
  store->Execute({"SET", "a", "2"});
  EXPECT_EQ(store->Execute({"WAITAOF", "1", "0", "20"}), "");
  std::optional<std::string> delivered;
  Await([&] {
    store->client().EndOverdueWaits();
    return (delivered = store->client().TakeDelivered()).has_value();
  });
  EXPECT_EQ(*delivered, "*2\r\n:0\r\n:0\r\n");
  EXPECT_EQ(store->Execute({"WAITAOF", "1", "0", "0"}), "");
  store->engine().gate().RunExclusive([&] { store->file->TurnOff(); });
  // The flush that turning off begins with answers it, or the end of all files.
  Await([&] { return (delivered = store->client().TakeDelivered()).has_value(); });
  EXPECT_EQ(*delivered, "*2\r\n:1\r\n:0\r\n");
  EXPECT_THAT(store->Execute({"WAITAOF", "1", "0", "0"}), HasSubstr("appendonly is disabled"));
}

// The first, second, third ... call of each kind fails during a start, writes, a rewrite and more writes. Whatever was
// acknowledged is there afterwards.
TEST_F(AppendOnlyFileTest, NothingIsLostWhicheverCallFails) {
  for (const bool uses_rdb : {true, false}) {
    for (const FileOperation operation : kFileOperations) {
      for (int nth = 1;; ++nth) {
        TemporaryFolder place;
        Settings settings;
        settings.aof_use_rdb_preamble = uses_rdb;
        files_.FailAt(operation, nth);
        std::vector<std::string> acknowledged;
        bool is_started = false;
        {
          Store store(place / "dir", files_, settings);
          is_started = store.Open().ok();
          if (is_started) {
            const auto write = [&](const std::string& key) {
              if (store.Execute({"SET", key, "value"}) == "+OK\r\n") acknowledged.push_back(key);
            };
            for (const char* key : {"a", "b", "c"}) write(key);
            ASSERT_TRUE(store.Rewrite().ok());
            for (const char* key : {"d", "e"}) write(key);
            store.engine().gate().RunExclusive([&] { EXPECT_TRUE(store.file->PrepareToEnd(false).ok()); });
          }
        }
        const bool has_failed = files_.has_failed();
        files_.FailNothing();
        Store loaded(place / "dir", files_, settings);
        const Status opened = loaded.Open();
        ASSERT_TRUE(opened.ok()) << FileOperationName(operation) << " " << nth << ": " << opened.text();
        for (const std::string& key : acknowledged) {
          EXPECT_EQ(loaded.Execute({"GET", key}), "$5\r\nvalue\r\n")
              << key << " after " << FileOperationName(operation) << " " << nth << " failed";
        }
        if (!has_failed) break;
        ASSERT_LT(nth, 100);
      }
    }
  }
}

TEST_F(AppendOnlyFileTest, CommandsMakeEveryKindOfValueAgain) {
  Settings settings;
  settings.aof_use_rdb_preamble = false;
  auto store = Open(settings);
  const auto run = [&](std::initializer_list<std::string_view> words) {
    const std::string reply = store->Execute(words);
    EXPECT_FALSE(reply.starts_with('-')) << *words.begin() << ": " << reply;
  };
  run({"SET", "text", "x y\r\n"});
  run({"SET", "number", "-12", "PXAT", "99999999999999"});
  run({"SET", "", "empty key"});
  for (int i = 0; i < 150; ++i) {
    const std::string n = std::to_string(i);
    run({"RPUSH", "list", n, "item" + n});
    run({"SADD", "numbers", n});
    run({"SADD", "members", "m" + n});
    run({"HSET", "hash", "field" + n, n});
    run({"ZADD", "scores", n + ".5", "m" + n});
    run({"ARSET", "array", std::to_string(i * 1000), "item" + n});
  }
  run({"ZADD", "odd", "inf", "a", "-inf", "b", "1e300", "c", "0.1", "d"});
  run({"HSET", "fields", "a", "1", "b", "2"});
  run({"HPEXPIREAT", "fields", "9999999999999", "FIELDS", "1", "b"});
  run({"SADD", "dying", "a", "b"});
  run({"PEXPIREMEMBERAT", "dying", "b", "99999999999999"});
  for (int i = 0; i < 1000; ++i) {
    run({"HSET", "large", "f" + std::to_string(i), "v"});
    run({"SADD", "large-set", "f" + std::to_string(i)});
    run({"ZADD", "large-scores", std::to_string(i), "f" + std::to_string(i)});
  }
  run({"PEXPIREAT", "large", "99999999999999"});
  run({"XADD", "stream", "1-1", "f", "v", "g", "w"});
  run({"XADD", "stream", "1-2", "f", "v"});
  run({"XADD", "stream", "2-0", "other", "v"});
  run({"XDEL", "stream", "1-2"});
  run({"XGROUP", "CREATE", "stream", "group", "0"});
  run({"XREADGROUP", "GROUP", "group", "alice", "COUNT", "1", "STREAMS", "stream", ">"});
  run({"XGROUP", "CREATECONSUMER", "stream", "group", "idle"});
  run({"XADD", "gone", "5-5", "f", "v"});
  run({"XDEL", "gone", "5-5"});
  run({"XADD", "once", "IDMP", "p", "n", "*", "f", "v"});
  const auto digest = [](Store& from) {
    std::string text;
    for (const char* key : {"text", "number", "list", "numbers", "members", "hash", "scores", "array", "odd", "fields",
                            "dying", "large", "large-set", "large-scores", "gone", "once", ""}) {
      Digest sum;
      from.engine().gate().RunExclusive([&] {
        Mutation mutation;
        mutation.now_ms = 1;
        mutation.is_alone = true;
        const KeyTable::Slot slot = from.engine().database(0).Peek(KeyRef::Make(key), mutation);
        ASSERT_NE(slot.entry, nullptr) << key;
        text += std::string(key) + " " + std::to_string(slot.entry->expiry_ms()) + " ";
        if (slot.entry->type() == ValueType::kString) {
          char buffer[kInt64TextMax];
          text += slot.entry->string().Text(buffer);
        } else {
          const CollectionView view(*slot.entry);
          OperationsOf(slot.entry->type()).digest(view.get(), &sum);
          text += sum.Hex();
        }
        text += "\n";
      });
    }
    return text;
  };
  const auto ask = [](Store& from) {
    return from.Execute({"XINFO", "STREAM", "stream"}) + from.Execute({"XPENDING", "stream", "group"}) +
           from.Execute({"XRANGE", "stream", "-", "+"}) + from.Execute({"HPEXPIRETIME", "fields", "FIELDS", "1", "b"}) +
           from.Execute({"XADD", "once", "IDMP", "p", "n", "*", "f", "v"}) + from.Execute({"ARNEXT", "array"});
  };
  const std::string before = digest(*store);
  const std::string asked_before = ask(*store);
  ASSERT_TRUE(store->Rewrite().ok());
  store.reset();
  EXPECT_EQ(ReadWholeFile(place_ / "dir/appendonly.aof.2.incr.aof"), "");
  store = Open(settings);
  EXPECT_EQ(digest(*store), before);
  EXPECT_EQ(ask(*store), asked_before);
}

}  // namespace
}  // namespace kvick
