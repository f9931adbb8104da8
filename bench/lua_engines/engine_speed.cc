// How fast the two packaged interpreters of Lua 5.1 run the same programs, without and with the hook that interrupts a
// script (docs/decisions/0005-lua-engine.md). Each line: program, hook or not, processor time of the best of five runs.
//
//   g++ -O2 -I/usr/include/lua5.1 engine_speed.cc -l:liblua5.1-c++.a -o puc && ./puc
//   g++ -O2 -DWITH_LUAJIT -I/usr/include/luajit-2.1 engine_speed.cc -l:libluajit-5.1.a -ldl -o luajit && ./luajit
#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <lua.hpp>

namespace {

struct Program {
  const char* name;
  const char* text;
};
constexpr Program kPrograms[] = {
    {"loop", "local s=0 for i=1,2000000 do s=s+i%7 end return s"},
    {"table",
     "local t={} for i=1,200000 do t[i]=i*2 end local s=0 for i=1,#t do s=s+t[i] end for k,v in pairs(t) do s=s+v end "
     "return s"},
    {"string",
     "local t={} for i=1,50000 do t[#t+1]=string.format('%d:%s',i,'abc') end local s=table.concat(t,',') local n=0 "
     "for w in string.gmatch(s,'%d+') do n=n+1 end return n"},
    {"bucket",
     "local n=0 for i=1,100000 do local capacity=tonumber('100') local rate=tonumber('1.5') "
     "local now=tonumber('123456.5') local last=tonumber('123400') local tokens=math.min(capacity,5+(now-last)*rate) "
     "if tokens>=1 then tokens=tokens-1 end n=n+tokens end return n"},
    {"fib", "local function fib(n) if n<2 then return n end return fib(n-1)+fib(n-2) end return fib(24)"},
    {"sort", "math.randomseed(1) local t={} for i=1,30000 do t[i]=math.random() end table.sort(t) return t[1]"},
};
constexpr int kRuns = 5;
constexpr int kHookInstructions = 100000;

double ProcessorSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double BestOf(const Program& program, bool with_hook) {
  lua_State* lua = luaL_newstate();
  luaL_openlibs(lua);
#ifdef WITH_LUAJIT
  luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
#endif
  if (with_hook)
    lua_sethook(
        lua, [](lua_State*, lua_Debug*) {}, LUA_MASKCOUNT, kHookInstructions);
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const double begin = ProcessorSeconds();
    if (luaL_dostring(lua, program.text) != 0) std::printf("%s\n", lua_tostring(lua, -1));
    lua_settop(lua, 0);
    const double seconds = ProcessorSeconds() - begin;
    if (seconds < best) best = seconds;
  }
  lua_close(lua);
  return best;
}

}  // namespace

int main() {
  for (const bool with_hook : {false, true}) {
    for (const Program& program : kPrograms) {
      std::printf("%-7s %-8s %7.2f ms\n", program.name, with_hook ? "hook" : "no hook",
                  1000 * BestOf(program, with_hook));
    }
  }
}
