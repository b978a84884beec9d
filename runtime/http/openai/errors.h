// Errors as the OpenAI API writes them.
#pragma once

#include "runtime/base/json.h"
#include "runtime/http/api_error.h"
#include "runtime/http/http_message.h"

namespace hearth::http::openai {

// {"error": {"message", "type", "param", "code"}}
Json ErrorJson(const ApiError& error);
HttpResponse ErrorResponse(const ApiError& error);

}  // namespace hearth::http::openai
