#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tools/cli/keyspace_scan.h"
#include "tools/cli/modes.h"

namespace kvick::cli {

int RunScan(Session* session, const Output& output, const Options& options) {
  KeyspaceScan scan(session, options);
  while (!scan.done()) {
    const Result<std::vector<std::string>> keys = scan.Next();
    if (!keys.ok()) {
      Output::PrintError(std::string(keys.status().text()));
      return 1;
    }
    std::string text;
    for (const std::string& key : keys.value()) {
      text += (output.mode() == PrintMode::kFormatted ? QuoteArgument(key) : key) + "\n";
    }
    output.PrintText(text);
    if (options.interval_us) usleep(static_cast<useconds_t>(*options.interval_us));
  }
  return 0;
}

}  // namespace kvick::cli
