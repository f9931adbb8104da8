// HttpServer answers GET requests on one address, for tools that look at the server from outside: a thread of its own
// (libmicrohttpd), few connections, small requests.
//
//   HttpServer server;
//   KVICK_RETURN_IF_ERROR(server.Open("127.0.0.1", 9121, [](std::string_view path) { return HttpReply{...}; }));
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

struct MHD_Daemon;

namespace kvick {

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer {
 public:
  // Called in the server's thread, one request at a time. `path`: without what is behind '?'.
  using Handler = std::function<HttpReply(std::string_view path)>;

  HttpServer() = default;
  ~HttpServer() { Close(); }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Closed before. The error is the system's reason.
  Status Open(const std::string& address, int port, Handler handler);
  // Waits for the thread, and so for a handler that is at work.
  void Close();
  [[nodiscard]] bool is_open() const { return daemon_ != nullptr; }
  [[nodiscard]] const Handler& handler() const { return handler_; }

 private:
  MHD_Daemon* daemon_ = nullptr;
  Handler handler_;
};

}  // namespace kvick
