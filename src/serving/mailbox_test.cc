#include "serving/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "support/threads.h"

namespace kvick {
namespace {

bool IsReadable(const Mailbox& mailbox, int timeout_ms) {
  pollfd waiting{mailbox.fd(), POLLIN, 0};
  return poll(&waiting, 1, timeout_ms) == 1;
}

size_t RunAll(Mailbox& mailbox) {
  return mailbox.RunAll([](Mailbox::Push&) { ADD_FAILURE() << "nobody pushed"; });
}

TEST(MailboxTest, IsReadableWhileThereIsMail) {
  Mailbox mailbox;
  EXPECT_FALSE(IsReadable(mailbox, 0));
  int ran = 0;
  mailbox.Post([&] { ran = ran * 10 + 1; });
  mailbox.Post([&] { ran = ran * 10 + 2; });
  EXPECT_TRUE(IsReadable(mailbox, 0));
  RunAll(mailbox);
  EXPECT_EQ(ran, 12);
  EXPECT_FALSE(IsReadable(mailbox, 0));
}

TEST(MailboxTest, AMessageMayPostAnother) {
  Mailbox mailbox;
  int ran = 0;
  mailbox.Post([&] { mailbox.Post([&] { ++ran; }); });
  RunAll(mailbox);
  EXPECT_EQ(ran, 0) << "not in the same turn, which would never end";
  EXPECT_TRUE(IsReadable(mailbox, 0));
  RunAll(mailbox);
  EXPECT_EQ(ran, 1);
}

TEST(MailboxTest, PushesComeInTheirTurn) {
  Mailbox mailbox;
  std::vector<int> order;
  mailbox.Post([&] { order.push_back(1); });
  mailbox.Post(Mailbox::Push{nullptr, {PushTarget{2, 0, 0}}});
  mailbox.Post([&] { order.push_back(3); });
  EXPECT_EQ(mailbox.RunAll([&](Mailbox::Push& push) { order.push_back(static_cast<int>(push.targets[0].session_id)); }),
            3U);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(MailboxTest, IsCrowdedUntilManyPushesAreRun) {
  Mailbox mailbox;
  const auto message = std::make_shared<const PushMessage>(PushMessage::Kind::kChannel, "c", std::string(1000, '*'));
  int posted = 0;
  while (!mailbox.is_crowded() && posted < 100'000) {
    mailbox.Post(Mailbox::Push{message, std::vector<PushTarget>(1000)});
    ++posted;
  }
  EXPECT_GT(posted, 100);
  EXPECT_LT(posted, 2000);
  int delivered = 0;
  mailbox.RunAll([&](Mailbox::Push& push) {
    push.message.reset();  // as a worker does that keeps it
    ++delivered;
  });
  EXPECT_EQ(delivered, posted);
  EXPECT_FALSE(mailbox.is_crowded());
  mailbox.Post([] {});
  EXPECT_FALSE(mailbox.is_crowded());
}

TEST(MailboxTest, RunAllWithoutMailDoesNothing) {
  Mailbox mailbox;
  RunAll(mailbox);
  EXPECT_FALSE(IsReadable(mailbox, 0));
}

// The consumer sleeps whenever it has run what there was: a lost wake-up leaves it asleep with mail in the box.
TEST(MailboxConcurrencyTest, EveryMessageWakesTheConsumerOrIsSeenByIt) {
  Mailbox mailbox;
  constexpr int kProducers = 3;
  constexpr int kMessages = 3000;
  int ran = 0;  // the consumer's alone
  std::vector<int> latest(kProducers, -1);
  bool slept_too_long = false;
  test::RunThreads(kProducers + 1, [&](int thread) {
    if (thread < kProducers) {
      for (int i = 0; i < kMessages; ++i) {
        mailbox.Post([&, thread, i] {
          ++ran;
          EXPECT_EQ(latest[static_cast<size_t>(thread)], i - 1) << "in the order of each producer";
          latest[static_cast<size_t>(thread)] = i;
        });
      }
      return;
    }
    while (ran < kProducers * kMessages && !slept_too_long) {
      slept_too_long = !IsReadable(mailbox, 20'000);
      RunAll(mailbox);
    }
  });
  EXPECT_FALSE(slept_too_long);
  EXPECT_EQ(ran, kProducers * kMessages);
}

}  // namespace
}  // namespace kvick
