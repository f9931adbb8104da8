#include "config/config_file.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <optional>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/version.h"

namespace kvick {
namespace {

// Deeper than any sensible configuration; a file that includes itself ends here and not with an overflow.
constexpr int kIncludeDepthMax = 64;

// Accepted so that old files load; they configure nothing any more.
constexpr std::string_view kIgnoredDirectives[] = {"list-max-ziplist-entries", "list-max-ziplist-value",
                                                   "lua-replicate-commands"};
constexpr std::string_view kLineDirectives[] = {"include", "loadmodule", "rename-command", "user", "sentinel"};

template <size_t N>
bool Contains(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Status BadDirective() { return Status::Error("Bad directive or wrong number of arguments"); }

std::string FatalHeader() { return std::string("\n*** FATAL CONFIG FILE ERROR (kvick ") + kKvickVersion + ") ***\n"; }

Status CannotOpen(const std::string& path) {
  return Status::Error("Fatal error, can't open config file '" + path + "': " + std::strerror(errno));
}

Result<std::string> ReadFile(const std::string& path) {
  struct stat information {};
  std::ifstream file(path, std::ios::binary);
  if (!file) return CannotOpen(path);
  if (stat(path.c_str(), &information) == 0 && S_ISDIR(information.st_mode)) {
    errno = EISDIR;
    return CannotOpen(path);
  }
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// The files that a path names. A pattern that matches nothing names none; a plain path is its own name.
std::vector<std::string> ExpandPath(const std::string& path) {
  if (path.find_first_of("*?[") == std::string::npos) return {path};
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(path.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

// ReadFile of all that a path names, one after the other.
Result<std::string> ReadFiles(const std::string& path) {
  std::string text;
  for (const std::string& name : ExpandPath(path)) {
    KVICK_ASSIGN_OR_RETURN(const std::string part, ReadFile(name));
    text += part;
  }
  return text;
}

// Applies lines to an OptionTable. Failures of an included file are whole messages already, all others are reasons.
class LineLoader {
 public:
  LineLoader(const LineChecks& checks, OptionTable* options) : checks_(checks), options_(options) {}

  Status LoadText(std::string_view text) {
    int line_number = 0;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = TrimBlanks(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      ++line_number;
      if (line.empty() || line[0] == '#' || line[0] == '\0') continue;
      const Status status = LoadLine(line);
      if (status.ok()) continue;
      if (is_whole_message_) return status;
      return Complete(FatalHeader() + "Reading the configuration file, at line " + std::to_string(line_number) +
                      "\n>>> '" + std::string(line) + "'\n" + std::string(status.text()) + "\n");
    }
    return Status::Ok();
  }

 private:
  Status Complete(std::string message) {
    is_whole_message_ = true;
    return Status::Error(std::move(message));
  }

  Status LoadLine(std::string_view line) {
    std::vector<std::string> words;
    if (!SplitArguments(line, &words)) return Status::Error("Unbalanced quotes in configuration line");
    if (words.empty()) return Status::Ok();
    const std::string name = ToLower(words[0]);
    words.erase(words.begin());
    if (const OptionSpec* spec = options_->Find(name)) return options_->SetFromFile(*spec, words);
    if (Contains(kIgnoredDirectives, name)) return words.size() == 1 ? Status::Ok() : BadDirective();
    if (Contains(kLineDirectives, name)) return LoadLineDirective(name, words);
    if (name.find('.') == std::string::npos) return BadDirective();
    if (words.empty()) return Status::Error("Module config specified without value");
    words.insert(words.begin(), name);
    options_->mutable_settings()->module_option_lines.push_back(std::move(words));
    return Status::Ok();
  }

  Status LoadLineDirective(const std::string& name, const std::vector<std::string>& words) {
    Settings* settings = options_->mutable_settings();
    if (name == "include" && words.size() == 1) return Include(words[0]);
    if (name == "rename-command" && words.size() == 2) {
      const CommandRename rename{.name = words[0], .new_name = words[1]};
      if (checks_.rename_command) KVICK_RETURN_IF_ERROR(checks_.rename_command(rename));
      settings->command_renames.push_back(rename);
      return Status::Ok();
    }
    if (name == "user" && !words.empty()) {
      if (checks_.user) KVICK_RETURN_IF_ERROR(checks_.user(words));
      settings->user_lines.push_back(words);
      return Status::Ok();
    }
    if (name == "loadmodule" && !words.empty()) {
      settings->module_lines.push_back(words);
      return Status::Ok();
    }
    if (name == "sentinel") return Status::Error("sentinel directive while not in sentinel mode");
    return BadDirective();
  }

  Status Include(const std::string& path) {
    if (depth_ == kIncludeDepthMax) return Status::Error("Too many include files inside each other");
    for (const std::string& name : ExpandPath(path)) {
      const auto text = ReadFile(name);
      if (!text.ok()) return Complete(std::string(text.status().text()));
      ++depth_;
      KVICK_RETURN_IF_ERROR(LoadText(*text));
      --depth_;
    }
    return Status::Ok();
  }

  const LineChecks& checks_;
  OptionTable* options_;
  int depth_ = 0;
  bool is_whole_message_ = false;
};

Result<ServerArguments> TestMemory(const std::vector<std::string>& arguments) {
  ServerArguments parsed;
  parsed.request = ServerRequest::kTestMemory;
  const std::optional<uint64_t> size_mb = arguments.size() == 2 ? ParseUint64(arguments[1]) : std::nullopt;
  if (!size_mb || *size_mb == 0) {
    return Status::Error(
        "Please specify the amount of memory to test in megabytes.\nExample: ./kvick-server --test-memory 4096\n");
  }
  parsed.test_memory_mb = *size_mb;
  return parsed;
}

// The arguments behind the file as lines.
class OptionLines {
 public:
  // `next` is null for the last argument.
  void Add(const std::string& argument, const std::string* next) {
    if (expects_value_ || !argument.starts_with("--")) {
      text_ += QuoteArgument(argument) + " ";
      expects_value_ = false;
      return;
    }
    if (!text_.empty()) text_ += '\n';
    text_ += argument.substr(2) + " ";
    std::vector<std::string> words;
    if (!SplitArguments(argument, &words) || words.size() != 1) return;
    const bool stands_alone = next == nullptr || next->starts_with("--");
    expects_value_ = !(stands_alone && EqualsIgnoreCase(argument, "--save"));
    if (!expects_value_) text_ += "\"\"";  // `--save` alone says: no save points
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool expects_value_ = false;
};

}  // namespace

Result<ServerArguments> ParseArguments(const std::vector<std::string>& arguments) {
  ServerArguments parsed;
  if (arguments.empty()) return parsed;
  const std::string& first = arguments[0];
  if (first == "-v" || first == "--version") parsed.request = ServerRequest::kVersion;
  if (first == "-h" || first == "--help") parsed.request = ServerRequest::kHelp;
  if (first == "--check-system") parsed.request = ServerRequest::kCheckSystem;
  if (parsed.request != ServerRequest::kRun) return parsed;
  if (first == "--test-memory") return TestMemory(arguments);

  size_t i = 0;
  if (!first.starts_with('-')) {
    if (!first.empty()) parsed.config_path = std::filesystem::absolute(first).lexically_normal();
    i = 1;
  }
  OptionLines lines;
  for (; i < arguments.size(); ++i) {
    const bool is_last = i + 1 == arguments.size();
    if (arguments[i] == "-" && (i == 0 || is_last)) {
      parsed.reads_standard_input = true;
      continue;
    }
    if (arguments[i] == "--sentinel") {
      parsed.is_sentinel = true;
      continue;
    }
    lines.Add(arguments[i], is_last ? nullptr : &arguments[i + 1]);
  }
  parsed.option_text = lines.text();
  return parsed;
}

Status LoadConfiguration(const ServerArguments& arguments, std::istream& standard_input, const LineChecks& checks,
                         OptionTable* options) {
  std::string text;
  if (!arguments.config_path.empty()) {
    KVICK_ASSIGN_OR_RETURN(text, ReadFiles(arguments.config_path));
  }
  if (arguments.reads_standard_input) {
    text.append(std::istreambuf_iterator<char>(standard_input), std::istreambuf_iterator<char>());
  }
  // The line break also ends a last line that has none; line numbers in messages count it.
  if (!arguments.option_text.empty()) text += "\n" + arguments.option_text;
  return LoadConfigurationText(text, checks, options);
}

Status LoadConfigurationText(const std::string& text, const LineChecks& checks, OptionTable* options) {
  KVICK_RETURN_IF_ERROR(LineLoader(checks, options).LoadText(text));
  const Status status = options->CheckTogether();
  return status.ok() ? Status::Ok() : FatalConfigError(std::string(status.text()));
}

Status FatalConfigError(const std::string& reason) { return Status::Error(FatalHeader() + reason + "\n"); }

bool IsLineDirective(std::string_view name) { return Contains(kLineDirectives, ToLower(name)); }
bool IsIgnoredDirective(std::string_view name) { return Contains(kIgnoredDirectives, ToLower(name)); }

}  // namespace kvick
