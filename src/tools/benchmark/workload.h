// Workload: what a test sends. The tests that users know by name are rows of one table in workload.cc.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "tools/benchmark/options.h"
#include "tools/benchmark/request_template.h"

namespace kvick::benchmark {

class Workload {
 public:
  // The workloads that the options ask for, in order. Fails when a test has no such name.
  static Result<std::vector<Workload>> MakeAll(const Options& options);

  const std::string& title() const { return title_; }
  uint64_t request_count() const { return request_count_; }

  // Appends the next request to `out`.
  void AppendRequest(std::string& out);

 private:
  Workload(std::string title, uint64_t request_count, KeyNumbers numbers, uint64_t seed)
      : title_(std::move(title)), request_count_(request_count), numbers_(std::move(numbers)), choice_(seed) {}

  static Result<Workload> Make(const std::string& test, const Options& options);

  struct Kind {
    RequestTemplate request;
    uint64_t weight;
  };

  std::string title_;
  uint64_t request_count_;
  std::vector<Kind> kinds_;
  uint64_t weight_sum_ = 0;
  KeyNumbers numbers_;
  Random choice_;
};

}  // namespace kvick::benchmark
