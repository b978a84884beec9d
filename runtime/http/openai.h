// The OpenAI dialect: /v1/chat/completions, /v1/completions, /v1/models.
#pragma once

#include "runtime/http/api_error.h"
#include "runtime/http/http_message.h"
#include "runtime/http/router.h"
#include "runtime/http/serving_context.h"

namespace hearth::http {

struct OpenAiOptions {
  std::string reasoning_field = "reasoning_content";  // or reasoning, or raw
};

// The context must outlive the router.
void AddOpenAiRoutes(Router& router, ServingContext& context, const OpenAiOptions& options);

// Errors of the whole server are told in this dialect where no other is asked for.
HttpResponse OpenAiError(const ApiError& error);

}  // namespace hearth::http
