// LanguageModel: answers conversations. Implementations: LocalModel (this process's engine), and a
// scripted one in the tests.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/chat.h"

namespace hearth::serving {

// One conversation with a model. It remembers the tokens that the model saw and wrote, so that the
// next Reply computes only what was added. One thread at a time.
class Conversation {
 public:
  virtual ~Conversation() = default;
  // Goes on with a conversation that these token ids hold (a stored session's).
  virtual void Restore(std::span<const TokenId> tokens) = 0;
  // Writes the assistant's next message. The sink hears it as it comes. A stop request ends it with
  // FinishReason::kCancelled and what was written so far.
  virtual Result<ChatReply> Reply(const ChatRequest& request, const DeltaSink& sink,
                                  std::stop_token stop) = 0;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  virtual std::string name() const = 0;
  virtual uint32_t context_tokens() const = 0;
  // False for a model that was not trained to use tools (its chat template does not know them): it
  // is taught by examples, and it can be trusted with one round of calls a turn, not with a plan.
  virtual bool knows_tools() const = 0;
  // What its calls begin with. In text such a thing is a call that went wrong.
  virtual std::vector<std::string> call_markers() const { return {}; }
  virtual std::unique_ptr<Conversation> StartConversation() = 0;
};

}  // namespace hearth::serving
