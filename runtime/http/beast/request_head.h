// What Beast has parsed of a request, as our own plain value.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "runtime/http/http_message.h"

namespace hearth::http {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// Fills method, path, query and headers. False where the target is no path, or holds control
// characters or a malformed percent sign.
bool TakeHead(const RequestParser::value_type& message, HttpRequest& request);

}  // namespace hearth::http
