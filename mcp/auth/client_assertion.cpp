#include "mcp/auth/client_assertion.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <memory>
#include <vector>

#include "mcp/security/base64.h"
#include "runtime/base/ids.h"
#include "runtime/base/json.h"

namespace hearth::mcp {
namespace {

constexpr int64_t kLifetime = 300;  // seconds

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<::EVP_PKEY_free>>;

Error Fail(const char* why) {
  ::ERR_clear_error();
  return MakeError(ErrorCode::kInvalidArgument, "the private key of \"oauth\": ", why);
}

Result<std::string> Sign(EVP_PKEY* key, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, Deleter<::EVP_MD_CTX_free>> context(::EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  if (::EVP_DigestSignInit(context.get(), nullptr, ::EVP_sha256(), nullptr, key) != 1 ||
      ::EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) {
    return Fail("it cannot sign");
  }
  std::vector<unsigned char> signature(size);
  if (::EVP_DigestSign(context.get(), signature.data(), &size, bytes, text.size()) != 1) {
    return Fail("it cannot sign");
  }
  return std::string(reinterpret_cast<const char*>(signature.data()), size);
}

// The two numbers of an ECDSA signature side by side, as JWTs have them (RFC 7518, section 3.4).
Result<std::string> PlainEcdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, Deleter<::ECDSA_SIG_free>> signature(
      ::d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::array<unsigned char, 64> plain = {};
  if (signature == nullptr ||
      ::BN_bn2binpad(::ECDSA_SIG_get0_r(signature.get()), plain.data(), 32) != 32 ||
      ::BN_bn2binpad(::ECDSA_SIG_get0_s(signature.get()), plain.data() + 32, 32) != 32) {
    return Fail("its signature is none");
  }
  return std::string(reinterpret_cast<const char*>(plain.data()), plain.size());
}

}  // namespace

Result<std::string> SignClientAssertion(const std::string& private_key_pem,
                                        const std::string& client_id, const std::string& issuer,
                                        TimePoint now) {
  const std::unique_ptr<BIO, Deleter<::BIO_free>> source(
      ::BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())));
  // A key behind a password would make OpenSSL ask for it at the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  const Key key(::PEM_read_bio_PrivateKey(source.get(), nullptr, no_password, nullptr));
  if (key == nullptr) return Fail("it is no PEM file with a private key, or has a password");
  const bool is_ec = ::EVP_PKEY_is_a(key.get(), "EC") == 1;
  if (!(is_ec && ::EVP_PKEY_get_bits(key.get()) == 256) && ::EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return Fail("it must be an EC key on P-256 or an RSA key");
  }
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const Json header = {{"alg", is_ec ? "ES256" : "RS256"}, {"typ", "JWT"}};
  const Json claims = {{"iss", client_id},     {"sub", client_id}, {"aud", issuer},
                       {"jti", RandomHex(16)}, {"iat", seconds},   {"exp", seconds + kLifetime}};
  const std::string text = Base64Url(DumpJson(header)) + "." + Base64Url(DumpJson(claims));
  HEARTH_TRY(std::string signature, Sign(key.get(), text));
  if (is_ec) {
    HEARTH_TRY(signature, PlainEcdsa(signature));
  }
  return text + "." + Base64Url(signature);
}

}  // namespace hearth::mcp
