#include "mcp/auth/client_assertion.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <catch2/catch.hpp>

#include "mcp/security/base64.h"
#include "runtime/base/json.h"

namespace hearth::mcp {
namespace {

std::string Pem(EVP_PKEY* key) {
  BIO* out = ::BIO_new(::BIO_s_mem());
  ::PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = ::BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(size));
  ::BIO_free(out);
  return text;
}

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// As a JWT carries it, back to what OpenSSL checks.
std::string DerOf(const std::string& plain) {
  ECDSA_SIG* signature = ::ECDSA_SIG_new();
  ::ECDSA_SIG_set0(signature, ::BN_bin2bn(Bytes(plain), 32, nullptr),
                   ::BN_bin2bn(Bytes(plain) + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = ::i2d_ECDSA_SIG(signature, &der);
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  ::OPENSSL_free(der);
  ::ECDSA_SIG_free(signature);
  return text;
}

}  // namespace

TEST_CASE("an assertion says who it is for and is signed by the key") {
  const TimePoint now{std::chrono::seconds(1'000'000)};
  for (const bool ec : {true, false}) {
    EVP_PKEY* key = ec ? ::EVP_EC_gen("P-256") : ::EVP_RSA_gen(2048);
    const auto assertion = SignClientAssertion(Pem(key), "client", "https://i", now);
    REQUIRE(assertion.ok());
    const size_t first = assertion->find('.');
    const size_t second = assertion->rfind('.');
    const Json header = *ParseJson(*DecodeBase64(assertion->substr(0, first)));
    const Json claims = *ParseJson(*DecodeBase64(assertion->substr(first + 1, second - first - 1)));
    CHECK(header["alg"] == (ec ? "ES256" : "RS256"));
    CHECK(claims["iss"] == "client");
    CHECK(claims["sub"] == "client");
    CHECK(claims["aud"] == "https://i");
    CHECK(claims["exp"] == 1'000'300);
    const std::string text = assertion->substr(0, second);
    std::string signature = *DecodeBase64(assertion->substr(second + 1));
    if (ec) signature = DerOf(signature);
    EVP_MD_CTX* context = ::EVP_MD_CTX_new();
    ::EVP_DigestVerifyInit(context, nullptr, ::EVP_sha256(), nullptr, key);
    CHECK(::EVP_DigestVerify(context, Bytes(signature), signature.size(), Bytes(text),
                             text.size()) == 1);
    ::EVP_MD_CTX_free(context);
    ::EVP_PKEY_free(key);
  }
}

TEST_CASE("what is no usable key is refused") {
  EVP_PKEY* other = ::EVP_EC_gen("P-384");
  for (const std::string& pem : {std::string(), std::string("nonsense"), Pem(other)}) {
    CHECK(SignClientAssertion(pem, "c", "https://i", {}).error().code ==
          ErrorCode::kInvalidArgument);
  }
  ::EVP_PKEY_free(other);
}

}  // namespace hearth::mcp
