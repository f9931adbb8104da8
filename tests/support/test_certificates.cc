#include "support/test_certificates.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temporary_folder.h"

namespace kvick::test {
namespace {

class Certificates {
 public:
  Certificates() {
    const std::string program = KVICK_SOURCE_DIR "/tests/support/certificates.py";
    const std::string command = "/usr/bin/python3 '" + program + "' '" + folder_.path() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
  std::string PathOf(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

}  // namespace

std::string CertificatePath(const std::string& name) {
  static const Certificates certificates;
  return certificates.PathOf(name);
}

}  // namespace kvick::test
