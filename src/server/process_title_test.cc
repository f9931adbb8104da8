#include "server/process_title.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

TEST(ProcessTitleTest, ShowsWhereClientsFindTheServer) {
  Settings settings;
  EXPECT_EQ(ExpandTitle(settings, "kvick-server", ""), "kvick-server *:6379");
  settings.bind = {"-::1", "127.0.0.1"};
  settings.port = 7000;
  EXPECT_EQ(ExpandTitle(settings, "kvick-server", ""), "kvick-server ::1:7000");
  settings.port = 0;
  settings.unix_socket = "/run/kvick.sock";
  EXPECT_EQ(ExpandTitle(settings, "kvick-server", ""), "kvick-server unixsocket:/run/kvick.sock");
}

TEST(ProcessTitleTest, KnowsAllVariablesAndKeepsTheRest) {
  Settings settings;
  settings.unix_socket = "/s";
  settings.proc_title_template = "<{title}|{port}|{tls-port}|{unixsocket}|{config-file}|{server-mode}>";
  EXPECT_EQ(ExpandTitle(settings, "t", "/etc/kvick.conf"), "<t|6379|0|/s|/etc/kvick.conf|>");
  EXPECT_EQ(ExpandTitle(settings, "t", ""), "<t|6379|0|/s|-|>");
}

}  // namespace
}  // namespace kvick
