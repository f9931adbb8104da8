#include "server/copied_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/local_client.h"
#include "server/features.h"

namespace kvick {
namespace {

class CopiedStoreTest : public ::testing::TestWithParam<bool> {
 protected:
  CopiedStoreTest() : engine_(&settings_, SystemClock::Instance()) {
    RegisterFeatures(engine_);
    engine_.set_concurrent(GetParam());
    client_ = std::make_unique<LocalClient>(engine_);
    reader_ = std::make_unique<Executor>(engine_);
  }
  // What a command answers in the copy, which gets its keys first.
  static std::string RunIn(CopiedStore& store, std::initializer_list<std::string_view> words) {
    const std::vector<std::string_view> arguments(words);
    Executor& executor = store.executor();
    Session session;
    session.is_internal = true;
    OutputBuffer out;
    ReplyWriter reply(out, 2);
    executor.BeginBatch();
    const Executor::Prepared prepared = executor.Prepare(session, arguments);
    Status status;
    executor.RunExclusive(
        [&] { status = store.BringKeys(DeclareKeys(executor.engine(), 0, *prepared.command, arguments)); });
    if (status.ok()) executor.Run(session, prepared, reply);
    executor.EndBatch();
    return status.ok() ? out.ToString() : std::string(status.text());
  }

  Settings settings_;
  Engine engine_;
  std::unique_ptr<LocalClient> client_;
  std::unique_ptr<Executor> reader_;
};

TEST_P(CopiedStoreTest, KeysAreThoseOfTheirFirstUse) {
  client_->Execute({"SET", "a", "1"});
  client_->Execute({"HSET", "h", "f", "v"});
  client_->Execute({"PEXPIRE", "h", "1000000"});
  CopiedStore store(*reader_);
  EXPECT_EQ(RunIn(store, {"INCR", "a"}), ":2\r\n");
  client_->Execute({"SET", "a", "100"});
  client_->Execute({"SET", "later", "1"});
  EXPECT_EQ(RunIn(store, {"INCR", "a"}), ":3\r\n");
  EXPECT_EQ(RunIn(store, {"HGET", "h", "f"}), "$1\r\nv\r\n");
  EXPECT_NE(RunIn(store, {"PTTL", "h"}).substr(0, 2), ":-");
  EXPECT_EQ(RunIn(store, {"DEL", "later"}), ":1\r\n");
  EXPECT_EQ(RunIn(store, {"GET", "later"}), "$-1\r\n");
  EXPECT_EQ(client_->Execute({"MGET", "a", "later"}), "*2\r\n$3\r\n100\r\n$1\r\n1\r\n");
}

TEST_P(CopiedStoreTest, EverythingIsEveryDatabase) {
  for (int i = 0; i < 1000; ++i) client_->Execute({"SET", "key:" + std::to_string(i), "1"});
  client_->Execute({"SELECT", "3"});
  client_->Execute({"SET", "third", "1"});
  CopiedStore store(*reader_);
  RunIn(store, {"DEL", "key:1"});
  store.executor().BeginBatch();
  store.executor().RunExclusive([&] { EXPECT_TRUE(store.BringEverything().ok()); });
  store.executor().EndBatch();
  EXPECT_EQ(RunIn(store, {"DBSIZE"}), ":999\r\n");
  EXPECT_EQ(store.executor().engine().database(3).EntryCount(), 1U);
  client_->Execute({"SELECT", "0"});
  client_->Execute({"SET", "after", "1"});
  EXPECT_EQ(RunIn(store, {"GET", "after"}), "$-1\r\n");
}

TEST_P(CopiedStoreTest, CopiesAreBounded) {
  client_->Execute({"SET", "small", std::string(100, 'x')});
  client_->Execute({"SET", "large", std::string(2000, 'x')});
  CopiedStore store(*reader_, 1000);
  EXPECT_EQ(RunIn(store, {"STRLEN", "small"}), ":100\r\n");
  EXPECT_NE(RunIn(store, {"STRLEN", "large"}).find("too large to be copied"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Workers, CopiedStoreTest, ::testing::Values(false, true));

}  // namespace
}  // namespace kvick
