#include "tools/benchmark/load_run.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <deque>
#include <span>
#include <string_view>

#include "net/tls_stream.h"

namespace kvick::benchmark {
namespace {

constexpr size_t kReceiveBufferBytes = 256 * 1024;

uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

Status SystemError(const std::string& what) { return Status::Error(what + ": " + std::strerror(errno)); }

Result<int> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Status::Error("socket path is too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    Status status = SystemError("cannot connect to " + path);
    close(fd);
    return status;
  }
  return fd;
}

Result<int> ConnectTcp(const std::string& host, int port) {
  const std::string place = host + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    return Status::Error("cannot resolve " + place + ": " + gai_strerror(error));
  }
  int fd = -1;
  for (const addrinfo* one = found; one != nullptr && fd < 0; one = one->ai_next) {
    fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  if (fd < 0) return SystemError("cannot connect to " + place);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

}  // namespace

struct LoadRun::Connection {
  int fd = -1;
  std::unique_ptr<TlsStream> tls;  // null: plain
  bool waits_for_room = false;
  ReplyCounter counter;
  std::string unsent;  // what the socket had no room for
  size_t unsent_start = 0;
  uint64_t awaited_replies = 0;
  uint64_t reply_count = 0;
  uint64_t batch_sent_ns = 0;   // closed loop
  std::deque<uint64_t> due_ns;  // open loop: of each request that is not answered

  ~Connection() {
    tls.reset();  // says goodbye through the socket
    if (fd >= 0) close(fd);
  }

  // As send(2) and recv(2) do.
  ssize_t Send(std::string_view bytes) {
    if (tls == nullptr) return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    return tls->Write({&piece, 1});
  }
  ssize_t Receive(std::span<char> target) {
    return tls == nullptr ? recv(fd, target.data(), target.size(), 0) : tls->Read(target);
  }
};

LoadRun::LoadRun(const Options& options, Workload& workload)
    : options_(options),
      workload_(workload),
      unsent_requests_(workload.request_count()),
      receive_buffer_(kReceiveBufferBytes) {}

LoadRun::~LoadRun() {
  if (epoll_ >= 0) close(epoll_);
}

Result<LoadResult> LoadRun::Run(const Options& options, Workload& workload) {
  LoadRun run(options, workload);
  KVICK_RETURN_IF_ERROR(run.ConnectAll());
  return run.Loop();
}

Status LoadRun::ConnectAll() {
  KVICK_ASSIGN_OR_RETURN(tls_, client::MakeTlsContext(options_.tls));
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return SystemError("epoll_create1");
  for (uint64_t i = 0; i < options_.client_count; ++i) {
    auto connection = std::make_unique<Connection>();
    KVICK_ASSIGN_OR_RETURN(connection->fd, ConnectOne());
    KVICK_RETURN_IF_ERROR(Introduce(*connection));
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connection.get();
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event) != 0) return SystemError("epoll_ctl");
    connections_.push_back(std::move(connection));
  }
  return Status::Ok();
}

Result<int> LoadRun::ConnectOne() const {
  return options_.unix_socket.empty() ? ConnectTcp(options_.host, options_.port) : ConnectUnix(options_.unix_socket);
}

// The handshake, authentication, protocol and database, before the clock runs. The socket still blocks.
Status LoadRun::Introduce(Connection& connection) const {
  if (tls_ != nullptr) {
    KVICK_ASSIGN_OR_RETURN(connection.tls, TlsStream::Make(*tls_, connection.fd, options_.tls.server_name));
    if (connection.tls->Handshake() != TlsStream::Progress::kDone) {
      return Status::Error("no TLS connection: " + connection.tls->failure_reason());
    }
  }
  std::vector<std::vector<std::string>> commands;
  if (!options_.user.empty()) {
    commands.push_back({"AUTH", options_.user, options_.password});
  } else if (!options_.password.empty()) {
    commands.push_back({"AUTH", options_.password});
  }
  if (options_.is_resp3) commands.push_back({"HELLO", "3"});
  if (options_.database != 0) commands.push_back({"SELECT", std::to_string(options_.database)});

  KeyNumbers no_numbers = KeyNumbers::InSequence(0);
  for (const std::vector<std::string>& command : commands) {
    std::string request;
    RequestTemplate::Make(command, "").AppendTo(request, no_numbers);
    if (connection.Send(request) != static_cast<ssize_t>(request.size())) return SystemError("cannot send");
    ReplyCounter counter;
    for (uint64_t replies = 0; replies == 0;) {
      char buffer[4096];
      const ssize_t received = connection.Receive(buffer);
      if (received <= 0) return Status::Error("the server closed the connection at " + command[0]);
      replies = counter.Feed({buffer, static_cast<size_t>(received)});
      if (counter.is_broken()) return Status::Error("the server does not speak RESP");
    }
    if (counter.error_count() > 0) return Status::Error(command[0] + " failed: " + counter.first_error());
  }
  return Status::Ok();
}

Result<LoadResult> LoadRun::Loop() {
  const bool is_paced = options_.requests_per_second > 0;
  const uint64_t started_ns = NowNs();
  if (!is_paced) {
    for (const auto& connection : connections_) KVICK_RETURN_IF_ERROR(SendBatch(*connection));
  }
  while (result_.reply_count < workload_.request_count()) {
    int64_t wait_ns = -1;
    if (is_paced) {
      KVICK_ASSIGN_OR_RETURN(wait_ns, SendDue(started_ns));
    }
    KVICK_RETURN_IF_ERROR(WaitAndServe(wait_ns));
  }
  result_.seconds = static_cast<double>(NowNs() - started_ns) / 1e9;
  result_.fewest_replies = UINT64_MAX;
  for (const auto& connection : connections_) {
    result_.fewest_replies = std::min(result_.fewest_replies, connection->reply_count);
    result_.most_replies = std::max(result_.most_replies, connection->reply_count);
    result_.error_count += connection->counter.error_count();
    if (result_.first_error.empty()) result_.first_error = connection->counter.first_error();
  }
  return std::move(result_);
}

Result<int64_t> LoadRun::SendDue(uint64_t started_ns) {
  const double interval_ns = 1e9 / static_cast<double>(options_.requests_per_second);
  while (unsent_requests_ > 0) {
    const uint64_t number = workload_.request_count() - unsent_requests_;
    const uint64_t due_ns = started_ns + static_cast<uint64_t>(static_cast<double>(number) * interval_ns);
    const uint64_t now_ns = NowNs();
    if (due_ns > now_ns) return static_cast<int64_t>(due_ns - now_ns);
    Connection& connection = *connections_[number % connections_.size()];
    --unsent_requests_;
    batch_.clear();
    workload_.AppendRequest(batch_);
    connection.due_ns.push_back(due_ns);
    ++connection.awaited_replies;
    KVICK_RETURN_IF_ERROR(Send(connection, batch_));
  }
  return -1;
}

Status LoadRun::WaitAndServe(int64_t wait_ns) {
  epoll_event events[256];
  const timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
  const int ready = epoll_pwait2(epoll_, events, std::size(events), wait_ns < 0 ? nullptr : &wait, nullptr);
  if (ready < 0 && errno != EINTR) return SystemError("epoll_pwait2");
  for (int i = 0; i < ready; ++i) {
    auto& connection = *static_cast<Connection*>(events[i].data.ptr);
    if ((events[i].events & EPOLLOUT) != 0) KVICK_RETURN_IF_ERROR(SendRest(connection));
    if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) KVICK_RETURN_IF_ERROR(Receive(connection));
  }
  return Status::Ok();
}

Status LoadRun::SendBatch(Connection& connection) {
  const uint64_t count = std::min(options_.pipeline_depth, unsent_requests_);
  if (count == 0) return Status::Ok();
  unsent_requests_ -= count;
  batch_.clear();
  for (uint64_t i = 0; i < count; ++i) workload_.AppendRequest(batch_);
  connection.awaited_replies = count;
  connection.batch_sent_ns = NowNs();
  return Send(connection, batch_);
}

// What the socket has no room for goes behind what waits already.
Status LoadRun::Send(Connection& connection, std::string_view bytes) {
  if (connection.unsent.empty()) {
    const ssize_t sent = connection.Send(bytes);
    if (sent < 0 && errno != EAGAIN) return SystemError("cannot send");
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (bytes.empty()) return Status::Ok();
  }
  connection.unsent.append(bytes);
  return WatchForWriting(connection, true);
}

Status LoadRun::SendRest(Connection& connection) {
  const std::string_view rest = std::string_view(connection.unsent).substr(connection.unsent_start);
  const ssize_t sent = connection.Send(rest);
  if (sent < 0 && errno != EAGAIN) return SystemError("cannot send");
  if (sent > 0) connection.unsent_start += static_cast<size_t>(sent);
  if (connection.unsent_start < connection.unsent.size()) return Status::Ok();
  connection.unsent.clear();
  connection.unsent_start = 0;
  return WatchForWriting(connection, false);
}

Status LoadRun::Receive(Connection& connection) {
  const ssize_t received = connection.Receive(receive_buffer_);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return Status::Ok();
  if (received < 0) return SystemError("cannot receive");
  if (received == 0) return Status::Error("the server closed a connection");

  const uint64_t replies = connection.counter.Feed({receive_buffer_.data(), static_cast<size_t>(received)});
  if (connection.counter.is_broken()) return Status::Error("the server does not speak RESP");
  if (replies > connection.awaited_replies) return Status::Error("the server sent more replies than requests");
  if (replies > 0) {
    const uint64_t now_ns = NowNs();
    if (connection.due_ns.empty()) {
      result_.latency.Record(now_ns - connection.batch_sent_ns, replies);
    } else {
      for (uint64_t i = 0; i < replies; ++i) {
        result_.latency.Record(now_ns - connection.due_ns.front(), 1);
        connection.due_ns.pop_front();
      }
    }
  }
  result_.reply_count += replies;
  connection.reply_count += replies;
  connection.awaited_replies -= replies;
  // Of what is left in the library's buffer epoll does not tell.
  if (connection.awaited_replies > 0 && connection.tls != nullptr && connection.tls->has_unread()) {
    return Receive(connection);
  }
  const bool sends_next = connection.awaited_replies == 0 && options_.requests_per_second == 0;
  return sends_next ? SendBatch(connection) : Status::Ok();
}

Status LoadRun::WatchForWriting(Connection& connection, bool wanted) {
  if (connection.waits_for_room == wanted) return Status::Ok();
  connection.waits_for_room = wanted;
  epoll_event event{};
  event.events = EPOLLIN | (wanted ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  event.data.ptr = &connection;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event) != 0) return SystemError("epoll_ctl");
  return Status::Ok();
}

}  // namespace kvick::benchmark
