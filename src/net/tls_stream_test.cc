// Both ends of a connection in one thread: what one writes, the other reads, through sockets that are as small, slow or
// rude as the test wants.
#include "net/tls_stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
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

// Ends of a connection over TCP, where what is written may wait in the socket.
std::pair<FileDescriptor, FileDescriptor> TcpPair() {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener.get(), generic, size), 0);
  EXPECT_EQ(listen(listener.get(), 1), 0);
  EXPECT_EQ(getsockname(listener.get(), generic, &size), 0);
  FileDescriptor near(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connect(near.get(), generic, size), 0);
  FileDescriptor far(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  for (const int fd : {near.get(), far.get()}) {
    ConfigureTcp(fd, 0);
    EXPECT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  }
  return {std::move(near), std::move(far)};
}

// A server's and a client's stream. With `by_bytes`, something in the middle hands on one byte at a time.
class Pair {
 public:
  explicit Pair(std::shared_ptr<const TlsContext> server = ServerContext(),
                std::shared_ptr<const TlsContext> client = ClientContext(), bool by_bytes = false,
                std::pair<FileDescriptor, FileDescriptor> sockets = SocketPair())
      : by_bytes_(by_bytes) {
    std::tie(server_socket_, near_server_) = std::move(sockets);
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

// As many bytes of `text` as the pieces of these sizes have, and the rest.
std::vector<iovec> CutIntoPieces(std::string_view text, std::initializer_list<size_t> sizes) {
  std::vector<iovec> pieces;
  for (const size_t size : sizes) {
    pieces.push_back(PieceOf(text.substr(0, size)));
    text.remove_prefix(std::min(size, text.size()));
  }
  pieces.push_back(PieceOf(text));
  return pieces;
}

TEST(TlsStreamTest, FillsItsRecordsHoweverThePiecesLie) {
  const std::string text = Pattern(100'000);
  for (const std::vector<iovec>& pieces : {CutIntoPieces(text, {}), CutIntoPieces(text, {8, 65'536, 10}),
                                           CutIntoPieces(text, {16'384, 1, 16'383, 0, 50'000})}) {
    Pair pair;
    ASSERT_TRUE(pair.ShakeWell());
    ASSERT_EQ(pair.server().Write(pieces), static_cast<ssize_t>(text.size()));
    std::string wire(200'000, '\0');
    const ssize_t wire_size = recv(pair.client_fd(), wire.data(), wire.size(), MSG_PEEK);
    ASSERT_GT(wire_size, 0);
    size_t record_count = 0;
    const auto byte_at = [&](size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(wire[at])); };
    for (size_t at = 0; at + 5 <= static_cast<size_t>(wire_size); ++record_count) {
      at += 5 + (byte_at(at + 3) << 8U) + byte_at(at + 4);
    }
    EXPECT_EQ(record_count, 7U) << "of 16 KiB but the last";
    std::string got;
    while (got.size() < text.size()) got += ReadText(pair.client());
    EXPECT_EQ(got, text);
  }
}

// Nothing more is written, so nothing may wait for that.
TEST(TlsStreamTest, SendsValuesOfSizesAroundThoseOfRecords) {
  Pair pair(ServerContext(), ClientContext(), /*by_bytes=*/false, TcpPair());
  ASSERT_TRUE(pair.ShakeWell());
  for (const size_t record : {16'384U, 32'768U, 49'152U, 65'536U}) {
    for (size_t size = record - 12; size <= record + 2; ++size) {
      const std::string text = Pattern(size + 10);
      ASSERT_EQ(pair.server().Write(CutIntoPieces(text, {8, size})), static_cast<ssize_t>(text.size()));
      std::string got;
      while (got.size() < text.size()) {
        pollfd readable{pair.client_fd(), POLLIN, 0};
        ASSERT_TRUE(pair.client().has_unread() || poll(&readable, 1, 10'000) == 1);
        got += ReadText(pair.client(), size);
      }
      ASSERT_EQ(got, text) << size;
    }
  }
}

TEST(TlsStreamTest, ManyRecordsWaitForASlowReader) {
  Pair pair(ServerContext(), ClientContext(), /*by_bytes=*/false, TcpPair());
  ASSERT_TRUE(pair.ShakeWell());
  const std::string text = Pattern(20'000'000);
  const std::vector<iovec> all = CutIntoPieces(text, {8, 5'000'000, 10});
  const ssize_t first = pair.server().Write(all);
  ASSERT_GT(first, 0);
  ASSERT_LT(first, static_cast<ssize_t>(text.size())) << "the sockets took everything";
  auto sent = static_cast<size_t>(first);
  const std::array<iovec, 1> again = {PieceOf(std::string_view(text).substr(sent))};
  EXPECT_EQ(pair.server().Write(again), -1);
  EXPECT_EQ(errno, EAGAIN);
  std::string got;
  while (got.size() < text.size()) {
    got += ReadText(pair.client(), 70'000);
    if (sent == text.size()) continue;
    const std::array<iovec, 1> rest = {PieceOf(std::string_view(text).substr(sent))};
    const ssize_t size = pair.server().Write(rest);
    if (size > 0) sent += static_cast<size_t>(size);
  }
  EXPECT_EQ(got, text);
}

TEST(TlsStreamTest, ReadsIntoSeveralTargets) {
  Pair pair;
  ASSERT_TRUE(pair.ShakeWell());
  const std::string text = Pattern(50'000);
  ASSERT_EQ(WriteText(pair.client(), text), 50'000);
  std::string first(20'000, '\0');
  std::string second(40'000, '\0');
  const iovec targets[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  ASSERT_EQ(pair.server().Read(targets), 50'000) << "all that has come, with one call";
  EXPECT_EQ(first + second.substr(0, 30'000), text);
  EXPECT_FALSE(pair.server().has_unread());
}

TEST(TlsStreamTest, WhoSendsMuchIsReadAPartAtATime) {
  Pair pair(ServerContext(), ClientContext(), /*by_bytes=*/false, TcpPair());
  ASSERT_TRUE(pair.ShakeWell());
  const std::string text = Pattern(1'000'000);
  const ssize_t sent = WriteText(pair.client(), text);
  ASSERT_GT(sent, 600'000);
  std::string got = ReadText(pair.server(), 2'000'000);
  EXPECT_LT(got.size(), 300'000U);
  while (got.size() < static_cast<size_t>(sent)) {
    pollfd readable{pair.server_fd(), POLLIN, 0};
    ASSERT_TRUE(pair.server().has_unread() || poll(&readable, 1, 10'000) == 1) << "nobody tells that there is more";
    got += ReadText(pair.server(), 2'000'000);
  }
  EXPECT_EQ(got, text.substr(0, got.size()));
}

TEST(TlsStreamTest, WhoLeavesInTheMiddleOfAValueIsNotWrittenToAgain) {
  Pair pair(ServerContext(), ClientContext(), /*by_bytes=*/false, TcpPair());
  ASSERT_TRUE(pair.ShakeWell());
  const std::string text = Pattern(20'000'000);
  const ssize_t first = WriteText(pair.server(), text);
  ASSERT_GT(first, 0);
  EXPECT_FALSE(ReadText(pair.client(), 1000).empty());
  pair.CutClient();
  const std::string_view rest = std::string_view(text).substr(static_cast<size_t>(first));
  ssize_t result = WriteText(pair.server(), rest);
  for (int i = 0; i < 100 && result < 0 && errno == EAGAIN; ++i) {
    pollfd writable{pair.server_fd(), POLLOUT, 0};
    poll(&writable, 1, 100);
    result = WriteText(pair.server(), rest);
  }
  EXPECT_EQ(result, -1);
  EXPECT_TRUE(errno == EPIPE || errno == ECONNRESET) << errno;
  EXPECT_EQ(WriteText(pair.server(), rest), -1);
  EXPECT_NE(errno, EAGAIN);
}

// The other side wants new keys in the middle of a value, which has to be answered, and the socket is full.
TEST(TlsStreamTest, ChangesItsKeysBetweenRecordsThatWait) {
  auto [server_socket, client_socket] = SocketPair();
  const auto server_context = ServerContext();
  const auto client_context = ClientContext();
  const auto server = TlsStream::Make(*server_context, server_socket.get()).value();
  const std::unique_ptr<SSL, void (*)(SSL*)> client(SSL_new(client_context->get()), SSL_free);
  ASSERT_EQ(SSL_set_fd(client.get(), client_socket.get()), 1);
  SSL_set_connect_state(client.get());
  while (!server->is_established()) {
    SSL_do_handshake(client.get());
    ASSERT_NE(server->Handshake(), Progress::kFailed) << server->failure();
  }
  const std::string text = Pattern(2'000'000);
  const ssize_t first = WriteText(*server, text);
  ASSERT_GT(first, 0);
  auto sent = static_cast<size_t>(first);
  ASSERT_LT(sent, text.size());
  ASSERT_EQ(SSL_key_update(client.get(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_write(client.get(), "more", 4), 4);
  std::string asked;
  std::string got;
  std::string target(30'000, '\0');
  for (int i = 0; i < 10'000 && (got.size() < text.size() || asked.size() < 4); ++i) {
    asked += ReadText(*server, 100);
    if (sent < text.size()) {
      const ssize_t size = WriteText(*server, std::string_view(text).substr(sent));
      ASSERT_TRUE(size > 0 || errno == EAGAIN) << errno;
      if (size > 0) sent += static_cast<size_t>(size);
    }
    const int size = SSL_read(client.get(), target.data(), static_cast<int>(target.size()));
    if (size > 0) got.append(target, 0, static_cast<size_t>(size));
  }
  EXPECT_EQ(asked, "more");
  EXPECT_EQ(got, text);
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
