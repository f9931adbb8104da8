// CommandRunner: sends one command, prints what comes back, and stays for the messages that SUBSCRIBE and MONITOR
// bring.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "resp/value.h"
#include "tools/cli/options.h"
#include "tools/cli/output.h"
#include "tools/cli/session.h"

namespace kvick::cli {

enum class CommandOutcome {
  kDone,
  kErrorReply,  // only with -e: the error went to standard error
  kFailed,      // not sent, or no reply; told on standard error
};

// Where commands come from decides how a stream of messages ends.
enum class Interaction {
  kCommand,   // the command line: never
  kPipe,      // never; -e does not count, the next line is read whatever the reply was
  kTerminal,  // Ctrl-C, or a key to type another command
};

class CommandRunner {
 public:
  CommandRunner(Session* session, const Output* output, const Options& options, Interaction interaction)
      : session_(session),
        output_(output),
        exit_on_error_(options.exit_on_error),
        follow_redirections_(options.follow_redirections),
        interaction_(interaction) {}

  // Connects when needed, sends, prints.
  CommandOutcome Run(const std::vector<std::string>& arguments);

  // What a stream of messages ended with.
  enum class StreamEnd { kOver, kInterrupted, kKey };
  // Prints messages as they come.
  StreamEnd Stream();
  // While subscribed replies come in the stream: sends only.
  Status SendInStream(const std::vector<std::string>& arguments);

  // SUBSCRIBE or MONITOR has begun a stream that Stream has to print.
  [[nodiscard]] bool streaming() const { return monitoring_ || subscription_count() > 0; }
  [[nodiscard]] bool monitoring() const { return monitoring_; }
  void ForgetStream();

 private:
  [[nodiscard]] int64_t subscription_count() const { return channel_count_ + shard_channel_count_; }
  Status Send(const std::vector<std::string>& arguments);
  Result<Value> ReceiveReply(bool push_is_reply);
  // Follows MOVED and ASK; the reply of the node that serves the key.
  Result<Value> FollowRedirection(const std::vector<std::string>& arguments, Value reply);
  void NoteSubscription(const Value& message);
  CommandOutcome Fail(const Status& status);

  Session* session_;
  const Output* output_;
  const bool exit_on_error_;
  const bool follow_redirections_;
  const Interaction interaction_;
  int64_t channel_count_ = 0;  // channels and patterns
  int64_t shard_channel_count_ = 0;
  bool monitoring_ = false;
};

}  // namespace kvick::cli
