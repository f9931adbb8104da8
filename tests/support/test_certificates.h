// Certificates for unit tests: what tests/support/certificates.py makes, once a process.
#pragma once

#include <string>

namespace kvick::test {

// "<folder>/server.crt"; certificates.py says which names there are.
std::string CertificatePath(const std::string& name);

}  // namespace kvick::test
