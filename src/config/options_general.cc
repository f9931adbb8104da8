// Directives of the process: log, title, supervision, processors, shutdown.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

constexpr int kOomScoreAdjMax = 2000;
constexpr int64_t kHzMin = 1;
constexpr int64_t kHzMax = 500;
constexpr uint64_t kThreadsMax = 128;

// Words in braces must be among those that the title knows; everything else is text. A title that prints to nothing
// is refused: {title} and {server-mode} may both be empty.
Status CheckProcTitleTemplate(std::string_view text) {
  static constexpr std::string_view kNeverEmpty[] = {"listen-addr", "port", "tls-port", "unixsocket", "config-file"};
  const Status invalid = Status::Error("template format is invalid or contains unknown variables");
  std::string printed;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escaped = text.substr(i, 2) == "{{";
    if (text[i] != '{' || is_escaped) {
      printed += text[i];
      if (is_escaped) ++i;
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string_view::npos) return invalid;
    const std::string_view variable = text.substr(i + 1, end - i - 1);
    if (std::find(std::begin(kNeverEmpty), std::end(kNeverEmpty), variable) != std::end(kNeverEmpty)) {
      printed += variable;
    } else if (variable != "title" && variable != "server-mode") {
      return invalid;
    }
    i = end;
  }
  return TrimBlanks(printed).empty() ? invalid : Status::Ok();
}

// `hz` outside of what makes sense is moved to the nearest sensible value, not refused.
OptionSpec Hz() {
  const NumberField field = {
      [](const Settings& settings) { return int64_t{settings.hz}; },
      [](int64_t value, Settings* settings) { settings->hz = static_cast<int>(std::clamp(value, kHzMin, kHzMax)); }};
  return IntegerOption("hz", field, {0, kIntMax}, NumberUnit::kPlain, 0);
}

// `oom-score-adj-values`: primary, replica, background child.
OptionSpec OomScoreAdjValues() {
  OptionSpec spec;
  spec.name = "oom-score-adj-values";
  spec.flags = kOptionMultiArg;
  spec.minimum = -kOomScoreAdjMax;
  spec.maximum = kOomScoreAdjMax;
  spec.store = [](const OptionSpec&, const std::vector<std::string>& words, OptionSource, Settings* settings) {
    std::array<int, 3> values{};
    if (words.size() != values.size()) return Status::Error("wrong number of arguments");
    for (size_t i = 0; i < values.size(); ++i) {
      const std::optional<int64_t> value = ParseListNumber(words[i]);
      if (!value || *value < -kOomScoreAdjMax || *value > kOomScoreAdjMax) {
        return Status::Error("Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
      }
      values[i] = static_cast<int>(*value);
    }
    settings->oom_score_adj_values = values;
    return Status::Ok();
  };
  spec.format = [](const OptionSpec&, const Settings& settings) {
    const auto& values = settings.oom_score_adj_values;
    return std::to_string(values[0]) + " " + std::to_string(values[1]) + " " + std::to_string(values[2]);
  };
  return spec;
}

Status CheckShutdownFlags(std::string_view words) {
  if (words.starts_with("save nosave")) {
    return Status::Error("shutdown options SAVE and NOSAVE can't be used simultaneously");
  }
  return Status::Ok();
}

OptionSpec ShutdownFlags(std::string_view name, unsigned Settings::*field) {
  return ChoiceOption(name, FieldOf(field),
                      {{"default", static_cast<int>(kShutdownDefault)},
                       {"save", static_cast<int>(kShutdownSave)},
                       {"nosave", static_cast<int>(kShutdownNoSave)},
                       {"now", static_cast<int>(kShutdownNow)},
                       {"force", static_cast<int>(kShutdownForce)}},
                      kOptionMultiArg)
      .Check(CheckShutdownFlags);
}

}  // namespace

std::vector<OptionSpec> GeneralOptions() {
  return {
      Bool("always-show-logo", &Settings::always_show_logo, kOptionImmutable),
      KeptText("aof-rewrite-cpulist", "", kOptionImmutable | kOptionUnsetIfEmpty)
          .Alias("aof_rewrite_cpulist")
          .Note("there is no child process: the rewrite runs on a thread"),
      KeptText("bgsave-cpulist", "", kOptionImmutable | kOptionUnsetIfEmpty)
          .Alias("bgsave_cpulist")
          .Note("there is no child process: the snapshot is taken by threads"),
      KeptText("bio-cpulist", "", kOptionImmutable | kOptionUnsetIfEmpty).Alias("bio_cpulist"),
      Bool("crash-log-enabled", &Settings::crash_log_enabled),
      Bool("crash-memcheck-enabled", &Settings::crash_memcheck_enabled),
      Bool("daemonize", &Settings::daemonize, kOptionImmutable),
      Integer("databases", &Settings::databases, {1, kIntMax}, kOptionImmutable),
      Bool("disable-thp", &Settings::disable_transparent_huge_pages, kOptionImmutable),
      Bool("dynamic-hz", &Settings::dynamic_hz),
      Bool("hide-user-data-from-log", &Settings::hide_user_data_from_log),
      Hz(),
      Text("ignore-warnings", &Settings::ignore_warnings),
      Integer("threads", &Settings::threads, {0, kThreadsMax}, kOptionImmutable).Alias("io-threads"),
      KeptBool("io-threads-do-reads", false, kOptionImmutable).Note("threads always read"),
      KeptBool("jemalloc-bg-thread", true).Note("of another allocator"),
      Text("locale-collate", &Settings::locale_collate),
      Choice("log-format", &Settings::log_format,
             {{"text", LogFormat::kText},
              {"legacy", LogFormat::kText},
              {"logfmt", LogFormat::kLogfmt},
              {"json", LogFormat::kJson}}),
      Choice("log-timestamp-format", &Settings::log_timestamp_format,
             {{"legacy", LogTimestampFormat::kLegacy},
              {"iso8601", LogTimestampFormat::kIso8601},
              {"milliseconds", LogTimestampFormat::kMilliseconds}}),
      Text("logfile", &Settings::log_file, kOptionImmutable),
      Choice("loglevel", &Settings::log_level,
             {{"debug", LogLevel::kDebug},
              {"verbose", LogLevel::kVerbose},
              {"notice", LogLevel::kNotice},
              {"warning", LogLevel::kWarning},
              {"nothing", LogLevel::kNothing}}),
      Choice("oom-score-adj", &Settings::oom_score_adj,
             {{"no", OomScoreAdjMode::kNo},
              {"yes", OomScoreAdjMode::kRelative},
              {"relative", OomScoreAdjMode::kRelative},
              {"absolute", OomScoreAdjMode::kAbsolute}}),
      OomScoreAdjValues(),
      Text("pidfile", &Settings::pid_file, kOptionImmutable | kOptionUnsetIfEmpty),
      Text("proc-title-template", &Settings::proc_title_template).Check(CheckProcTitleTemplate),
      KeptText("req-res-logfile", "", kOptionImmutable | kOptionHidden | kOptionUnsetIfEmpty),
      KeptText("server-cpulist", "", kOptionImmutable | kOptionUnsetIfEmpty).Alias("server_cpulist"),
      Bool("set-proc-title", &Settings::set_proc_title, kOptionImmutable),
      ShutdownFlags("shutdown-on-sigint", &Settings::shutdown_on_sigint),
      ShutdownFlags("shutdown-on-sigterm", &Settings::shutdown_on_sigterm),
      Integer("shutdown-timeout", &Settings::shutdown_timeout_s, {0, kIntMax}),
      Choice("supervised", &Settings::supervised,
             {{"upstart", SupervisedMode::kUpstart},
              {"systemd", SupervisedMode::kSystemd},
              {"auto", SupervisedMode::kAuto},
              {"no", SupervisedMode::kNo}},
             kOptionImmutable),
      Bool("syslog-enabled", &Settings::syslog_enabled, kOptionImmutable),
      Choice("syslog-facility", &Settings::syslog_facility,
             {{"user", SyslogFacility::kUser},
              {"local0", SyslogFacility::kLocal0},
              {"local1", SyslogFacility::kLocal1},
              {"local2", SyslogFacility::kLocal2},
              {"local3", SyslogFacility::kLocal3},
              {"local4", SyslogFacility::kLocal4},
              {"local5", SyslogFacility::kLocal5},
              {"local6", SyslogFacility::kLocal6},
              {"local7", SyslogFacility::kLocal7}},
             kOptionImmutable),
      Text("syslog-ident", &Settings::syslog_ident, kOptionImmutable),
      Bool("use-exit-on-panic", &Settings::use_exit_on_panic, kOptionHidden),
      Integer("watchdog-period", &Settings::watchdog_period_ms, {0, kIntMax}, kOptionHidden),
  };
}

}  // namespace kvick
