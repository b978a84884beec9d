// room: http
// Any bytes as the body of a chat or a text completion: refused with a field and a reason, or a
// plan within its bounds. The first byte says which.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/http/openai/chat_request.h"

using namespace hearth;
using namespace hearth::http;
using namespace hearth::http::openai;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckError(const ApiError& error) {
  Check(error.status >= 400 && error.status < 500 && !error.message.empty());
  // A message quotes what it complains about, but not all of a body.
  Check(error.message.size() < 4096);
}

void CheckCommon(const CommonOptions& common, const serving::ChatRequest& request) {
  Check(!common.model.empty());
  Check(common.choices >= 1 && common.choices <= kMostChoices);
  Check(common.stream || !common.include_usage);
  Check(request.stop.size() <= 4 && request.top_logprobs <= 20 && request.max_tokens >= 1);
  // Some samplers are refused together later on; ranges hold.
  Check(request.sampling.temperature >= 0 && request.sampling.temperature <= 2);
  Check(request.sampling.top_p >= 0 && request.sampling.top_p <= 1);
}

void Chat(const Json& body) {
  ChatPlan plan;
  if (const auto error = ParseChatRequest(body, plan)) return CheckError(*error);
  CheckCommon(plan.common, plan.request);
  Check(!plan.request.messages.empty());
  Check(plan.request.tool_choice != serving::ToolChoice::kRequired || !plan.request.tools.empty());
  for (const std::string& name : plan.request.callable) {
    bool found = false;
    for (const Json& tool : plan.request.tools) found |= tool.at("function").at("name") == name;
    Check(found);
  }
}

void Completion(const Json& body) {
  CompletionPlan plan;
  if (const auto error = ParseCompletionRequest(body, plan)) return CheckError(*error);
  CheckCommon(plan.common, plan.request);
  Check(!plan.prompts.empty() && plan.prompts.size() * plan.common.choices <= kMostChoices);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto body = ParseJson(text, {.max_bytes = 1 << 16, .max_depth = 32, .max_values = 5000});
  if (!body.ok()) return 0;
  data[0] % 2 == 0 ? Chat(*body) : Completion(*body);
  return 0;
}
