// TlsContext: what TLS connections of one kind have in common: certificate and key, trusted authorities, protocols,
// ciphers, the cache of sessions.
//
//   KVICK_ASSIGN_OR_RETURN(std::shared_ptr<const TlsContext> context, TlsContext::Make({.ca_file = "ca.crt"}));
//   KVICK_ASSIGN_OR_RETURN(std::unique_ptr<TlsStream> stream, TlsStream::Make(*context, socket));
//
// A context never changes. A new configuration is a new context; streams keep alive the one that they were made from.
// Any thread may make streams.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"

using SSL_CTX = struct ssl_ctx_st;

namespace kvick {

enum class TlsSide { kServer, kClient };
// Whether the other side has to show a certificate; one that is shown must be good.
enum class TlsPeerCheck { kNone, kOptional, kRequired };

// Empty texts: the default of OpenSSL, or nothing.
struct TlsContextOptions {
  TlsSide side = TlsSide::kClient;
  TlsPeerCheck peer_check = TlsPeerCheck::kRequired;

  std::string certificate_file;  // PEM, with the chain behind it
  std::string key_file;
  std::string key_password;
  std::string ca_file;
  std::string ca_folder;           // of certificates named by their hash (openssl rehash)
  bool trusts_system_cas = false;  // where neither of these two is given

  std::string protocols;  // "TLSv1.2 TLSv1.3"
  std::string ciphers;    // up to TLSv1.2
  std::string ciphersuites;
  bool prefers_own_ciphers = false;
  std::string dh_params_file;

  // For servers: sessions that clients may take up again, so that their next handshake is short.
  bool caches_sessions = true;
  int64_t cached_sessions_max = 20'480;  // 0: no limit
  int64_t session_timeout_s = 300;

  // Encryption in the kernel, where it can. The stream must own its socket then.
  bool uses_kernel = false;
};

// The steps by which a context can fail to be made, for programs that have texts of their own.
enum class TlsSetupStep { kCertificate, kKey, kAuthorities, kProtocols, kCiphers, kCiphersuites, kDhParams, kOther };

class TlsContext {
 public:
  // The Status says which step failed, and OpenSSL's reason.
  static Result<std::shared_ptr<const TlsContext>> Make(const TlsContextOptions& options,
                                                        TlsSetupStep* failed = nullptr);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  TlsSide side() const { return side_; }
  bool uses_kernel() const { return uses_kernel_; }
  SSL_CTX* get() const { return context_; }

 private:
  TlsContext(SSL_CTX* context, const TlsContextOptions& options)
      : context_(context), side_(options.side), uses_kernel_(options.uses_kernel) {}

  SSL_CTX* const context_;
  const TlsSide side_;
  const bool uses_kernel_;
};

// What OpenSSL says of the latest failure of this thread, which is forgotten thereby: "error:0A000086:SSL routines::
// certificate verify failed", or the reason alone.
std::string TakeTlsError();
std::string TakeTlsErrorReason();

}  // namespace kvick
