#include "serving/tls_contexts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/test_certificates.h"

namespace kvick {
namespace {

using test::CertificatePath;

Settings GoodSettings() {
  Settings settings;
  settings.tls_port = 6380;
  settings.tls_certificate_file = CertificatePath("server.crt");
  settings.tls_key_file = CertificatePath("server.key");
  settings.tls_ca_file = CertificatePath("ca.crt");
  return settings;
}

std::string ErrorOf(const Settings& settings) { return std::string(TlsContexts().Rebuild(settings).text()); }

TEST(TlsContextsTest, AreNeededForAnyUseOfTls) {
  Settings settings;
  EXPECT_FALSE(TlsContexts::AreNeeded(settings));
  settings.tls_port = 1;
  EXPECT_TRUE(TlsContexts::AreNeeded(settings));
  settings.tls_port = 0;
  settings.tls_replication = true;
  EXPECT_TRUE(TlsContexts::AreNeeded(settings));
  settings.tls_replication = false;
  settings.tls_cluster = true;
  EXPECT_TRUE(TlsContexts::AreNeeded(settings));
}

TEST(TlsContextsTest, NeedACertificateAKeyAndSomebodyToTrust) {
  const std::string nobody =
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
      "tls-auth-clients are enabled!";
  EXPECT_EQ(ErrorOf(GoodSettings()), "");
  Settings settings = GoodSettings();
  settings.tls_certificate_file.clear();
  EXPECT_EQ(ErrorOf(settings), "No tls-cert-file configured!");
  settings = GoodSettings();
  settings.tls_key_file.clear();
  EXPECT_EQ(ErrorOf(settings), "No tls-key-file configured!");
  settings = GoodSettings();
  settings.tls_ca_file.clear();
  EXPECT_EQ(ErrorOf(settings), nobody);
  settings.tls_client_certificates = TlsClientCertificates::kNo;
  EXPECT_EQ(ErrorOf(settings), "") << "there is nobody to be checked";
  settings.tls_replication = true;
  EXPECT_EQ(ErrorOf(settings), nobody);
}

TEST(TlsContextsTest, StayAsTheyWereWhenANewConfigurationIsWrong) {
  Settings settings = GoodSettings();
  TlsContexts contexts;
  ASSERT_TRUE(contexts.Rebuild(settings).ok());
  const std::shared_ptr<const TlsContext> incoming = contexts.incoming();
  const std::shared_ptr<const TlsContext> outgoing = contexts.outgoing();
  ASSERT_NE(incoming, nullptr);
  ASSERT_NE(outgoing, nullptr);
  // Only the second of the two fails: the first must not have been taken over by then.
  settings.tls_outgoing_certificate_file = CertificatePath("client.crt");
  settings.tls_outgoing_key_file = CertificatePath("server.key");
  EXPECT_FALSE(contexts.Rebuild(settings).ok());
  EXPECT_EQ(contexts.incoming(), incoming);
  EXPECT_EQ(contexts.outgoing(), outgoing);
  settings.tls_outgoing_key_file = CertificatePath("client.key");
  EXPECT_TRUE(contexts.Rebuild(settings).ok());
  EXPECT_NE(contexts.incoming(), incoming);
  EXPECT_NE(contexts.outgoing(), outgoing);
}

TEST(TlsContextsTest, OutgoingConnectionsMayHaveACertificateOfTheirOwn) {
  Settings settings = GoodSettings();
  EXPECT_EQ(OutgoingTlsOptions(settings).certificate_file, settings.tls_certificate_file);
  settings.tls_outgoing_certificate_file = "other.crt";
  EXPECT_EQ(OutgoingTlsOptions(settings).certificate_file, settings.tls_certificate_file) << "it has no key yet";
  settings.tls_outgoing_key_file = "other.key";
  settings.tls_outgoing_key_password = "secret";
  const TlsContextOptions options = OutgoingTlsOptions(settings);
  EXPECT_EQ(options.certificate_file, "other.crt");
  EXPECT_EQ(options.key_file, "other.key");
  EXPECT_EQ(options.key_password, "secret");
  EXPECT_EQ(options.peer_check, TlsPeerCheck::kRequired);
  EXPECT_EQ(IncomingTlsOptions(settings).certificate_file, settings.tls_certificate_file);
}

}  // namespace
}  // namespace kvick
