// What bounds an answer, under the names that vLLM's clients send: structured_outputs {json, regex,
// choice, grammar, json_object, structural_tag}, and the older guided_json, guided_regex,
// guided_choice, guided_grammar and structural_tag.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/json.h"
#include "runtime/http/api_error.h"
#include "runtime/serving/chat.h"

namespace hearth::http::openai {

// At most one of them, and not beside a response_format that bounds the answer too. Gives the field
// that bounds the answer, or nothing.
std::string ParseGuidance(const Json& body, serving::ChatRequest& request,
                          std::optional<ApiError>& error);

}  // namespace hearth::http::openai
