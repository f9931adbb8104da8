// --pipe: everything from standard input goes to the server as it is, while replies are read and counted. To know
// which reply is the last one, an ECHO of random bytes is sent at the end and waited for.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "resp/request_encoder.h"
#include "tools/cli/modes.h"

namespace kvick::cli {
namespace {

constexpr size_t kReadSizeBytes = size_t{64} << 10;

std::string MakeMark() {
  constexpr size_t kSizeBytes = 20;
  std::random_device random;
  std::string mark;
  while (mark.size() < kSizeBytes) mark.push_back(static_cast<char>('!' + random() % ('~' - '!')));
  return mark;
}

struct Transfer {
  std::string unsent;
  bool input_ended = false;
  int64_t reply_count = 0;
  int64_t error_count = 0;
  bool mark_received = false;
};

// Takes what has come; an error ends the transfer.
Status ReceiveReplies(client::Connection& connection, const std::string& mark, Transfer* transfer) {
  while (true) {
    KVICK_ASSIGN_OR_RETURN(const std::optional<Value> reply, connection.Receive(/*timeout_ms=*/0));
    if (!reply) return Status::Ok();
    if (reply->type == Value::Type::kPush) continue;
    if (transfer->input_ended && reply->type == Value::Type::kBulkString && reply->text == mark) {
      transfer->mark_received = true;
      return Status::Ok();
    }
    ++transfer->reply_count;
    if (!reply->IsError()) continue;
    ++transfer->error_count;
    std::fprintf(stderr, "%s\n", reply->text.c_str());
  }
}

void ReadInput(const std::string& mark, Transfer* transfer) {
  char buffer[kReadSizeBytes];
  const ssize_t size = read(STDIN_FILENO, buffer, sizeof(buffer));
  if (size > 0) {
    transfer->unsent.append(buffer, static_cast<size_t>(size));
  } else if (size == 0 || errno != EINTR) {
    transfer->input_ended = true;
    // The line end in front ends an inline command that has none.
    transfer->unsent += "\r\n";
    AppendRequest({"ECHO", mark}, &transfer->unsent);
  }
}

}  // namespace

int RunPipe(Session* session, const Options& options) {
  client::Connection& connection = session->connection();
  const std::string mark = MakeMark();
  Transfer transfer;
  bool all_sent_told = false;
  int64_t quiet_since_ms = SystemClock::Instance().MonotonicMs();
  while (!transfer.mark_received) {
    const bool wants_input = !transfer.input_ended && transfer.unsent.size() < kReadSizeBytes;
    if (transfer.input_ended && transfer.unsent.empty() && !all_sent_told) {
      std::printf("All data transferred. Waiting for the last reply...\n");
      std::fflush(stdout);
      all_sent_told = true;
      quiet_since_ms = SystemClock::Instance().MonotonicMs();
    }
    pollfd waited[2] = {
        {connection.descriptor(), static_cast<short>(POLLIN | (transfer.unsent.empty() ? 0 : POLLOUT)), 0},
        {wants_input ? STDIN_FILENO : -1, POLLIN, 0}};
    const int count = poll(waited, 2, 1000);
    if (count < 0 && errno != EINTR) return 1;
    if (count > 0 && (waited[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      quiet_since_ms = SystemClock::Instance().MonotonicMs();
      if (const Status status = ReceiveReplies(connection, mark, &transfer); !status.ok()) {
        std::fprintf(stderr, "Error reading from the server: %s\n", std::string(status.text()).c_str());
        return 1;
      }
    }
    if (count > 0 && (waited[0].revents & POLLOUT) != 0) {
      const Result<size_t> sent = connection.TrySendBytes(transfer.unsent);
      if (!sent.ok()) {
        std::fprintf(stderr, "Error writing to the server: %s\n", std::string(sent.status().text()).c_str());
        return 1;
      }
      transfer.unsent.erase(0, sent.value());
    }
    if (count > 0 && waited[1].revents != 0) ReadInput(mark, &transfer);
    const int64_t quiet_ms = SystemClock::Instance().MonotonicMs() - quiet_since_ms;
    if (all_sent_told && options.pipe_timeout_s > 0 && quiet_ms > options.pipe_timeout_s * 1000) {
      std::fprintf(stderr, "No replies for %lld seconds: exiting.\n", static_cast<long long>(options.pipe_timeout_s));
      ++transfer.error_count;
      break;
    }
  }
  if (transfer.mark_received) std::printf("Last reply received from server.\n");
  std::printf("errors: %lld, replies: %lld\n", static_cast<long long>(transfer.error_count),
              static_cast<long long>(transfer.reply_count));
  return transfer.error_count > 0 ? 1 : 0;
}

}  // namespace kvick::cli
