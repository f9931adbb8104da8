// kvick-cli: the command line client.
#include <cstdio>
#include <memory>
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
  kvick::Result<std::shared_ptr<const kvick::TlsContext>> tls = kvick::client::MakeTlsContext(options->tls);
  if (!tls.ok()) {
    std::fprintf(stderr, "%s\n", std::string(tls.status().text()).c_str());
    return 1;
  }
  options->address.tls = *tls;
  options->address.tls_server_name = options->tls.server_name;
  return kvick::cli::RunProgram(std::move(options).value());
}
