// Repl: lines of commands, from a terminal or from a pipe.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/command_docs.h"
#include "tools/cli/command_runner.h"
#include "tools/cli/line_editor.h"
#include "tools/cli/options.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"

namespace kvick::cli {

class Repl {
 public:
  Repl(Session* session, const Output* output, const Options& options, Interaction interaction)
      : session_(session), output_(output), runner_(session, output, options, interaction), interaction_(interaction) {}

  // Until "quit" or the end of the input. The exit status.
  int Run();
  // From here on "restart" ends it as well.
  void OfferRestart() { offers_restart_ = true; }
  [[nodiscard]] bool was_restart_asked() const { return is_restart_asked_; }
  // "help ..." as a command line argument.
  void PrintHelp(const std::vector<std::string>& topic);

 private:
  enum class Next { kContinue, kQuit };

  int RunTerminal();
  int RunPipe();
  Next HandleLine(const std::string& line);
  // What kvick-cli does itself; false when the words are a command for the server.
  bool HandleLocally(const std::vector<std::string>& words);
  // A subscription or MONITOR on a terminal, until it ends or is left.
  void FollowStream();
  void LoadDocs();
  LineEditor& editor();

  Session* session_;
  const Output* output_;
  CommandRunner runner_;
  const Interaction interaction_;
  CommandDocs docs_;
  bool shows_hints_ = true;
  bool offers_restart_ = false;
  bool is_restart_asked_ = false;
  std::unique_ptr<LineEditor> editor_;
};

// Lines with passwords in them do not go to the history file.
bool IsSensitive(const std::vector<std::string>& words);

}  // namespace kvick::cli
