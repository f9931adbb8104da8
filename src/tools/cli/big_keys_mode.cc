#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tools/cli/keyspace_scan.h"
#include "tools/cli/modes.h"

namespace kvick::cli {
namespace {

// One type of values: how its size is asked for, what it is counted in, and what was found.
struct TypeSummary {
  const char* name;
  const char* size_command;
  const char* unit;
  int64_t key_count = 0;
  int64_t size_sum = 0;
  int64_t biggest_size = -1;
  std::string biggest_key;
};

struct Sample {
  int64_t key_count = 0;
  int64_t key_size_sum_bytes = 0;
  TypeSummary types[6] = {{"string", "STRLEN", "bytes", 0, 0, -1, ""}, {"list", "LLEN", "items", 0, 0, -1, ""},
                          {"set", "SCARD", "members", 0, 0, -1, ""},   {"zset", "ZCARD", "members", 0, 0, -1, ""},
                          {"hash", "HLEN", "fields", 0, 0, -1, ""},    {"stream", "XLEN", "entries", 0, 0, -1, ""}};

  TypeSummary* Find(std::string_view name) {
    for (TypeSummary& type : types) {
      if (name == type.name) return &type;
    }
    return nullptr;
  }
};

// Asks for types and sizes of all keys of one SCAN reply, in two pipelines.
Status Measure(client::Connection& connection, const std::vector<std::string>& keys, double progress, Sample* sample) {
  std::vector<TypeSummary*> types;
  for (const std::string& key : keys) KVICK_RETURN_IF_ERROR(connection.Send({"TYPE", key}));
  for (size_t i = 0; i < keys.size(); ++i) {
    KVICK_ASSIGN_OR_RETURN(const Value type, connection.Receive());
    types.push_back(sample->Find(type.text));  // none: a module's type, or the key is gone
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (types[i] != nullptr) KVICK_RETURN_IF_ERROR(connection.Send({types[i]->size_command, keys[i]}));
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    ++sample->key_count;
    sample->key_size_sum_bytes += static_cast<int64_t>(keys[i].size());
    TypeSummary* type = types[i];
    if (type == nullptr) continue;
    KVICK_ASSIGN_OR_RETURN(const Value size, connection.Receive());
    if (size.type != Value::Type::kInteger) continue;  // replaced by another type meanwhile
    ++type->key_count;
    type->size_sum += size.integer;
    if (size.integer <= type->biggest_size) continue;
    type->biggest_size = size.integer;
    type->biggest_key = QuoteArgument(keys[i]);
    std::printf("[%05.2f%%] Biggest %-6s found so far '%s' with %lld %s\n", progress, type->name,
                type->biggest_key.c_str(), static_cast<long long>(size.integer), type->unit);
  }
  return Status::Ok();
}

void PrintSummary(const Sample& sample) {
  const auto average = [](int64_t sum, int64_t count) {
    return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
  };
  std::printf("\n-------- summary -------\n\n");
  std::printf("Sampled %lld keys in the keyspace!\n", static_cast<long long>(sample.key_count));
  std::printf("Total key length in bytes is %lld (avg len %.2f)\n\n", static_cast<long long>(sample.key_size_sum_bytes),
              average(sample.key_size_sum_bytes, sample.key_count));
  for (const TypeSummary& type : sample.types) {
    if (type.biggest_size < 0) continue;
    std::printf("Biggest %6s found '%s' has %lld %s\n", type.name, type.biggest_key.c_str(),
                static_cast<long long>(type.biggest_size), type.unit);
  }
  std::printf("\n");
  for (const TypeSummary& type : sample.types) {
    std::printf("%lld %ss with %lld %s (%05.2f%% of keys, avg size %.2f)\n", static_cast<long long>(type.key_count),
                type.name, static_cast<long long>(type.size_sum), type.unit,
                100 * average(type.key_count, sample.key_count), average(type.size_sum, type.key_count));
  }
}

}  // namespace

int RunBigKeys(Session* session, const Output& /*output*/, const Options& options) {
  const auto fail = [](const Status& status) {
    Output::PrintError(std::string(status.text()));
    return 1;
  };
  const Result<Value> total = session->connection().Call({"DBSIZE"});
  if (!total.ok()) return fail(total.status());
  std::printf(
      "\n# Scanning the entire keyspace to find biggest keys as well as\n"
      "# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n"
      "# per 100 SCAN commands (not usually needed).\n\n");
  Sample sample;
  KeyspaceScan scan(session, options);
  for (int64_t i = 1; !scan.done(); ++i) {
    const double progress = total.value().integer == 0 ? 0
                                                       : 100 * static_cast<double>(sample.key_count) /
                                                             static_cast<double>(total.value().integer);
    const Result<std::vector<std::string>> keys = scan.Next();
    if (!keys.ok()) return fail(keys.status());
    if (const Status status = Measure(session->connection(), keys.value(), progress, &sample); !status.ok()) {
      return fail(status);
    }
    if (options.interval_us && i % 100 == 0) usleep(static_cast<useconds_t>(*options.interval_us));
  }
  PrintSummary(sample);
  return 0;
}

}  // namespace kvick::cli
