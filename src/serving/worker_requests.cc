// From a connection's bytes to its commands, a batch at a time.
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/log.h"
#include "engine/client_line.h"
#include "serving/worker.h"

namespace kvick {
namespace {

// A connection's own input buffer larger than this is cut to what it holds when that is little.
constexpr size_t kInputKeptBytes = size_t{16} * 1024;
// Read along with the end of a large argument: what comes behind it, which is copied once more, and brings the
// beginning of the next one.
constexpr size_t kReadBehindBytes = size_t{4} * 1024;

}  // namespace

void Worker::OnReadable(Connection& connection) {
  // With nothing left over, bytes are read into the worker's buffer and executed there; else behind the rest. Those of
  // a large argument go where they will stay.
  if (connection.parser_ != nullptr && connection.parser_->is_detached()) return ReadLargeArgument(connection);
  InputBuffer& input = connection.input_;
  if (input.empty()) {
    // After a large argument there often comes another, and little of it should come here.
    const std::span<char> target(scratch_->read_buffer.get(), connection.sends_large_ ? kReadBehindBytes : kReadBytes);
    connection.sends_large_ = false;
    const iovec piece{target.data(), target.size()};
    const size_t size = Read(connection, {&piece, 1});
    if (size == 0) return;
    const std::string_view bytes(target.data(), size);
    input.Append(KeepUnfinished(connection, bytes.substr(ExecuteAll(connection, bytes))));
    return;
  }
  const iovec piece{input.Reserve(kReadBytes), kReadBytes};
  const size_t size = Read(connection, {&piece, 1});
  if (size == 0) return;
  input.Commit(size);
  if (!IsOverQueryLimit(connection)) ExecuteOwnInput(connection);
}

void Worker::ReadLargeArgument(Connection& connection) {
  RequestParser* parser = connection.parser_.get();
  const std::span<char> room = parser->DetachedRoom();
  char* const behind = scratch_->read_buffer.get();
  const iovec pieces[] = {{room.data(), room.size()}, {behind, kReadBehindBytes}};
  const size_t size = Read(connection, pieces);
  if (size == 0) return;
  const size_t detached_size = std::min(size, room.size());
  parser->CommitDetached(detached_size);
  connection.input_.Append({behind, size - detached_size});
  if (IsOverQueryLimit(connection) || parser->is_detached()) return;
  connection.sends_large_ = true;
  ExecuteOwnInput(connection);
}

void Worker::ExecuteOwnInput(Connection& connection) {
  ExecuteInput(connection);
  InputBuffer& input = connection.input_;
  if (input.capacity() > kInputKeptBytes && input.size() < input.capacity() / 4) input.Shrink();
}

bool Worker::IsOverQueryLimit(Connection& connection) {
  const RequestParser* parser = connection.parser_.get();
  const size_t held_bytes = connection.input_.size() + (parser != nullptr ? parser->detached_bytes() : 0);
  if (held_bytes <= engine_.settings().client_query_buffer_limit_bytes) return false;
  Log(LogLevel::kWarning,
      "Closing client that reached max query buffer length: " + ClientLine(connection.session_, executor_.now_ms()));
  executor_.stats().query_limit_disconnections.Add(1);
  Doom(connection);
  return true;
}

// Reads once and counts it. 0: there is nothing to execute, and what had to be done was done.
size_t Worker::Read(Connection& connection, std::span<const iovec> targets) {
  TlsStream* const tls = connection.tls_.get();
  const ssize_t got = tls != nullptr        ? tls->Read(targets)
                      : targets.size() == 1 ? read(connection.fd(), targets[0].iov_base, targets[0].iov_len)
                                            : readv(connection.fd(), targets.data(), static_cast<int>(targets.size()));
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) Doom(connection);
    if (tls != nullptr && tls->read_waits_for_room()) UpdateInterest(connection);
    return 0;
  }
  if (tls != nullptr && tls->has_unread()) NoteUnread(connection);
  if (got == 0) {
    if (IsLogged(LogLevel::kVerbose)) {
      Log(LogLevel::kVerbose, "Client closed connection " + ClientLine(connection.session_, executor_.now_ms()));
    }
    OnEndOfInput(connection);
    return 0;
  }
  const auto size = static_cast<size_t>(got);
  connection.session_.last_active_ms = executor_.now_ms();
  connection.input_bytes_ += size;
  // The rest of a batch that was read in part says nothing of what comes next.
  const size_t earlier = connection.input_.empty() ? 0 : connection.lately_sent_bytes_;
  connection.lately_sent_bytes_ = static_cast<uint32_t>(std::min(earlier + size, kReadBytes));
  ++connection.read_count_;
  executor_.stats().input_bytes.Add(size);
  executor_.stats().read_count.Add(1);
  return size;
}

// Clients that send a command or a few at a time, and of whose input nothing is left over.
bool Worker::MayGather(const Connection& connection) const {
  return !serves_while_busy_ && connection.input_.empty() && connection.parser_ == nullptr &&
         connection.lately_sent_bytes_ < kLittleBytes;
}

// Reads and prepares, but does not run yet: RunGathered does, for several connections at once.
void Worker::Gather(Connection& connection) {
  if (scratch_->prepared.size() + kBatchCommands > kGatheredCommands) RunGathered();
  if (gathered_count_ == 0) {
    scratch_->prepared.clear();
    executor_.ForgetPrepared();
  }
  const std::span<char> target(scratch_->read_buffer.get() + gathered_count_ * kGatheredBytes, kGatheredBytes);
  const iovec piece{target.data(), target.size()};
  const size_t size = Read(connection, {&piece, 1});
  if (size == 0) return;
  Gathered& gathered = gathered_[gathered_count_++];
  gathered.connection = &connection;
  gathered.bytes = {target.data(), size};
  connection.executing_ = gathered.bytes;
  scratch_->parser.Reset();
  gathered.batch =
      ParseBatch(connection.session_, scratch_->parser, gathered.bytes, scratch_->prepared.size(), kGatheredCommands);
  // What is not whole commands to the end takes the longer way.
  gathered.is_whole = gathered.batch.outcome == RequestParser::Outcome::kCommand && gathered.batch.size == size;
  if (!gathered.is_whole) scratch_->prepared.resize(gathered.batch.begin);
}

// First all are read, then all are run, then all are answered: each part's code and data stay in the caches meanwhile,
// the keys of all these connections' commands are prefetched together (a client that waits for each reply gets what
// otherwise only a pipeline gets), and who reads the replies is woken less often.
void Worker::RunGathered() {
  if (gathered_count_ == 0) return;
  executor_.Prefetch();
  const std::span<Gathered> all(gathered_.data(), std::exchange(gathered_count_, 0));
  size_t answered_count = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_whole) continue;
    if (!all[i].batch.is_brief) {
      // Nobody's reply waits for a command of somebody else's that may take long.
      AnswerGathered(all.subspan(answered_count, i - answered_count));
      answered_count = i;
    }
    RunOneGathered(all[i]);
  }
  AnswerGathered(all.subspan(answered_count));
  executor_.ForgetPrepared();
  for (Gathered& gathered : all) {
    if (gathered.is_whole) continue;
    Connection& connection = *gathered.connection;
    const size_t used = ExecuteAll(connection, gathered.bytes);
    connection.input_.Append(KeepUnfinished(connection, gathered.bytes.substr(used)));
  }
}

void Worker::RunOneGathered(Gathered& gathered) {
  Connection& connection = *gathered.connection;
  OutputBuffer& usual = ReplyBufferFor(connection);
  gathered.out = &usual == &scratch_->reply_buffer ? &gathered.replies : &usual;
  ReplyWriter reply(*gathered.out, connection.session_.protocol);
  connection.replies_ = gathered.out;
  gathered.used = gathered.batch.skipped;
  RunBatch(connection, gathered.batch, gathered.bytes, &gathered.used, reply);
}

void Worker::AnswerGathered(std::span<Gathered> all) {
  for (Gathered& gathered : all) {
    if (!gathered.is_whole) continue;
    Connection& connection = *gathered.connection;
    if (connection.is_ending()) gathered.used = gathered.bytes.size();
    FinishExecution(connection, *gathered.out);
    connection.input_.Append(KeepUnfinished(connection, gathered.bytes.substr(gathered.used)));
  }
}

void Worker::ExecuteInput(Connection& connection) {
  InputBuffer& input = connection.input_;
  input.Consume(ExecuteAll(connection, input.view()));
  input.Truncate(KeepUnfinished(connection, input.view()).size());
}

// What has to be kept of `rest`, the bytes that were not used up: all but the beginning of a large argument, which
// gets memory of its own.
std::string_view Worker::KeepUnfinished(Connection& connection, std::string_view rest) {
  RequestParser* parser = connection.parser_.get();
  if (parser == nullptr || !parser->WantsDetach({})) return rest;
  return rest.substr(0, parser->Detach(rest));
}

// A client may send its commands, shut down its side and wait for the replies.
void Worker::OnEndOfInput(Connection& connection) {
  if (!connection.has_replies() || connection.session_.type() != ClientType::kNormal) return Doom(connection);
  connection.session_.close_after_reply = true;
  UpdateInterest(connection);
}

Worker::Batch Worker::ParseBatch(const Session& session, RequestParser& parser, std::string_view bytes, size_t begin,
                                 size_t end) {
  Batch batch;
  batch.begin = begin;
  RequestParser::Limits limits;
  limits.bulk_bytes_max = engine_.settings().proto_max_bulk_len_bytes;
  limits.authenticated = !engine_.MustAuthenticate(session);
  while (begin + batch.count < end && batch.size < bytes.size()) {
    RequestParser::Command& command = scratch_->batch[begin + batch.count];
    batch.outcome = parser.Parse(bytes.substr(batch.size), limits, &command);
    if (batch.outcome != RequestParser::Outcome::kCommand) break;
    batch.size += command.consumed;
    if (command.arguments.empty()) {
      if (batch.count == 0) {
        batch.skipped = batch.size;
      } else {
        scratch_->batch[begin + batch.count - 1].consumed += command.consumed;
      }
      continue;
    }
    if (!serves_while_busy_) {
      scratch_->prepared.push_back(executor_.Prepare(session, command.arguments));
      scratch_->prepared.back().large_arguments = command.large_arguments;
      const Command* const known = scratch_->prepared.back().command;
      batch.is_brief &= known != nullptr && known->is_brief;
    }
    ++batch.count;
    // What comes after an authentication is read by other rules.
    if (!limits.authenticated) break;
  }
  return batch;
}

bool Worker::RunBatch(Connection& connection, const Batch& batch, std::string_view bytes, size_t* used,
                      ReplyWriter& reply) {
  Session& session = connection.session_;
  connection.parsed_command_count_ += batch.count;
  connection.parsed_batch_count_ += batch.count > 0 ? 1 : 0;
  executor_.stats().parsed_command_count.Add(batch.count);
  if (batch.count > 0) executor_.stats().parsed_batch_count.Add(1);
  Running running{connection, {}, false};
  for (size_t i = batch.begin; i < batch.begin + batch.count; ++i) {
    RequestParser::Command& command = scratch_->batch[i];
    Running* const interrupted = std::exchange(running_, &running);  // a script that others are served meanwhile
    const Executor::Outcome outcome = serves_while_busy_ ? executor_.RunWhileBusy(session, command.arguments, reply)
                                                         : executor_.Run(session, scratch_->prepared[i], reply);
    running_ = interrupted;
    for (const std::shared_ptr<const PushMessage>& invalidation : running.invalidations) {
      if (SharedBytes* bytes = BytesToPush(session, *invalidation, TargetOf(session)))
        reply.out().Append(bytes->view());
    }
    running.invalidations.clear();
    if (outcome != Executor::Outcome::kDone) {
      if (outcome == Executor::Outcome::kPaused) Postpone(connection, bytes.substr(*used), &command);
      return false;
    }
    *used += command.consumed;
    command.Release();
    const bool is_over =
        connection.replies_->size_bytes() > 0 && IsOverOutputLimit(connection, connection.replies_->size_bytes());
    if (is_over || connection.is_ending() || session.blocked != nullptr) return false;
    if (running.crowds) {
      Pause(connection);
      return false;
    }
  }
  return true;
}

size_t Worker::ExecuteAll(Connection& connection, std::string_view bytes) {
  Session& session = connection.session_;
  OutputBuffer& out = ReplyBufferFor(connection);
  ReplyWriter reply(out, session.protocol);
  // The parser keeps its progress in an unfinished command with the connection, and is borrowed otherwise.
  std::unique_ptr<RequestParser> own = std::move(connection.parser_);
  RequestParser* parser = own ? own.get() : &scratch_->parser;
  if (!own) scratch_->parser.Reset();
  connection.executing_ = bytes;
  connection.replies_ = &out;
  size_t used = 0;
  bool go_on = true;
  while (go_on && used < bytes.size()) {
    scratch_->prepared.clear();
    const std::string_view rest = bytes.substr(used);
    const Batch batch = ParseBatch(session, *parser, rest, 0, kBatchCommands);
    if (!serves_while_busy_) executor_.Prefetch();
    size_t used_of_rest = batch.skipped;
    go_on = RunBatch(connection, batch, rest, &used_of_rest, reply);
    used += used_of_rest;
    if (!serves_while_busy_) executor_.ForgetPrepared();
    if (!go_on) break;
    if (batch.outcome == RequestParser::Outcome::kError) {
      Log(LogLevel::kVerbose, parser->error() + " from client: " + ClientLine(connection.session_, executor_.now_ms()));
      if (session.reply_mode == Session::ReplyMode::kOn) reply.Error("ERR " + parser->error());
      session.close_after_reply = true;
      break;
    }
    if (batch.outcome == RequestParser::Outcome::kIncomplete) {
      if (!own) {
        own = std::make_unique<RequestParser>(std::move(scratch_->parser));
        scratch_->parser = RequestParser();
      }
      break;
    }
  }
  if (connection.is_ending()) {
    used = bytes.size();  // the rest is ignored
  } else if (go_on && used < bytes.size()) {
    connection.parser_ = std::move(own);
  }
  FinishExecution(connection, out);
  return used;
}

void Worker::FinishExecution(Connection& connection, OutputBuffer& out) {
  connection.executing_ = {};
  connection.replies_ = nullptr;
  NoteReplyPeak(connection, out.size_bytes());
  Answer(connection, out);
  if (connection.session_.closing) Doom(connection);
  UpdateInterest(connection);
}

// The command waits for the end of CLIENT PAUSE. Its bytes stay as they are, but a detached argument is not among them.
void Worker::Postpone(Connection& connection, std::string_view bytes, RequestParser::Command* command) {
  Pause(connection);
  if (command->large_arguments.empty()) return;
  connection.parser_ = std::make_unique<RequestParser>();
  connection.parser_->Restore(bytes, std::move(*command));
}

}  // namespace kvick
