// How the debugger of scripts shows things in one line: values of Lua, and replies in protocol form.
#pragma once

#include <string>
#include <string_view>

struct lua_State;

namespace kvick {

// The value at `index`: 1, "a\n", {1; 2}, {["a"]=1}, "function@0x…". In protected mode; the stack is as it was.
std::string DescribeValue(lua_State* lua, int index);

// One whole reply: "+OK", 1, ["a",NULL], {"a" => 1}, (double) 1.5.
std::string DescribeReply(std::string_view reply);

}  // namespace kvick
