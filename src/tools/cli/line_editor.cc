// How hints are drawn with a library that has none: the right-hand prompt is asked for at every refresh. It answers
// with the hint, filled with blanks so that the prompt reaches from one blank behind the cursor to the right
// margin. Filled it is also when there is no hint, because libedit redraws the line at every key only when text and
// right-hand prompt touch.
#include "tools/cli/line_editor.h"

#include <histedit.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <utility>

namespace kvick::cli {
namespace {

constexpr int kHistoryLineCount = 1000;
constexpr char kNewlineKey[] = "\x1f";  // Ctrl-_: a key nobody types here
constexpr char kEscapeMark = '\1';      // around terminal codes in a prompt, which have no width

// Characters on the screen: bytes that do not continue a UTF-8 sequence.
size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

struct LineEditor::State {
  std::string history_path;
  HintFunction hint;
  CompletionFunction complete;

  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string prompt;
  std::string right_prompt;
  bool shows_hints = true;   // off while a line is being accepted, so that no hint stays on the screen
  bool interrupted = false;  // by Ctrl-C
  // The completions that the tab key is going through.
  std::vector<std::string> completions;
  size_t completion_index = 0;
  std::string completion_shown;

  static State* Of(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return static_cast<State*>(data);
  }

  [[nodiscard]] std::string_view Line() const {
    const LineInfo* info = el_line(editor);
    return {info->buffer, static_cast<size_t>(info->lastchar - info->buffer)};
  }

  void ReplaceLine(const std::string& text) {
    const LineInfo* info = el_line(editor);
    // The cursor stands at the end when lines are completed, so everything is in front of it.
    el_deletestr(editor,
                 static_cast<int>(DisplayWidth({info->buffer, static_cast<size_t>(info->cursor - info->buffer)})));
    el_insertstr(editor, text.c_str());
  }

  static char* Prompt(EditLine* editor) { return Of(editor)->prompt.data(); }
  static char* RightPrompt(EditLine* editor) { return Of(editor)->MakeRightPrompt(); }
  static unsigned char Accept(EditLine* editor, int key);
  static unsigned char CompleteNext(EditLine* editor, int key);
  static unsigned char Interrupt(EditLine* editor, int key);

  char* MakeRightPrompt();
};

char* LineEditor::State::MakeRightPrompt() {
  right_prompt.clear();
  int columns = 0;
  if (!shows_hints || el_get(editor, EL_GETTC, "co", &columns) != 0 || columns <= 0) return right_prompt.data();
  const std::string_view line = Line();
  // Two columns: the blank in front of the hint, and the one libedit keeps free.
  const size_t used = DisplayWidth(prompt) + DisplayWidth(line) + 2;
  if (used + 1 >= static_cast<size_t>(columns)) return right_prompt.data();
  const size_t room = static_cast<size_t>(columns) - used;
  std::string hint = line.empty() ? "" : this->hint(line);
  if (hint.size() >= room) hint.resize(room - 1);
  const size_t hint_size = hint.size();
  if (!hint.empty()) {
    right_prompt = kEscapeMark + std::string("\x1b[90m") + kEscapeMark + hint + kEscapeMark + "\x1b[0m" + kEscapeMark;
  }
  right_prompt.append(room - hint_size, ' ');
  return right_prompt.data();
}

// The hint is taken off the screen first, by a refresh; then the pushed key, which is bound to ed-newline, ends the
// line as usual.
unsigned char LineEditor::State::Accept(EditLine* editor, int /*key*/) {
  Of(editor)->shows_hints = false;
  el_push(editor, kNewlineKey);
  return CC_REFRESH;
}

unsigned char LineEditor::State::CompleteNext(EditLine* editor, int /*key*/) {
  State* state = Of(editor);
  const LineInfo* info = el_line(editor);
  if (info->cursor != info->lastchar) return CC_NORM;
  const std::string line(state->Line());
  if (state->completions.empty() || line != state->completion_shown) {
    state->completions = state->complete(line);
    state->completion_index = 0;
    if (state->completions.empty()) return CC_ERROR;
    state->completions.push_back(line);  // after the last one comes what was typed
  } else {
    state->completion_index = (state->completion_index + 1) % state->completions.size();
  }
  state->completion_shown = state->completions[state->completion_index];
  state->ReplaceLine(state->completion_shown);
  return CC_REFRESH;
}

unsigned char LineEditor::State::Interrupt(EditLine* editor, int /*key*/) {
  Of(editor)->interrupted = true;
  return CC_EOF;
}

LineEditor::LineEditor(std::string history_path, HintFunction hint, CompletionFunction complete)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.history_path = std::move(history_path);
  state.hint = std::move(hint);
  state.complete = std::move(complete);
  std::setlocale(LC_CTYPE, "");  // libedit reads characters, not bytes

  state.history = history_init();
  HistEvent event;
  history(state.history, &event, H_SETSIZE, kHistoryLineCount);
  history(state.history, &event, H_SETUNIQUE, 1);
  if (!state.history_path.empty()) history(state.history, &event, H_LOAD, state.history_path.c_str());

  state.editor = el_init("kvick-cli", stdin, stdout, stderr);
  EditLine* editor = state.editor;
  el_set(editor, EL_CLIENTDATA, &state);
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, history, state.history);
  el_set(editor, EL_PROMPT, &State::Prompt);
  el_set(editor, EL_RPROMPT_ESC, &State::RightPrompt, kEscapeMark);
  // Ctrl-C as a key of its own: a signal would leave the terminal as the editor needs it.
  el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  el_set(editor, EL_ADDFN, "kvick-accept", "accept the line", &State::Accept);
  el_set(editor, EL_ADDFN, "kvick-complete", "complete the command", &State::CompleteNext);
  el_set(editor, EL_ADDFN, "kvick-interrupt", "end", &State::Interrupt);
  el_set(editor, EL_BIND, kNewlineKey, "ed-newline", nullptr);
  el_set(editor, EL_BIND, "^M", "kvick-accept", nullptr);
  el_set(editor, EL_BIND, "^J", "kvick-accept", nullptr);
  el_set(editor, EL_BIND, "^I", "kvick-complete", nullptr);
  el_set(editor, EL_BIND, "^C", "kvick-interrupt", nullptr);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(editor, EL_BIND, "^W", "ed-delete-prev-word", nullptr);
}

LineEditor::~LineEditor() {
  el_end(state_->editor);
  history_end(state_->history);
}

std::optional<std::string> LineEditor::ReadLine(const std::string& prompt) {
  State& state = *state_;
  state.prompt = prompt;
  state.shows_hints = true;
  state.interrupted = false;
  state.completions.clear();
  int size = 0;
  const char* line = el_gets(state.editor, &size);
  if (line == nullptr || size <= 0 || state.interrupted) {
    std::fputs("\n", stdout);
    return std::nullopt;
  }
  std::string text(line, static_cast<size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

void LineEditor::AddToHistory(const std::string& line) {
  HistEvent event;
  history(state_->history, &event, H_ENTER, line.c_str());
  if (!state_->history_path.empty()) history(state_->history, &event, H_SAVE, state_->history_path.c_str());
}

}  // namespace kvick::cli
