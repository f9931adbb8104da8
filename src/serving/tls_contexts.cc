#include "serving/tls_contexts.h"

#include <utility>

#include "base/log.h"

namespace kvick {
namespace {

TlsPeerCheck PeerCheckOf(TlsClientCertificates certificates) {
  switch (certificates) {
    case TlsClientCertificates::kNo: return TlsPeerCheck::kNone;
    case TlsClientCertificates::kOptional: return TlsPeerCheck::kOptional;
    case TlsClientCertificates::kYes: break;
  }
  return TlsPeerCheck::kRequired;
}

TlsContextOptions CommonOptions(const Settings& settings) {
  TlsContextOptions options;
  options.certificate_file = settings.tls_certificate_file;
  options.key_file = settings.tls_key_file;
  options.key_password = settings.tls_key_password;
  options.ca_file = settings.tls_ca_file;
  options.ca_folder = settings.tls_ca_folder;
  options.protocols = settings.tls_protocols;
  options.ciphers = settings.tls_ciphers;
  options.ciphersuites = settings.tls_ciphersuites;
  return options;
}

// What OpenSSL would accept, and nobody wants.
Status CheckComplete(const Settings& settings) {
  if (settings.tls_certificate_file.empty()) return Status::Error("No tls-cert-file configured!");
  if (settings.tls_key_file.empty()) return Status::Error("No tls-key-file configured!");
  const bool checks_peers = settings.tls_client_certificates != TlsClientCertificates::kNo || settings.tls_cluster ||
                            settings.tls_replication;
  if (checks_peers && settings.tls_ca_file.empty() && settings.tls_ca_folder.empty()) {
    return Status::Error(
        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
        "tls-auth-clients are enabled!");
  }
  return Status::Ok();
}

}  // namespace

TlsContextOptions IncomingTlsOptions(const Settings& settings) {
  TlsContextOptions options = CommonOptions(settings);
  options.side = TlsSide::kServer;
  options.peer_check = PeerCheckOf(settings.tls_client_certificates);
  options.prefers_own_ciphers = settings.tls_prefers_own_ciphers;
  options.dh_params_file = settings.tls_dh_params_file;
  options.caches_sessions = settings.tls_caches_sessions;
  options.cached_sessions_max = settings.tls_cached_sessions_max;
  options.session_timeout_s = settings.tls_session_timeout_s;
  options.uses_kernel = true;
  return options;
}

TlsContextOptions OutgoingTlsOptions(const Settings& settings) {
  TlsContextOptions options = CommonOptions(settings);
  options.side = TlsSide::kClient;
  if (!settings.tls_outgoing_certificate_file.empty() && !settings.tls_outgoing_key_file.empty()) {
    options.certificate_file = settings.tls_outgoing_certificate_file;
    options.key_file = settings.tls_outgoing_key_file;
    options.key_password = settings.tls_outgoing_key_password;
  }
  return options;
}

Status TlsContexts::Rebuild(const Settings& settings) {
  const auto make = [&settings, this] {
    KVICK_RETURN_IF_ERROR(CheckComplete(settings));
    auto incoming = TlsContext::Make(IncomingTlsOptions(settings));
    if (!incoming.ok()) return incoming.status();
    auto outgoing = TlsContext::Make(OutgoingTlsOptions(settings));
    if (!outgoing.ok()) return outgoing.status();
    incoming_ = std::move(incoming).value();
    outgoing_ = std::move(outgoing).value();
    return Status::Ok();
  };
  Status made = make();
  if (!made.ok()) Log(LogLevel::kWarning, made.text());
  return made;
}

}  // namespace kvick
