// Both ends of a connection in one thread: what one writes, the other reads, through sockets that are as small, slow or
// rude as the test wants.
#include "net/tls_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/socket.h"
#include "support/test_certificates.h"

namespace kvick {
namespace {

using test::CertificatePath;
using Progress = TlsStream::Progress;

std::shared_ptr<const TlsContext> ServerContext(TlsPeerCheck check = TlsPeerCheck::kNone,
                                                const std::string& protocols = {}) {
  TlsContextOptions options;
  options.side = TlsSide::kServer;
  options.peer_check = check;
  options.certificate_file = CertificatePath("server.crt");
  options.key_file = CertificatePath("server.key");
  options.ca_file = CertificatePath("ca.crt");
  options.protocols = protocols;
  return TlsContext::Make(options).value();
}

std::shared_ptr<const TlsContext> ClientContext(const std::string& name = {}, const std::string& protocols = {}) {
  TlsContextOptions options;
  options.ca_file = CertificatePath("ca.crt");
  options.protocols = protocols;
  if (!name.empty()) {
    options.certificate_file = CertificatePath(name + ".crt");
    options.key_file = CertificatePath(name + ".key");
  }
  return TlsContext::Make(options).value();
}

std::pair<FileDescriptor, FileDescriptor> SocketPair() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// A server's and a client's stream. With `by_bytes`, something in the middle hands on one byte at a time.
class Pair {
 public:
  explicit Pair(std::shared_ptr<const TlsContext> server = ServerContext(),
                std::shared_ptr<const TlsContext> client = ClientContext(), bool by_bytes = false)
      : by_bytes_(by_bytes) {
    std::tie(server_socket_, near_server_) = SocketPair();
    if (by_bytes_) {
      std::tie(client_socket_, near_client_) = SocketPair();
    } else {
      client_socket_ = std::move(near_server_);
    }
    server_ = TlsStream::Make(*server, server_socket_.get()).value();
    client_ = TlsStream::Make(*client, client_socket_.get()).value();
  }

  // Until both have come to an end of it.
  void Shake() {
    Progress server = Progress::kWantsRead;
    Progress client = Progress::kWantsRead;
    for (int i = 0; i < 100'000 && !(IsOver(server) && IsOver(client)); ++i) {
      if (!IsOver(client)) client = client_->Handshake();
      Relay();
      if (!IsOver(server)) server = server_->Handshake();
      Relay();
    }
    server_end = server;
    client_end = client;
  }

  // And the client has got the tickets that the server sends behind its handshake.
  bool ShakeWell() {
    Shake();
    char byte;
    EXPECT_EQ(client_->Read({&byte, 1}), -1);
    return server_end == Progress::kDone && client_end == Progress::kDone;
  }

  void Relay() {
    if (!by_bytes_) return;
    RelayByte(near_client_.get(), near_server_.get());
    RelayByte(near_server_.get(), near_client_.get());
  }

  TlsStream& server() { return *server_; }
  TlsStream& client() { return *client_; }
  int server_fd() const { return server_socket_.get(); }
  int client_fd() const { return client_socket_.get(); }
  void CloseClient() { client_.reset(); }
  void CutClient() { client_socket_ = FileDescriptor(); }

  Progress server_end = Progress::kWantsRead;
  Progress client_end = Progress::kWantsRead;

 private:
  static bool IsOver(Progress progress) { return progress == Progress::kDone || progress == Progress::kFailed; }
  static void RelayByte(int from, int to) {
    char byte;
    if (read(from, &byte, 1) == 1) EXPECT_EQ(write(to, &byte, 1), 1);
  }

  const bool by_bytes_;
  FileDescriptor server_socket_;
  FileDescriptor client_socket_;
  FileDescriptor near_server_;
  FileDescriptor near_client_;
  std::unique_ptr<TlsStream> server_;
  std::unique_ptr<TlsStream> client_;
};

iovec PieceOf(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

ssize_t WriteText(TlsStream& stream, std::string_view text) {
  const iovec piece = PieceOf(text);
  return stream.Write({&piece, 1});
}

// What there is to read at once, up to `size_max` bytes.
std::string ReadText(TlsStream& stream, size_t size_max = 65'536) {
  std::string text(size_max, '\0');
  const ssize_t size = stream.Read(text);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

TEST(TlsStreamTest, CarriesBytesBothWays) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell()) << pair.server().failure() << pair.client().failure();
  EXPECT_EQ(WriteText(pair.client(), "PING"), 4);
  EXPECT_EQ(ReadText(pair.server()), "PING");
  EXPECT_FALSE(pair.server().has_unread());
  EXPECT_EQ(WriteText(pair.server(), "PONG"), 4);
  EXPECT_EQ(ReadText(pair.client()), "PONG");
  char byte;
  EXPECT_EQ(pair.server().Read({&byte, 1}), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(TlsStreamTest, LivesWithOneByteAtATime) {
  Pair pair(ServerContext(), ClientContext(), /*by_bytes=*/true);
  ASSERT_TRUE(pair.ShakeWell()) << pair.server().failure() << pair.client().failure();
  EXPECT_EQ(WriteText(pair.client(), "half a record is none"), 21);
  std::string got;
  for (int i = 0; i < 10'000 && got.size() < 21; ++i) {
    pair.Relay();
    got += ReadText(pair.server(), 100);
    EXPECT_FALSE(pair.server().has_unread()) << "the rest is in the socket";
  }
  EXPECT_EQ(got, "half a record is none");
}

TEST(TlsStreamTest, TellsOfBytesThatEpollDoesNotSee) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  ASSERT_EQ(WriteText(pair.client(), "abc"), 3);
  ASSERT_EQ(WriteText(pair.client(), "de"), 2);
  EXPECT_EQ(ReadText(pair.server(), 1), "a");
  EXPECT_TRUE(pair.server().has_unread());
  char byte;
  EXPECT_EQ(recv(pair.server_fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1) << "the socket is empty";
  EXPECT_EQ(ReadText(pair.server(), 1), "b");
  EXPECT_EQ(ReadText(pair.server(), 100), "cde") << "also what came in another record";
  EXPECT_FALSE(pair.server().has_unread());
}

TEST(TlsStreamTest, PutsSmallPiecesIntoOneRecord) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  const std::string text = Pattern(1000);
  std::vector<iovec> pieces;
  for (const char& byte : text) pieces.push_back({const_cast<char*>(&byte), 1});
  ASSERT_EQ(pair.server().Write(pieces), 1000);
  char wire[4096];
  const ssize_t size = recv(pair.client_fd(), wire, sizeof(wire), MSG_PEEK);
  EXPECT_GT(size, 1000);
  EXPECT_LT(size, 1100) << "a record of its own would cost each byte 22 more";
  EXPECT_EQ(ReadText(pair.client()), text);
}

// The socket takes a part; the bytes come again from another address, in other pieces, and with more behind them.
TEST(TlsStreamTest, GoesOnWithAWriteThatCouldNotBeFinished) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  const int buffer_bytes = 4096;
  ASSERT_EQ(setsockopt(pair.server_fd(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes)), 0);
  const std::string text = Pattern(500'000);
  size_t sent = 0;
  size_t refused_count = 0;
  std::string got;
  while (got.size() < text.size()) {
    const std::string copy = text.substr(sent);  // elsewhere each time
    const std::string_view rest = copy;
    const size_t cut = std::min<size_t>(rest.size(), refused_count % 7);
    const std::array<iovec, 2> pieces = {PieceOf(rest.substr(0, cut)), PieceOf(rest.substr(cut))};
    if (sent < text.size()) {
      const ssize_t size = pair.server().Write(pieces);
      if (size < 0) {
        ASSERT_EQ(errno, EAGAIN);
        ++refused_count;
        got += ReadText(pair.client(), 3000);
      } else {
        sent += static_cast<size_t>(size);
      }
    } else {
      got += ReadText(pair.client(), 3000);
    }
  }
  EXPECT_EQ(got, text);
  EXPECT_GT(refused_count, 10U);
}

TEST(TlsStreamTest, AnEndIsAnEndWhetherAnnouncedOrNot) {
  {
    Pair pair;
    ASSERT_TRUE(pair.ShakeWell());
    ASSERT_EQ(WriteText(pair.client(), "last"), 4);
    pair.CloseClient();
    EXPECT_EQ(ReadText(pair.server()), "last");
    char byte;
    EXPECT_EQ(pair.server().Read({&byte, 1}), 0);
    EXPECT_EQ(WriteText(pair.server(), "who shuts his side may still read"), 33);
  }
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  ASSERT_EQ(WriteText(pair.client(), "last"), 4);
  pair.CutClient();
  EXPECT_EQ(ReadText(pair.server()), "last");
  char byte;
  EXPECT_EQ(pair.server().Read({&byte, 1}), 0);
  EXPECT_EQ(pair.server().Read({&byte, 1}), 0);
}

TEST(TlsStreamTest, WritingToWhoHasGoneFailsWithoutASignal) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  pair.CutClient();
  EXPECT_EQ(WriteText(pair.server(), "hello?"), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST(TlsStreamTest, AChangedRecordEndsTheStream) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  ASSERT_EQ(WriteText(pair.server(), "precious"), 8);
  char wire[256];
  const ssize_t size = recv(pair.client_fd(), wire, sizeof(wire), 0);
  ASSERT_GT(size, 8);
  wire[size - 1] = static_cast<char>(wire[size - 1] ^ 1);
  ASSERT_EQ(send(pair.server_fd(), wire, static_cast<size_t>(size), 0), size);
  char target[64];
  EXPECT_EQ(pair.client().Read(target), -1);
  EXPECT_EQ(errno, EPROTO);
}

TEST(TlsStreamTest, PlainTextIsNoHandshake) {
  auto [server_socket, client_socket] = SocketPair();
  const auto context = ServerContext();
  const auto stream = TlsStream::Make(*context, server_socket.get()).value();
  EXPECT_EQ(stream->Handshake(), Progress::kWantsRead);
  const std::string_view request = "*1\r\n$4\r\nPING\r\n";
  ASSERT_EQ(send(client_socket.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  EXPECT_EQ(stream->Handshake(), Progress::kFailed);
  EXPECT_EQ(stream->failure(), "error:0A00010B:SSL routines::wrong version number");
  EXPECT_EQ(stream->failure_reason(), "wrong version number");
}

TEST(TlsStreamTest, ChecksCertificatesAndReadsTheirNames) {
  {
    Pair pair(ServerContext(TlsPeerCheck::kRequired), ClientContext("worker"));
    ASSERT_TRUE(pair.ShakeWell()) << pair.server().failure();
    EXPECT_EQ(pair.server().PeerCommonName(), "worker");
    EXPECT_EQ(pair.client().PeerCommonName(), "localhost");
  }
  {
    Pair pair(ServerContext(TlsPeerCheck::kOptional));
    ASSERT_TRUE(pair.ShakeWell());
    EXPECT_EQ(pair.server().PeerCommonName(), std::nullopt);
  }
  for (const std::string name : {"", "stranger", "expired"}) {
    Pair pair(ServerContext(TlsPeerCheck::kRequired), ClientContext(name));
    pair.Shake();
    EXPECT_EQ(pair.server_end, Progress::kFailed) << name;
    EXPECT_EQ(pair.server().failure_reason(),
              name.empty() ? "peer did not return a certificate" : "certificate verify failed");
  }
  Pair pair(ServerContext(TlsPeerCheck::kOptional), ClientContext("expired"));
  pair.Shake();
  EXPECT_EQ(pair.server_end, Progress::kFailed) << "one that is shown must be good";
}

TEST(TlsStreamTest, RefusesToRenegotiate) {
  auto [server_socket, client_socket] = SocketPair();
  const auto server_context = ServerContext(TlsPeerCheck::kNone, "TLSv1.2");
  const auto client_context = ClientContext({}, "TLSv1.2");
  const auto server = TlsStream::Make(*server_context, server_socket.get()).value();
  const std::unique_ptr<SSL, void (*)(SSL*)> client(SSL_new(client_context->get()), SSL_free);
  ASSERT_EQ(SSL_set_fd(client.get(), client_socket.get()), 1);
  SSL_set_connect_state(client.get());
  while (!server->is_established()) {
    SSL_do_handshake(client.get());
    ASSERT_NE(server->Handshake(), Progress::kFailed) << server->failure();
  }
  ASSERT_EQ(SSL_do_handshake(client.get()), 1);
  EXPECT_STREQ(SSL_get_version(client.get()), "TLSv1.2");
  // The client's own context forbids it as well.
  SSL_clear_options(client.get(), SSL_OP_NO_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(client.get()), 1);
  SSL_do_handshake(client.get());
  char byte;
  EXPECT_EQ(server->Read({&byte, 1}), -1);
  EXPECT_LE(SSL_do_handshake(client.get()), 0);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

}  // namespace
}  // namespace kvick
