// kvick-kvt: plays the conversations of the test suite against a server.
#include <cstdio>
#include <string>
#include <vector>

#include "tools/kvt/command_line.h"
#include "tools/kvt/suite.h"

int main(int argc, char** argv) {
  const kvick::Result<kvick::kvt::CommandLine> line =
      kvick::kvt::ParseCommandLine(std::vector<std::string>(argv + 1, argv + argc));
  if (!line.ok()) {
    std::fprintf(stderr, "kvick-kvt: %s (--help lists the options)\n", std::string(line.status().text()).c_str());
    return 1;
  }
  if (line.value().show_help) {
    std::fputs(kvick::kvt::HelpText().c_str(), stdout);
    return 0;
  }
  return kvick::kvt::RunSuite(line.value());
}
