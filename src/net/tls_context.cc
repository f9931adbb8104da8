#include "net/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace kvick {
namespace {

// Sessions are taken up again only by servers that say the same here.
constexpr std::string_view kSessionContext = "kvick";

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using OwnedContext = std::unique_ptr<SSL_CTX, ContextDeleter>;

struct ProtocolName {
  std::string_view name;
  uint64_t off_option;
};
constexpr ProtocolName kProtocols[] = {
    {"tlsv1", SSL_OP_NO_TLSv1},
    {"tlsv1.1", SSL_OP_NO_TLSv1_1},
    {"tlsv1.2", SSL_OP_NO_TLSv1_2},
    {"tlsv1.3", SSL_OP_NO_TLSv1_3},
};
constexpr uint64_t kAllProtocolsOff = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
constexpr uint64_t kDefaultProtocolsOff = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;

// Also when there is none: OpenSSL would ask on the terminal.
int GivePassword(char* buffer, int size, int /*for_writing*/, void* password_text) {
  const auto& password = *static_cast<const std::string*>(password_text);
  if (password.empty() || password.size() > static_cast<size_t>(size)) return -1;
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

// The bits that turn off what `text` does not name; none when a word is unknown.
bool ParseProtocols(const std::string& text, uint64_t* off_options) {
  *off_options = kDefaultProtocolsOff;
  if (text.empty()) return true;
  std::vector<std::string> words;
  if (!SplitArguments(text, &words)) return false;
  *off_options = kAllProtocolsOff;
  for (const std::string& word : words) {
    const std::string name = ToLower(word);
    const ProtocolName* found = nullptr;
    for (const ProtocolName& protocol : kProtocols) {
      if (protocol.name == name) found = &protocol;
    }
    if (found == nullptr) return false;
    *off_options &= ~found->off_option;
  }
  return true;
}

Status LoadOwnCertificate(const TlsContextOptions& options, SSL_CTX* context, TlsSetupStep* step) {
  *step = TlsSetupStep::kCertificate;
  if (!options.certificate_file.empty() &&
      SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return Status::Error("Failed to load certificate: " + options.certificate_file + ": " + TakeTlsError());
  }
  *step = TlsSetupStep::kKey;
  if (options.key_file.empty()) return Status::Ok();
  SSL_CTX_set_default_passwd_cb(context, GivePassword);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&options.key_password));
  const bool loaded = SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  if (!loaded) return Status::Error("Failed to load private key: " + options.key_file + ": " + TakeTlsError());
  return Status::Ok();
}

Status LoadAuthorities(const TlsContextOptions& options, SSL_CTX* context) {
  const char* file = options.ca_file.empty() ? nullptr : options.ca_file.c_str();
  const char* folder = options.ca_folder.empty() ? nullptr : options.ca_folder.c_str();
  bool loaded = true;
  if (file != nullptr || folder != nullptr) {
    loaded = SSL_CTX_load_verify_locations(context, file, folder) == 1;
  } else if (options.trusts_system_cas) {
    loaded = SSL_CTX_set_default_verify_paths(context) == 1;
  }
  if (loaded) return Status::Ok();
  return Status::Error("Failed to configure CA certificate(s) file/directory: " + TakeTlsError());
}

Status ChooseCiphers(const TlsContextOptions& options, SSL_CTX* context, TlsSetupStep* step) {
  *step = TlsSetupStep::kCiphers;
  if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    ERR_clear_error();
    return Status::Error("Failed to configure ciphers: " + options.ciphers);
  }
  *step = TlsSetupStep::kCiphersuites;
  if (!options.ciphersuites.empty() && SSL_CTX_set_ciphersuites(context, options.ciphersuites.c_str()) != 1) {
    ERR_clear_error();
    return Status::Error("Failed to configure ciphersuites: " + options.ciphersuites);
  }
  return Status::Ok();
}

// Without a file, a group that fits the strength of the key.
Status ChooseDhParams(const TlsContextOptions& options, SSL_CTX* context) {
  const std::string& path = options.dh_params_file;
  if (path.empty()) {
    SSL_CTX_set_dh_auto(context, 1);
    return Status::Ok();
  }
  const std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  if (file == nullptr) {
    const int reason = errno;
    ERR_clear_error();
    return Status::Error("Failed to load " + path + ": " + std::strerror(reason));
  }
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> params(PEM_read_bio_Parameters(file.get(), nullptr), EVP_PKEY_free);
  if (params == nullptr || EVP_PKEY_get_base_id(params.get()) != EVP_PKEY_DH) {
    ERR_clear_error();
    return Status::Error(path + ": failed to read DH params.");
  }
  if (SSL_CTX_set0_tmp_dh_pkey(context, params.get()) != 1) {
    return Status::Error("Failed to load DH params file: " + path + ": " + TakeTlsError());
  }
  static_cast<void>(params.release());
  return Status::Ok();
}

// Whoever caches nothing gives no tickets away either, which are sessions that the client keeps.
void ChooseSessions(const TlsContextOptions& options, SSL_CTX* context) {
  if (options.side == TlsSide::kClient || !options.caches_sessions) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (options.side == TlsSide::kServer) {
      SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
      SSL_CTX_set_num_tickets(context, 0);
    }
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, options.cached_sessions_max);
    SSL_CTX_set_timeout(context, options.session_timeout_s);
  }
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned>(kSessionContext.size()));
}

int VerifyMode(TlsPeerCheck check) {
  switch (check) {
    case TlsPeerCheck::kNone: return SSL_VERIFY_NONE;
    case TlsPeerCheck::kOptional: return SSL_VERIFY_PEER;
    case TlsPeerCheck::kRequired: break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

// A write may take a part, and be repeated from another address: replies move between buffers. An idle connection
// keeps no buffers. Reading ahead takes many records with one call of the system.
void ChooseModes(const TlsContextOptions& options, SSL_CTX* context) {
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (options.prefers_own_ciphers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
#ifdef SSL_OP_ENABLE_KTLS
  if (options.uses_kernel) SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
#endif
}

Status Configure(const TlsContextOptions& options, SSL_CTX* context, TlsSetupStep* step) {
  *step = TlsSetupStep::kProtocols;
  uint64_t protocols_off = 0;
  if (!ParseProtocols(options.protocols, &protocols_off)) {
    return Status::Error(
        "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.");
  }
  // By options alone: the system's configuration may have set a lowest version, which would outvote the words.
  SSL_CTX_set_min_proto_version(context, 0);
  SSL_CTX_set_options(context, protocols_off);
  ChooseModes(options, context);
  ChooseSessions(options, context);
  SSL_CTX_set_verify(context, VerifyMode(options.peer_check), nullptr);
  KVICK_RETURN_IF_ERROR(LoadOwnCertificate(options, context, step));
  *step = TlsSetupStep::kAuthorities;
  KVICK_RETURN_IF_ERROR(LoadAuthorities(options, context));
  KVICK_RETURN_IF_ERROR(ChooseCiphers(options, context, step));
  *step = TlsSetupStep::kDhParams;
  return options.side == TlsSide::kServer ? ChooseDhParams(options, context) : Status::Ok();
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::Make(const TlsContextOptions& options, TlsSetupStep* failed) {
  ERR_clear_error();
  TlsSetupStep step = TlsSetupStep::kOther;
  OwnedContext context(SSL_CTX_new(options.side == TlsSide::kServer ? TLS_server_method() : TLS_client_method()));
  if (context == nullptr) return Status::Error("Failed to make a TLS context: " + TakeTlsError());
  Status configured = Configure(options, context.get(), &step);
  if (failed != nullptr) *failed = step;
  if (!configured.ok()) return configured;
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), options));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

std::string TakeTlsError() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  char text[256];
  ERR_error_string_n(error, text, sizeof(text));
  return text;
}

std::string TakeTlsErrorReason() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "unknown error";
}

}  // namespace kvick
