// Any commands in any order by two clients of one engine: what must hold afterwards holds. Nothing crashes, every
// command gets replies that can be read, and exactly one unless it waits or subscribes; and at the end
//
//   - DBSIZE is the number of keys that KEYS and SCAN name, once what is due has expired;
//   - no key holds an empty collection;
//   - each key's DUMP restores a key of the same contents.
//
//   input   = *step
//   step    = 1OCTET request         ; < 240: by the first client, or, when odd, the second
//   (tests/fuzz/request_maker.h)
//           / %xF0-FF                ; time passes
//
// KVICK_FUZZ_REACHED=file writes, at the end of the process, which commands were run and how often they succeeded.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/local_client.h"
#include "fuzz/request_maker.h"
#include "resp/reply_decoder.h"
#include "server/features.h"

using namespace kvick;
using test::FuzzBytes;
using test::RequestMaker;

namespace {

struct Exclusion {
  std::string_view name;  // with all subcommands
  std::string_view reason;
};
constexpr Exclusion kExclusions[] = {
    {"shutdown", "ends the process"},
    {"debug", "ends, stops or reloads the process; the checks use it"},
    {"save", "writes a file: tests/processes/test_saving.py"},
    {"bgsave", "writes a file: tests/processes/test_saving.py"},
    {"lastsave", "belongs to files that nobody has here"},
    {"bgrewriteaof", "writes a file: tests/processes/test_append_only.py"},
    {"waitaof", "waits for a file: tests/processes/test_append_only.py"},
    {"backup", "writes files: tests/processes/test_backup.py"},
    {"pfselftest", "takes most of the time: tests/commands/hyperloglog/"},
    {"migrate", "opens connections: tests/processes/test_data_exchange.py"},
    {"config|rewrite", "writes a file: tests/processes/test_directives.py"},
    {"acl|save", "writes a file: tests/processes/test_access_control.py"},
    {"acl|load", "reads a file: tests/processes/test_access_control.py"},
};

const Exclusion* FindExclusion(std::string_view name) {
  for (const Exclusion& exclusion : kExclusions) {
    if (name == exclusion.name || name.substr(0, name.find('|')) == exclusion.name) return &exclusion;
  }
  return nullptr;
}

// Sums over all inputs, by Command::index.
struct Reached {
  struct Row {
    std::string name;
    bool is_container = false;
    uint64_t calls = 0;
    uint64_t failed = 0;
  };
  std::vector<Row> rows;

  void Add(const CommandTable& table, const ExecutorStats& stats) {
    rows.resize(table.command_count());
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].name = table.at(i).name;
      rows[i].is_container = table.at(i).spec->handler == nullptr;
      rows[i].calls += stats.commands[i].calls.Load() + stats.commands[i].rejected.Load();
      rows[i].failed += stats.commands[i].failed.Load() + stats.commands[i].rejected.Load();
    }
  }

  ~Reached() {
    const char* path = std::getenv("KVICK_FUZZ_REACHED");
    if (path == nullptr) return;
    std::ofstream file(path);
    size_t count = 0;
    size_t succeeded = 0;
    for (const Row& row : rows) {
      if (row.is_container) continue;
      ++count;
      succeeded += static_cast<size_t>(row.calls > row.failed);
      file << row.name << ": " << row.calls << " calls, " << row.failed << " failed";
      if (const Exclusion* exclusion = FindExclusion(row.name)) file << " (not drawn: " << exclusion->reason << ")";
      file << "\n";
    }
    file << succeeded << " of " << count << " commands succeeded at least once\n";
  }
};
Reached reached;

// What is there before the input begins: a value of each type, so that most commands meet one.
constexpr std::initializer_list<std::string_view> kPrelude[] = {
    {"SET", "string:0", "12"},
    {"RPUSH", "list:0", "a", "b", "c", "1"},
    {"SADD", "set:0", "1", "2", "3"},
    {"SADD", "set:1", "a", "b", "1"},
    {"ZADD", "sorted-set:0", "1", "a", "2", "b", "3", "c"},
    {"ZADD", "sorted-set:1", "0", "a", "0", "b", "0", "c", "0", "d"},
    {"HSET", "hash:0", "a", "1", "b", "x", "c", "1.5"},
    {"XADD", "stream:0", "1-1", "a", "b"},
    {"XADD", "stream:0", "3-2", "a", "c"},
    {"XGROUP", "CREATE", "stream:0", "g1", "0"},
    {"XREADGROUP", "GROUP", "g1", "c1", "COUNT", "1", "STREAMS", "stream:0", ">"},
    {"SETBIT", "bitmap:0", "17", "1"},
    {"PFADD", "hyperloglog:0", "a", "b"},
    {"GEOADD", "geo:0", "13.361389", "38.115556", "a", "15.087269", "37.502669", "b"},
    {"ARSET", "array:0", "3", "a", "b", "c"},
};

// An engine with two clients.
class Store {
 public:
  Store() {
    settings_.databases = 2;
    settings_.proto_max_bulk_len_bytes = 1 << 20;
    settings_.debug_command = AccessPermission::kYes;
    engine_ = std::make_unique<Engine>(&settings_, clock_);
    RegisterFeatures(*engine_);
    LocalClient client(*engine_);
    client.Execute({"SCRIPT", "LOAD", "return 1"});
    client.Execute({"FUNCTION", "LOAD", "#!lua name=one\nredis.register_function('f', function() return 1 end)"});
  }
  ~Store() {
    for (const auto& client : clients_) {
      if (client != nullptr) Forget(*client);
    }
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const CommandTable& commands() const { return engine_->commands(); }

  // The replies of a command, none when the client waits (or is not to get any).
  std::vector<Value> Execute(size_t index, const RequestMaker::Request& request) {
    LocalClient& client = Ready(index);
    const std::vector<std::string_view> words(request.begin(), request.end());
    const bool is_answered =
        client.session().reply_mode == Session::ReplyMode::kOn && !engine_->pause.IsActive(clock_.NowMs());
    const std::vector<Value> replies = Read(client.Execute(words));
    Read(client.TakePushes());
    const Session& session = client.session();
    if (is_answered && session.reply_mode == Session::ReplyMode::kOn && !session.is_waiting() && !session.closing) {
      // Who monitors already is not answered when it asks again.
      KVICK_ASSERT(!replies.empty() || (session.restrictions & Session::kMonitor) != 0);
      // Subscriptions are confirmed one by one, also those that a transaction queued.
      const Command* command = session.last_command;
      const bool may_be_many = command != nullptr && (command->has(kPubSub) || command->has(kRunsTransaction));
      KVICK_ASSERT(replies.size() <= 1 || may_be_many);
      // What is left behind by others than keys and clients: settings, users, functions.
      is_reusable_ = is_reusable_ && command != nullptr && !command->has(kAdmin) && !command->has(kExclusive) &&
                     !command->has(kScriptRunner) && !command->has(kRunsTransaction);
    } else {
      is_reusable_ = false;
    }
    return replies;
  }

  void Pass(int64_t duration_ms) {
    clock_.AdvanceMs(duration_ms);
    passed_ms_ += duration_ms;
    for (const auto& client : clients_) {
      client->EndOverdueWaits();
      if (const auto reply = client->TakeDelivered()) Read(*reply);
      client->executor().RemoveExpired(0, 1, 1000);
    }
  }

  void Check() {
    engine_->pause = {};
    for (auto& gone : clients_) {
      Forget(*gone);
      gone.reset();
    }
    LocalClient client(*engine_);
    client.Execute({"CONFIG", "SET", "maxmemory", "0"});
    while (client.executor().RemoveExpired(0, 1, 1'000'000)) continue;
    for (const std::string_view database : {"0", "1"}) {
      KVICK_ASSERT(client.Execute({"SELECT", database}) == "+OK\r\n");
      std::set<std::string> keys;
      const Value names = Read(client.Execute({"KEYS", "*"})).at(0);
      for (const Value& key : names.elements) keys.insert(key.text);
      KVICK_ASSERT(Scan(client) == keys);
      KVICK_ASSERT(client.Execute({"DBSIZE"}) == ":" + std::to_string(keys.size()) + "\r\n");
      for (const std::string& key : keys) CheckKey(client, key);
    }
    Forget(client);
    client.Execute({"FLUSHALL"});
    clock_.AdvanceMs(-std::exchange(passed_ms_, 0));
  }

  // Nothing but keys has changed since it was made: another input may have it. Making one takes longer than most
  // inputs.
  bool is_reusable() const { return is_reusable_; }
  void Begin() {
    LocalClient client(*engine_);
    for (const auto& words : kPrelude) KVICK_ASSERT(client.Execute(words)[0] != '-');
    for (auto& client : clients_) client = std::make_unique<LocalClient>(*engine_);
  }

 private:
  // `index`'s client if it can run a command; one in its place, if it is closed or waits for ever.
  LocalClient& Ready(size_t index) {
    std::unique_ptr<LocalClient>& client = clients_[index];
    if (const auto reply = client->TakeDelivered()) Read(*reply);
    Session& session = client->session();
    if (session.closing || session.close_after_reply || session.is_waiting()) {
      Forget(*client);
      client = std::make_unique<LocalClient>(*engine_);
    }
    return *client;
  }

  // Before it goes: what it did.
  void Forget(LocalClient& client) { reached.Add(engine_->commands(), client.executor().stats()); }

  static std::vector<Value> Read(std::string_view bytes) {
    ReplyDecoder decoder;
    decoder.Feed(bytes);
    std::vector<Value> replies;
    while (true) {
      Result<std::optional<Value>> reply = decoder.Next();
      KVICK_ASSERT(reply.ok());
      if (!*reply) break;
      replies.push_back(std::move(**reply));
    }
    KVICK_ASSERT(decoder.idle());
    return replies;
  }

  static std::set<std::string> Scan(LocalClient& client) {
    std::set<std::string> keys;
    std::string cursor = "0";
    do {
      const Value reply = Read(client.Execute({"SCAN", cursor, "COUNT", "3000"})).at(0);
      cursor = reply.elements.at(0).text;
      for (const Value& key : reply.elements.at(1).elements) keys.insert(key.text);
    } while (cursor != "0");
    return keys;
  }

  static void CheckKey(LocalClient& client, const std::string& key) {
    const std::string type = Read(client.Execute({"TYPE", key})).at(0).text;
    for (const auto& [of_type, length] :
         {std::pair{"list", "LLEN"}, {"set", "SCARD"}, {"zset", "ZCARD"}, {"hash", "HLEN"}}) {
      if (type == of_type) KVICK_ASSERT(client.Execute({length, key}) != ":0\r\n");
    }
    const std::string payload = Read(client.Execute({"DUMP", key})).at(0).text;
    const std::string copy = key + ":copy";
    // The digest tells whether there is an expiry.
    const int64_t expiry_ms = Read(client.Execute({"PEXPIRETIME", key})).at(0).integer;
    const std::string moment = std::to_string(expiry_ms < 0 ? 0 : expiry_ms);
    KVICK_ASSERT(client.Execute({"RESTORE", copy, moment, payload, "REPLACE", "ABSTTL"}) == "+OK\r\n");
    const Value digests = Read(client.Execute({"DEBUG", "DIGEST-VALUE", key, copy})).at(0);
    KVICK_ASSERT(digests.elements.at(0).text == digests.elements.at(1).text);
    client.Execute({"DEL", copy});
  }

  ManualClock clock_{1'700'000'000'000};
  int64_t passed_ms_ = 0;
  bool is_reusable_ = true;
  Settings settings_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LocalClient> clients_[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_quiet = [] {
    SetLogLevel(LogLevel::kNothing);
    return true;
  }();
  KVICK_ASSERT(is_quiet);
  static const bool shows_requests = std::getenv("KVICK_FUZZ_SHOW") != nullptr;
  static std::unique_ptr<Store> kept;
  if (kept == nullptr) kept = std::make_unique<Store>();
  Store& store = *kept;
  store.Begin();
  RequestMaker maker(store.commands(), [](std::string_view name) { return FindExclusion(name) != nullptr; });
  FuzzBytes bytes(data, size);
  // More commands than that in one input find nothing that fewer would not.
  for (int step = 0; step < 200 && !bytes.is_at_end(); ++step) {
    const uint8_t choice = bytes.Take();
    if (choice >= 240) {
      static constexpr int64_t kPassed[] = {1, 100, 5'000, 100'000};
      store.Pass(kPassed[choice % std::size(kPassed)]);
      continue;
    }
    const RequestMaker::Request request = maker.Make(bytes);
    if (shows_requests) {
      std::cerr << choice % 2 << ">";
      for (const std::string& word : request) std::cerr << " " << QuoteArgument(word);
      std::cerr << "\n";
    }
    const std::vector<Value> replies = store.Execute(choice % 2, request);
    if (request[0] == "dump" && !replies.empty() && !replies[0].text.empty()) maker.NotePayload(replies[0].text);
  }
  store.Check();
  if (!store.is_reusable()) kept.reset();
  return 0;
}
