#include "serving/http_server.h"

#include <microhttpd.h>

#include <cstddef>
#include <utility>

#include "net/socket.h"

namespace kvick {
namespace {

constexpr unsigned kConnectionsMax = 16;
constexpr unsigned kIdleTimeoutS = 10;
constexpr size_t kRequestBytesMax = size_t{16} * 1024;  // line and headers
constexpr int kBacklog = 16;

MHD_Result Send(MHD_Connection* connection, const HttpReply& reply) {
  MHD_Response* response = MHD_create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()),
                                                           MHD_RESPMEM_MUST_COPY);  // it does not change it
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  const MHD_Result result = MHD_queue_response(connection, reply.status, response);
  MHD_destroy_response(response);
  return result;
}

// Called once when the headers are there, and again for what follows; the answer goes out at the end of the request.
MHD_Result OnRequest(void* server, MHD_Connection* connection, const char* url, const char* method,
                     const char* /*version*/, const char* /*upload*/, size_t* upload_size, void** request_state) {
  static char has_begun;
  const std::string_view verb(method);
  if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
    return Send(connection, {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "only GET and HEAD\n"});
  }
  if (*request_state == nullptr) {
    *request_state = &has_begun;
    return MHD_YES;
  }
  if (*upload_size != 0) {
    *upload_size = 0;  // a body means nothing here
    return MHD_YES;
  }
  return Send(connection, static_cast<const HttpServer*>(server)->handler()(url));
}

}  // namespace

Status HttpServer::Open(const std::string& address, int port, Handler handler) {
  ListenFailure failure;
  Result<FileDescriptor> socket = ListenTcp(address, port, kBacklog, &failure);
  if (!socket.ok()) return Status::Error(failure.reason);
  handler_ = std::move(handler);
  const int fd = socket->get();
  daemon_ =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, nullptr, nullptr, &OnRequest, this, MHD_OPTION_LISTEN_SOCKET,
                       fd, MHD_OPTION_CONNECTION_LIMIT, kConnectionsMax, MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutS,
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, kRequestBytesMax, MHD_OPTION_END);
  if (daemon_ == nullptr) return Status::Error("the HTTP server could not be started");
  socket->Release();  // the daemon closes it
  return Status::Ok();
}

void HttpServer::Close() {
  if (daemon_ == nullptr) return;
  MHD_stop_daemon(daemon_);
  daemon_ = nullptr;
}

}  // namespace kvick
