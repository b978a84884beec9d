// Messages and tools of a chat request, parsed.
#pragma once

#include <optional>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/http/api_error.h"
#include "runtime/serving/chat.h"

namespace hearth::http::openai {

void ParseMessages(const Json& body, std::vector<serving::Message>& messages,
                   std::optional<ApiError>& error);
// tools, tool_choice, parallel_tool_calls and response_format.
void ParseTools(const Json& body, serving::ChatRequest& request, std::optional<ApiError>& error);
void ParseResponseFormat(const Json& body, serving::ChatRequest& request,
                         std::optional<ApiError>& error);

}  // namespace hearth::http::openai
