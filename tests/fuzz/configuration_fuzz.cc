// The text of a configuration file. Nothing crashes; what is accepted reads back the same from what CONFIG REWRITE
// makes of the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "config/config_file.h"
#include "config/config_rewrite.h"
#include "config/option_table.h"
#include "config/settings.h"

using namespace kvick;

namespace {

// Read other files or change the directory of the process.
constexpr std::string_view kLeftOut[] = {"include", "dir"};

bool ReachesFiles(const std::string& text) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::vector<std::string> words;
    if (SplitArguments(std::string_view(text).substr(begin, end - begin), &words) && !words.empty()) {
      for (const std::string_view name : kLeftOut) {
        if (EqualsIgnoreCase(words[0], name)) return true;
      }
    }
    begin = end + 1;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  SetLogLevel(LogLevel::kNothing);
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (ReachesFiles(text)) return 0;
  static Settings settings;
  static OptionTable options(&settings);
  settings = Settings();
  if (!LoadConfigurationText(text, {}, &options).ok()) return 0;
  const std::string rewritten = RewriteConfigText(text, options, {});
  static Settings read_settings;
  static OptionTable read(&read_settings);
  read_settings = Settings();
  KVICK_ASSERT(LoadConfigurationText(rewritten, {}, &read).ok());
  for (const OptionSpec& spec : options.specs()) {
    // An empty address at the end of bind is shown as a blank, and is not there in what is written.
    if (TrimBlanks(read.Value(spec)) == TrimBlanks(options.Value(spec))) continue;
    std::cerr << spec.name << " was " << options.Value(spec) << " and reads back as " << read.Value(spec) << " from\n"
              << rewritten;
    KVICK_ASSERT(false);
  }
  return 0;
}
