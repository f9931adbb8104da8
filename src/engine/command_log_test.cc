#include "engine/command_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/threads.h"

namespace kvick {
namespace {

void Append(CommandLog& log, int database_index, const std::vector<std::string_view>& arguments) {
  log.Append(database_index, arguments);
}

std::string Encoded(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

std::string ReadAll(CommandLog::Reader& reader) {
  std::string text;
  reader.Read(&text);
  return text;
}

std::string TextOf(const CommandLog::Batch& batch) {
  std::string text;
  for (const CommandLog::Piece& piece : batch.pieces) text += piece.bytes;
  return text;
}

TEST(CommandLogTest, SharesWhatIsTakenAndLeavesItAsItIs) {
  CommandLog log;
  const auto reader = log.Attach();
  Append(log, 0, {"SET", "a", "1"});
  const CommandLog::Batch first = reader->Take();
  const uint64_t end = log.Append(0, std::vector<std::string_view>{"SET", "b", "2"});
  const CommandLog::Batch second = reader->Take();
  EXPECT_EQ(TextOf(first), Encoded({"SELECT", "0"}) + Encoded({"SET", "a", "1"}));
  EXPECT_EQ(TextOf(second), Encoded({"SET", "b", "2"}));
  EXPECT_EQ(first.end_position, second.begin_position);
  EXPECT_EQ(second.end_position, end);
  EXPECT_EQ(second.size_bytes(), TextOf(second).size());
  EXPECT_TRUE(reader->Take().pieces.empty());
}

TEST(CommandLogTest, IsFilledBehindWhatReadersHaveTaken) {
  CommandLog log;
  const auto reader = log.Attach();
  Append(log, 0, {"SET", "a", "1"});
  const CommandLog::Batch first = reader->Take();
  const std::string text = TextOf(first);
  Append(log, 0, {"SET", "b", "2"});
  const CommandLog::Batch second = reader->Take();
  ASSERT_EQ(first.pieces.size(), 1u);
  ASSERT_EQ(second.pieces.size(), 1u);
  EXPECT_EQ(first.pieces[0].bytes.data() + first.pieces[0].bytes.size(), second.pieces[0].bytes.data());
  EXPECT_EQ(TextOf(first), text);
}

TEST(CommandLogTest, AReaderKeepsWhatItHasTakenWhenTheLogHasGoneOn) {
  CommandLog log;
  const auto reader = log.Attach();
  const std::string value(100'000, 'v');
  std::vector<CommandLog::Batch> taken;
  std::string expected = Encoded({"SELECT", "0"});
  for (int i = 0; i < 10; ++i) {
    const std::string key = std::to_string(i);
    Append(log, 0, {"SET", key, value});
    expected += Encoded({"SET", key, value});
    taken.push_back(reader->Take());
  }
  std::string text;
  for (const CommandLog::Batch& batch : taken) text += TextOf(batch);
  EXPECT_EQ(text, expected);
}

TEST(CommandLogTest, ACommandLargerThanAChunkIsInOnePiece) {
  CommandLog log;
  const auto reader = log.Attach();
  const std::string value(300'000, 'v');
  Append(log, 0, {"SET", "a", "1"});
  Append(log, 0, {"SET", "large", value});
  Append(log, 0, {"SET", "b", "2"});
  const CommandLog::Batch batch = reader->Take();
  EXPECT_EQ(TextOf(batch), Encoded({"SELECT", "0"}) + Encoded({"SET", "a", "1"}) + Encoded({"SET", "large", value}) +
                               Encoded({"SET", "b", "2"}));
  EXPECT_THAT(batch.pieces, testing::Contains(testing::Field(&CommandLog::Piece::bytes,
                                                             testing::StartsWith(Encoded({"SET", "large", value})))));
}

TEST(CommandLogTest, AReaderThatIsFarBehindLeavesAllOfIt) {
  CommandLog log;
  auto reader = log.Attach();
  const std::string value(60'000, 'v');
  for (int i = 0; i < 200; ++i) Append(log, 0, {"SET", "a", value});
  EXPECT_EQ(log.kept_bytes(), log.end_position());
  reader.reset();
  EXPECT_EQ(log.kept_bytes(), 0u);
}

TEST(CommandLogTest, EncodesLengthsOfAnyNumberOfDigits) {
  CommandLog log;
  const auto reader = log.Attach();
  std::string expected = Encoded({"SELECT", "0"});
  for (const size_t size : {0u, 1u, 9u, 10u, 11u, 99u, 100u, 101u, 999u, 1000u, 12'345u}) {
    const std::string value(size, 'v');
    Append(log, 0, {"SET", "a", value});
    expected += Encoded({"SET", "a", value});
  }
  const std::vector<std::string_view> many(12, "word");
  log.Append(0, many);
  expected += Encoded(std::vector<std::string>(many.begin(), many.end()));
  EXPECT_EQ(ReadAll(*reader), expected);
}

TEST(CommandLogTest, CountsWhatTheSlowestReaderHasYetToRead) {
  CommandLog log;
  const auto fast = log.Attach();
  auto slow = log.Attach();
  Append(log, 0, {"SET", "a", "1"});
  fast->Take();
  EXPECT_EQ(log.kept_bytes(), log.end_position());
  const uint64_t read = log.end_position();
  slow->Take();
  EXPECT_EQ(log.kept_bytes(), 0u);
  Append(log, 0, {"SET", "b", "2"});
  fast->Take();
  EXPECT_EQ(log.kept_bytes(), log.end_position() - read);
  slow.reset();
  EXPECT_EQ(log.kept_bytes(), 0u);
}

TEST(CommandLogTest, MarksTheSecondsInWhichItWasRecorded) {
  CommandLog log;
  ManualClock clock(5000);
  const auto reader = log.Attach();
  log.NoteTimes(&clock);
  Append(log, 0, {"A"});
  clock.AdvanceMs(999);
  Append(log, 0, {"B"});
  clock.AdvanceMs(1);
  const uint64_t third = log.end_position();
  Append(log, 0, {"C"});
  CommandLog::Batch batch = reader->Take();
  ASSERT_EQ(batch.marks.size(), 2u);
  EXPECT_EQ(batch.marks[0].position, 0u);
  EXPECT_EQ(batch.marks[0].second, 5);
  EXPECT_EQ(batch.marks[1].position, third);
  EXPECT_EQ(batch.marks[1].second, 6);
  Append(log, 0, {"D"});
  EXPECT_TRUE(reader->Take().marks.empty());
  log.NoteTimes(nullptr);
  clock.AdvanceMs(1000);
  Append(log, 0, {"E"});
  EXPECT_TRUE(reader->Take().marks.empty());
}

TEST(CommandLogTest, NamesTheDatabaseAgainWhenAFileBegins) {
  CommandLog log;
  const auto reader = log.Attach();
  Append(log, 3, {"A"});
  log.ForgetSelectedDatabase();
  Append(log, 3, {"B"});
  EXPECT_EQ(ReadAll(*reader), Encoded({"SELECT", "3"}) + Encoded({"A"}) + Encoded({"SELECT", "3"}) + Encoded({"B"}));
}

TEST(CommandLogTest, AReaderWaitsUntilSomethingIsRecordedOrItIsWoken) {
  CommandLog log;
  const auto reader = log.Attach();
  EXPECT_FALSE(reader->WaitFor(0));
  reader->Wake();
  EXPECT_FALSE(reader->WaitFor(60'000));
  std::thread writer([&log] {
    Append(log, 0, {"A"});
    log.WakeReaders();
  });
  while (!reader->WaitFor(60'000)) {
  }
  writer.join();
  EXPECT_TRUE(reader->WaitFor(0));
}

TEST(CommandLogTest, RecordsNothingWhileNobodyReads) {
  CommandLog log;
  EXPECT_FALSE(log.is_active());
  Append(log, 0, {"SET", "a", "1"});
  EXPECT_EQ(log.end_position(), 0u);
  {
    const auto reader = log.Attach();
    EXPECT_TRUE(log.is_active());
  }
  EXPECT_FALSE(log.is_active());
  Append(log, 0, {"SET", "a", "1"});
  EXPECT_EQ(log.end_position(), 0u);
}

TEST(CommandLogTest, TellsTheDatabaseWhenItChanges) {
  CommandLog log;
  const auto reader = log.Attach();
  Append(log, 3, {"SET", "a", "1"});
  Append(log, 3, {"SET", "b", ""});
  Append(log, 0, {"DEL", "a"});
  EXPECT_EQ(ReadAll(*reader), Encoded({"SELECT", "3"}) + Encoded({"SET", "a", "1"}) + Encoded({"SET", "b", ""}) +
                                  Encoded({"SELECT", "0"}) + Encoded({"DEL", "a"}));
  EXPECT_EQ(ReadAll(*reader), "");
}

TEST(CommandLogTest, AGroupIsATransactionAcrossDatabases) {
  CommandLog log;
  const auto reader = log.Attach();
  log.AppendGroup({{1, {"DEL", "a"}}, {2, {"SET", "a", "1"}}});
  log.AppendGroup({});
  Append(log, 2, {"DEL", "a"});
  EXPECT_EQ(ReadAll(*reader), Encoded({"SELECT", "1"}) + Encoded({"MULTI"}) + Encoded({"DEL", "a"}) +
                                  Encoded({"SELECT", "2"}) + Encoded({"SET", "a", "1"}) + Encoded({"EXEC"}) +
                                  Encoded({"DEL", "a"}));
}

TEST(CommandLogTest, ALateReaderBeginsAtItsMomentAndIsToldTheDatabase) {
  CommandLog log;
  const auto early = log.Attach();
  Append(log, 1, {"SET", "a", "1"});
  const auto late = log.Attach();
  const uint64_t begin = log.end_position();
  Append(log, 1, {"SET", "a", "2"});
  const std::string expected = Encoded({"SELECT", "1"}) + Encoded({"SET", "a", "2"});
  std::string text;
  EXPECT_EQ(late->Read(&text), begin + expected.size());
  EXPECT_EQ(text, expected);
  EXPECT_EQ(ReadAll(*early), Encoded({"SELECT", "1"}) + Encoded({"SET", "a", "1"}) + expected);
}

TEST(CommandLogTest, KeepsWhatTheSlowestHasNotReadOverManyPieces) {
  CommandLog log;
  const auto fast = log.Attach();
  const auto slow = log.Attach();
  const std::string value(10'000, 'v');
  std::string expected = Encoded({"SELECT", "0"});
  std::string fast_text;
  for (int i = 0; i < 50; ++i) {
    const std::string key = std::to_string(i);
    Append(log, 0, {"SET", key, value});
    expected += Encoded({"SET", key, value});
    if (i % 3 == 0) fast->Read(&fast_text);
  }
  fast->Read(&fast_text);
  EXPECT_EQ(fast_text, expected);
  EXPECT_EQ(ReadAll(*slow), expected);
  EXPECT_EQ(log.end_position(), expected.size());
}

// One thread records without a lock, as where nobody locks stripes; it wakes readers now and then.
TEST(CommandLogConcurrencyTest, WhoRecordsAloneNeedsNoLock) {
  CommandLog log;
  log.set_shared(false);
  const auto reader = log.Attach();
  constexpr int kCommands = 20'000;
  const std::string value(100, 'v');
  std::string expected = Encoded({"SELECT", "0"});
  for (int i = 0; i < kCommands; ++i) expected += Encoded({"SET", std::to_string(i), value});
  std::string text;
  test::RunThreads(2, [&](int thread) {
    if (thread == 1) {
      while (text.size() < expected.size()) {
        reader->WaitFor(60'000);
        reader->Read(&text);
      }
      return;
    }
    for (int i = 0; i < kCommands; ++i) {
      const std::string number = std::to_string(i);
      Append(log, 0, {"SET", number, value});
      if (i % 16 == 15) log.WakeReaders();
    }
  });
  EXPECT_EQ(text, expected);
}

TEST(CommandLogConcurrencyTest, ReadsAreOneUnbrokenStreamOfWholeCommands) {
  CommandLog log;
  const auto reader = log.Attach();
  constexpr int kWriters = 3;
  constexpr int kCommands = 2000;
  std::string text;
  test::RunThreads(kWriters + 1, [&](int thread) {
    if (thread == kWriters) {
      for (int i = 0; i < kCommands; ++i) reader->Read(&text);
      return;
    }
    for (int i = 0; i < kCommands; ++i) {
      const std::string number = std::to_string(i);
      Append(log, thread, {"APPEND", "k", number});
    }
  });
  EXPECT_EQ(reader->Read(&text), text.size());
  // Each writer's commands are all there, in its own order, behind a SELECT of its database.
  std::vector<int> next(kWriters, 0);
  size_t writer = 0;
  for (size_t at = 0; at < text.size();) {
    const std::string select = Encoded({"SELECT", "0"});
    if (text.compare(at, select.size() - 3, select, 0, select.size() - 3) == 0) {
      writer = static_cast<size_t>(text[at + select.size() - 3] - '0');
      at += select.size();
      continue;
    }
    const std::string command = Encoded({"APPEND", "k", std::to_string(next[writer]++)});
    ASSERT_EQ(text.compare(at, command.size(), command), 0) << "at " << at;
    at += command.size();
  }
  for (const int count : next) EXPECT_EQ(count, kCommands);
}

}  // namespace
}  // namespace kvick
