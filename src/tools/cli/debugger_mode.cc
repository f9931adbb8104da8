// --ldb: a script in the step debugger of the server. Lines go to the debugger as they are typed, until the session is
// over; then kvick-cli goes on as usual, and "restart" debugs the script again.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tools/cli/line_editor.h"
#include "tools/cli/modes.h"
#include "tools/cli/repl.h"

namespace kvick::cli {
namespace {

constexpr std::string_view kBanner =
    "Lua debugging session started, please use:\n"
    "quit    -- End the session.\n"
    "restart -- Restart the script in debug mode again.\n"
    "help    -- Show Lua script debugging commands.\n\n";
constexpr std::string_view kEndOfSession = "<endsession>";

enum class Ending { kOver, kQuit, kRestart, kFailed };

// The color of a line by its beginning, as an attribute of ANSI terminals.
std::string_view ColorOf(std::string_view line) {
  struct Color {
    std::string_view beginning;
    std::string_view attributes;
  };
  constexpr Color kColors[] = {
      {"<debug>", "1;37;49"}, {"<redis>", "0;32;49"}, {"<reply>", "0;36;49"},  {"<error>", "0;31;49"},
      {"<hint>", "1;37;49"},  {"<value>", "0;35;49"}, {"<retval>", "0;35;49"}, {"->", "0;33;49"},
  };
  for (const Color& color : kColors) {
    if (line.starts_with(color.beginning)) return color.attributes;
  }
  return line.size() > 2 && line[2] == '#' ? "1;37;49" : "0;37;49";
}

class Debugger {
 public:
  Debugger(Session* session, const Output& output, const Options& options)
      : session_(session),
        output_(output),
        options_(options),
        is_interactive_(isatty(STDIN_FILENO) != 0),
        is_colored_([] {
          const char* terminal = std::getenv("TERM");
          return terminal != nullptr && std::string_view(terminal) != "dumb";
        }()) {
    if (is_interactive_) {
      editor_ = std::make_unique<LineEditor>(
          "", [](std::string_view) { return std::string(); },
          [](std::string_view) { return std::vector<std::string>(); });
    }
  }

  // One session from its beginning; the next line of input is the first that it reads.
  Ending Run() {
    if (const Status status = Start(); !status.ok()) return Fail(status);
    output_.PrintText(std::string(kBanner));
    bool is_first = true;
    while (true) {
      Result<Value> reply = session_->connection().Receive();
      if (!reply.ok()) return Fail(reply.status());
      if (PrintLines(*reply)) return Finish(is_first);
      is_first = false;
      const std::optional<Ending> ending = SendNext();
      if (ending) return *ending;
    }
  }

 private:
  Status Start() {
    KVICK_RETURN_IF_ERROR(session_->Connect());
    Result<Value> reply = session_->connection().Call({"SCRIPT", "DEBUG", options_.debugs_in_place ? "SYNC" : "YES"});
    if (!reply.ok()) return reply.status();
    if (reply->IsError()) return Status::Error("Unable to enter the debugging mode: " + reply->text);
    return session_->connection().Send(options_.arguments);
  }

  // Sends what the user says next. An ending: he has left the session.
  std::optional<Ending> SendNext() {
    while (true) {
      std::optional<std::string> line = ReadLine();
      if (!line) return Ending::kQuit;
      std::vector<std::string> words;
      if (!Split(*line, &words)) {
        output_.PrintText("Invalid argument(s)\n");
        continue;
      }
      if (words.empty()) continue;
      if (editor_ != nullptr) editor_->AddToHistory(*line);
      if (EqualsIgnoreCase(words[0], "quit") || EqualsIgnoreCase(words[0], "exit")) return Ending::kQuit;
      if (EqualsIgnoreCase(words[0], "restart")) return Ending::kRestart;
      if (const Status status = session_->connection().Send(words); !status.ok()) return Fail(status);
      return std::nullopt;
    }
  }

  std::optional<std::string> ReadLine() {
    if (editor_ != nullptr) return editor_->ReadLine("lua debugger> ");
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }

  // Lua code has quotes of its own.
  static bool Split(const std::string& line, std::vector<std::string>* words) {
    const std::string_view text = TrimBlanks(line);
    const size_t end = text.find(' ');
    const std::string_view first = text.substr(0, end);
    if (end != std::string_view::npos && (EqualsIgnoreCase(first, "e") || EqualsIgnoreCase(first, "eval"))) {
      *words = {std::string(first), std::string(TrimBlanks(text.substr(end)))};
      return true;
    }
    return SplitArguments(line, words);
  }

  // Whether the session is over.
  bool PrintLines(const Value& reply) {
    bool is_over = false;
    for (const Value& element : reply.elements) {
      if (element.text == kEndOfSession) {
        is_over = true;
      } else if (is_colored_) {
        output_.PrintText("\x1b[" + std::string(ColorOf(element.text)) + "m" + element.text + "\x1b[0m\n");
      } else {
        output_.PrintText(element.text + "\n");
      }
    }
    return is_over;
  }

  // What the script has returned comes last; the server closes the connection behind it.
  Ending Finish(bool never_stopped) {
    Result<Value> reply = session_->connection().Receive();
    session_->Disconnect();
    if (!reply.ok()) return Fail(reply.status());
    const std::string text = kvick::Print(*reply, PrintMode::kFormatted);
    if (never_stopped && reply->IsError()) {
      output_.PrintText("\nEval debugging session can't start:\n" + text);
      return Ending::kQuit;
    }
    const std::string_view rolled_back = options_.debugs_in_place ? "" : " -- dataset changes rolled back";
    output_.PrintText("\n" + text + "\n(Lua debugging session ended" + std::string(rolled_back) + ")\n\n");
    return Ending::kOver;
  }

  Ending Fail(const Status& status) {
    Output::PrintError(std::string(status.text()));
    return Ending::kFailed;
  }

  Session* const session_;
  const Output& output_;
  const Options& options_;
  const bool is_interactive_;
  const bool is_colored_;
  std::unique_ptr<LineEditor> editor_;
};

}  // namespace

int RunDebugger(Session* session, const Output& output, const Options& options) {
  while (true) {
    const Ending ending = Debugger(session, output, options).Run();
    if (ending == Ending::kFailed) return 1;
    if (ending == Ending::kQuit) return 0;
    if (ending == Ending::kOver) {
      Options shown = options;
      if (!shown.print_mode) shown.print_mode = PrintMode::kFormatted;
      const Output formatted(shown);
      Repl repl(session, &formatted, options, isatty(STDIN_FILENO) != 0 ? Interaction::kTerminal : Interaction::kPipe);
      repl.OfferRestart();
      const int status = repl.Run();
      if (!repl.was_restart_asked()) return status;
    }
    output.PrintText("\n");
  }
}

}  // namespace kvick::cli
