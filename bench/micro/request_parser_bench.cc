// Parsing requests as they lie in a read buffer: many small commands behind each other.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "resp/request_parser.h"

namespace {

void ParsePipelinedSets(benchmark::State& state) {
  constexpr int kCommands = 64;
  const std::string value(static_cast<size_t>(state.range(0)), 'v');
  std::string stream;
  for (int i = 0; i < kCommands; ++i) {
    stream +=
        "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }
  kvick::RequestParser parser;
  const kvick::RequestParser::Limits limits;
  kvick::RequestParser::Command command;
  for (auto _ : state) {
    std::string_view rest = stream;
    while (!rest.empty()) {
      if (parser.Parse(rest, limits, &command) != kvick::RequestParser::Outcome::kCommand) {
        state.SkipWithError("the parser refused a command");
        return;
      }
      benchmark::DoNotOptimize(command.arguments.data());
      rest.remove_prefix(command.consumed);
    }
  }
  state.SetItemsProcessed(state.iterations() * kCommands);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(stream.size()));
}
BENCHMARK(ParsePipelinedSets)->Arg(32)->Arg(1024);

}  // namespace
