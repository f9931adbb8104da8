// Two workers with real sockets in this process: clients that come, go, are killed and looked at while others work.
#include "serving/worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "resp/reply_decoder.h"
#include "resp/request_encoder.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick {
namespace {

// As CLIENT KILL ID; answers how many were found.
Status Kill(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t id, context.IntegerArg(1));
  int64_t count = 0;
  context.engine().ForEachExecutor([&](Executor& executor) {
    for (Session* session : executor.sessions()) {
      if (session->id != static_cast<uint64_t>(id) || session->closing) continue;
      session->transport->RequestClose();
      ++count;
    }
  });
  context.Reply().Integer(count);
  return Status::Ok();
}

// As CLIENT LIST: reads everything that sessions and connections know of themselves.
Status Look(CommandContext& context) {
  int64_t sum = 0;
  context.engine().ForEachExecutor([&](Executor& executor) {
    for (const Session* session : executor.sessions()) {
      const SessionTransport::Usage usage = session->transport->MeasureUsage();
      sum += static_cast<int64_t>(usage.total_memory_bytes + usage.query_bytes + usage.input_bytes +
                                  session->command_count + session->name.size());
    }
  });
  context.Reply().Integer(sum);
  return Status::Ok();
}

Status Id(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(context.session().id));
  return Status::Ok();
}

// STAY n: keeps its worker until n of them may leave.
struct Stay {
  std::atomic<int> entered{0};
  std::atomic<int> may_leave{0};
} stay;

Status StayHere(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t number, context.IntegerArg(1));
  ++stay.entered;
  while (stay.may_leave < number) std::this_thread::yield();
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {.name = "KILL", .syntax = "id", .flags = kExclusive, .handler = Kill},
    {.name = "LOOK", .flags = kExclusive, .handler = Look},
    {.name = "ID", .handler = Id},
    {.name = "STAY", .syntax = "n", .complexity = "O(N)", .handler = StayHere},
};

// The client's end of a connection.
class Peer {
 public:
  explicit Peer(int fd) : socket_(fd) {
    const timeval limit{30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }

  // False when the other side has closed.
  bool Send(const std::vector<std::string>& words) { return SendBytes(EncodeRequest(words)); }
  bool SendBytes(const std::string& bytes) {
    return send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // None at the end of the connection.
  std::optional<Value> Receive() {
    while (true) {
      Result<std::optional<Value>> reply = decoder_.Next();
      EXPECT_TRUE(reply.ok());
      if (!reply.ok()) return std::nullopt;
      if (*reply) return **reply;
      char buffer[4096];
      const ssize_t got = recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (got < 0 && errno == ECONNRESET) return std::nullopt;
      EXPECT_GE(got, 0) << "no reply within half a minute";
      if (got <= 0) return std::nullopt;
      decoder_.Feed({buffer, static_cast<size_t>(got)});
    }
  }
  // Not waited for: call it when the reply would have come long ago.
  bool HasReply() {
    char byte;
    return recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }
  std::optional<Value> Call(const std::vector<std::string>& words) {
    if (!Send(words)) return std::nullopt;
    return Receive();
  }

 private:
  FileDescriptor socket_;
  ReplyDecoder decoder_;
};

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() : engine_(&settings_, SystemClock::Instance()) {
    test::AddConcurrencyCommands(engine_);
    engine_.commands().Add(kCommands);
    engine_.set_concurrent(true);
    for (int i = 0; i < 2; ++i) workers_.push_back(std::make_unique<Worker>(engine_, i, 2));
    for (const auto& worker : workers_) EXPECT_TRUE(worker->Start().ok());
  }
  ~WorkerTest() override { Stop(); }

  void Stop() {
    for (const auto& worker : workers_) worker->RequestStop();
    for (const auto& worker : workers_) worker->Join();
  }

  std::unique_ptr<Peer> Connect(size_t worker) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    engine_.client_count.fetch_add(1);
    workers_[worker]->Adopt(FileDescriptor(ends[0]), true);
    return std::make_unique<Peer>(ends[1]);
  }

  Settings settings_;
  Engine engine_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

TEST_F(WorkerTest, RepliesToWritesWaitUntilTheyAreReleasedAndReadersDoNot) {
  std::unique_ptr<CommandLog::Reader> reader;
  engine_.gate().RunExclusive([&] {
    reader = engine_.log().Attach();
    engine_.release_gate().Release(engine_.log().end_position());
  });
  const auto writer = Connect(0);
  const auto other = Connect(0);
  ASSERT_TRUE(writer->Send({"PUT", "a", "1"}));
  while (engine_.log().end_position() == 0) std::this_thread::yield();
  // What somebody else reads is answered, also in the same worker; what comes behind the write is not.
  ASSERT_TRUE(writer->Send({"READ", "a"}));
  EXPECT_EQ(other->Call({"READ", "a"})->elements[0].text, "1");
  EXPECT_EQ(other->Call({"READ", "a"})->elements[0].text, "1");
  EXPECT_FALSE(writer->HasReply());
  // Read only now: within an append, the SELECT in front of a command is an end, too.
  const uint64_t first = engine_.log().end_position();
  ASSERT_TRUE(writer->Send({"PUT", "a", "2"}));
  while (engine_.log().end_position() == first) std::this_thread::yield();
  EXPECT_EQ(other->Call({"READ", "a"})->elements[0].text, "2");
  engine_.release_gate().Release(first);
  EXPECT_EQ(writer->Receive()->text, "OK");
  EXPECT_EQ(writer->Receive()->elements[0].text, "1");
  EXPECT_FALSE(writer->HasReply());
  engine_.release_gate().Release(engine_.log().end_position());
  EXPECT_EQ(writer->Receive()->text, "OK");
  engine_.release_gate().Release(ReleaseGate::kEverything);
  EXPECT_EQ(writer->Call({"PUT", "a", "3"})->text, "OK");
  engine_.gate().RunExclusive([&] { reader.reset(); });
}

TEST_F(WorkerTest, ClientsOfBothWorkersShareTheData) {
  const auto a = Connect(0);
  const auto b = Connect(1);
  EXPECT_EQ(a->Call({"ADD", "x", "1"})->integer, 1);
  EXPECT_EQ(b->Call({"ADD", "x", "1"})->integer, 2);
}

TEST_F(WorkerTest, NobodyWaitsForAnothersLongCommandInTheSameTurn) {
  stay.entered = stay.may_leave = 0;
  const auto first = Connect(0);
  const auto brief = Connect(0);
  const auto later = Connect(0);
  EXPECT_EQ(brief->Call({"ADD", "x", "1"})->integer, 1);
  EXPECT_EQ(later->Call({"ADD", "x", "1"})->integer, 2);
  // What comes while the worker is kept is served together.
  ASSERT_TRUE(first->Send({"STAY", "1"}));
  while (stay.entered < 1) std::this_thread::yield();
  ASSERT_TRUE(brief->Send({"ADD", "x", "1"}));
  ASSERT_TRUE(later->Send({"STAY", "2"}));
  stay.may_leave = 1;
  EXPECT_EQ(first->Receive()->text, "OK");
  EXPECT_EQ(brief->Receive()->integer, 3);
  EXPECT_FALSE(later->HasReply());
  stay.may_leave = 2;
  EXPECT_EQ(later->Receive()->text, "OK");
}

TEST_F(WorkerTest, ClientsOfOneWorkerAreAnsweredWhatTheyAsked) {
  constexpr size_t kClients = 80;  // more than are served together
  constexpr int kRounds = 50;
  std::vector<std::unique_ptr<Peer>> peers;
  for (size_t i = 0; i < kClients; ++i) peers.push_back(Connect(0));
  for (int round = 0; round < kRounds; ++round) {
    const int commands = round % 20 + 1;  // up to more than fit in a group
    for (size_t i = 0; i < kClients; ++i) {
      for (int n = 0; n < commands; ++n) ASSERT_TRUE(peers[i]->Send({"ADD", "x" + std::to_string(i), "1"}));
    }
    for (size_t i = 0; i < kClients; ++i) {
      for (int n = 0; n < commands; ++n) {
        EXPECT_EQ(peers[i]->Receive()->integer, round / 20 * 210 + (round % 20) * (round % 20 + 1) / 2 + n + 1);
      }
    }
  }
}

// What is larger than a group's part of the buffer is read at once the next time, not again and again in two pieces.
TEST_F(WorkerTest, AClientWithALongPipelineIsReadOnceForEachBatch) {
  constexpr int kCommands = 160;
  constexpr int kBatches = 20;
  std::string batch;
  for (int i = 0; i < kCommands; ++i) batch += EncodeRequest({"ADD", "x", "1"});
  ASSERT_GT(batch.size(), 4096u);
  ASSERT_LT(batch.size(), 4096u + 512);
  const auto peer = Connect(0);
  for (int i = 0; i < kBatches; ++i) {
    ASSERT_TRUE(peer->SendBytes(batch));
    for (int n = 1; n <= kCommands; ++n) EXPECT_EQ(peer->Receive()->integer, i * kCommands + n);
  }
  EXPECT_LE(workers_[0]->executor().stats().read_count.Load(), kBatches + 2u);
}

TEST_F(WorkerTest, StopsWhileClientsWork) {
  std::atomic<int> served{0};
  std::atomic<int> lost{0};
  test::RunThreads(5, [&](int thread) {
    if (thread == 4) {
      // Who comes too late is another test's matter.
      while (served.load() < 4) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return Stop();
    }
    const auto peer = Connect(static_cast<size_t>(thread) % 2);
    EXPECT_TRUE(peer->Call({"ADD", "x", "1"}));
    ++served;
    while (peer->Call({"ADD", "x", "1"})) {
    }
    ++lost;
  });
  EXPECT_EQ(lost.load(), 4);
  EXPECT_EQ(engine_.client_count.load(), 0);
}

TEST_F(WorkerTest, AClientHandedOverTooLateIsClosed) {
  Stop();
  const auto late = Connect(0);
  workers_.clear();
  EXPECT_FALSE(late->Receive());
  EXPECT_EQ(engine_.client_count.load(), 0);
}

TEST_F(WorkerTest, AKilledClientsCommandsEndWithTheKill) {
  for (int round = 0; round < 20; ++round) {
    const auto victim = Connect(0);
    const auto killer = Connect(1);
    const std::string id = std::to_string(victim->Call({"ID"})->integer);
    std::atomic<bool> killed{false};
    int64_t at_kill = 0;
    test::RunThreads(2, [&](int thread) {
      if (thread == 0) {
        // Deep pipelines, so that the kill falls into the middle of a batch.
        bool open = true;
        while (open) {
          for (int i = 0; i < 50 && open; ++i) open = victim->Send({"ADD", "x", "1"});
          for (int i = 0; i < 50 && open; ++i) open = victim->Receive().has_value();
        }
        EXPECT_TRUE(killed.load() || open == false);
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      killed = true;
      EXPECT_EQ(killer->Call({"KILL", id})->integer, 1);
      at_kill = killer->Call({"ADD", "x", "0"})->integer;
    });
    EXPECT_EQ(killer->Call({"ADD", "x", "0"})->integer, at_kill);
  }
}

TEST_F(WorkerTest, ClientsMayBeLookedAtWhateverTheyDo) {
  const std::string big(60'000, 'v');
  {
    const auto peer = Connect(0);
    peer->Call({"PUT", "big", big});
  }
  const uint64_t seed = test::Seed();
  const test::Deadline deadline;
  test::RunThreads(4, [&](int thread) {
    Random random(seed + static_cast<uint64_t>(thread));
    while (!deadline.HasPassed()) {
      const auto peer = Connect(random.Below(2));
      for (uint64_t i = random.Below(10); i > 0; --i) {
        switch (random.Below(4)) {
          case 0: EXPECT_GT(peer->Call({"LOOK"})->integer, 0); break;
          case 1:
            // Replies pile up that nobody reads for a while.
            for (int j = 0; j < 3; ++j) peer->Send({"READ", "big", "big"});
            std::this_thread::yield();
            for (int j = 0; j < 3; ++j) EXPECT_EQ(peer->Receive()->elements.size(), 2u);
            break;
          case 2: peer->Call({"PUT", "other", big}); break;
          default: peer->Call({"ADD", "x", "1"});
        }
      }
      if (random.Below(2) == 0) peer->Send({"READ", "big"});  // and leaves without the reply
    }
  });
}

}  // namespace
}  // namespace kvick
