// Directives of TLS.
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {

std::vector<OptionSpec> TlsOptions() {
  return {
      Integer("max-new-tls-connections-per-cycle", &Settings::max_new_tls_connections_per_cycle, {1, 1000}),
      Choice("tls-auth-clients", &Settings::tls_client_certificates,
             {{"no", TlsClientCertificates::kNo},
              {"yes", TlsClientCertificates::kYes},
              {"optional", TlsClientCertificates::kOptional}}),
      Choice("tls-auth-clients-user", &Settings::tls_user_is_common_name, {{"off", false}, {"CN", true}}),
      Text("tls-ca-cert-dir", &Settings::tls_ca_folder, kOptionVolatile | kOptionUnsetIfEmpty),
      Text("tls-ca-cert-file", &Settings::tls_ca_file, kOptionVolatile | kOptionUnsetIfEmpty),
      Text("tls-cert-file", &Settings::tls_certificate_file, kOptionVolatile | kOptionUnsetIfEmpty),
      Text("tls-ciphers", &Settings::tls_ciphers, kOptionUnsetIfEmpty),
      Text("tls-ciphersuites", &Settings::tls_ciphersuites, kOptionUnsetIfEmpty),
      Text("tls-client-cert-file", &Settings::tls_outgoing_certificate_file, kOptionVolatile | kOptionUnsetIfEmpty),
      Text("tls-client-key-file", &Settings::tls_outgoing_key_file, kOptionVolatile | kOptionUnsetIfEmpty),
      Text("tls-client-key-file-pass", &Settings::tls_outgoing_key_password, kOptionSensitive | kOptionUnsetIfEmpty),
      Bool("tls-cluster", &Settings::tls_cluster),
      Text("tls-dh-params-file", &Settings::tls_dh_params_file, kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-expected-peer-name", "", kOptionUnsetIfEmpty),
      Text("tls-key-file", &Settings::tls_key_file, kOptionVolatile | kOptionUnsetIfEmpty),
      Text("tls-key-file-pass", &Settings::tls_key_password, kOptionSensitive | kOptionUnsetIfEmpty),
      Integer("tls-port", &Settings::tls_port, {0, 65535}),
      Bool("tls-prefer-server-ciphers", &Settings::tls_prefers_own_ciphers),
      Text("tls-protocols", &Settings::tls_protocols, kOptionUnsetIfEmpty),
      Bool("tls-replication", &Settings::tls_replication),
      Integer("tls-session-cache-size", &Settings::tls_cached_sessions_max, {0, kIntMax}),
      Integer("tls-session-cache-timeout", &Settings::tls_session_timeout_s, {0, kIntMax}),
      Bool("tls-session-caching", &Settings::tls_caches_sessions),
  };
}

}  // namespace kvick
