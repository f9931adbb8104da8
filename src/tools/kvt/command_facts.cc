#include "tools/kvt/command_facts.h"

#include <string_view>

#include "base/bytes.h"

namespace kvick::kvt {
namespace {

// COMMAND INFO: name, arity, flags, first key, last key, step, categories, tips, ...
constexpr size_t kFlags = 2;
constexpr size_t kFirstKey = 3;
constexpr size_t kTips = 7;

bool ControlsTransaction(std::string_view name) {
  for (const std::string_view one :
       {"multi", "exec", "discard", "watch", "unwatch", "reset", "quit", "hello", "auth"}) {
    if (name == one) return true;
  }
  return false;
}

// What a script changes of these is its own, or put back at its end.
bool KeepsStateOfConnection(std::string_view name) { return name == "select" || name == "himport"; }

bool Contains(const Value& words, std::string_view word) {
  for (const Value& one : words.elements) {
    if (one.text == word) return true;
  }
  return false;
}

}  // namespace

const CommandFacts::Facts& CommandFacts::Find(client::Connection& connection,
                                              const std::vector<std::string>& arguments) {
  const std::string name = ToLower(arguments[0]);
  const std::string key = arguments.size() > 1 ? name + "|" + ToLower(arguments[1]) : name;
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  Facts facts;
  facts.needs_own_exchange = ControlsTransaction(name);
  for (const std::string& asked : {key, name}) {
    const Result<Value> reply = connection.Call({"COMMAND", "INFO", asked});
    if (!reply.ok() || reply->elements.size() != 1 || reply->elements[0].elements.size() <= kTips) continue;
    const Value& info = reply->elements[0];
    const Value& flags = info.elements[kFlags];
    facts.needs_own_exchange = facts.needs_own_exchange || Contains(flags, "no_multi") || Contains(flags, "pubsub");
    facts.is_for_scripts = !facts.needs_own_exchange && !Contains(flags, "noscript") && !Contains(flags, "blocking") &&
                           !KeepsStateOfConnection(name);
    facts.has_keys = info.elements[kFirstKey].integer != 0 || Contains(flags, "movablekeys");
    facts.is_readonly = Contains(flags, "readonly");
    facts.has_open_order = Contains(info.elements[kTips], "nondeterministic_output_order") ||
                           Contains(info.elements[kTips], "nondeterministic_output");
    break;
  }
  return known_.emplace(key, facts).first->second;
}

}  // namespace kvick::kvt
