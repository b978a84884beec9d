#include "runtime/main/sampling_model.h"

#include <utility>

namespace hearth::main {
namespace {

Json TextBlock(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

// The blocks of an assistant's message.
Json AssistantBlocks(const serving::Message& message) {
  Json blocks = Json::array();
  if (!message.content.empty()) blocks.push_back(TextBlock(message.content));
  for (const auto& call : message.calls) {
    blocks.push_back(
        {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", call.arguments}});
  }
  if (blocks.empty()) blocks.push_back(TextBlock(""));
  return blocks;
}

Json ToolResultBlock(const serving::Message& message) {
  return {{"type", "tool_result"},
          {"toolUseId", message.call_id},
          {"content", Json::array({TextBlock(message.content)})}};
}

bool AllowsTools(const mcp::Request& request) {
  const Json* sampling = FindMember(request.client_capabilities(), "sampling");
  return sampling != nullptr && FindMember(*sampling, "tools") != nullptr;
}

}  // namespace

Json ToSamplingParams(const serving::ChatRequest& request, bool with_tools) {
  Json messages = Json::array();
  std::string system;
  for (const auto& message : request.messages) {
    switch (message.role) {
      case serving::Role::kSystem:
        system += (system.empty() ? "" : "\n\n") + message.content;
        break;
      case serving::Role::kUser:
        messages.push_back({{"role", "user"}, {"content", TextBlock(message.content)}});
        break;
      case serving::Role::kAssistant:
        messages.push_back({{"role", "assistant"}, {"content", AssistantBlocks(message)}});
        break;
      case serving::Role::kTool: {
        // Results of calls that were made together stand in one message.
        const bool joins = !messages.empty() && messages.back()["content"].is_array() &&
                           messages.back()["content"][0]["type"] == "tool_result";
        if (!joins) messages.push_back({{"role", "user"}, {"content", Json::array()}});
        messages.back()["content"].push_back(ToolResultBlock(message));
        break;
      }
    }
  }
  Json params = {{"messages", std::move(messages)}, {"maxTokens", request.max_tokens}};
  if (!system.empty()) params["systemPrompt"] = system;
  if (!with_tools || request.tools.empty()) return params;
  Json tools = Json::array();
  for (const auto& tool : request.tools) {
    const Json& function = tool.at("function");
    tools.push_back({{"name", function.at("name")},
                     {"description", function.at("description")},
                     {"inputSchema", function.at("parameters")}});
  }
  params["tools"] = std::move(tools);
  const bool may_call = request.tool_choice != serving::ToolChoice::kNone;
  params["toolChoice"] = {{"mode", may_call ? "auto" : "none"}};
  return params;
}

Result<serving::Message> FromSamplingResult(const Json& result) {
  serving::Message message;
  message.role = serving::Role::kAssistant;
  const Json* content = FindMember(result, "content");
  if (content == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "the host's model gave no content");
  }
  const Json blocks = content->is_array() ? *content : Json::array({*content});
  for (const Json& block : blocks) {
    const Json* type = FindMember(block, "type");
    const Json* text = FindMember(block, "text");
    const Json* name = FindMember(block, "name");
    if (type != nullptr && *type == "text" && text != nullptr && text->is_string()) {
      message.content += text->get<std::string>();
    } else if (type != nullptr && *type == "tool_use" && name != nullptr && name->is_string()) {
      serving::ToolCall call;
      call.name = name->get<std::string>();
      if (const Json* id = FindMember(block, "id"); id != nullptr && id->is_string()) {
        call.id = id->get<std::string>();
      }
      if (const Json* input = FindMember(block, "input"); input != nullptr && input->is_object()) {
        call.arguments = *input;
      }
      message.calls.push_back(std::move(call));
    }
  }
  return message;
}

namespace {

class SamplingTalk : public serving::Conversation {
 public:
  explicit SamplingTalk(mcp::Request& request) : request_(request) {}

  // The host keeps no tokens of ours.
  void Restore(std::span<const TokenId>) override {}

  Result<serving::ChatReply> Reply(const serving::ChatRequest& request,
                                   const serving::DeltaSink& sink, std::stop_token) override {
    const mcp::Question question{"sample-" + std::to_string(++round_), "sampling/createMessage",
                                 ToSamplingParams(request, AllowsTools(request_))};
    HEARTH_TRY(const auto answers, request_.Ask({&question, 1}));
    serving::ChatReply reply;
    HEARTH_TRY(reply.message, FromSamplingResult(answers[0]));
    reply.message.raw = reply.message.content;
    if (!reply.message.content.empty()) {
      sink({.kind = serving::ChatDelta::Kind::kText, .text = reply.message.content});
    }
    return reply;
  }

 private:
  mcp::Request& request_;
  int round_ = 0;
};

}  // namespace

std::unique_ptr<serving::Conversation> SamplingModel::StartConversation() {
  return std::make_unique<SamplingTalk>(request_);
}

}  // namespace hearth::main
