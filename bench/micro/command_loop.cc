// Runs one command again and again in this process, the way a worker does: parsed from bytes, prepared and prefetched
// in batches of sixteen. For counting instructions under callgrind (bench/instructions).
//
//   command_loop RUNS KEYS [setup command words ... --] ... command words ...
//
// The word __key__ becomes the name of one of KEYS keys, __member__ one of as many members, both in a fixed random
// order. Each setup runs once for each key, one after the other.
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/random.h"
#include "engine/engine.h"
#include "engine/local_client.h"
#include "resp/request_parser.h"
#include "server/features.h"

namespace kvick {
namespace {

constexpr size_t kBatch = 16;

std::string Numbered(std::string_view prefix, uint64_t number) {
  std::string text = std::to_string(number);
  return std::string(prefix) + std::string(12 - text.size(), '0') + text;
}

void AppendCommand(const std::vector<std::string>& words, uint64_t number, std::string* stream) {
  *stream += "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    const std::string text = word == "__key__"      ? Numbered("key:", number)
                             : word == "__member__" ? Numbered("member:", number)
                                                    : word;
    *stream += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
}

class Loop {
 public:
  explicit Loop(Engine& engine) : client_(engine), commands_(kBatch) {}

  // Exits when a command answers with an error.
  void Run(std::string_view stream) {
    Executor& executor = client_.executor();
    const RequestParser::Limits limits;
    while (!stream.empty()) {
      executor.BeginBatch();
      prepared_.clear();
      for (size_t i = 0; i < kBatch && !stream.empty(); ++i) {
        if (parser_.Parse(stream, limits, &commands_[i]) != RequestParser::Outcome::kCommand) std::abort();
        stream.remove_prefix(commands_[i].consumed);
        prepared_.push_back(executor.Prepare(client_.session(), commands_[i].arguments));
      }
      executor.Prefetch();
      ReplyWriter reply(out_, 2);
      for (const Executor::Prepared& prepared : prepared_) executor.Run(client_.session(), prepared, reply);
      executor.EndBatch();
      iovec first{};
      if (out_.Peek(&first, 1) == 1 && static_cast<const char*>(first.iov_base)[0] == '-') {
        std::cerr << std::string_view(static_cast<const char*>(first.iov_base), first.iov_len);
        std::exit(1);
      }
      out_.Clear();
    }
  }

 private:
  LocalClient client_;
  RequestParser parser_;
  std::vector<RequestParser::Command> commands_;
  std::vector<Executor::Prepared> prepared_;
  OutputBuffer out_;
};

int Main(const std::vector<std::string>& arguments) {
  // All but the last are setups.
  std::vector<std::vector<std::string>> commands(1);
  for (size_t i = 2; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      commands.emplace_back();
    } else {
      commands.back().push_back(arguments[i]);
    }
  }
  if (commands.back().empty()) {
    std::cerr << "usage: command_loop RUNS KEYS [setup command words ... --] ... command words ...\n";
    return 2;
  }
  const auto runs = static_cast<uint64_t>(ParseInt64(arguments[0]).value_or(0));
  const auto keys = static_cast<uint64_t>(ParseInt64(arguments[1]).value_or(1));

  Settings settings;
  settings.databases = 1;
  const SystemClock clock;
  Engine engine(&settings, clock);
  RegisterFeatures(engine);
  Loop loop(engine);
  std::string stream;
  for (size_t setup = 0; setup + 1 < commands.size(); ++setup) {
    if (commands[setup].empty()) continue;
    stream.clear();
    for (uint64_t i = 0; i < keys; ++i) AppendCommand(commands[setup], i, &stream);
    loop.Run(stream);
  }
  stream.clear();
  Random random(1);
  for (uint64_t i = 0; i < 1024; ++i) AppendCommand(commands.back(), random.Below(keys), &stream);
  for (uint64_t done = 0; done < runs; done += 1024) loop.Run(stream);
  return 0;
}

}  // namespace
}  // namespace kvick

int main(int count, char** words) { return kvick::Main(std::vector<std::string>(words + 1, words + count)); }
