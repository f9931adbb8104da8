// TlsContexts: the contexts that the settings ask for: one for clients that come, one for connections that the server
// opens. A new configuration takes the place of the old one as a whole, or not at all.
//
// Thread rule: changed before the workers run and in exclusive moments, read inside the gate.
#pragma once

#include <memory>

#include "base/status.h"
#include "config/settings.h"
#include "net/tls_context.h"

namespace kvick {

// Contexts as the settings describe them. The Status is the line for the log.
TlsContextOptions IncomingTlsOptions(const Settings& settings);
TlsContextOptions OutgoingTlsOptions(const Settings& settings);

class TlsContexts {
 public:
  // Whether anything of the configuration uses TLS.
  static bool AreNeeded(const Settings& settings) {
    return settings.tls_port != 0 || settings.tls_replication || settings.tls_cluster;
  }

  // Reads certificates and keys again. On failure all stays as it was, and the log says why.
  Status Rebuild(const Settings& settings);

  // Null before the first Rebuild.
  const std::shared_ptr<const TlsContext>& incoming() const { return incoming_; }
  const std::shared_ptr<const TlsContext>& outgoing() const { return outgoing_; }

 private:
  std::shared_ptr<const TlsContext> incoming_;
  std::shared_ptr<const TlsContext> outgoing_;
};

}  // namespace kvick
