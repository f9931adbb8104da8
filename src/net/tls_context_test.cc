#include "net/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <functional>
#include <string>
#include <string_view>

#include "net/tls_stream.h"
#include "support/test_certificates.h"

namespace kvick {
namespace {

using test::CertificatePath;

TlsContextOptions ServerOptions() {
  TlsContextOptions options;
  options.side = TlsSide::kServer;
  options.certificate_file = CertificatePath("server.crt");
  options.key_file = CertificatePath("server.key");
  options.ca_file = CertificatePath("ca.crt");
  return options;
}

std::string ErrorOf(const TlsContextOptions& options, TlsSetupStep* failed = nullptr) {
  return std::string(TlsContext::Make(options, failed).status().text());
}

TEST(TlsContextTest, IsMadeOfGoodFiles) {
  TlsContextOptions options = ServerOptions();
  EXPECT_EQ(ErrorOf(options), "");
  options.ca_file.clear();
  options.ca_folder = CertificatePath("authorities");
  options.dh_params_file = CertificatePath("dh.pem");
  options.protocols = "TLSv1.2 tlsv1.3";
  options.ciphers = "ECDHE+AESGCM";
  options.ciphersuites = "TLS_AES_128_GCM_SHA256";
  options.prefers_own_ciphers = true;
  options.caches_sessions = false;
  EXPECT_EQ(ErrorOf(options), "");
}

TEST(TlsContextTest, SaysWhichFileIsWrongAndWhy) {
  struct Case {
    std::function<void(TlsContextOptions&)> spoil;
    TlsSetupStep step;
    std::string error;
  };
  const std::string nowhere = CertificatePath("nowhere");
  const std::string missing = "error:80000002:system library::No such file or directory";
  const Case cases[] = {
      {[&](auto& options) { options.certificate_file = nowhere; }, TlsSetupStep::kCertificate,
       "Failed to load certificate: " + nowhere + ": " + missing},
      {[&](auto& options) { options.key_file = nowhere; }, TlsSetupStep::kKey,
       "Failed to load private key: " + nowhere + ": " + missing},
      {[](auto& options) { options.key_file = CertificatePath("renewed.key"); }, TlsSetupStep::kKey,
       "Failed to load private key: " + CertificatePath("renewed.key") +
           ": error:05800074:x509 certificate routines::key values mismatch"},
      {[&](auto& options) { options.ca_file = nowhere; }, TlsSetupStep::kAuthorities,
       "Failed to configure CA certificate(s) file/directory: " + missing},
      {[](auto& options) { options.protocols = "TLSv1.2 SSLv3"; }, TlsSetupStep::kProtocols,
       "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."},
      {[](auto& options) { options.ciphers = "no such"; }, TlsSetupStep::kCiphers,
       "Failed to configure ciphers: no such"},
      {[](auto& options) { options.ciphersuites = "no such"; }, TlsSetupStep::kCiphersuites,
       "Failed to configure ciphersuites: no such"},
      {[&](auto& options) { options.dh_params_file = nowhere; }, TlsSetupStep::kDhParams,
       "Failed to load " + nowhere + ": No such file or directory"},
      {[](auto& options) { options.dh_params_file = CertificatePath("server.crt"); }, TlsSetupStep::kDhParams,
       CertificatePath("server.crt") + ": failed to read DH params."},
  };
  for (const Case& one : cases) {
    TlsContextOptions options = ServerOptions();
    one.spoil(options);
    TlsSetupStep failed = TlsSetupStep::kOther;
    EXPECT_EQ(ErrorOf(options, &failed), one.error);
    EXPECT_EQ(failed, one.step) << one.error;
  }
}

TEST(TlsContextTest, ALockedKeyNeedsItsPasswordAndNobodyIsAskedForIt) {
  TlsContextOptions options = ServerOptions();
  options.certificate_file = CertificatePath("locked.crt");
  options.key_file = CertificatePath("locked.key");
  EXPECT_EQ(ErrorOf(options), "Failed to load private key: " + options.key_file +
                                  ": error:07880109:common libcrypto routines::interrupted or cancelled");
  options.key_password = "wrong";
  EXPECT_TRUE(ErrorOf(options).starts_with("Failed to load private key: " + options.key_file));
  options.key_password = "secret";
  EXPECT_EQ(ErrorOf(options), "");
  options.key_password = std::string(100'000, 'x');
  EXPECT_NE(ErrorOf(options), "") << "longer than there is room for";
}

class CommonNameTest : public ::testing::Test {
 protected:
  CommonNameTest() : certificate_(X509_new()) {}
  ~CommonNameTest() override { X509_free(certificate_); }

  void AddName(std::string_view name, int type = MBSTRING_UTF8) {
    X509_NAME* subject = X509_get_subject_name(certificate_);
    ASSERT_EQ(
        X509_NAME_add_entry_by_NID(subject, NID_commonName, type, reinterpret_cast<const unsigned char*>(name.data()),
                                   static_cast<int>(name.size()), -1, 0),
        1);
  }
  std::optional<std::string> Name() const { return CommonNameOf(*certificate_); }

  X509* const certificate_;
};

TEST_F(CommonNameTest, IsTheOneThatThereIs) {
  AddName("worker");
  EXPECT_EQ(Name(), "worker");
  AddName("admin");
  EXPECT_EQ(Name(), std::nullopt) << "which of them?";
}

TEST_F(CommonNameTest, IsNoneWithoutAName) { EXPECT_EQ(Name(), std::nullopt); }

TEST_F(CommonNameTest, IsUtf8WhateverTheCertificateUses) {
  AddName("J\xF6rg", MBSTRING_ASC);
  EXPECT_EQ(Name(), "J\xC3\xB6rg");
}

TEST_F(CommonNameTest, IsNotCutAtAZero) {
  AddName(std::string_view("admin\0.example.org", 18), V_ASN1_UTF8STRING);
  EXPECT_EQ(Name(), std::nullopt);
}

TEST_F(CommonNameTest, HasAGreatestLength) {
  AddName(std::string(257, 'a'), V_ASN1_UTF8STRING);
  EXPECT_EQ(Name(), std::nullopt);
}

TEST_F(CommonNameTest, MayBeAsLongAsTheStandardAllows) {
  std::string name;
  for (int i = 0; i < 64; ++i) name += "\xF0\x9F\x94\x91";
  AddName(name, V_ASN1_UTF8STRING);
  EXPECT_EQ(Name(), name);
}

}  // namespace
}  // namespace kvick
