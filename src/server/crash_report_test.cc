#include "server/crash_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/assert.h"
#include "base/log.h"

namespace kvick {
namespace {

// Deaths happen in a child process, whose log goes where the test can read it.
class CrashReportTest : public testing::Test {
 protected:
  void SetUp() override {
#ifdef KVICK_SANITIZED
    GTEST_SKIP() << "the sanitizers take the signals";
#endif
    testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
  static void Prepare() {
    LogTarget target;
    target.path = "/dev/stderr";
    SetLogTarget(target);
    InstallCrashStack();
    InstallCrashHandlers(true);
  }
};

// Depth that the compiler cannot turn into a loop.
int Recurse(volatile int* depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(*depth);
  if (*depth < 0) return 0;
  *depth = *depth + 1;
  return Recurse(depth) + frame[0];
}

TEST_F(CrashReportTest, ShowsTheSignalTheStackAndTheSectionsAndDiesOfTheSignal) {
  EXPECT_EXIT(
      {
        Prepare();
        AddCrashSection("WEATHER", [] { return std::string("it rains"); });
        raise(SIGSEGV);
      },
      testing::KilledBySignal(SIGSEGV),
      "BUG REPORT START(.|\n)*crashed by signal: 11(.|\n)*STACK TRACE(.|\n)*main(.|\n)*REGISTERS(.|\n)*"
      "------ WEATHER ------(.|\n)*it rains(.|\n)*BUG REPORT END");
}

TEST_F(CrashReportTest, GoesOnBehindASectionThatHangsAndOneThatCrashes) {
  EXPECT_EXIT(
      {
        Prepare();
        AddCrashSection("HANGS", []() -> std::string {
          while (true) pause();
        });
        AddCrashSection("CRASHES", []() -> std::string {
          raise(SIGSEGV);
          return "";
        });
        AddCrashSection("LAST", [] { return std::string("still here"); });
        raise(SIGFPE);
      },
      testing::KilledBySignal(SIGFPE), "HANGS(.|\n)*took too long(.|\n)*CRASHES(.|\n)*crashed too(.|\n)*still here");
}

TEST_F(CrashReportTest, ShowsTheStacksOfOtherThreadsByTheirNames) {
  EXPECT_EXIT(
      {
        Prepare();
        std::thread other([] {
          pthread_setname_np(pthread_self(), "bystander");
          while (true) pause();
        });
        while (true) {
          usleep(100'000);
          raise(SIGABRT);
        }
      },
      testing::KilledBySignal(SIGABRT), "OTHER THREADS(.|\n)*bystander(.|\n)*pause");
}

TEST_F(CrashReportTest, ReportsAStackOverflow) {
  EXPECT_EXIT(
      {
        Prepare();
        int depth = 0;
        std::exit(Recurse(&depth));
      },
      testing::KilledBySignal(SIGSEGV), "crashed by signal: 11(.|\n)*Recurse(.|\n)*BUG REPORT END");
}

TEST_F(CrashReportTest, SaysWhichAssertionFailed) {
  EXPECT_EXIT(
      {
        Prepare();
        KVICK_ASSERT(1 + 1 == 3);
      },
      testing::KilledBySignal(SIGABRT),
      "ASSERTION FAILED(.|\n)*crash_report_test.cc:[0-9]+ '1 \\+ 1 == 3' is not true(.|\n)*crashed by signal: 6");
}

TEST_F(CrashReportTest, EndsWithStatusOneWhenAskedToExitOnPanic) {
  EXPECT_EXIT(
      {
        Prepare();
        SetExitOnPanic(true);
        KVICK_ASSERT(false);
      },
      testing::ExitedWithCode(1), "BUG REPORT END");
}

TEST_F(CrashReportTest, RemovesTheFileThatGoesWithTheProcess) {
  const std::string path = testing::TempDir() + "crash_report_test." + std::to_string(getpid());
  EXPECT_EXIT(
      {
        Prepare();
        static_cast<void>(!truncate(path.c_str(), 0));
        RemoveOnCrash(path);
        raise(SIGBUS);
      },
      testing::KilledBySignal(SIGBUS), "");
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST_F(CrashReportTest, SaysNothingWhenSwitchedOff) {
  EXPECT_EXIT(
      {
        Prepare();
        InstallCrashHandlers(false);
        raise(SIGSEGV);
      },
      testing::KilledBySignal(SIGSEGV), testing::Not(testing::HasSubstr("BUG REPORT")));
}

}  // namespace
}  // namespace kvick
