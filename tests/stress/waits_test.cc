// Commands that wait, among everything that makes keys ready: tokens are neither lost nor doubled, and when all is
// still nobody waits for what is there (no wake-up was lost).
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "resp/reply_decoder.h"
#include "stress/stress_store.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

constexpr int kTokens = 12;  // fewer than there are clients who want one
constexpr size_t kWaitersPerThread = 6;
constexpr int kThreadsMax = 8;

// How the tokens lie in a reply.
enum class ReplyForm { kKeyAndElement, kKeyAndElements, kKeyMemberScore, kKeyAndPairs, kMoved };

// One client that waits now and then.
struct Waiter {
  std::unique_ptr<LocalClient> client;
  std::vector<std::string> request;
  ReplyForm form = ReplyForm::kMoved;
  std::vector<std::string> waited_keys;
  std::string awaited_type;
};

Value Decode(const std::string& bytes) {
  ReplyDecoder decoder;
  decoder.Feed(bytes);
  Result<std::optional<Value>> reply = decoder.Next();
  EXPECT_TRUE(reply.ok() && reply->has_value()) << bytes;
  return reply.ok() && reply->has_value() ? **reply : Value();
}

class WaitsTest : public ::testing::TestWithParam<int> {
 protected:
  // What one thread does.
  class Actor {
   public:
    Actor(WaitsTest& test, uint64_t seed, int thread) : test_(test), client_(test.store_, seed, thread) {
      temporary_ = "temporary:" + std::to_string(thread);
      waiters_.resize(kWaitersPerThread);
      for (size_t i = 0; i < waiters_.size(); ++i) Connect(i);
    }

    void Act() {
      switch (client_.Below(16)) {
        case 0:
        case 1:
        case 2: Wait(); break;
        case 3:
        case 8:
        case 9:
        case 10:
        case 11: Collect(); break;
        case 4: Poll(); break;
        case 5: Unblock(); break;
        case 6: Leave(); break;
        case 7: client_.Chance(8) ? void(client_.Call({"SWAPDB", "0", "1"})) : client_.Disturb(); break;
        default: PutBack();
      }
    }

    void Poll() {
      for (Waiter& waiter : waiters_) {
        if (!waiter.client->session().is_waiting()) continue;
        waiter.client->EndOverdueWaits();
        if (const std::optional<std::string> reply = waiter.client->TakeDelivered()) {
          const Value value = Decode(*reply);
          if (!value.IsNull()) ++served_count;
          Take(waiter, value);
        }
      }
    }

    std::vector<std::string> held;
    uint64_t served_count = 0;  // waits that ended with what they waited for
    std::vector<Waiter>& waiters() { return waiters_; }

   private:
    const std::string& ListKey() { return client_.Pick(test_.lists_); }
    const std::string& SortedSetKey() { return client_.Pick(test_.sorted_sets_); }

    void Connect(size_t index) {
      waiters_[index].client = std::make_unique<LocalClient>(test_.store_.engine());
      test_.session_ids_[static_cast<size_t>(client_.thread()) * kWaitersPerThread + index].store(
          waiters_[index].client->session().id);
    }

    // Sends a command that waits if there is nothing, from a client that does not wait yet.
    void Wait() {
      Waiter& waiter = waiters_[client_.Below(waiters_.size())];
      if (waiter.client->session().is_waiting()) return;
      const std::string timeout = client_.Chance(3) ? "0.01" : "0";
      const std::string where = client_.Chance(2) ? "LEFT" : "RIGHT";
      const bool is_sorted = client_.Chance(3);
      waiter.waited_keys = is_sorted ? std::vector{SortedSetKey(), SortedSetKey()} : std::vector{ListKey(), ListKey()};
      waiter.awaited_type = is_sorted ? "zset" : "list";
      const std::string& first = waiter.waited_keys[0];
      const std::string& second = waiter.waited_keys[1];
      const bool takes_many = client_.Chance(3);
      if (is_sorted && takes_many) {
        waiter.form = ReplyForm::kKeyAndPairs;
        waiter.request = {"BZMPOP", timeout, "2", first, second, client_.Chance(2) ? "MIN" : "MAX", "COUNT", "2"};
      } else if (is_sorted) {
        waiter.form = ReplyForm::kKeyMemberScore;
        waiter.request = {client_.Chance(2) ? "BZPOPMIN" : "BZPOPMAX", first, second, timeout};
      } else if (takes_many) {
        waiter.form = ReplyForm::kKeyAndElements;
        waiter.request = {"BLMPOP", timeout, "2", first, second, where, "COUNT", "3"};
      } else if (client_.Chance(2)) {
        waiter.form = ReplyForm::kKeyAndElement;
        waiter.request = {client_.Chance(2) ? "BLPOP" : "BRPOP", first, second, timeout};
      } else {
        waiter.form = ReplyForm::kMoved;
        waiter.request = client_.Chance(4) ? std::vector<std::string>{"BRPOPLPUSH", first, second, timeout}
                                           : std::vector<std::string>{"BLMOVE", first, second, where, "LEFT", timeout};
        waiter.waited_keys = {first};
      }
      const std::vector<std::string_view> views(waiter.request.begin(), waiter.request.end());
      const std::string reply = waiter.client->Execute(views);
      if (!waiter.client->session().is_waiting()) Take(waiter, Decode(reply));
    }

    // The tokens of a reply are this thread's. Null: the time was up; an error: a key of another type.
    void Take(const Waiter& waiter, const Value& reply) {
      if (reply.IsNull() || reply.IsError() || waiter.form == ReplyForm::kMoved) return;
      const Value& second = reply.elements[1];
      switch (waiter.form) {
        case ReplyForm::kKeyAndElement:
        case ReplyForm::kKeyMemberScore: held.push_back(second.text); break;
        case ReplyForm::kKeyAndElements:
          for (const Value& element : second.elements) held.push_back(element.text);
          break;
        case ReplyForm::kKeyAndPairs:
          for (const Value& pair : second.elements) held.push_back(pair.elements[0].text);
          break;
        case ReplyForm::kMoved: break;
      }
    }

    void Unblock() {
      const uint64_t id = test_.session_ids_[client_.Below(test_.waiter_count())].load();
      if (id != 0) client_.Call({"CLIENT", "UNBLOCK", std::to_string(id)});
    }

    // A client that waits goes. Only one that moves: a reply on its way would take its token along.
    void Leave() {
      const size_t index = client_.Below(waiters_.size());
      if (!waiters_[index].client->session().is_waiting() || waiters_[index].form != ReplyForm::kMoved) return;
      Connect(index);
    }

    // Runs `change` as a transaction if the key does not exist and nobody interferes.
    void InPlaceOfNothing(const std::string& key, const std::vector<std::vector<std::string>>& change) {
      client_.Call({"WATCH", key, temporary_});
      if (client_.Call({"EXISTS", key}).integer != 0) {
        client_.Call({"UNWATCH"});
        return;
      }
      client_.Call({"MULTI"});
      for (const std::vector<std::string>& words : change) client_.Call(words);
      client_.Call({"EXEC"});
    }

    // Takes a token without waiting, also from where nobody waits: so they stay on the move.
    void Collect() {
      const bool is_elsewhere = client_.Chance(2);
      if (is_elsewhere) client_.Call({"SELECT", "1"});
      const std::string key = client_.Chance(3)   ? "temporary:" + std::to_string(client_.Below(kThreadsMax))
                              : client_.Chance(2) ? ListKey()
                                                  : SortedSetKey();
      const Value popped = client_.Call({"LPOP", key});
      if (popped.IsError()) {
        const Value pair = client_.Call({"ZPOPMIN", key});
        if (!pair.IsError() && !pair.elements.empty()) held.push_back(pair.elements[0].text);
      } else if (!popped.IsNull()) {
        held.push_back(popped.text);
      }
      if (is_elsewhere) client_.Call({"SELECT", "0"});
    }

    // Makes keys ready in each of the ways there are. What does not succeed stays where it is, or in our hands.
    void PutBack() {
      if (held.empty()) return;
      const std::string token = held.back();
      const std::string& key = ListKey();
      const auto is_stored = [&](const Value& reply) {
        if (!reply.IsError()) held.pop_back();
      };
      const uint64_t way = client_.Below(9);
      if (way >= 5) {  // by way of a key of our own
        const Value pushed = client_.Call({"RPUSH", temporary_, token});
        if (pushed.IsError()) return;
        held.pop_back();
      }
      switch (way) {
        case 0: is_stored(client_.Call({client_.Chance(2) ? "RPUSH" : "LPUSH", key, token})); break;
        case 1: is_stored(client_.Call({"ZADD", SortedSetKey(), std::to_string(client_.Below(5)), token})); break;
        case 2: {  // two keys at once; of which one may be of another type
          client_.Call({"MULTI"});
          client_.Call({"RPUSH", key, token});
          client_.Call({"LMOVE", ListKey(), ListKey(), "LEFT", "RIGHT"});
          const Value done = client_.Call({"EXEC"});
          is_stored(done.elements[0]);
          break;
        }
        case 3: {  // what comes and goes within a transaction is nobody else's
          client_.Call({"MULTI"});
          client_.Call({"RPUSH", key, token});
          client_.Call({"LPOP", key});
          const Value done = client_.Call({"EXEC"});
          is_stored(done.elements[0]);
          if (!done.elements[1].IsNull() && !done.elements[1].IsError()) held.push_back(done.elements[1].text);
          break;
        }
        case 4: {  // from another database
          client_.Call({"SELECT", "1"});
          is_stored(client_.Call({"RPUSH", key, token}));
          client_.Call({"MOVE", key, "0"});
          client_.Call({"SELECT", "0"});
          break;
        }
        case 5: client_.Call({"RENAMENX", temporary_, key}); break;
        case 6: InPlaceOfNothing(key, {{"COPY", temporary_, key}, {"DEL", temporary_}}); break;
        case 7: InPlaceOfNothing(key, {{"SORT", temporary_, "BY", "nosort", "STORE", key}, {"DEL", temporary_}}); break;
        default:  // a type after another
          InPlaceOfNothing(key, {{"SET", key, "no list"},
                                 {"DEL", key},
                                 {"ZADD", key, "1", "passing"},
                                 {"DEL", key},
                                 {"RENAME", temporary_, key}});
      }
    }

    WaitsTest& test_;
    StressClient client_;
    std::string temporary_;
    std::vector<Waiter> waiters_;
  };

  // How often each token lies in a list or a sorted set.
  static std::map<std::string, int> StoredTokens(StressClient& client) {
    std::map<std::string, int> seen;
    for (const char* database : {"1", "0"}) {
      client.Call({"SELECT", database});
      for (const Value& key : client.Call({"KEYS", "*"}).elements) {
        const std::string type = client.Call({"TYPE", key.text}).text;
        const char* read = type == "list" ? "LRANGE" : type == "zset" ? "ZRANGE" : nullptr;
        if (read == nullptr) continue;
        for (const Value& token : client.Call({read, key.text, "0", "-1"}).elements) ++seen[token.text];
      }
    }
    return seen;
  }

  static void ExpectNobodyWaitsForWhatIsThere(StressClient& client, Actor& actor) {
    for (const Waiter& waiter : actor.waiters()) {
      if (!waiter.client->session().is_waiting()) continue;
      for (const std::string& key : waiter.waited_keys) {
        EXPECT_NE(client.Call({"TYPE", key}).text, waiter.awaited_type)
            << waiter.request[0] << " still waits for " << key;
      }
    }
  }

  size_t waiter_count() const { return static_cast<size_t>(GetParam()) * kWaitersPerThread; }

  StressStore store_;
  // Some on one stripe, so that a move needs one lock, or two. "mixed" keys hold either type.
  std::vector<std::string> mixed_ = KeysAnywhere("mixed:", 2);
  std::vector<std::string> lists_ = Joined(Joined(KeysOnOneStripe("list:", 2), KeysAnywhere("list:far:", 3)), mixed_);
  std::vector<std::string> sorted_sets_ = Joined(KeysAnywhere("zset:", 2), mixed_);
  std::array<std::atomic<uint64_t>, kThreadsMax * kWaitersPerThread> session_ids_{};
};

// Every few commands all threads stop: what one wake-up too few leaves waiting, the next change of its key would hide.
TEST_P(WaitsTest, NothingIsLostOrDoubledAndNobodyWaitsForWhatIsThere) {
  constexpr int kActsPerRound = 25;
  const uint64_t seed = Seed();
  const auto thread_count = static_cast<size_t>(GetParam());
  StressClient client(store_, seed, -1);
  for (int i = 0; i < kTokens; ++i) client.Call({"RPUSH", client.Pick(lists_), "token:" + std::to_string(i)});
  {
    std::vector<std::unique_ptr<Actor>> actors;
    for (size_t i = 0; i < thread_count; ++i) {
      actors.push_back(std::make_unique<Actor>(*this, seed, static_cast<int>(i)));
    }
    const Deadline deadline;
    uint64_t round = 0;
    do {
      RunThreads(GetParam(), [&](int thread) {
        for (int i = 0; i < kActsPerRound; ++i) actors[static_cast<size_t>(thread)]->Act();
      });
      std::map<std::string, int> seen = StoredTokens(client);
      for (const auto& actor : actors) {
        actor->Poll();
        ExpectNobodyWaitsForWhatIsThere(client, *actor);
        for (const std::string& token : actor->held) ++seen[token];
      }
      for (int i = 0; i < kTokens; ++i) ASSERT_EQ(seen["token:" + std::to_string(i)], 1) << i << ", round " << round;
      ASSERT_EQ(seen.size(), static_cast<size_t>(kTokens));
      ++round;
    } while (!deadline.HasPassed() && !HasFailure());
    uint64_t served_count = 0;
    for (const auto& actor : actors) served_count += actor->served_count;
    EXPECT_GT(served_count, round / 10);
  }
  EXPECT_EQ(store_.engine().blocked_client_count.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, WaitsTest, ::testing::Values(1, 2, 4, 8), ::testing::PrintToStringParamName());

}  // namespace
}  // namespace kvick::test
