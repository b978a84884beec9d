// RedactSecrets: a text without the secrets that it may quote.
#pragma once

#include <string>
#include <string_view>

namespace hearth {

// What follows "Bearer ", the value of a query or field named token, key, secret or password, and
// words that look like keys (sk-…) become "[redacted]". For logs: it may hide too much, and it
// keeps lines readable.
std::string RedactSecrets(std::string_view text);

}  // namespace hearth
