#include "tools/kvt/suite.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "tools/kvt/conversation.h"
#include "tools/kvt/player.h"
#include "tools/kvt/rewrite.h"

namespace kvick::kvt {
namespace {

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

// A file stays; a folder becomes the .kvt files in and below it, sorted, so that runs are comparable.
Result<std::vector<std::string>> FindFiles(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator entry(path, error); !error && entry != fs::recursive_directory_iterator();
         entry.increment(error)) {
      if (entry->path().extension() == ".kvt") found.push_back(entry->path().string());
    }
    if (error) return Status::Error(path + ": " + error.message());
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  if (files.empty()) return Status::Error("no .kvt file found");
  return files;
}

Result<Conversation> ReadConversation(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return Status::Error(path + ": cannot be read, or is empty");
  return ParseConversation(path, text.str());
}

Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file ? Status::Ok() : Status::Error(path + ": cannot be written");
}

void PrintFailures(const Conversation& conversation, const Outcome& outcome) {
  for (const Outcome::Failure& failure : outcome.failures) {
    Print(conversation.path + ":" + std::to_string(failure.line_number) + ": " + failure.source + "\n" + failure.what);
  }
}

}  // namespace

int RunSuite(const CommandLine& line) {
  const Result<std::vector<std::string>> files = FindFiles(line.paths);
  if (!files.ok()) {
    Print(std::string(files.status().text()) + "\n");
    return 1;
  }
  Player player(line.play);
  size_t passed_count = 0;
  size_t failed_count = 0;
  size_t skipped_count = 0;
  for (const std::string& path : files.value()) {
    const Result<Conversation> conversation = ReadConversation(path);
    if (!conversation.ok()) {
      Print(std::string(conversation.status().text()) + "\n");
      ++failed_count;
      continue;
    }
    const Result<Outcome> outcome = player.Play(conversation.value());
    if (!outcome.ok()) {
      Print(path + ": " + line.play.address.Text() + ": " + std::string(outcome.status().text()) + "\n");
      ++failed_count;
      continue;
    }
    const Outcome& result = outcome.value();
    if (line.verbose) Print(path + ": " + std::to_string(result.passed_count) + " passed\n");
    if (!result.skip_reason.empty()) Print(path + ": skipped: " + result.skip_reason + "\n");
    PrintFailures(conversation.value(), result);
    if (line.update && !result.observed.empty()) {
      const Status status = WriteFile(path, Rewrite(conversation.value(), result));
      Print(status.ok() ? path + ": updated\n" : std::string(status.text()) + "\n");
    }
    passed_count += result.passed_count;
    failed_count += result.failures.size();
    skipped_count += result.skipped_count;
  }
  Print(std::to_string(passed_count) + " passed, " + std::to_string(failed_count) + " failed" +
        (line.play.oracle ? ", " + std::to_string(skipped_count) + " skipped" : "") + "\n");
  return failed_count == 0 ? 0 : 1;
}

}  // namespace kvick::kvt
