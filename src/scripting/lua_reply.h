// Replies as Lua values and Lua values as replies, by the rules that scripts know.
//
//   RESP2 → Lua                         RESP3 → Lua
//   +OK        {ok = "OK"}              %  {map = {...}}       _  nil
//   -ERR x     {err = "ERR x"}          ~  {set = {a = true}}  #  boolean
//   :1         1                        ,  {double = 1.5}      =  {verbatim_string = {string =, format =}}
//   $ text     "text"                   (  {big_number = "1"}
//   $-1 *-1    false
//   * …        {…}
#pragma once

#include <functional>
#include <string_view>

#include "resp/reply_writer.h"

struct lua_State;

namespace kvick {

// Pushes the value of one whole reply. In protected mode.
void PushReply(lua_State* lua, std::string_view reply);

// Hears of each error in a reply. `was_counted`: a command answered it, and it counted there.
using ErrorListener = std::function<void(std::string_view error, bool was_counted)>;

// Writes the value on the top as a reply, and takes it away. `script_protocol` is the one of redis.setresp: whether
// booleans are booleans. In protected mode.
void WriteReply(lua_State* lua, int script_protocol, ReplyWriter& reply, const ErrorListener& on_error);

}  // namespace kvick
