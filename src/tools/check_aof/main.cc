// kvick-check-aof: whether an append-only file can be loaded, and cutting off what cannot.
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/numbers.h"
#include "tools/check_aof/check.h"
#include "tools/check_aof/rdb_preamble.h"

namespace {

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

std::string Ask() {
  char answer[16];
  return std::fgets(answer, sizeof(answer), stdin) != nullptr ? answer : "";
}

}  // namespace

int main(int argc, char** argv) {
  kvick::AofCheckRequest request;
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc == 2) {
    request.path = argv[1];
  } else if (argc == 3 && option == "--fix") {
    request.fixes = true;
    request.path = argv[2];
  } else if (argc == 4 && option == "--truncate-to-timestamp") {
    const std::optional<int64_t> second = kvick::ParseInt64(argv[2]);
    if (!second) {
      Print("Invalid timestamp, aborting...\n");
      return 1;
    }
    request.last_second = *second;
    request.path = argv[3];
  } else {
    Print("Usage: " + std::string(argv[0]) + " [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n");
    return 1;
  }
  kvick::AofCheckUi ui;
  ui.print = Print;
  ui.ask = Ask;
  ui.check_rdb = [](std::string_view bytes, std::string_view name) {
    return kvick::CheckRdbPreamble(bytes, name, Print);
  };
  return kvick::CheckAof(request, ui);
}
