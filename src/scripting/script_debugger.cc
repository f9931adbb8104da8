#include "scripting/script_debugger.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <lua.hpp>
#include <utility>

#include "scripting/debug_text.h"
#include "scripting/lua_state.h"
#include "scripting/script_run.h"

namespace kvick {
namespace {

// Whether time has run out is looked at after so many instructions.
constexpr int kHookInstructions = 100'000;

void OnHook(lua_State* lua, lua_Debug* where) {
  ScriptRun* run = LuaState::Of(lua).run;
  if (run != nullptr && run->debugger() != nullptr) run->debugger()->OnEvent(*run, lua, where);
}

std::vector<std::string> SplitLines(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  std::vector<std::string> lines;
  while (true) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

ScriptDebugger::ScriptDebugger(DebugPort& port, const Clock& clock, std::string_view text, const Rules& rules)
    : port_(port), clock_(clock), rules_(rules), source_(SplitLines(text)), resumed_ms_(clock.MonotonicMs()) {}

void ScriptDebugger::Watch(lua_State* lua) {
  lua_sethook(lua, OnHook, LUA_MASKLINE | LUA_MASKCOUNT, kHookInstructions);
}

bool ScriptDebugger::IsOverTime() const {
  return rules_.patience_ms > 0 && clock_.MonotonicMs() - resumed_ms_ >= rules_.patience_ms;
}

void ScriptDebugger::OnEvent(ScriptRun& run, lua_State* lua, lua_Debug* where) {
  const bool is_line = where->event == LUA_HOOKLINE;
  if (is_evaluating_) {
    if (!is_line && (IsOverTime() || port_.IsGone())) luaL_error(lua, "the code has run for too long");
    return;
  }
  if (!is_line && !is_left_ && port_.IsGone()) is_left_ = true;
  if (is_left_) return HandleDeparture(run, lua);
  if (lua_getinfo(lua, "Sl", where) == 0 || std::strcmp(where->short_src, "user_script") != 0) return;
  const bool is_over_time = !is_line && IsOverTime();
  const bool is_break = is_line && (is_break_wanted_ || HasBreakpoint(where->currentline));
  if (!is_break && !is_over_time && !(is_line && is_stepping_)) return;
  const char* reason = "step over";
  if (is_over_time) reason = "timeout reached, infinite loop?";
  if (is_break) reason = is_break_wanted_ ? "redis.breakpoint() called" : "break point";
  is_stepping_ = is_break_wanted_ = false;
  line_ = where->currentline;
  Say("* Stopped at " + std::to_string(line_) + ", stop reason = " + reason);
  SayLine(line_);
  Converse(run, lua);
  resumed_ms_ = clock_.MonotonicMs();
}

void ScriptDebugger::HandleDeparture(ScriptRun& run, lua_State* lua) {
  is_stepping_ = is_break_wanted_ = false;
  breakpoints_.clear();
  if (rules_.ends_when_left) run.Unwind(lua, "ERR the client of the debugger has left");
  if (IsOverTime()) run.Unwind(lua, "ERR timeout during Lua debugging with client closing connection");
}

void ScriptDebugger::NoteCall(std::span<const std::string_view> words) {
  if (!is_stepping_) return;
  std::string line = "<redis>";
  for (const std::string_view word : words) {
    line += ' ';
    line += word;
  }
  Say(line);
}

void ScriptDebugger::NoteReply(std::string_view reply) {
  if (!is_stepping_) return;
  SayTrimmed("<reply> " + DescribeReply(reply));
}

void ScriptDebugger::NoteError(std::string_view text) {
  if (!is_stepping_) return;
  Say("<error> " + std::string(text));
}

void ScriptDebugger::NoteValues(lua_State* lua) {
  std::string line = "<debug> line " + std::to_string(line_) + ": ";
  const int count = lua_gettop(lua);
  for (int i = 1; i <= count; ++i) {
    if (i > 1) line += ", ";
    line += DescribeValue(lua, i);
  }
  Say(line);
}

void ScriptDebugger::Finish() {
  Say("<endsession>");
  Flush();
}

// A line of protocol: what would end it is shown as a blank.
void ScriptDebugger::Say(std::string_view line) {
  std::string& said = said_.emplace_back(line);
  std::replace(said.begin(), said.end(), '\r', ' ');
  std::replace(said.begin(), said.end(), '\n', ' ');
}

void ScriptDebugger::SayTrimmed(std::string line) {
  const bool is_trimmed = trim_bytes_ != 0 && line.size() > trim_bytes_;
  if (is_trimmed) {
    line.resize(trim_bytes_);
    line += " ...";
  }
  Say(line);
  if (is_trimmed && !std::exchange(was_hint_given_, true)) {
    Say("<hint> The above reply was trimmed. Use 'maxlen 0' to disable trimming.");
  }
}

void ScriptDebugger::SayLine(int line) {
  char margin[32];
  std::snprintf(margin, sizeof(margin), "%s%c%-3d ", line == line_ ? "->" : "  ", HasBreakpoint(line) ? '#' : ' ',
                line);
  const bool is_known = line >= 1 && line <= line_count();
  Say(margin + (is_known ? source_[static_cast<size_t>(line) - 1] : std::string("<out of range source code line>")));
}

void ScriptDebugger::Flush() {
  port_.Send(said_);
  said_.clear();
}

}  // namespace kvick
