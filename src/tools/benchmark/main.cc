// kvick-benchmark: puts load on a server. The options and the output are those of redis-benchmark where both have
// them; load_run.h says how the load is made.
#include <sched.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tools/benchmark/load_run.h"
#include "tools/benchmark/options.h"
#include "tools/benchmark/workload.h"

namespace kvick::benchmark {
namespace {

double Milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

void PrintCsvHead(const Options& options) {
  std::printf(
      "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\","
      "\"p99_latency_ms\",\"max_latency_ms\"%s\n",
      options.requests_per_second > 0 ? ",\"p99.9_latency_ms\",\"p99.99_latency_ms\"" : "");
}

void PrintCsv(const Options& options, const std::string& title, const LoadResult& result) {
  const LatencyHistogram& latency = result.latency;
  std::printf("\"%s\",\"%.2f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\"", title.c_str(),
              result.requests_per_second(), latency.mean_ns() / 1e6, Milliseconds(latency.min_ns()),
              Milliseconds(latency.PercentileNs(0.50)), Milliseconds(latency.PercentileNs(0.95)),
              Milliseconds(latency.PercentileNs(0.99)), Milliseconds(latency.max_ns()));
  if (options.requests_per_second > 0) {
    std::printf(",\"%.3f\",\"%.3f\"", Milliseconds(latency.PercentileNs(0.999)),
                Milliseconds(latency.PercentileNs(0.9999)));
  }
  std::printf("\n");
}

void PrintReport(const Options& options, const std::string& title, const LoadResult& result) {
  const LatencyHistogram& latency = result.latency;
  if (options.is_quiet) {
    std::printf("%s: %.2f requests per second, p50=%.3f msec\n", title.c_str(), result.requests_per_second(),
                Milliseconds(latency.PercentileNs(0.50)));
    return;
  }
  std::printf("====== %s ======\n", title.c_str());
  std::printf("  %llu requests completed in %.2f seconds\n", static_cast<unsigned long long>(result.reply_count),
              result.seconds);
  std::printf("  %llu parallel clients\n  %llu bytes payload\n  pipeline %llu\n\n",
              static_cast<unsigned long long>(options.client_count),
              static_cast<unsigned long long>(options.data_size_bytes),
              static_cast<unsigned long long>(options.pipeline_depth));
  std::printf("Summary:\n  throughput summary: %.2f requests per second\n  latency summary (msec):\n",
              result.requests_per_second());
  std::printf("    %9s %9s %9s %9s %9s %9s\n", "avg", "min", "p50", "p95", "p99", "max");
  std::printf("    %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f\n\n", latency.mean_ns() / 1e6, Milliseconds(latency.min_ns()),
              Milliseconds(latency.PercentileNs(0.50)), Milliseconds(latency.PercentileNs(0.95)),
              Milliseconds(latency.PercentileNs(0.99)), Milliseconds(latency.max_ns()));
  if (options.requests_per_second > 0) {
    std::printf("  counted from the moment at which each request was due, %llu a second:\n",
                static_cast<unsigned long long>(options.requests_per_second));
    std::printf("    %9s %9s\n    %9.3f %9.3f\n\n", "p99.9", "p99.99", Milliseconds(latency.PercentileNs(0.999)),
                Milliseconds(latency.PercentileNs(0.9999)));
  }
}

Status PinToCore(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) return Status::Error("cannot run on core " + std::to_string(core));
  return Status::Ok();
}

// Returns how many replies were errors.
Result<uint64_t> RunAll(const Options& options) {
  if (options.pinned_core) KVICK_RETURN_IF_ERROR(PinToCore(*options.pinned_core));
  if (options.is_csv) PrintCsvHead(options);
  uint64_t error_count = 0;
  for (uint64_t loop = 0; loop < options.loop_count; ++loop) {
    KVICK_ASSIGN_OR_RETURN(std::vector<Workload> workloads, Workload::MakeAll(options));
    for (Workload& workload : workloads) {
      KVICK_ASSIGN_OR_RETURN(const LoadResult result, LoadRun::Run(options, workload));
      if (options.is_csv) {
        PrintCsv(options, workload.title(), result);
      } else {
        PrintReport(options, workload.title(), result);
      }
      if (options.shows_clients) {
        std::printf("%s: each of %llu connections completed %llu to %llu requests\n", workload.title().c_str(),
                    static_cast<unsigned long long>(options.client_count),
                    static_cast<unsigned long long>(result.fewest_replies),
                    static_cast<unsigned long long>(result.most_replies));
      }
      std::fflush(stdout);
      if (result.error_count > 0) {
        std::fprintf(stderr, "kvick-benchmark: %s: %llu replies were errors, the first: %s\n", workload.title().c_str(),
                     static_cast<unsigned long long>(result.error_count), result.first_error.c_str());
        error_count += result.error_count;
      }
    }
  }
  return error_count;
}

int Main(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "--help") {
    std::fputs(std::string(UsageText()).c_str(), stdout);
    return 0;
  }
  const Result<Options> options = ParseOptions(arguments);
  if (!options.ok()) {
    std::fprintf(stderr, "kvick-benchmark: %s\n", std::string(options.status().text()).c_str());
    return 1;
  }
  const Result<uint64_t> error_count = RunAll(*options);
  if (!error_count.ok()) {
    std::fprintf(stderr, "kvick-benchmark: %s\n", std::string(error_count.status().text()).c_str());
    return 1;
  }
  return *error_count == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kvick::benchmark

int main(int argc, char** argv) { return kvick::benchmark::Main({argv + 1, argv + argc}); }
