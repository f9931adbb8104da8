#include "tools/cli/repl.h"

#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick::cli {
namespace {

std::string HistoryPath() {
  if (const char* path = std::getenv("KVICKCLI_HISTFILE")) return std::string(path) == "/dev/null" ? "" : path;
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.kvickcli_history";
}

bool Is(const std::string& word, std::string_view name) { return EqualsIgnoreCase(word, name); }

}  // namespace

bool IsSensitive(const std::vector<std::string>& words) {
  if (words.empty()) return false;
  const auto has = [&](std::string_view name) {
    for (const std::string& word : words) {
      if (Is(word, name)) return true;
    }
    return false;
  };
  if (Is(words[0], "AUTH")) return true;
  if (Is(words[0], "HELLO") && has("AUTH")) return true;
  if (Is(words[0], "MIGRATE") && (has("AUTH") || has("AUTH2"))) return true;
  if (words.size() > 2 && Is(words[0], "ACL") && (Is(words[1], "SETUSER") || Is(words[1], "DELUSER"))) return true;
  if (words.size() > 2 && Is(words[0], "CONFIG") && Is(words[1], "SET")) {
    for (const std::string_view name : {"requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser",
                                        "tls-key-file-pass", "tls-client-key-file-pass"}) {
      if (has(name)) return true;
    }
  }
  return words.size() > 3 && Is(words[0], "SENTINEL") && has("AUTH-PASS");
}

int Repl::Run() { return interaction_ == Interaction::kTerminal ? RunTerminal() : RunPipe(); }

LineEditor& Repl::editor() {
  if (editor_ == nullptr) {
    editor_ = std::make_unique<LineEditor>(
        HistoryPath(), [this](std::string_view line) { return shows_hints_ ? docs_.Hint(line) : std::string(); },
        [this](std::string_view line) { return docs_.Complete(line); });
  }
  return *editor_;
}

void Repl::LoadDocs() {
  if (!session_->connected() || !docs_.empty()) return;
  // A server without COMMAND DOCS, or a user without the right to it: no hints.
  Result<Value> reply = session_->connection().Call({"COMMAND", "DOCS"});
  if (!reply.ok()) {
    session_->Disconnect();
  } else if (!reply->IsError()) {
    docs_ = CommandDocs(*reply);
  }
}

int Repl::RunTerminal() {
  if (const Status status = session_->Connect(); !status.ok()) Output::PrintError(std::string(status.text()));
  LoadDocs();
  while (true) {
    const std::optional<std::string> line = editor().ReadLine(session_->Prompt(/*subscribed=*/false));
    if (!line) return 0;
    if (TrimBlanks(*line).empty()) continue;
    std::vector<std::string> words;
    const bool is_well_formed = SplitArguments(*line, &words);
    if (!is_well_formed || !IsSensitive(words)) editor().AddToHistory(*line);
    if (HandleLine(*line) == Next::kQuit) return 0;
    FollowStream();
  }
}

int Repl::RunPipe() {
  if (const Status status = session_->Connect(); !status.ok()) Output::PrintError(std::string(status.text()));
  std::string line;
  while (std::getline(std::cin, line)) {
    if (HandleLine(line) == Next::kQuit) break;
  }
  return 0;
}

Repl::Next Repl::HandleLine(const std::string& line) {
  std::vector<std::string> words;
  if (!SplitArguments(line, &words)) {
    output_->PrintText("Invalid argument(s)\n");
    return Next::kContinue;
  }
  if (words.empty()) return Next::kContinue;
  if (Is(words[0], "quit") || Is(words[0], "exit")) return Next::kQuit;
  if (offers_restart_ && words.size() == 1 && Is(words[0], "restart")) {
    is_restart_asked_ = true;
    return Next::kQuit;
  }
  int64_t repeat_count = 1;
  if (words.size() > 1) {
    if (const std::optional<int64_t> count = ParseInt64(words[0])) {
      if (*count <= 0) {
        output_->PrintText("Invalid kvick-cli repeat command option value.\n");
        return Next::kContinue;
      }
      repeat_count = *count;
      words.erase(words.begin());
    }
  }
  if (HandleLocally(words)) return Next::kContinue;
  for (int64_t i = 0; i < repeat_count; ++i) {
    if (runner_.Run(words) == CommandOutcome::kFailed || runner_.streaming()) break;
  }
  return Next::kContinue;
}

bool Repl::HandleLocally(const std::vector<std::string>& words) {
  if (Is(words[0], "help") || words[0] == "?") {
    PrintHelp({words.begin() + 1, words.end()});
  } else if (words.size() == 1 && Is(words[0], "clear")) {
    output_->PrintText("\x1b[H\x1b[2J");
  } else if (words.size() == 3 && Is(words[0], "connect")) {
    session_->SetAddress(words[1], static_cast<int>(ParseInt64(words[2]).value_or(0)));
    if (const Status status = session_->Connect(); !status.ok()) Output::PrintError(std::string(status.text()));
    if (interaction_ == Interaction::kTerminal) LoadDocs();
  } else if (words[0] == ":set" && words.size() == 2 && (Is(words[1], "hints") || Is(words[1], "nohints"))) {
    shows_hints_ = Is(words[1], "hints");
  } else if (words[0][0] == ':') {
    output_->PrintText("unknown kvick-cli internal command '" + words[0] + "'\n");
  } else {
    return false;
  }
  return true;
}

void Repl::PrintHelp(const std::vector<std::string>& topic) {
  if (!session_->connected() && !topic.empty()) {
    if (const Status status = session_->Connect(); !status.ok()) Output::PrintError(std::string(status.text()));
  }
  if (!topic.empty()) LoadDocs();
  output_->PrintText(docs_.Help(topic, output_->is_terminal()));
}

void Repl::FollowStream() {
  while (runner_.streaming()) {
    const CommandRunner::StreamEnd end = runner_.Stream();
    if (end == CommandRunner::StreamEnd::kOver) return;
    if (end == CommandRunner::StreamEnd::kInterrupted) {
      // A new connection is the one way out that works for MONITOR and for every subscription.
      runner_.ForgetStream();
      output_->PrintText("\n");
      if (const Status status = session_->Connect(); !status.ok()) Output::PrintError(std::string(status.text()));
      return;
    }
    const std::optional<std::string> line = editor().ReadLine(session_->Prompt(/*subscribed=*/true));
    std::vector<std::string> words;
    if (line && !SplitArguments(*line, &words)) {
      output_->PrintText("Invalid argument(s)\n");
      continue;
    }
    if (!line || (!words.empty() && (Is(words[0], "quit") || Is(words[0], "exit")))) {
      runner_.ForgetStream();
      if (const Status status = session_->Connect(); !status.ok()) Output::PrintError(std::string(status.text()));
      return;
    }
    if (words.empty()) continue;
    if (!IsSensitive(words)) editor().AddToHistory(*line);
    if (HandleLocally(words)) continue;
    if (const Status status = runner_.SendInStream(words); !status.ok()) Output::PrintError(std::string(status.text()));
  }
}

}  // namespace kvick::cli
