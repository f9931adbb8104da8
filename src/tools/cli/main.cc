// kvick-cli: the command line client.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "tools/cli/options.h"
#include "tools/cli/program.h"

int main(int argc, char** argv) {
  kvick::Result<kvick::cli::Options> options =
      kvick::cli::ParseOptions(std::vector<std::string>(argv + 1, argv + argc));
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n", std::string(options.status().text()).c_str());
    return 1;
  }
  return kvick::cli::RunProgram(std::move(options).value());
}
