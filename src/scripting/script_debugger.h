// ScriptDebugger: stops a script before its lines and lets a client look around, as SCRIPT DEBUG promises: steps,
// breakpoints, variables, code and commands in between.
//
// It runs where the script runs, in the interpreter's hook, and waits there for what the client says next.
//
// Thread rule: the thread that runs the script.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

struct lua_Debug;
struct lua_State;

namespace kvick {

struct Command;
class ScriptRun;

// The client of a debugger.
class DebugPort {
 public:
  enum class Arrival { kWords, kBadProtocol, kGone };

  virtual ~DebugPort() = default;
  virtual void Send(std::span<const std::string> lines) = 0;
  // Waits for the next command.
  virtual Arrival Receive(std::vector<std::string>* words) = 0;
  // The client has left or was made to: nobody waits for the script any more.
  virtual bool IsGone() = 0;
};

class ScriptDebugger {
 public:
  struct Rules {
    bool ends_when_left = false;  // else the script runs on to its end, without stops
    int64_t patience_ms = 0;      // the longest run between two stops; 0: any
  };

  ScriptDebugger(DebugPort& port, const Clock& clock, std::string_view text, const Rules& rules);
  ScriptDebugger(const ScriptDebugger&) = delete;
  ScriptDebugger& operator=(const ScriptDebugger&) = delete;

  // Asked before each command of the script: an error is the command's reply.
  std::function<Status(const Command& command, std::span<const std::string_view> words)> before_call;

  // The interpreter tells of lines and of instructions.
  void Watch(lua_State* lua);
  void OnEvent(ScriptRun& run, lua_State* lua, lua_Debug* where);

  // What the script does.
  void NoteCall(std::span<const std::string_view> words);
  void NoteReply(std::string_view reply);
  void NoteError(std::string_view text);
  void NoteBreakpoint() { is_break_wanted_ = true; }  // redis.breakpoint
  void NoteValues(lua_State* lua);                    // redis.debug: all that is on the stack

  // The script has ended: sends what is left to say.
  void Finish();

 private:
  // debugger_commands.cc
  // Serves the client until it lets the script go on.
  void Converse(ScriptRun& run, lua_State* lua);
  // One command; false when the script goes on.
  bool Obey(const std::vector<std::string>& words, ScriptRun& run, lua_State* lua);
  void ShowHelp();
  void List(const std::vector<std::string>& words);
  void ListAround(int line, int context);
  void SetBreakpoints(const std::vector<std::string>& words);
  void ShowBreakpoints();
  void ShowVariable(lua_State* lua, std::string_view name);
  void ShowVariables(lua_State* lua);
  void ShowTrace(lua_State* lua);
  void Evaluate(const std::vector<std::string>& words, lua_State* lua);
  void RunCommand(const std::vector<std::string>& words, ScriptRun& run);
  void SetTrimming(const std::vector<std::string>& words);

  void HandleDeparture(ScriptRun& run, lua_State* lua);
  bool IsOverTime() const;
  void Say(std::string_view line);
  void SayTrimmed(std::string line);
  void SayLine(int line);
  void Flush();
  bool HasBreakpoint(int line) const {
    return std::find(breakpoints_.begin(), breakpoints_.end(), line) != breakpoints_.end();
  }
  int line_count() const { return static_cast<int>(source_.size()); }

  static constexpr size_t kTrimDefault = 256;

  DebugPort& port_;
  const Clock& clock_;
  const Rules rules_;
  std::vector<std::string> source_;
  std::vector<int> breakpoints_;   // in the order in which they were set
  std::vector<std::string> said_;  // and not sent
  size_t trim_bytes_ = kTrimDefault;
  bool was_hint_given_ = false;
  bool is_stepping_ = true;       // stops before the next line, and shows commands
  bool is_break_wanted_ = false;  // redis.breakpoint was called
  bool is_evaluating_ = false;
  bool is_left_ = false;
  int line_ = 0;  // where the script is
  int64_t resumed_ms_;
};

}  // namespace kvick
