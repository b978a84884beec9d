// Requests of the OpenAI API, parsed: /v1/chat/completions and /v1/completions.
//
// Unknown fields are accepted. A known field is obeyed, or the request is refused with an ApiError
// that names it: nothing known is ever accepted and ignored. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/http/api_error.h"
#include "runtime/serving/chat.h"

namespace hearth::http::openai {

// Where reasoning goes in an answer.
enum class ReasoningField : uint8_t {
  kReasoningContent,  // message.reasoning_content
  kReasoning,         // message.reasoning
  kContent,           // in the content, between <think> and </think>
};
std::optional<ReasoningField> ParseReasoningField(std::string_view word);

struct CommonOptions {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  uint32_t choices = 1;
  std::optional<uint64_t> seed;
};

struct ChatPlan {
  CommonOptions common;
  serving::ChatRequest request;
  ReasoningField reasoning = ReasoningField::kReasoningContent;
  std::string guidance_field;  // which field bounds the answer, if not response_format
  std::string budget_field;    // which field gave the thinking budget, if one did
};

struct CompletionPlan {
  CommonOptions common;
  serving::ChatRequest request;  // without messages
  std::string guidance_field;    // as above
  std::vector<std::variant<std::string, std::vector<TokenId>>> prompts;
  bool echo = false;
};

constexpr uint32_t kMostChoices = 16;

// `plan.reasoning` holds the server's default.
std::optional<ApiError> ParseChatRequest(const Json& body, ChatPlan& plan);
std::optional<ApiError> ParseCompletionRequest(const Json& body, CompletionPlan& plan);

}  // namespace hearth::http::openai
