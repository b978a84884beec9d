// SamplingModel: the language model of an MCP host, asked through sampling/createMessage.
//
// One round of sampling is one reply. Tools travel along where the host says that its model may use
// them; else the model answers in words alone.
#pragma once

#include <memory>
#include <string>

#include "mcp/request.h"
#include "runtime/serving/language_model.h"

namespace hearth::main {

class SamplingModel : public serving::LanguageModel {
 public:
  // Lives as long as the request.
  explicit SamplingModel(mcp::Request& request) : request_(request) {}

  std::string name() const override { return "the host's model"; }
  uint32_t context_tokens() const override { return 100'000; }
  bool knows_tools() const override { return true; }
  std::unique_ptr<serving::Conversation> StartConversation() override;

 private:
  mcp::Request& request_;
};

// The parameters of sampling/createMessage for a chat request, and what its result says.
Json ToSamplingParams(const serving::ChatRequest& request, bool with_tools);
Result<serving::Message> FromSamplingResult(const Json& result);

}  // namespace hearth::main
