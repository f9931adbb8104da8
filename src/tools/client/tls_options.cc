#include "tools/client/tls_options.h"

namespace kvick::client {
namespace {

std::string_view WhatFailed(TlsSetupStep step) {
  switch (step) {
    case TlsSetupStep::kCertificate: return "Invalid client certificate";
    case TlsSetupStep::kKey: return "Invalid private key";
    case TlsSetupStep::kAuthorities: return "Invalid CA Certificate File/Directory";
    case TlsSetupStep::kCiphers: return "Error while configuring ciphers";
    case TlsSetupStep::kCiphersuites: return "Error while setting cipher suites";
    case TlsSetupStep::kProtocols:
    case TlsSetupStep::kDhParams:
    case TlsSetupStep::kOther: break;
  }
  return "Failed to initialize OpenSSL";
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> MakeTlsContext(const TlsOptions& options) {
  if (!options.is_used) return std::shared_ptr<const TlsContext>();
  TlsContextOptions wanted;
  wanted.side = TlsSide::kClient;
  wanted.peer_check = options.is_insecure ? TlsPeerCheck::kNone : TlsPeerCheck::kRequired;
  wanted.certificate_file = options.certificate_file;
  wanted.key_file = options.key_file;
  wanted.ca_file = options.ca_file;
  wanted.ca_folder = options.ca_folder;
  wanted.trusts_system_cas = true;
  wanted.ciphers = options.ciphers;
  wanted.ciphersuites = options.ciphersuites;
  const auto failure = [](std::string_view what) {
    return Status::Error("Could not negotiate a TLS connection: " + std::string(what));
  };
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return failure("Client cert and key must both be specified or skipped");
  }
  TlsSetupStep failed = TlsSetupStep::kOther;
  auto context = TlsContext::Make(wanted, &failed);
  return context.ok() ? context : failure(WhatFailed(failed));
}

}  // namespace kvick::client
