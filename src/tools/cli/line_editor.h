// LineEditor: reads lines from a terminal with editing, history, completion and hints, by libedit.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvick::cli {

class LineEditor {
 public:
  // What may follow the line; shown grey behind it.
  using HintFunction = std::function<std::string(std::string_view line)>;
  // Whole lines that the line may become; the tab key goes through them.
  using CompletionFunction = std::function<std::vector<std::string>(std::string_view line)>;

  // `history_path` may be empty: the history then ends with the program.
  LineEditor(std::string history_path, HintFunction hint, CompletionFunction complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The line without its end; none at the end of input (Ctrl-D, Ctrl-C).
  std::optional<std::string> ReadLine(const std::string& prompt);
  // Remembers the line, and writes the history file.
  void AddToHistory(const std::string& line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kvick::cli
