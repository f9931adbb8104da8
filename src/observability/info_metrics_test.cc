#include "observability/info_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace kvick {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Written(std::string_view section, const std::vector<InfoField>& fields) {
  MetricWriter out;
  WriteInfoMetrics(section, fields, out);
  return out.text();
}

std::string Replication(const std::vector<InfoField>& fields) {
  MetricWriter out;
  WriteReplicationMetrics(fields, out);
  return out.text();
}

TEST(InfoMetricsTest, EveryMetricIsNamedOnce) {
  std::set<std::string_view> names;
  for (const InfoMetric& metric : InfoMetrics()) EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
  EXPECT_GT(names.size(), 100u);
}

TEST(InfoMetricsTest, WritesTheFieldsOfItsSectionOnly) {
  const std::vector<InfoField> fields = {{"used_memory", "123"},
                                         {"used_memory_human", "123B"},
                                         {"mem_fragmentation_ratio", "1.20"},
                                         {"evicted_keys", "5"}};
  const std::string text = Written("memory", fields);
  EXPECT_THAT(text, HasSubstr("# TYPE redis_memory_used_bytes gauge\nredis_memory_used_bytes 123\n"));
  EXPECT_THAT(text, HasSubstr("redis_mem_fragmentation_ratio 1.20\n"));
  EXPECT_THAT(text, Not(HasSubstr("evicted")));
  EXPECT_THAT(Written("stats", fields),
              HasSubstr("# TYPE redis_evicted_keys_total counter\nredis_evicted_keys_total 5\n"));
}

TEST(InfoMetricsTest, ConvertsUnits) {
  EXPECT_THAT(Written("persistence", {{"rdb_last_bgsave_status", "ok"}}),
              HasSubstr("redis_rdb_last_bgsave_status 1\n"));
  EXPECT_THAT(Written("persistence", {{"rdb_last_bgsave_status", "err"}}),
              HasSubstr("redis_rdb_last_bgsave_status 0\n"));
  EXPECT_THAT(Written("stats", {{"latest_fork_usec", "1500"}}), HasSubstr("redis_latest_fork_seconds 0.0015\n"));
}

TEST(InfoMetricsTest, LeavesOutWhatIsNoNumber) { EXPECT_EQ(Written("clients", {{"connected_clients", "many"}}), ""); }

TEST(InfoMetricsTest, TellsOfEachReplica) {
  const std::string text = Replication({{"connected_slaves", "2"},
                                        {"slave0", "ip=10.0.0.1,port=6380,state=online,offset=500,lag=1"},
                                        {"slave1", "ip=::1,port=6381,state=wait_bgsave,offset=0,lag=3"},
                                        {"slave_priority", "100"}});
  EXPECT_THAT(text,
              HasSubstr("# TYPE redis_connected_slave_offset_bytes gauge\n"
                        "redis_connected_slave_offset_bytes{slave_ip=\"10.0.0.1\",slave_port=\"6380\",slave_state="
                        "\"online\"} 500\n"
                        "redis_connected_slave_offset_bytes{slave_ip=\"::1\",slave_port=\"6381\",slave_state="
                        "\"wait_bgsave\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("redis_connected_slave_lag_seconds{slave_ip=\"::1\",slave_port=\"6381\",slave_state="
                              "\"wait_bgsave\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("priority")));
}

TEST(InfoMetricsTest, TellsOfAReplicasOwnLink) {
  const std::string text = Replication({{"role", "slave"},
                                        {"master_host", "db"},
                                        {"master_port", "6379"},
                                        {"master_link_status", "down"},
                                        {"master_last_io_seconds_ago", "-1"}});
  EXPECT_THAT(text, HasSubstr("redis_master_link_up{master_host=\"db\",master_port=\"6379\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("redis_master_last_io_seconds_ago{master_host=\"db\",master_port=\"6379\"} -1\n"));
  EXPECT_EQ(Replication({{"role", "master"}, {"connected_slaves", "0"}}), "");
}

}  // namespace
}  // namespace kvick
