#include "runtime/net/wire/tls.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>

#include "runtime/base/ids.h"
#include "runtime/net/http_client.h"
#include "tests/support/raw_server.h"

namespace hearth::net {
namespace {

// A web server with a certificate that it has signed itself.
class TlsServer {
 public:
  TlsServer(const char* name, int days)
      : context_(::SSL_CTX_new(::TLS_server_method())),
        file_(std::filesystem::temp_directory_path() / ("hearth-tls-" + RandomHex(8))) {
    EVP_PKEY* key = ::EVP_EC_gen("P-256");
    X509* certificate = ::X509_new();
    ::X509_set_version(certificate, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -3L * 86'400);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate), days * 86'400L);
    ::X509_set_pubkey(certificate, key);
    X509_NAME* subject = ::X509_get_subject_name(certificate);
    ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("hearth test"), -1, -1, 0);
    ::X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names = ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name);
    ::X509_add_ext(certificate, names, -1);
    ::X509_EXTENSION_free(names);
    ::X509_sign(certificate, key, ::EVP_sha256());
    ::SSL_CTX_use_certificate(context_, certificate);
    ::SSL_CTX_use_PrivateKey(context_, key);
    std::FILE* out = std::fopen(file_.c_str(), "w");
    ::PEM_write_X509(out, certificate);
    std::fclose(out);
    ::X509_free(certificate);
    ::EVP_PKEY_free(key);
    server_ = std::make_unique<RawServer>([this](RawPeer& peer) { Serve(peer); });
  }
  ~TlsServer() {
    server_.reset();
    ::SSL_CTX_free(context_);
    std::filesystem::remove(file_);
  }

  std::string certificate() const { return file_.string(); }
  std::string url(const char* host) const {
    return Concat("https://", host, ":", server_->port(), "/");
  }
  int connections() const { return server_->connections(); }

 private:
  void Serve(RawPeer& peer) {
    SSL* ssl = ::SSL_new(context_);
    ::SSL_set_fd(ssl, peer.fd());
    if (::SSL_accept(ssl) == 1) {
      char buffer[4096];
      while (::SSL_read(ssl, buffer, sizeof buffer) > 0) {
        constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        ::SSL_write(ssl, kAnswer.data(), static_cast<int>(kAnswer.size()));
      }
    }
    ::SSL_free(ssl);
  }

  SSL_CTX* const context_;
  const std::filesystem::path file_;
  std::unique_ptr<RawServer> server_;
};

Result<HttpResponse> Fetch(const std::string& url, const std::string& certificates) {
  HttpClient client({.certificates = certificates});
  return client.Fetch({.url = *Url::Parse(url)});
}

std::string Refusal(const std::string& url, const std::string& certificates) {
  const auto response = Fetch(url, certificates);
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().code == ErrorCode::kIo);
  return response.error().message;
}

}  // namespace

TEST_CASE("a certificate must be trusted, in time and made out to the host") {
  TlsServer by_address("IP:127.0.0.1", 2);
  TlsServer by_name("DNS:localhost", 2);
  TlsServer expired("IP:127.0.0.1", -1);
  CHECK(Fetch(by_address.url("127.0.0.1"), by_address.certificate())->body == "hello");
  CHECK(Fetch(by_name.url("localhost"), by_name.certificate())->body == "hello");
  CHECK(Refusal(by_address.url("127.0.0.1"), "").find("certificate is not accepted") !=
        std::string::npos);
  CHECK(Refusal(by_address.url("127.0.0.1"), by_name.certificate()).find("not accepted") !=
        std::string::npos);
  CHECK(Refusal(by_address.url("localhost"), by_address.certificate()).find("ostname mismatch") !=
        std::string::npos);
  CHECK(Refusal(by_name.url("127.0.0.1"), by_name.certificate()).find("mismatch") !=
        std::string::npos);
  CHECK(Refusal(expired.url("127.0.0.1"), expired.certificate()).find("expired") !=
        std::string::npos);
}

TEST_CASE("connections over TLS are used again") {
  TlsServer server("IP:127.0.0.1", 2);
  HttpClient client({.certificates = server.certificate()});
  for (int i = 0; i < 3; ++i) {
    CHECK(client.Fetch({.url = *Url::Parse(server.url("127.0.0.1"))}).ok());
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("a server that speaks no TLS is a clean error") {
  RawServer plain([](RawPeer& peer) {
    peer.Write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.WaitForEnd();
  });
  RawServer silent([](RawPeer& peer) { peer.WaitForEnd(); });
  CHECK_FALSE(Refusal(Concat("https://127.0.0.1:", plain.port(), "/"), "").empty());
  HttpClient client;
  const auto late =
      client.Fetch({.url = *Url::Parse(Concat("https://127.0.0.1:", silent.port(), "/"))},
                   {.connect = std::chrono::milliseconds(100)});
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ErrorCode::kResourceExhausted);
  CHECK_FALSE(Fetch("https://127.0.0.1:1/", "/no/such/file").ok());
}

}  // namespace hearth::net
