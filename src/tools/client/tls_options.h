// What a tool is told about TLS on its command line, by the names that users of redis-cli know.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "net/tls_context.h"

namespace kvick::client {

struct TlsOptions {
  bool is_used = false;     // --tls, or a rediss:// address
  std::string server_name;  // --sni
  std::string ca_file;
  std::string ca_folder;  // without both: what the system trusts
  bool is_insecure = false;
  std::string certificate_file;
  std::string key_file;
  std::string ciphers;
  std::string ciphersuites;
};

// Null when TLS is not used. The Status is what standard error is to say.
Result<std::shared_ptr<const TlsContext>> MakeTlsContext(const TlsOptions& options);

}  // namespace kvick::client
