#include "security/user_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "base/bytes.h"
#include "config/replaced_file.h"

namespace kvick {
namespace {

constexpr mode_t kNewFileMode = 0644;

std::vector<std::string> SplitAtBlanks(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const size_t end = std::min(line.find(' '), line.size());
    words.emplace_back(line.substr(0, end));
    if (end == line.size()) return words;
    line.remove_prefix(end + 1);
  }
}

// Gathers what is wrong with the lines of a file.
class UserFileReader {
 public:
  UserFileReader(std::string path, const CommandCatalog& catalog, const RuleDefaults& defaults)
      : path_(std::move(path)), catalog_(catalog), defaults_(defaults) {}

  void Read(std::string_view text) {
    for (int number = 1; !text.empty(); ++number) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = TrimBlanks(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!line.empty() && line[0] != '#') ReadLine(line, number);
    }
  }

  Result<std::vector<User>> Take() {
    if (problems_.empty()) return std::move(users_);
    return Status::Error(problems_ +
                         "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  }

 private:
  void ReadLine(std::string_view line, int number) {
    const std::string place = path_ + ":" + std::to_string(number);
    std::vector<std::string> words = SplitAtBlanks(line);
    if (words[0] != "user" || words.size() < 2) {
      problems_ += place + " should start with user keyword followed by the username. ";
      return;
    }
    if (words[1].find('\0') != std::string::npos) {
      problems_ += place + ": username '" + std::string(UpToZeroByte(words[1])) + "' contains invalid characters. ";
      return;
    }
    User user(words[1], catalog_, defaults_);
    if (!names_.insert(words[1]).second) {
      problems_ += "WARNING: Duplicate user '" + words[1] + "' found on line " + std::to_string(number) + ". ";
      return;
    }
    words.erase(words.begin(), words.begin() + 2);
    std::string unclosed;
    const std::vector<std::string> rules = JoinSelectors(words, &unclosed);
    if (!unclosed.empty()) {
      problems_ += place + ": Unmatched parenthesis in selector definition.";
      return;
    }
    // Of other problems only the first is told: it may be the reason for the rest. Unknown commands are told all.
    bool was_told = false;
    for (const std::string& rule : rules) {
      const RuleProblem problem = user.Apply(rule, defaults_);
      if (problem == RuleProblem::kUnknownCommand) {
        problems_ += place + ": Error in applying operation '" + rule + "': " + std::string(TextOf(problem)) + ". ";
      } else if (problem != RuleProblem::kNone && !was_told) {
        problems_ += place + ": " + std::string(TextOf(problem)) + ". ";
        was_told = true;
      }
    }
    users_.push_back(std::move(user));
  }

  const std::string path_;
  const CommandCatalog& catalog_;
  const RuleDefaults& defaults_;
  std::vector<User> users_;
  std::set<std::string> names_;
  std::string problems_;
};

}  // namespace

Result<std::vector<User>> ParseUsers(std::string_view text, const std::string& path, const CommandCatalog& catalog,
                                     const RuleDefaults& defaults) {
  UserFileReader reader(path, catalog, defaults);
  reader.Read(text);
  return reader.Take();
}

Result<std::vector<User>> LoadUserFile(const std::string& path, const CommandCatalog& catalog,
                                       const RuleDefaults& defaults) {
  std::ifstream file(path, std::ios::binary);
  struct stat information {};
  if (file && stat(path.c_str(), &information) == 0 && S_ISDIR(information.st_mode)) {
    file.setstate(std::ios::failbit);
    errno = EISDIR;
  }
  if (!file) return Status::Error("Error loading ACLs, opening file '" + path + "': " + std::strerror(errno));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return ParseUsers(text, path, catalog, defaults);
}

Status SaveUserFile(const std::string& path, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "user " + line + "\n";
  const auto failed = [](std::string_view step) {
    return Status::Error(std::string(step) + " ACL file for ACL SAVE: " + std::strerror(errno));
  };
  struct stat old_file {};
  const bool exists = stat(path.c_str(), &old_file) == 0;
  ReplacedFile file(path);
  if (!file.is_open()) return failed("Opening temp");
  if (!file.Write(text) || !file.SetMode(exists ? old_file.st_mode & 07777 : kNewFileMode)) return failed("Writing");
  if (!file.Sync()) return failed("Syncing");
  if (!file.Replace()) return failed("Renaming");
  return Status::Ok();
}

}  // namespace kvick
