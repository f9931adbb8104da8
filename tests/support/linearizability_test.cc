#include "support/linearizability.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "base/random.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

// Operations with their moments, written by hand.
class LinearizabilityTest : public ::testing::Test {
 protected:
  void Add(int client, uint64_t called_at, uint64_t returned_at, Request request, std::string reply) {
    history_.push_back({client, std::move(request), std::move(reply), called_at, returned_at});
  }
  // An operation whose client never heard back.
  void AddPending(int client, uint64_t called_at, Request request) {
    history_.push_back({client, std::move(request), std::nullopt, called_at});
  }
  bool IsLinearizable(const Model::State& start = {}) {
    verdict_ = CheckLinearizable(history_, StringCommandsModel(), start);
    return verdict_.is_linearizable;
  }

  std::vector<Operation> history_;
  Verdict verdict_;
};

TEST_F(LinearizabilityTest, AcceptsWhatHappenedOneAfterTheOther) {
  Add(0, 0, 1, {"SET", "a", "1"}, "+OK\r\n");
  Add(1, 2, 3, {"GET", "a"}, "$1\r\n1\r\n");
  Add(0, 4, 5, {"INCR", "a"}, ":2\r\n");
  Add(1, 6, 7, {"DEL", "a"}, ":1\r\n");
  Add(0, 8, 9, {"GET", "a"}, "$-1\r\n");
  EXPECT_TRUE(IsLinearizable()) << verdict_.explanation;
}

TEST_F(LinearizabilityTest, AcceptsEitherOrderOfWhatOverlaps) {
  Add(0, 0, 9, {"SET", "a", "1"}, "+OK\r\n");
  Add(1, 1, 2, {"GET", "a"}, "$-1\r\n");
  Add(1, 3, 4, {"GET", "a"}, "$1\r\n1\r\n");
  EXPECT_TRUE(IsLinearizable()) << verdict_.explanation;
}

TEST_F(LinearizabilityTest, RejectsAReadOfWhatWasOverwrittenBefore) {
  Add(0, 0, 1, {"SET", "a", "1"}, "+OK\r\n");
  Add(0, 2, 3, {"SET", "a", "2"}, "+OK\r\n");
  Add(1, 4, 5, {"GET", "a"}, "$1\r\n1\r\n");
  EXPECT_FALSE(IsLinearizable());
  EXPECT_NE(verdict_.explanation.find("should have been"), std::string::npos) << verdict_.explanation;
}

TEST_F(LinearizabilityTest, RejectsANewValueThatGoesBack) {
  // While the write goes on either value may be read, but not the old one after the new one.
  Add(0, 0, 9, {"SET", "a", "2"}, "+OK\r\n");
  Add(1, 1, 2, {"GET", "a"}, "$1\r\n2\r\n");
  Add(2, 3, 4, {"GET", "a"}, "$1\r\n1\r\n");
  EXPECT_FALSE(IsLinearizable({{"a", "1"}}));
}

TEST_F(LinearizabilityTest, RejectsALostIncrement) {
  Add(0, 0, 3, {"INCR", "a"}, ":1\r\n");
  Add(1, 1, 2, {"INCR", "a"}, ":1\r\n");
  EXPECT_FALSE(IsLinearizable());
}

TEST_F(LinearizabilityTest, RejectsTwoWinners) {
  Add(0, 0, 3, {"SETNX", "a", "0"}, ":1\r\n");
  Add(1, 1, 2, {"SETNX", "a", "1"}, ":1\r\n");
  EXPECT_FALSE(IsLinearizable());
}

TEST_F(LinearizabilityTest, RejectsAMixOfTwoWritesOfManyKeys) {
  Add(0, 0, 9, {"MSET", "a", "1", "b", "1"}, "+OK\r\n");
  Add(1, 1, 8, {"MSET", "a", "2", "b", "2"}, "+OK\r\n");
  Add(2, 2, 7, {"MGET", "a", "b"}, "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_FALSE(IsLinearizable());
  history_.back().reply = "*2\r\n$1\r\n2\r\n$1\r\n2\r\n";
  EXPECT_TRUE(IsLinearizable()) << verdict_.explanation;
}

TEST_F(LinearizabilityTest, RejectsOrdersThatOnlyTogetherAreImpossible) {
  // Each key alone is fine; the two clients disagree on which of two writes came first.
  Add(0, 0, 20, {"SET", "a", "1"}, "+OK\r\n");
  Add(1, 1, 21, {"SET", "b", "1"}, "+OK\r\n");
  Add(2, 2, 5, {"MGET", "a", "b"}, "*2\r\n$1\r\n1\r\n$-1\r\n");
  Add(3, 3, 6, {"MGET", "a", "b"}, "*2\r\n$-1\r\n$1\r\n1\r\n");
  EXPECT_FALSE(IsLinearizable());
}

TEST_F(LinearizabilityTest, RejectsAKeyInTwoPlacesDuringARename) {
  Add(0, 0, 9, {"RENAME", "a", "b"}, "+OK\r\n");
  Add(1, 1, 2, {"GET", "b"}, "$1\r\nx\r\n");
  Add(1, 3, 4, {"GET", "a"}, "$1\r\nx\r\n");
  EXPECT_FALSE(IsLinearizable({{"a", "x"}}));
}

TEST_F(LinearizabilityTest, RejectsAKeyInNeitherPlaceDuringARename) {
  Add(0, 0, 9, {"RENAME", "a", "b"}, "+OK\r\n");
  Add(1, 1, 2, {"EXISTS", "a", "b"}, ":0\r\n");
  EXPECT_FALSE(IsLinearizable({{"a", "x"}}));
}

TEST_F(LinearizabilityTest, WhatNeverReturnedMayHaveHappenedOrNot) {
  AddPending(0, 0, {"SET", "a", "1"});
  Add(1, 1, 2, {"GET", "a"}, "$-1\r\n");
  EXPECT_TRUE(IsLinearizable()) << verdict_.explanation;
  Add(1, 3, 4, {"GET", "a"}, "$1\r\n1\r\n");
  EXPECT_TRUE(IsLinearizable()) << verdict_.explanation;
  Add(1, 5, 6, {"GET", "a"}, "$-1\r\n");
  EXPECT_FALSE(IsLinearizable());
}

TEST_F(LinearizabilityTest, WhatEmptiesEverythingConcernsEveryKey) {
  Add(0, 0, 1, {"SET", "a", "1"}, "+OK\r\n");
  Add(1, 2, 3, {"FLUSHALL"}, "+OK\r\n");
  Add(2, 4, 5, {"GET", "a"}, "$1\r\n1\r\n");
  EXPECT_FALSE(IsLinearizable());
}

TEST_F(LinearizabilityTest, ReachesItsVerdictWhenMuchOverlaps) {
  // Ten operations at once, fifteen times over; without the memory this would not end.
  uint64_t now = 0;
  for (int round = 0; round < 15; ++round) {
    for (int client = 0; client < 10; ++client) {
      Add(client, now + static_cast<uint64_t>(client), now + 20, {"INCR", "a"},
          ":" + std::to_string(round * 10 + client + 1) + "\r\n");
    }
    now += 30;
  }
  EXPECT_TRUE(IsLinearizable()) << verdict_.explanation;
  history_.back().reply = history_.front().reply;
  EXPECT_FALSE(IsLinearizable());
}

// A register whose increments are three steps that others may come between, or one step.
TEST(HistoryRecorderTest, WritesDownWhatThreadsSee) {
  for (const bool is_atomic : {true, false}) {
    bool is_linearizable = true;
    for (int round = 0; round < 200 && is_linearizable; ++round) {
      HistoryRecorder recorder(4);
      std::atomic<int> value{0};
      RunThreads(4, [&](int client) {
        for (int i = 0; i < 4; ++i) {
          recorder.Record(client, {"INCR", "a"}, [&] {
            int sum = 0;
            if (is_atomic) {
              sum = value.fetch_add(1) + 1;
            } else {
              sum = value.load() + 1;
              std::this_thread::yield();
              value.store(sum);
            }
            return ":" + std::to_string(sum) + "\r\n";
          });
        }
      });
      is_linearizable = CheckLinearizable(recorder.Take(), StringCommandsModel()).is_linearizable;
    }
    EXPECT_EQ(is_linearizable, is_atomic);
  }
}

}  // namespace
}  // namespace kvick::test
