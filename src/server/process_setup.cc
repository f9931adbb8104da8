#include "server/process_setup.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/log.h"
#include "base/numbers.h"

namespace kvick {
namespace {

// Descriptors that are no clients: log, listeners, files, and what each worker has of its own.
constexpr uint64_t kReservedDescriptors = 32;
constexpr uint64_t kDescriptorsPerWorker = 2;
// `dir` may have changed the working directory by then, so it is absolute. The name is the one that init scripts know.
constexpr char kDefaultPidFile[] = "/var/run/redis.pid";
constexpr char kOomScoreFile[] = "/proc/self/oom_score_adj";
constexpr char kProcessorQuotaFile[] = "/sys/fs/cgroup/cpu.max";

constexpr int kFacilities[] = {LOG_USER,   LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                               LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};

// The control group's quota in whole processors, rounded up; `count` when there is none.
int LimitByQuota(int count) {
  std::ifstream file(kProcessorQuotaFile);
  std::string quota_us;
  int64_t period_us = 0;
  if (!(file >> quota_us >> period_us) || period_us <= 0) return count;
  const auto quota = ParseInt64(quota_us);  // "max": no quota
  if (!quota || *quota <= 0) return count;
  return static_cast<int>(std::clamp<int64_t>((*quota + period_us - 1) / period_us, 1, count));
}

}  // namespace

std::string ExecutablePath(const char* invoked_as) {
  const std::string name = invoked_as;
  if (name.find('/') != std::string::npos) return std::filesystem::absolute(name).lexically_normal();
  // Found along PATH, as the shell did.
  const char* search = getenv("PATH");
  std::string rest = search == nullptr ? "" : search;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::filesystem::path candidate = std::filesystem::path(rest.substr(0, end)) / name;
    if (access(candidate.c_str(), X_OK) == 0) return std::filesystem::absolute(candidate).lexically_normal();
    rest.erase(0, end + 1);
  }
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

Status OpenLog(const Settings& settings) {
  if (!settings.log_file.empty()) {
    const int fd = open(settings.log_file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return Status::Error(std::string("Can't open the log file: ") + std::strerror(errno));
    close(fd);
  }
  LogTarget target;
  target.path = settings.log_file;
  target.level = settings.log_level;
  target.to_syslog = settings.syslog_enabled;
  target.syslog_ident = settings.syslog_ident;
  target.syslog_facility = kFacilities[static_cast<size_t>(settings.syslog_facility)];
  SetLogTarget(target);
  SetLogFormat(settings.log_format, settings.log_timestamp_format);
  return Status::Ok();
}

void Daemonize() {
  const pid_t child = fork();
  if (child > 0) _exit(0);
  if (child < 0) return Log(LogLevel::kWarning, std::string("Can't daemonize: ") + std::strerror(errno));
  setsid();
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return;
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, standard);
  if (null > STDERR_FILENO) close(null);
}

int ProcessorCount() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  int count = 0;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) count = CPU_COUNT(&allowed);
  // More processors than a cpu_set_t knows.
  if (count == 0) count = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return LimitByQuota(std::max(count, 1));
}

int WorkerCount(const Settings& settings) { return settings.threads > 0 ? settings.threads : ProcessorCount(); }

void AdjustDescriptorLimit(Settings* settings) {
  const uint64_t reserved =
      kReservedDescriptors + kDescriptorsPerWorker * static_cast<uint64_t>(WorkerCount(*settings));
  const uint64_t wanted = settings->max_clients + reserved;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    Log(LogLevel::kWarning, std::string("Unable to obtain the current NOFILE limit (") + std::strerror(errno) +
                                "), assuming 1024 and setting the max clients configuration accordingly.");
    settings->max_clients = static_cast<unsigned>(1024 - reserved);
    return;
  }
  const uint64_t before = limit.rlim_cur;
  if (before >= wanted) return;
  const rlimit raised = {wanted, std::max<rlim_t>(wanted, limit.rlim_max)};
  int error = 0;
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    error = errno;
    // Only the superuser may raise the hard limit: as far as that, then.
    const rlimit highest = {std::min<rlim_t>(wanted, limit.rlim_max), limit.rlim_max};
    if (highest.rlim_cur > before) setrlimit(RLIMIT_NOFILE, &highest);
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t now = limit.rlim_cur;
  if (now >= wanted) {
    return Log(LogLevel::kNotice, "Increased maximum number of open files to " + std::to_string(wanted) +
                                      " (it was originally set to " + std::to_string(before) + ").");
  }
  if (now <= reserved) {
    Log(LogLevel::kWarning, "Your current 'ulimit -n' of " + std::to_string(before) +
                                " is not enough for the server to start. Please increase your open file limit to at "
                                "least " +
                                std::to_string(wanted) + ". Exiting.");
    std::exit(1);
  }
  const unsigned asked = settings->max_clients;
  settings->max_clients = static_cast<unsigned>(now - reserved);
  Log(LogLevel::kWarning, "You requested maxclients of " + std::to_string(asked) + " requiring at least " +
                              std::to_string(wanted) + " max file descriptors.");
  Log(LogLevel::kWarning, "Server can't set maximum open files to " + std::to_string(wanted) +
                              " because of OS error: " + std::strerror(error) + ".");
  Log(LogLevel::kWarning, "Current maximum open files is " + std::to_string(now) + ". maxclients has been reduced to " +
                              std::to_string(settings->max_clients) +
                              " to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.");
}

bool ApplyLocale(const Settings& settings) {
  return std::setlocale(LC_COLLATE, settings.locale_collate.c_str()) != nullptr;
}

void ApplyHugePageRule(const Settings& settings) {
  constexpr unsigned long kExceptAdvised = 2;  // PR_THP_DISABLE_EXCEPT_ADVISED, in kernels from 6.18 on
  // An older kernel refuses. It could only forbid all of them, also those that the store asks for.
  if (settings.disable_transparent_huge_pages) prctl(PR_SET_THP_DISABLE, 1, kExceptAdvised, 0, 0);
}

// The score that the process was started with is what relative values count from, and what `no` goes back to.
Status ApplyOomScore(const Settings& settings) {
  static const int initial = [] {
    int score = 0;
    std::ifstream(kOomScoreFile) >> score;
    return score;
  }();
  static bool is_changed = false;
  int score = initial;
  if (settings.oom_score_adj == OomScoreAdjMode::kNo) {
    if (!is_changed) return Status::Ok();
  } else {
    score = settings.oom_score_adj_values[0];
    if (settings.oom_score_adj == OomScoreAdjMode::kRelative) score += initial;
  }
  score = std::clamp(score, -1000, 1000);
  std::ofstream file(kOomScoreFile);
  if (!(file << score << std::flush)) {
    Log(LogLevel::kWarning, std::string("Unable to write oom_score_adj: ") + std::strerror(errno));
    return Status::Error("Failed to apply new oom_score_adj configuration, check server logs.");
  }
  is_changed = settings.oom_score_adj != OomScoreAdjMode::kNo;
  return Status::Ok();
}

void PidFile::Write(const std::string& path) {
  const std::string target = path.empty() ? kDefaultPidFile : path;
  std::ofstream file(target, std::ios::trunc);
  if (!(file << getpid() << '\n' << std::flush)) {
    return Log(LogLevel::kVerbose, "Failed to write PID file: " + std::string(std::strerror(errno)));
  }
  path_ = std::filesystem::absolute(target);
}

void PidFile::Remove() {
  if (path_.empty()) return;
  Log(LogLevel::kNotice, "Removing the pid file.");
  unlink(path_.c_str());
  path_.clear();
}

}  // namespace kvick
