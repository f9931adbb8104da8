// RequestMaker turns bytes into requests: which command, which of its optional arguments, and what values. It walks the
// syntax of the command's row, so most requests get past the checks of arguments and do something; a few are damaged.
//
// A command is chosen by the hash of its name, not by its place in the table: a new command leaves the meaning of the
// seeds as it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command_table.h"

namespace kvick::test {

// The input of a fuzz target; zeros behind its end, so that whatever it was in the middle of ends soon.
class FuzzBytes {
 public:
  FuzzBytes(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  bool is_at_end() const { return data_ == end_; }
  uint8_t Take() { return is_at_end() ? 0 : *data_++; }
  size_t TakeBelow(size_t bound) { return Take() % bound; }
  bool Chance(size_t one_in) { return TakeBelow(one_in) == one_in - 1; }
  std::string TakeText(size_t size) {
    std::string text;
    while (text.size() < size && !is_at_end()) text.push_back(static_cast<char>(Take()));
    return text;
  }
  template <size_t kCount>
  std::string Pick(const std::array<std::string_view, kCount>& values) {
    return std::string(values[TakeBelow(kCount)]);
  }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

class RequestMaker {
 public:
  using Request = std::vector<std::string>;

  // `is_excluded` names what would leave the process (files, sockets, its end).
  template <typename IsExcluded>
  RequestMaker(const CommandTable& table, const IsExcluded& is_excluded) {
    for (size_t i = 0; i < table.command_count(); ++i) {
      const Command& command = table.at(i);
      if (command.spec->handler == nullptr || is_excluded(command.name)) continue;
      uint32_t hash = 2166136261;
      for (const char c : command.name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
      while (!by_hash_.emplace(hash >> 16, &command).second) hash += 1 << 16;
    }
  }

  Request Make(FuzzBytes& bytes) {
    const uint32_t high = bytes.Take();
    auto found = by_hash_.lower_bound(high << 8 | bytes.Take());
    if (found == by_hash_.end()) found = by_hash_.begin();
    command_ = found->second;
    request_.clear();
    count_place_ = 0;
    const size_t bar = command_->name.find('|');
    request_.push_back(command_->name.substr(0, bar));
    if (bar != std::string::npos) request_.push_back(command_->name.substr(bar + 1));
    for (const SyntaxArgument& argument : command_->arguments) Append(argument, bytes);
    if (bytes.Chance(16)) Damage(bytes);
    return request_;
  }

  // For RESTORE: what DUMP answered last.
  void NotePayload(std::string payload) { payload_ = std::move(payload); }

 private:
  void Append(const SyntaxArgument& argument, FuzzBytes& bytes) {
    if (argument.optional && bytes.TakeBelow(2) == 0) return;
    const size_t repetitions = argument.multiple ? 1 + bytes.TakeBelow(4) : 1;
    const size_t count_place = count_place_;
    for (size_t i = 0; i < repetitions; ++i) {
      if (argument.kind != SyntaxArgument::Kind::kToken && !argument.token.empty() &&
          (i == 0 || argument.multiple_token)) {
        request_.push_back(argument.token);
      }
      AppendOne(argument, bytes);
    }
    // A count of what follows it is right as a rule.
    if (argument.multiple && count_place != 0 && !bytes.Chance(16)) {
      request_[count_place] = std::to_string(repetitions);
      count_place_ = 0;
    }
  }

  void AppendOne(const SyntaxArgument& argument, FuzzBytes& bytes) {
    switch (argument.kind) {
      case SyntaxArgument::Kind::kToken: request_.push_back(argument.token); return;
      case SyntaxArgument::Kind::kOneOf: Append(argument.parts[bytes.TakeBelow(argument.parts.size())], bytes); return;
      case SyntaxArgument::Kind::kBlock:
        for (const SyntaxArgument& part : argument.parts) Append(part, bytes);
        return;
      default: break;
    }
    if (argument.name.starts_with("num")) count_place_ = request_.size();
    request_.push_back(bytes.Chance(16) ? bytes.TakeText(bytes.TakeBelow(24)) : ValueOf(argument, bytes));
  }

  std::string ValueOf(const SyntaxArgument& argument, FuzzBytes& bytes) const;
  std::string KeyOf(FuzzBytes& bytes) const;

  void Damage(FuzzBytes& bytes) {
    const size_t place = bytes.TakeBelow(request_.size());
    switch (bytes.TakeBelow(4)) {
      case 0: request_.erase(request_.begin() + static_cast<ptrdiff_t>(place)); break;
      case 1: request_.push_back(request_[place]); break;
      case 2: request_[place] = bytes.TakeText(bytes.TakeBelow(40)); break;
      default: request_[place] = payload_; break;
    }
    if (request_.empty()) request_.emplace_back("PING");
  }

  std::map<uint32_t, const Command*> by_hash_;
  const Command* command_ = nullptr;
  Request request_;
  size_t count_place_ = 0;  // of the count that waits for what it counts; 0: none
  std::string payload_;
};

// Few keys for each type, so that commands meet values of their own kind, and now and then another one.
inline std::string RequestMaker::KeyOf(FuzzBytes& bytes) const {
  static constexpr std::array<std::string_view, 10> kGroups{"string", "list",   "set",         "hash", "sorted-set",
                                                            "stream", "bitmap", "hyperloglog", "geo",  "array"};
  const std::string_view group = command_->spec->group;
  bool is_typed = false;
  for (const std::string_view known : kGroups) is_typed = is_typed || known == group;
  const std::string prefix = is_typed && !bytes.Chance(12) ? std::string(group) : bytes.Pick(kGroups);
  return prefix + ":" + std::to_string(bytes.TakeBelow(3));
}

inline std::string RequestMaker::ValueOf(const SyntaxArgument& argument, FuzzBytes& bytes) const {
  static constexpr std::array<std::string_view, 24> kIntegers{"0",
                                                              "1",
                                                              "2",
                                                              "3",
                                                              "5",
                                                              "8",
                                                              "16",
                                                              "17",
                                                              "-1",
                                                              "-2",
                                                              "-3",
                                                              "-100",
                                                              "100",
                                                              "1000",
                                                              "4095",
                                                              "63",
                                                              "86400",
                                                              "2147483648",
                                                              "9223372036854775807",
                                                              "4",
                                                              "6",
                                                              "7",
                                                              "9",
                                                              "+1"};
  static constexpr std::array<std::string_view, 13> kDoubles{
      "0", "1", "1.5", "-1.5", "inf", "-inf", "nan", "1e308", "0.1", "13.361389", "38.115556", "200", "-0"};
  // Around the time of the manual clock, in seconds and milliseconds.
  static constexpr std::array<std::string_view, 6> kTimes{
      "1700000005", "1700000000001", "1700000100000", "1600000000000", "0", "9223372036854775"};
  static constexpr std::array<std::string_view, 10> kPatterns{"*",   "a*",   "?", "[a-c]*", "*:1",
                                                              "\\*", "[^a]", "",  "**a**",  "list:*"};
  static constexpr std::array<std::string_view, 14> kIds{
      "0",    "$", "*",  "-", "+", ">", "1-1", "2-*", "0-0", "5", "18446744073709551615-18446744073709551615",
      "(1-1", "1", "3-2"};
  static constexpr std::array<std::string_view, 12> kBounds{"-inf", "+inf", "0",  "(1", "[a",  "-",
                                                            "+",    "(b",   "[c", "5",  "nan", "(-inf"};
  static constexpr std::array<std::string_view, 12> kPlaces{"0", "-1", "1", "2",   "-2",   "5",
                                                            "3", "10", "8", "100", "-100", "4"};
  static constexpr std::array<std::string_view, 9> kEncodings{"u8", "i8", "u1", "i64", "u63", "i5", "u64", "i0", "u12"};
  static constexpr std::array<std::string_view, 26> kValues{
      "a",         "b",
      "c",         "d",
      "e",         "1",
      "2",         "3",
      "10",        "-5",
      "1.5",       "",
      "abc",       "foobar",
      "a b",       "9223372036854775807",
      "3.0e2",     "0123456789012345678901234567890123456789012345678901234567890123456789",
      "nan",       "key",
      "list:1",    "\x7f\x80\xff",
      "hash:*->f", "string:*",
      "#",         "%d"};
  static constexpr std::array<std::string_view, 7> kTypes{"string", "list", "set", "zset", "hash", "stream", "none"};
  static constexpr std::array<std::string_view, 11> kScripts{
      "return redis.call(unpack(ARGV))",
      "return redis.pcall(unpack(ARGV))",
      "return redis.call('SET', KEYS[1], ARGV[1])",
      "return {1, 2.5, 'x', false, {ok = 'fine'}, {err = 'ERR mine'}}",
      "redis.setresp(3); return redis.call('HGETALL', KEYS[1] or 'hash:0')",
      "return cjson.encode(redis.call('LRANGE', KEYS[1] or 'list:0', 0, -1))",
      "return cmsgpack.pack(ARGV)",
      "redis.call('DEL', 'string:0'); redis.call('LPUSH', 'list:1', 'x'); error('stopped')",
      "return redis.call('RPUSH', 'list:2', struct.pack('>I2', #ARGV))",
      "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1] or 'string:1')",
      "return redis.sha1hex(ARGV[1] or '') ..",
  };
  static constexpr std::array<std::string_view, 4> kLibraries{
      "#!lua name=one\nredis.register_function('f', function(keys, args) return redis.call('GET', keys[1] or "
      "'string:0') end)",
      "#!lua name=two\nredis.register_function{function_name='g', callback=function(keys, args) return args end, "
      "flags={'no-writes'}}",
      "#!lua name=one\nredis.register_function('g', function(keys, args) return redis.call('SADD', keys[1], args[1]) "
      "end)",
      "#!lua name=bad\nredis.register_function('f')",
  };
  static constexpr std::array<std::string_view, 12> kDirectives{
      "hash-max-listpack-entries", "list-max-listpack-size",  "set-max-intset-entries", "set-max-listpack-entries",
      "zset-max-listpack-entries", "stream-node-max-entries", "notify-keyspace-events", "maxmemory-policy",
      "lazyfree-lazy-user-del",    "slowlog-log-slower-than", "latency-tracking",       "*max*"};
  static constexpr std::array<std::string_view, 6> kCommands{"GET", "MSET", "SORT", "XREADGROUP", "EVAL", "FCALL"};
  static constexpr std::array<std::string_view, 8> kRules{"on", "nopass",    "+@all", "-@all",
                                                          "~*", "resetkeys", ">pass", "(+get ~a*)"};
  const std::string_view name = argument.name;
  const auto has = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (name == "serialized-value") return bytes.Chance(4) ? std::string(bytes.Pick(kValues)) : payload_;
  if (name == "script") return bytes.Pick(kScripts);
  if (name == "function-code") return bytes.Pick(kLibraries);
  if (name == "function") return bytes.Chance(2) ? "f" : "g";
  if (name == "parameter") return bytes.Pick(kDirectives);
  if (name == "command" || name == "command-name") return bytes.Pick(kCommands);
  if (name == "sha1") return "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";  // of "return 1"
  if (name == "library-name") return bytes.Chance(2) ? "one" : "two";
  if (name == "slow" || name == "large-request" || name == "large-reply") return std::string(name);  // said as they are
  if (name == "event") return "command";
  if (name == "rule") return bytes.Pick(kRules);
  if (name == "encoding") return bytes.Pick(kEncodings);
  if (name == "type") return bytes.Pick(kTypes);
  if (name == "db" || has("-db") || name == "index1" || name == "index2") return bytes.Chance(2) ? "0" : "1";
  if (name == "group") return bytes.Chance(2) ? "g1" : "g2";
  if (name == "consumer") return bytes.Chance(2) ? "c1" : "c2";
  if (name == "client-id") return std::to_string(1 + bytes.TakeBelow(6));
  if (name == "username") return bytes.Chance(2) ? "default" : "alice";
  if (name == "element" && command_->spec->group == "geo") return bytes.Pick(kValues);
  if (name == "min" || name == "max") return bytes.Pick(kBounds);
  if (command_->spec->group == "stream" && (has("id") || name == "start" || name == "end" || name == "threshold")) {
    return bytes.Pick(kIds);
  }
  if (name == "start" || name == "stop" || name == "end") return bytes.Pick(bytes.Chance(4) ? kBounds : kPlaces);
  switch (argument.kind) {
    case SyntaxArgument::Kind::kKey: return KeyOf(bytes);
    case SyntaxArgument::Kind::kInteger: return bytes.Pick(kIntegers);
    case SyntaxArgument::Kind::kDouble: return bytes.Pick(kDoubles);
    case SyntaxArgument::Kind::kPattern: return bytes.Pick(kPatterns);
    case SyntaxArgument::Kind::kUnixTime: return bytes.Pick(kTimes);
    default: return bytes.Chance(8) ? KeyOf(bytes) : bytes.Pick(kValues);
  }
}

}  // namespace kvick::test
