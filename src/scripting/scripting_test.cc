// Scripts in an engine without data commands: the interpreter, its libraries, and what it keeps out.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "engine/local_client.h"
#include "scripting/features.h"
#include "scripting/function_payload.h"
#include "scripting/lua_state.h"
#include "scripting/scripting.h"

namespace kvick {
namespace {

class ScriptingTest : public ::testing::Test {
 protected:
  ScriptingTest() : engine_(&settings_, SystemClock::Instance()) {
    engine_.commands().Add(EvalCommands());
    engine_.commands().Add(FunctionCommands());
    engine_.commands().Add(ScriptCommands());
    AttachScripting(engine_);
    client_ = std::make_unique<LocalClient>(engine_);
  }
  ~ScriptingTest() override { client_.reset(); }

  std::string Execute(std::initializer_list<std::string_view> words) {
    std::string reply = client_->Execute(words);
    if (reply.ends_with("\r\n")) reply.resize(reply.size() - 2);
    return reply;
  }
  std::string Eval(std::string_view script) { return Execute({"EVAL", script, "0"}); }
  // The error of a script, without its digest.
  std::string ErrorOf(std::string_view script) {
    const std::string reply = Eval(script);
    EXPECT_EQ(reply.substr(0, 1), "-") << script;
    return reply.substr(0, reply.find(" script: "));
  }

  Settings settings_;
  Engine engine_;
  std::unique_ptr<LocalClient> client_;
};

TEST_F(ScriptingTest, ValuesBecomeReplies) {
  EXPECT_EQ(Eval("return 3.99"), ":3");
  EXPECT_EQ(Eval("return 'a'"), "$1\r\na");
  EXPECT_EQ(Eval("return {1,'a',nil,2}"), "*2\r\n:1\r\n$1\r\na");
  EXPECT_EQ(Eval("return {ok='fine'}"), "+fine");
  EXPECT_EQ(Eval("return {err='MY problem'}"), "-MY problem");
  EXPECT_EQ(Eval("return {double=1.5}"), "$3\r\n1.5");
  EXPECT_EQ(Eval("return {map={a=1}}"), "*2\r\n$1\r\na\r\n:1");
  EXPECT_EQ(Eval("return {set={a=true}}"), "*1\r\n$1\r\na");
  EXPECT_EQ(Eval("return {verbatim_string={string='x',format='txt'}}"), "$1\r\nx");
  EXPECT_EQ(Eval("return false"), "$-1");
  EXPECT_EQ(Eval("local t = {} t[1] = t return #t"), ":1");
}

TEST_F(ScriptingTest, ErrorsSayWhereTheyHappened) {
  const std::string reply = Eval("local t\nreturn t.x");
  EXPECT_EQ(reply, "-ERR user_script:2: attempt to index local 't' (a nil value) script: " +
                       reply.substr(reply.find("script: ") + 8, 40) + ", on @user_script:2.");
  EXPECT_EQ(Eval("error({})").substr(0, 18), "-ERR unknown error");
  EXPECT_EQ(Eval("this is bad"), "-ERR Error compiling script (new function): user_script:1: '=' expected near 'is'");
}

TEST_F(ScriptingTest, WhatScriptsShareIsReadOnly) {
  const std::string refused = "Attempt to modify a readonly table";
  for (const char* script : {"x = 1", "redis = 1", "_G.x = 1", "redis.call = 1", "string.format = nil",
                             "cjson.encode = 1", "rawset(_G, 'x', 1)", "rawset(redis, 'x', 1)", "setmetatable(_G, {})",
                             "setmetatable(string, {})", "getmetatable('').__index = 1", "getmetatable(_G).__index = 1",
                             "table.insert(redis, 1)", "table.sort(table)", "table.remove(bit)", "_G._G = {}"}) {
    EXPECT_NE(ErrorOf(script).find(refused), std::string::npos) << script << ": " << Eval(script);
  }
  EXPECT_NE(ErrorOf("return y").find("nonexistent global variable 'y'"), std::string::npos);
  // A table behind a read-only one is never seen.
  EXPECT_EQ(Eval("local f, t = pairs(_G) return tostring(t == _G)"), "$4\r\ntrue");
  EXPECT_EQ(Eval("for k, v in pairs(redis) do if k == 'call' then return 1 end end"), ":1");
  EXPECT_EQ(Eval("return type(getmetatable('').__index.rep)"), "$8\r\nfunction");
}

TEST_F(ScriptingTest, NothingLeadsOut) {
  for (const char* name : {"dofile", "loadfile", "require", "module", "io", "debug", "package", "getfenv", "setfenv",
                           "newproxy", "print"}) {
    EXPECT_NE(ErrorOf(std::string("return ") + name).find("nonexistent global variable"), std::string::npos) << name;
  }
  EXPECT_EQ(Eval("local n = 0 for k in pairs(os) do n = n + 1 end return n"), ":1");
  // Bytecode would be believed without a check.
  EXPECT_EQ(Eval("return {loadstring(string.dump(function() return 1 end))}"), "*0");
  EXPECT_EQ(Eval("local code = string.dump(function() end) local sent "
                 "return {load(function() if sent then return nil end sent = true return code end)}"),
            "*0");
  EXPECT_NE(Eval("\x1bLua").find("-ERR Error compiling script"), std::string::npos);
  EXPECT_EQ(Eval("return loadstring('return 7')()"), ":7");
}

TEST_F(ScriptingTest, ExcessIsCaught) {
  EXPECT_NE(ErrorOf("local function f() return f() + 1 end return f()").find("stack overflow"), std::string::npos);
  EXPECT_NE(ErrorOf("return string.rep('x', 2^40)").find("too large"), std::string::npos);
  EXPECT_EQ(Eval("return string.rep('', 1e15)"), "$0\r\n");
  EXPECT_NE(ErrorOf("return unpack({}, 0, 2^31 - 1)").find("too many results"), std::string::npos);
  EXPECT_NE(ErrorOf("return unpack({}, -2^31, 2^31 - 1)").find("too many results"), std::string::npos);
  EXPECT_NE(ErrorOf("return string.find('a', ('a?'):rep(100000))").find("pattern too complex"), std::string::npos);
  EXPECT_NE(ErrorOf("local t = {} for i = 1, 300 do t = {t} end return #cjson.encode(setmetatable({t}, nil)), "
                    "cjson.decode(('['):rep(2000))")
                .find("nested"),
            std::string::npos);
  // The interpreter is as good as before.
  EXPECT_EQ(Eval("return 1"), ":1");
}

TEST(LuaStateTest, RefusesMemoryBeyondItsLimit) {
  LuaState state(LuaState::Kind::kEval, size_t{8} << 20);
  FunctionLibrary library;
  library.text = "local s = 'x' while true do s = s .. s end";
  const auto loaded = FunctionLoading::Load(state, library);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.status().text().find("not enough memory"), std::string_view::npos) << loaded.status().text();
  EXPECT_LE(state.memory_bytes(), size_t{8} << 20);
}

TEST_F(ScriptingTest, ScriptsAreKnownByTheirDigest) {
  EXPECT_EQ(Execute({"SCRIPT", "LOAD", "return 1"}), "$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  EXPECT_EQ(Execute({"EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"}), ":1");
  EXPECT_EQ(Execute({"SCRIPT", "FLUSH"}), "+OK");
  EXPECT_EQ(Execute({"EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"}),
            "-NOSCRIPT No matching script. Please use EVAL.");
}

TEST_F(ScriptingTest, WhatEvalBroughtIsEvictedLeastRecentlyUsedFirst) {
  Execute({"SCRIPT", "LOAD", "return 'kept'"});
  for (int i = 0; i < 600; ++i) {
    Eval("return " + std::to_string(i));
    Eval("return 0");  // stays in use
  }
  Scripting& scripting = static_cast<Scripting&>(*engine_.hooks.script_runner);
  EXPECT_EQ(scripting.cache().count(), ScriptCache::kEvalCountMax + 1);
  EXPECT_EQ(scripting.cache().evicted_count(), 100u);
  EXPECT_EQ(Execute({"SCRIPT", "EXISTS", "9a2a6b5ac0d0c4fc2f1bd6ba5d5fd5eafd8b30e0"}), "*1\r\n:0");
  EXPECT_EQ(Eval("return 0"), ":0");
}

TEST_F(ScriptingTest, AKilledScriptEndsWhateverItCatches) {
  settings_.busy_reply_threshold_ms = 1;
  Scripting& scripting = static_cast<Scripting&>(*engine_.hooks.script_runner);
  std::thread killer([&] {
    while (!scripting.Kill(LuaState::Kind::kEval).ok()) std::this_thread::yield();
  });
  const std::string reply = Eval("while true do pcall(function() while true do end end) end");
  killer.join();
  EXPECT_EQ(reply.substr(0, reply.find(" script: ")), "-ERR Script killed by user with SCRIPT KILL...");
  EXPECT_EQ(Eval("return 1"), ":1");
  EXPECT_FALSE(scripting.IsBusy());
}

TEST_F(ScriptingTest, LibrariesAreWholeOrNotThere) {
  EXPECT_EQ(Execute({"FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('f', function(k, a) return a[1] end)"}),
            "$1\r\na");
  EXPECT_EQ(Execute({"FCALL", "f", "0", "x"}), "$1\r\nx");
  const std::string dump = client_->Execute({"FUNCTION", "DUMP"});
  const std::string payload = dump.substr(dump.find("\r\n") + 2, dump.size() - dump.find("\r\n") - 4);
  EXPECT_EQ(Execute({"FUNCTION", "RESTORE", payload}), "-ERR Library a already exists");
  EXPECT_EQ(Execute({"FUNCTION", "RESTORE", payload, "REPLACE"}), "+OK");
  EXPECT_EQ(Execute({"FUNCTION", "FLUSH"}), "+OK");
  EXPECT_EQ(Execute({"FCALL", "f", "0", "x"}), "-ERR Function not found");
  EXPECT_EQ(Execute({"FUNCTION", "RESTORE", payload}), "+OK");
  EXPECT_EQ(Execute({"FCALL", "f", "0", "x"}), "$1\r\nx");
}

TEST_F(ScriptingTest, ALibraryThatDoesNotEndIsRefused) {
  EXPECT_EQ(Execute({"FUNCTION", "LOAD", "#!lua name=a\nwhile true do end"}),
            "-ERR Error registering functions: ERR FUNCTION LOAD timeout");
}

TEST(FunctionPayloadTest, ReadsBackWhatItWrote) {
  const std::string long_text(3'000, 'a');
  const std::vector<std::string_view> texts = {"short", long_text};
  for (const bool compresses : {false, true}) {
    const std::string payload = EncodeFunctionPayload(texts, compresses);
    const auto decoded = DecodeFunctionPayload(payload);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->at(0), texts[0]);
    EXPECT_EQ(decoded->at(1), texts[1]);
    for (size_t i = 0; i < payload.size(); i += 7) {
      std::string broken = payload;
      broken[i] = static_cast<char>(broken[i] ^ 1);
      EXPECT_FALSE(DecodeFunctionPayload(broken).ok());
    }
  }
}

}  // namespace
}  // namespace kvick
