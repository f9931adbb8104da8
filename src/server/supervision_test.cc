#include "server/supervision.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace kvick {
namespace {

// systemd's side: an abstract datagram socket, named in the environment.
class SupervisionTest : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const std::string name = "@kvick-supervision-test-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    unsetenv("UPSTART_JOB");
  }
  void TearDown() override {
    unsetenv("NOTIFY_SOCKET");
    close(socket_);
  }
  // Empty when nothing came.
  std::string Received() {
    char text[256];
    const ssize_t length = recv(socket_, text, sizeof(text), 0);
    return length < 0 ? "" : std::string(text, static_cast<size_t>(length));
  }

 private:
  int socket_ = -1;
};

TEST_F(SupervisionTest, TellsSystemdAboutTheStart) {
  for (const SupervisedMode mode : {SupervisedMode::kSystemd, SupervisedMode::kAuto}) {
    const Supervisor supervisor = Supervisor::Find(mode);
    EXPECT_TRUE(supervisor.is_present());
    EXPECT_EQ(Received(), "STATUS=kvick is loading...\n");
    supervisor.Notify("READY=1\n");
    EXPECT_EQ(Received(), "READY=1\n");
  }
}

TEST_F(SupervisionTest, SaysNothingWhenNobodyAsked) {
  const Supervisor supervisor = Supervisor::Find(SupervisedMode::kNo);
  supervisor.Notify("READY=1\n");
  EXPECT_FALSE(supervisor.is_present());
  EXPECT_EQ(Received(), "");
}

TEST_F(SupervisionTest, GoesOnWithoutSystemdWhenTheSocketIsNotNamed) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(Supervisor::Find(SupervisedMode::kSystemd).is_present());
  EXPECT_FALSE(Supervisor::Find(SupervisedMode::kAuto).is_present());
  EXPECT_FALSE(Supervisor::Find(SupervisedMode::kUpstart).is_present());
}

}  // namespace
}  // namespace kvick
