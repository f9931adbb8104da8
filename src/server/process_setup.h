// What the process asks of the operating system before it serves: daemon, files, limits, memory rules.
#pragma once

#include <string>

#include "base/status.h"
#include "config/settings.h"

namespace kvick {

// The program's own path, absolute, with the links by which it was started: tools compare it with what they ran.
std::string ExecutablePath(const char* invoked_as);

// Points the log where the settings say. The Status is the bare reason.
Status OpenLog(const Settings& settings);

// Leaves the terminal: the parent ends, the child goes on in a session of its own with its output thrown away.
// Before the first thread is started.
void Daemonize();

// The processors that this process may use: affinity and the control group's quota.
int ProcessorCount();
// `threads`, where 0 stands for one a processor.
int WorkerCount(const Settings& settings);

// Raises the limit of open files to what `maxclients` needs; where that is refused, lowers `maxclients`, or ends the
// process when not even one client could connect.
void AdjustDescriptorLimit(Settings* settings);

// How strings are compared (`locale-collate`; empty: as the environment says). False for a name the system lacks.
bool ApplyLocale(const Settings& settings);

// `disable-thp`: no huge pages but those that are asked for. They cost a forking server dear, since a write of one byte
// copies all of a page; this one does not fork, and the store asks for them (BlockPool).
void ApplyHugePageRule(const Settings& settings);

// Writes what `oom-score-adj` and its values say of a primary. The Status is the bare reason.
Status ApplyOomScore(const Settings& settings);

// PidFile is there as long as the object that wrote it.
class PidFile {
 public:
  PidFile() = default;
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile() { Remove(); }

  // Failure is logged: a process that cannot say its number still serves.
  void Write(const std::string& path);
  void Remove();
  // Empty when there is none.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kvick
