// LoadRun drives many connections from one thread until the workload's count is reached. Closed loop: each connection
// sends a batch of requests, waits for all its replies, and sends the next. Open loop (--rate): requests are due at
// fixed moments, go out in turn over the connections without waiting for replies, and their latency counts from the
// moment at which they were due.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "net/tls_context.h"
#include "tools/benchmark/latency_histogram.h"
#include "tools/benchmark/options.h"
#include "tools/benchmark/reply_counter.h"
#include "tools/benchmark/workload.h"

namespace kvick::benchmark {

struct LoadResult {
  uint64_t reply_count = 0;
  double seconds = 0.0;
  LatencyHistogram latency;
  uint64_t error_count = 0;
  std::string first_error;
  // How evenly the server served: replies of the connection with the fewest and of the one with the most.
  uint64_t fewest_replies = 0;
  uint64_t most_replies = 0;

  double requests_per_second() const { return seconds > 0 ? static_cast<double>(reply_count) / seconds : 0.0; }
};

class LoadRun {
 public:
  // Connects, runs the workload to its end, and disconnects. Fails when the server cannot be reached, closes a
  // connection or answers something else than RESP.
  static Result<LoadResult> Run(const Options& options, Workload& workload);

 private:
  struct Connection;

  LoadRun(const Options& options, Workload& workload);
  ~LoadRun();

  Status ConnectAll();
  Result<int> ConnectOne() const;
  Status Introduce(Connection& connection) const;
  Result<LoadResult> Loop();
  // Sends what is due, and returns for how many nanoseconds nothing else is; -1: the workload's end.
  Result<int64_t> SendDue(uint64_t started_ns);
  Status WaitAndServe(int64_t wait_ns);

  Status SendBatch(Connection& connection);
  Status Send(Connection& connection, std::string_view bytes);
  Status SendRest(Connection& connection);
  Status Receive(Connection& connection);
  Status WatchForWriting(Connection& connection, bool wanted);

  const Options& options_;
  Workload& workload_;
  std::shared_ptr<const TlsContext> tls_;  // null: plain
  int epoll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
  uint64_t unsent_requests_;
  LoadResult result_;
  // Shared by all connections: a batch lives here only until the socket has taken it.
  std::string batch_;
  std::vector<char> receive_buffer_;
};

}  // namespace kvick::benchmark
