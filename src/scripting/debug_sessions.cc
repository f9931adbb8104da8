#include "scripting/debug_sessions.h"

#include <utility>

#include "engine/errors.h"

namespace kvick {

Status DebugSessions::Take(CommandContext& context) {
  if (context.executor().is_in_transaction()) return errors::Generic("Scripts can't be debugged inside a transaction");
  const Session& session = context.session();
  DebugSession::Request request;
  request.words.assign(context.arguments().begin(), context.arguments().end());
  request.is_in_place = session.script_debugging == Session::ScriptDebugging::kInPlace;
  request.wants_reply = session.reply_mode == Session::ReplyMode::kOn;
  if (session.transport == nullptr) return errors::Generic("Scripts can't be debugged without a connection");
  // Made between the command and the moment when the client leaves.
  auto executor = std::make_shared<std::shared_ptr<Executor>>();
  const bool is_handed_over = session.transport->HandOver(
      [this, executor, request = std::move(request)](const Session& former, std::unique_ptr<ClientSocket> socket) {
        Begin(std::make_unique<DebugSession>(*executor, make_store_, request, former, std::move(socket)));
      });
  if (!is_handed_over) return errors::Generic("Scripts can't be debugged without a connection");
  context.executor().AfterCommand([this, executor] { *executor = LendExecutor(); });
  return Status::Ok();
}

std::shared_ptr<Executor> DebugSessions::LendExecutor() {
  const auto take_back = [this](Executor* executor) { TakeBack(executor); };
  {
    MutexLock lock(mutex_);
    if (!idle_executors_.empty()) {
      Executor* const idle = idle_executors_.back();
      idle_executors_.pop_back();
      return {idle, take_back};
    }
  }
  auto made = std::make_unique<Executor>(engine_);
  Executor* const executor = made.get();
  MutexLock lock(mutex_);
  executors_.push_back(std::move(made));
  return {executor, take_back};
}

void DebugSessions::TakeBack(Executor* executor) {
  MutexLock lock(mutex_);
  idle_executors_.push_back(executor);
}

void DebugSessions::Begin(std::unique_ptr<DebugSession> session) {
  std::vector<std::unique_ptr<DebugSession>> ended;  // outlives the lock: they give their executors back
  MutexLock lock(mutex_);
  for (auto& known : sessions_) {
    if (known->has_ended()) ended.push_back(std::move(known));
  }
  std::erase(sessions_, nullptr);
  if (is_dismissed_) session->Dismiss();
  session->Start();
  sessions_.push_back(std::move(session));
}

void DebugSessions::Dismiss() {
  MutexLock lock(mutex_);
  is_dismissed_ = true;
  for (const auto& session : sessions_) session->Dismiss();
}

void DebugSessions::EndAll() {
  Dismiss();
  std::vector<std::unique_ptr<DebugSession>> sessions;
  {
    MutexLock lock(mutex_);
    sessions.swap(sessions_);
  }
  sessions.clear();  // waits for their threads
  MutexLock lock(mutex_);
  idle_executors_.clear();
  executors_.clear();
}

}  // namespace kvick
