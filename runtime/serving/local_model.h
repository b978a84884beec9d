// LocalModel: a language model in this process, on the engine of model/.
//
// Conversations share the engine, and one of them replies at a time: Reply runs the engine's steps
// on the caller's thread.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "grammars/vocabulary.h"
#include "model/engine.h"
#include "model/model.h"
#include "runtime/base/clock.h"
#include "runtime/serving/language_model.h"
#include "runtime/serving/prompt.h"

namespace hearth::serving {

struct LocalModelOptions {
  model::ModelOptions model;
  model::EngineOptions engine;
  std::string chat_template;  // instead of the file's own, where not empty
};

class LocalModel : public LanguageModel {
 public:
  // The clock must outlive the model.
  static Result<std::unique_ptr<LocalModel>> Load(const std::string& path,
                                                  const LocalModelOptions& options,
                                                  const Clock& clock);
  ~LocalModel() override;

  std::string name() const override { return name_; }
  uint32_t context_tokens() const override { return engine_->context_tokens(); }
  bool knows_tools() const override { return prompts_->knows_tools(); }
  std::unique_ptr<Conversation> StartConversation() override;

 private:
  friend class LocalConversation;

  LocalModel() = default;
  // The grammar of replies to requests like this one, compiled once.
  Result<std::shared_ptr<const grammar::CompiledGrammar>> ReplyGrammar(const ChatRequest& request,
                                                                       bool thinking);

  const Clock* clock_ = nullptr;
  std::string name_;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<model::Engine> engine_;
  std::unique_ptr<PromptWriter> prompts_;
  // Made beside the first prompt's work: only constrained replies wait for it.
  std::shared_future<Result<std::shared_ptr<const grammar::Vocabulary>>> vocabulary_;
  std::mutex mutex_;  // one reply at a time
  std::unordered_map<std::string, std::shared_ptr<const grammar::CompiledGrammar>> grammars_;
};

}  // namespace hearth::serving
