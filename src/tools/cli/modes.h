// The special modes of kvick-cli. Each returns the exit status; failures of the connection are told on standard
// error.
#pragma once

#include "tools/cli/options.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"

namespace kvick::cli {

// --scan: one key a line.
int RunScan(Session* session, const Output& output, const Options& options);
// --stat: one line of figures a second, for ever.
int RunStat(Session* session, const Output& output, const Options& options);
// --latency, --latency-history: the round trip of PING.
int RunLatency(Session* session, const Output& output, const Options& options);
// --pipe: protocol from standard input, replies counted.
int RunPipe(Session* session, const Options& options);
// --bigkeys: the biggest key of each type.
int RunBigKeys(Session* session, const Output& output, const Options& options);
// --ldb: the script of --eval in the server's debugger.
int RunDebugger(Session* session, const Output& output, const Options& options);

}  // namespace kvick::cli
