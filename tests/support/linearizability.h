// Decides whether what clients saw could have been seen from a store that does one thing at a time.
//
//   HistoryRecorder recorder(4);
//   ... thread i: recorder.Record(i, {"INCR", "a"}, [&] { return client.Execute(...); });
//   const Verdict verdict = CheckLinearizable(recorder.Take(), StringCommandsModel());
//   EXPECT_TRUE(verdict.is_linearizable) << verdict.explanation;
//
// A history is linearizable when each operation can be given one moment between its call and its return, so that the
// operations, done one after the other in the order of these moments, give the replies that were seen. The search is
// that of Wing and Gong with Lowe's memory: whoever may be next is tried, and a set of done operations with the state
// they led to is never tried twice. The history is first cut into parts that have no key in common.
//
// Cost: exponential in how many operations overlap, not in how many there are. Some hundred operations of four
// clients are a matter of milliseconds.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kvick::test {

using Request = std::vector<std::string>;

struct Operation {
  int client = 0;
  Request request;
  // As it came over the wire. None when the call never returned: then it may have happened or not.
  std::optional<std::string> reply;
  // Places in one order of all calls and returns.
  uint64_t called_at = 0;
  uint64_t returned_at = UINT64_MAX;
};

// How a store that does one thing at a time behaves.
struct Model {
  using State = std::map<std::string, std::string>;
  // Changes the state and answers.
  std::function<std::string(State& state, const Request& request)> apply;
  // The keys on which the reply and the change depend. An operation without keys depends on all.
  std::function<std::vector<std::string>(const Request& request)> keys_of;
};

// GET SET (NX, XX, GET) SETNX GETSET GETDEL INCR INCRBY APPEND DEL EXISTS MSET MSETNX MGET RENAME RENAMENX COPY
// FLUSHALL on strings, replies in RESP2.
Model StringCommandsModel();

struct Verdict {
  bool is_linearizable = true;
  // For people: how far the search came, and what every operation that could have been next should have answered.
  std::string explanation;
};

Verdict CheckLinearizable(std::vector<Operation> history, const Model& model, const Model::State& start = {});

// Writes a history down while it happens.
class HistoryRecorder {
 public:
  explicit HistoryRecorder(int client_count) : operations_(static_cast<size_t>(client_count)) {}

  // One thread a client. Answers what `execute` answered.
  std::string Record(int client, Request request, const std::function<std::string()>& execute);
  // All operations, when every thread has ended; the recorder is empty afterwards.
  std::vector<Operation> Take();

 private:
  std::atomic<uint64_t> next_place_{0};
  std::vector<std::vector<Operation>> operations_;  // by client
};

}  // namespace kvick::test
