// Prompt: a conversation as one model's chat template writes it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/tokenizer.h"
#include "runtime/serving/chat.h"
#include "runtime/serving/chat_template.h"
#include "runtime/serving/tool_format.h"

namespace hearth::serving {

// Turns conversations into prompts. Const and thread-safe after Create.
class PromptWriter {
 public:
  // Finds out by rendering probes whether the template knows tools. An Error where the model has no
  // template, or one that does not parse.
  static Result<std::unique_ptr<PromptWriter>> Create(const std::string& template_source,
                                                      const model::Tokenizer& tokenizer);

  const ToolFormat& format() const { return *format_; }
  bool knows_tools() const { return knows_tools_; }

  // The conversation up to where the assistant begins to write. What the template itself wrote is
  // trusted; every message is data.
  // `now` is what a template that names the date sees.
  Result<RenderedPrompt> Write(const ChatRequest& request, TimePoint now) const;
  // True where the prompt leaves a reasoning block open.
  bool LeavesThinkingOpen(std::string_view prompt) const;

 private:
  Json ToNativeMessages(const std::vector<Message>& messages) const;
  Json ToPlainMessages(const ChatRequest& request) const;
  Result<RenderedPrompt> Render(const Json& messages, const Json& tools, const Json& variables,
                                TimePoint now) const;

  std::shared_ptr<const ChatTemplate> template_;
  const ToolFormat* format_ = nullptr;
  bool knows_tools_ = false;
  std::string bos_, eos_;
};

}  // namespace hearth::serving
