// Prompt: a conversation as one model's chat template writes it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/tokenizer.h"
#include "runtime/serving/chat.h"
#include "runtime/serving/chat_format.h"
#include "runtime/serving/chat_template.h"
#include "runtime/serving/format_detection.h"

namespace hearth::serving {

// Turns conversations into prompts. Const and thread-safe after Create.
class PromptWriter {
 public:
  // Finds out by rendering probes which family the template belongs to. An Error where the model
  // has no template, or one that does not parse.
  static Result<std::unique_ptr<PromptWriter>> Create(const std::string& template_source,
                                                      const model::Tokenizer& tokenizer);

  // The family's, bound to the tokenizer.
  const ChatFormat& format() const { return format_; }
  // Its model was trained to call tools.
  bool knows_tools() const { return detected_.knows_tools || writes_calls(); }

  // The conversation up to where the assistant begins to write. What the template itself wrote is
  // trusted; every message is data.
  // `now` is what a template that names the date sees.
  Result<RenderedPrompt> Write(const ChatRequest& request, TimePoint now) const;
  // True where the prompt leaves a reasoning block open.
  bool LeavesThinkingOpen(std::string_view prompt) const;

 private:
  // The template has a place for an assistant's calls.
  bool writes_calls() const { return detected_.evidence <= DetectedFormat::Evidence::kSpacing; }
  Json ToNativeMessages(const ChatRequest& request) const;
  Json NativeMessage(const Message& message) const;
  Json ToPlainMessages(const ChatRequest& request) const;
  Result<RenderedPrompt> Render(const Json& messages, const Json& tools, const Json& variables,
                                TimePoint now) const;

  std::shared_ptr<const ChatTemplate> template_;
  DetectedFormat detected_;
  ChatFormat format_;
  std::string bos_, eos_;
};

}  // namespace hearth::serving
