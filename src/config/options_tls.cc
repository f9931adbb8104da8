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
      KeptInteger("max-new-tls-connections-per-cycle", 1, {1, 1000}),
      KeptChoice("tls-auth-clients", "yes", {"no", "yes", "optional"}),
      KeptChoice("tls-auth-clients-user", "off", {"off", "CN"}),
      KeptText("tls-ca-cert-dir", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-ca-cert-file", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-cert-file", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-ciphers", "", kOptionUnsetIfEmpty),
      KeptText("tls-ciphersuites", "", kOptionUnsetIfEmpty),
      KeptText("tls-client-cert-file", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-client-key-file", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-client-key-file-pass", "", kOptionSensitive | kOptionUnsetIfEmpty),
      KeptBool("tls-cluster", false),
      KeptText("tls-dh-params-file", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-expected-peer-name", "", kOptionUnsetIfEmpty),
      KeptText("tls-key-file", "", kOptionVolatile | kOptionUnsetIfEmpty),
      KeptText("tls-key-file-pass", "", kOptionSensitive | kOptionUnsetIfEmpty),
      KeptInteger("tls-port", 0, {0, 65535}),
      KeptBool("tls-prefer-server-ciphers", false),
      KeptText("tls-protocols", "", kOptionUnsetIfEmpty),
      KeptBool("tls-replication", false),
      KeptInteger("tls-session-cache-size", 20'480, {0, kIntMax}),
      KeptInteger("tls-session-cache-timeout", 300, {0, kIntMax}),
      KeptBool("tls-session-caching", true),
  };
}

}  // namespace kvick
