// ScriptedModel: a language model whose every reply is written by the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/serving/language_model.h"

namespace hearth::fakes {

class ScriptedModel : public serving::LanguageModel {
 public:
  struct Reply {
    std::string content;
    std::vector<serving::ToolCall> calls;
    std::string reasoning;
    model::FinishReason reason = model::FinishReason::kStop;
    bool restarted = false;
    uint32_t completion_tokens = 3;
    std::string cut_call;  // a call that is begun after the others and not ended
    std::string error;     // where set, the reply fails with it
  };
  // Answers a request; which one it is counts from 1.
  using Script = std::function<Reply(const serving::ChatRequest& request, int n)>;

  explicit ScriptedModel(Script script) : script_(std::move(script)) {}

  std::string name() const override { return "scripted"; }
  uint32_t context_tokens() const override { return 1000; }
  bool knows_tools() const override { return tools; }
  std::vector<std::string> call_markers() const override { return {"<call>"}; }
  std::unique_ptr<serving::Conversation> StartConversation() override;

  bool tools = true;
  std::vector<serving::ChatRequest> requests;
  std::vector<TokenId> restored;

 private:
  class Talk;
  Script script_;
};

class ScriptedModel::Talk : public serving::Conversation {
 public:
  explicit Talk(ScriptedModel& owner) : owner_(owner) {}
  void Restore(std::span<const TokenId> tokens) override {
    owner_.restored.assign(tokens.begin(), tokens.end());
  }
  Result<serving::ChatReply> Reply(const serving::ChatRequest& request,
                                   const serving::DeltaSink& sink, std::stop_token) override {
    using serving::ChatDelta;
    owner_.requests.push_back(request);
    const auto n = static_cast<int>(owner_.requests.size());
    const ScriptedModel::Reply scripted = owner_.script_(request, n);
    if (!scripted.error.empty()) return MakeError(ErrorCode::kResourceExhausted, scripted.error);
    sink({.kind = ChatDelta::Kind::kPrefill, .done = 5, .total = 5});
    if (!scripted.reasoning.empty()) {
      sink({.kind = ChatDelta::Kind::kReasoning, .text = scripted.reasoning});
    }
    if (!scripted.content.empty()) sink({.kind = ChatDelta::Kind::kText, .text = scripted.content});
    for (const auto& call : scripted.calls) {
      sink({.kind = ChatDelta::Kind::kCallName, .text = call.name});
      sink({.kind = ChatDelta::Kind::kCallArguments, .text = DumpJson(call.arguments)});
      sink({.kind = ChatDelta::Kind::kCallEnd});
    }
    if (!scripted.cut_call.empty()) {
      sink({.kind = ChatDelta::Kind::kCallName, .text = scripted.cut_call});
    }
    serving::ChatReply reply;
    reply.message.role = serving::Role::kAssistant;
    reply.message.content = scripted.content;
    reply.message.reasoning = scripted.reasoning;
    reply.message.calls = scripted.calls;
    reply.message.raw = "raw " + scripted.content;
    reply.reason = scripted.reason;
    reply.usage = {.prompt_tokens = 10,
                   .cached_tokens = 4,
                   .completion_tokens = scripted.completion_tokens,
                   .forced_tokens = 1};
    reply.rendered = {100 + n, 200 + n};
    reply.generated = {300 + n};
    reply.restarted = scripted.restarted;
    return reply;
  }

 private:
  ScriptedModel& owner_;
};

inline std::unique_ptr<serving::Conversation> ScriptedModel::StartConversation() {
  return std::make_unique<Talk>(*this);
}

}  // namespace hearth::fakes
