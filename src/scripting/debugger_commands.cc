// What a client may say to the debugger of scripts while a script has stopped.
#include <cstdlib>
#include <lua.hpp>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"
#include "scripting/debug_text.h"
#include "scripting/script_debugger.h"
#include "scripting/script_run.h"

namespace kvick {
namespace {

constexpr int kListContext = 5;
constexpr size_t kBreakpointsMax = 64;
constexpr int kTrimMin = 60;

constexpr std::string_view kHelp[] = {
    "Redis Lua debugger help:",
    "[h]elp               Show this help.",
    "[s]tep               Run current line and stop again.",
    "[n]ext               Alias for step.",
    "[c]ontinue           Run till next breakpoint.",
    "[l]ist               List source code around current line.",
    "[l]ist [line]        List source code around [line].",
    "                     line = 0 means: current position.",
    "[l]ist [line] [ctx]  In this form [ctx] specifies how many lines",
    "                     to show before/after [line].",
    "[w]hole              List all source code. Alias for 'list 1 1000000'.",
    "[p]rint              Show all the local variables.",
    "[p]rint <var>        Show the value of the specified variable.",
    "                     Can also show global vars KEYS and ARGV.",
    "[b]reak              Show all breakpoints.",
    "[b]reak <line>       Add a breakpoint to the specified line.",
    "[b]reak -<line>      Remove breakpoint from the specified line.",
    "[b]reak 0            Remove all breakpoints.",
    "[t]race              Show a backtrace.",
    "[e]val <code>        Execute some Lua code (in a different callframe).",
    "[r]edis <cmd>        Execute a Redis command.",
    "[m]axlen [len]       Trim logged Redis replies and Lua var dumps to len.",
    "                     Specifying zero as <len> means unlimited.",
    "[a]bort              Stop the execution of the script. In sync",
    "                     mode dataset changes will be retained.",
    "",
    "Debugger functions you can call from Lua scripts:",
    "redis.debug()        Produce logs in the debugger console.",
    "redis.breakpoint()   Stop execution like if there was a breakpoint in the",
    "                     next line of code.",
};

// Whatever is no number counts as 0, as these commands have always read them.
int NumberOf(const std::string& word) { return static_cast<int>(std::strtol(word.c_str(), nullptr, 10)); }

bool Is(const std::string& word, std::string_view letter, std::string_view name) {
  return EqualsIgnoreCase(word, letter) || EqualsIgnoreCase(word, name);
}

// The text of the error on the top of the stack, which it takes away. Scripts may raise tables.
std::string TakeErrorText(lua_State* lua) {
  if (lua_istable(lua, -1)) {
    lua_getfield(lua, -1, "err");
    lua_remove(lua, -2);
  }
  size_t size = 0;
  const char* text = lua_tolstring(lua, -1, &size);
  std::string taken = text != nullptr ? std::string(text, size) : DescribeValue(lua, -1);
  lua_pop(lua, 1);
  return taken;
}

bool Compile(lua_State* lua, const std::string& code) {
  // No bytecode. The parser keeps the name only in itself: held here, so that the collector does not take it.
  if (!code.empty() && code[0] == LUA_SIGNATURE[0]) {
    lua_pushliteral(lua, "ldb_eval: attempt to load a binary chunk");
    return false;
  }
  lua_pushliteral(lua, "@ldb_eval");
  const bool is_good = luaL_loadbuffer(lua, code.data(), code.size(), lua_tostring(lua, -1)) == 0;
  lua_remove(lua, -2);
  return is_good;
}

}  // namespace

void ScriptDebugger::Converse(ScriptRun& run, lua_State* lua) {
  luaL_checkstack(lua, LUA_MINSTACK, "no room for the debugger");
  while (true) {
    Flush();
    std::vector<std::string> words;
    switch (port_.Receive(&words)) {
      case DebugPort::Arrival::kWords: break;
      case DebugPort::Arrival::kBadProtocol: run.Unwind(lua, "ERR protocol error");
      case DebugPort::Arrival::kGone:
        is_left_ = true;
        resumed_ms_ = clock_.MonotonicMs();
        return HandleDeparture(run, lua);
    }
    if (!Obey(words, run, lua)) return;
  }
}

bool ScriptDebugger::Obey(const std::vector<std::string>& words, ScriptRun& run, lua_State* lua) {
  const std::string& name = words[0];
  if (Is(name, "h", "help")) {
    for (const std::string_view line : kHelp) Say(line);
  } else if (Is(name, "s", "step") || Is(name, "n", "next")) {
    is_stepping_ = true;
    return false;
  } else if (Is(name, "c", "continue")) {
    return false;
  } else if (Is(name, "t", "trace")) {
    ShowTrace(lua);
  } else if (Is(name, "m", "maxlen")) {
    SetTrimming(words);
  } else if (Is(name, "b", "break")) {
    words.size() == 1 ? ShowBreakpoints() : SetBreakpoints(words);
  } else if (Is(name, "e", "eval")) {
    Evaluate(words, lua);
  } else if (Is(name, "a", "abort")) {
    run.Unwind(lua, "ERR script aborted for user request");
  } else if (words.size() > 1 && Is(name, "r", "redis")) {
    RunCommand(words, run);
  } else if (Is(name, "p", "print")) {
    words.size() == 2 ? ShowVariable(lua, words[1]) : ShowVariables(lua);
  } else if (Is(name, "l", "list")) {
    List(words);
  } else if (Is(name, "w", "whole")) {
    ListAround(1, line_count());
  } else {
    Say("<error> Unknown Redis Lua debugger command or wrong number of arguments.");
  }
  return true;
}

void ScriptDebugger::List(const std::vector<std::string>& words) {
  const int wanted = words.size() > 1 ? NumberOf(words[1]) : 0;
  ListAround(wanted > 0 ? wanted : line_, words.size() > 2 ? NumberOf(words[2]) : kListContext);
}

void ScriptDebugger::ListAround(int line, int context) {
  for (int i = 1; i <= line_count(); ++i) {
    if (int64_t{i} >= int64_t{line} - context && int64_t{i} <= int64_t{line} + context) SayLine(i);
  }
}

void ScriptDebugger::ShowBreakpoints() {
  if (breakpoints_.empty()) return Say("No breakpoints set. Use 'b <line>' to add one.");
  Say(std::to_string(breakpoints_.size()) + " breakpoints set:");
  for (const int line : breakpoints_) SayLine(line);
}

void ScriptDebugger::SetBreakpoints(const std::vector<std::string>& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    const std::optional<int64_t> line = ParseInt64(words[i]);
    if (!line) {
      Say("Invalid argument:'" + words[i] + "'");
    } else if (*line == 0) {
      breakpoints_.clear();
      Say("All breakpoints removed.");
    } else if (*line < 0) {
      const bool was_set = std::erase_if(breakpoints_, [&line](int known) { return known + *line == 0; }) != 0;
      Say(was_set ? "Breakpoint removed." : "No breakpoint in the specified line.");
    } else if (breakpoints_.size() == kBreakpointsMax) {
      Say("Too many breakpoints set.");
    } else if (*line > line_count() || HasBreakpoint(static_cast<int>(*line))) {
      Say("Wrong line number.");
    } else {
      breakpoints_.push_back(static_cast<int>(*line));
      ListAround(static_cast<int>(*line), 1);
    }
  }
}

void ScriptDebugger::SetTrimming(const std::vector<std::string>& words) {
  if (words.size() == 2) {
    const int wanted = NumberOf(words[1]);
    trim_bytes_ = wanted == 0 ? 0 : static_cast<size_t>(wanted < kTrimMin ? kTrimMin : wanted);
    was_hint_given_ = true;
  }
  Say(trim_bytes_ == 0 ? "<value> replies are unlimited."
                       : "<value> replies are truncated at " + std::to_string(trim_bytes_) + " bytes.");
}

void ScriptDebugger::ShowVariable(lua_State* lua, std::string_view name) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(lua, level, &frame) != 0; ++level) {
    const char* local = nullptr;
    for (int i = 1; (local = lua_getlocal(lua, &frame, i)) != nullptr; ++i) {
      const bool is_wanted = name == local;
      if (is_wanted) SayTrimmed("<value> " + DescribeValue(lua, -1));
      lua_pop(lua, 1);
      if (is_wanted) return;
    }
  }
  if (name != "KEYS" && name != "ARGV") return Say("No such variable.");
  lua_getglobal(lua, std::string(name).c_str());
  SayTrimmed("<value> " + DescribeValue(lua, -1));
  lua_pop(lua, 1);
}

void ScriptDebugger::ShowVariables(lua_State* lua) {
  bool is_any = false;
  lua_Debug frame;
  const char* local = nullptr;
  if (lua_getstack(lua, 0, &frame) != 0) {
    for (int i = 1; (local = lua_getlocal(lua, &frame, i)) != nullptr; ++i) {
      if (std::string_view(local) != "(*temporary)") {
        SayTrimmed("<value> " + std::string(local) + " = " + DescribeValue(lua, -1));
        is_any = true;
      }
      lua_pop(lua, 1);
    }
  }
  if (!is_any) Say("No local variables in the current context.");
}

void ScriptDebugger::ShowTrace(lua_State* lua) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(lua, level, &frame) != 0; ++level) {
    if (lua_getinfo(lua, "Snl", &frame) == 0 || std::string_view(frame.short_src) != "user_script") continue;
    Say(std::string(level == 0 ? "In " : "From ") + (frame.name != nullptr ? frame.name : "top level") + ":");
    SayLine(frame.currentline);
  }
}

// An expression, or else statements.
void ScriptDebugger::Evaluate(const std::vector<std::string>& words, lua_State* lua) {
  std::string code;
  for (size_t i = 1; i < words.size(); ++i) {
    if (i > 1) code += ' ';
    code += words[i];
  }
  if (!Compile(lua, "return " + code)) {
    lua_pop(lua, 1);
    if (!Compile(lua, code)) return Say("<error> " + TakeErrorText(lua));
  }
  // While a hook runs, its coroutine has no hooks: in another one the code can be ended.
  lua_State* const coroutine = lua_newthread(lua);
  lua_insert(lua, -2);
  lua_xmove(lua, coroutine, 1);
  is_evaluating_ = true;
  resumed_ms_ = clock_.MonotonicMs();
  const bool is_good = lua_pcall(coroutine, 0, 1, 0) == 0;
  is_evaluating_ = false;
  lua_xmove(coroutine, lua, 1);
  lua_remove(lua, -2);
  if (!is_good) return Say("<error> " + TakeErrorText(lua));
  SayTrimmed("<retval> " + DescribeValue(lua, -1));
  lua_pop(lua, 1);
}

void ScriptDebugger::RunCommand(const std::vector<std::string>& words, ScriptRun& run) {
  const std::vector<std::string_view> command(words.begin() + 1, words.end());
  is_stepping_ = true;  // shows the command and its reply
  std::string_view reply;
  run.Call(command, &reply);
  is_stepping_ = false;
}

}  // namespace kvick
