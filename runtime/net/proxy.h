// Proxy: whether requests to an address go through a proxy, as the environment says.
//
// HTTPS_PROXY and HTTP_PROXY name one for addresses of that scheme, ALL_PROXY for both; NO_PROXY
// lists hosts that are reached directly ("example.com" with its subdomains, "*"), separated by
// commas. Names in lower case count first, as in curl; HTTP_PROXY counts in lower case alone, since
// a web server sets it from a header that strangers write. This machine is never reached by a
// proxy.
#pragma once

#include <optional>

#include "runtime/base/core/result.h"
#include "runtime/base/paths.h"
#include "runtime/net/url.h"

namespace hearth::net {

// Nothing where the address is reached directly. kUnsupported: the proxy is none that we can use
// (http:// without a password).
Result<std::optional<Url>> ProxyFor(const Url& url, const Environment& environment);

}  // namespace hearth::net
