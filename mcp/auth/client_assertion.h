// ClientAssertion: a signed statement that shows an authorization server who a client is, instead
// of a secret (RFC 7523, section 2.2).
#pragma once

#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"

namespace hearth::mcp {

// A JWT for that authorization server, good for five minutes. The key decides the algorithm: ES256
// for EC P-256, RS256 for RSA. kInvalidArgument: the PEM text is neither.
Result<std::string> SignClientAssertion(const std::string& private_key_pem,
                                        const std::string& client_id, const std::string& issuer,
                                        TimePoint now);

}  // namespace hearth::mcp
