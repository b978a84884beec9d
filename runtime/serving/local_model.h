// LocalModel: a language model in this process, on the engine of model/.
//
// Any number of threads prepare requests, and any number of requests are answered together:
// EngineThread runs the engine. Conversations (LanguageModel) and the listener's requests share it,
// and with it the KV cache.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "grammars/vocabulary.h"
#include "model/engine.h"
#include "model/model.h"
#include "runtime/base/clock.h"
#include "runtime/serving/engine_thread.h"
#include "runtime/serving/grammar_cache.h"
#include "runtime/serving/language_model.h"
#include "runtime/serving/prompt.h"
#include "runtime/serving/reply_reader.h"

namespace hearth::serving {

struct LocalModelOptions {
  model::ModelOptions model;
  model::EngineOptions engine;
  std::string chat_template;          // instead of the file's own, where not empty
  std::vector<std::string> adapters;  // LoRA files, which requests name by their place here
  std::string draft_path;             // a model that guesses for this one; may be empty
  size_t max_queue = 128;             // requests that wait, beside those that run
  size_t grammar_cache_bytes = size_t{32} << 20;
};

// What of a request an Error of preparing it is about.
enum class RequestPart : uint8_t { kMessages, kSampling, kGrammar, kThinking, kLength, kAdapter };

// A request ready for the engine: all that costs the preparing thread's time and can be refused.
struct PreparedReply {
  std::vector<TokenId> prompt;
  model::SamplingParams sampling;
  uint32_t max_tokens = 0;
  int priority = 0;
  std::shared_ptr<const model::LoraAdapter> adapter;  // may be null
  float adapter_scale = 1;
  bool logprobs = false;
  uint32_t top_logprobs = 0;
  std::shared_ptr<const grammar::CompiledGrammar> grammar;  // may be null
  const ChatFormat* format = nullptr;
  ReplyReaderOptions reading;
  std::optional<uint32_t> thinking_budget;
  bool forced_runs = true;  // what the grammar dictates costs no forward pass
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
  bool knows_tools() const override { return prompts_ && prompts_->knows_tools(); }
  std::vector<std::string> call_markers() const override;
  std::unique_ptr<Conversation> StartConversation() override;

  // Renders, tokenizes, compiles the grammar; up to seconds for an adversary's schema. Errors name
  // what was wrong with the request; kResourceExhausted where the prompt leaves no room.
  Result<PreparedReply> Prepare(const ChatRequest& request, RequestPart& part) const;
  // The same for a text that the model continues, or its tokens. In a text control tokens are
  // recognised: whoever writes the whole prompt is its template.
  Result<PreparedReply> PrepareText(std::string_view text, const ChatRequest& request,
                                    RequestPart& part) const;
  Result<PreparedReply> PrepareTokens(std::vector<TokenId> tokens, const ChatRequest& request,
                                      RequestPart& part) const;
  // Hands it to the engine, with a seed of its own.
  Result<std::unique_ptr<EventStream>> Start(const PreparedReply& prepared, uint64_t seed,
                                             EngineThread::Waker waker = {}) const;
  std::unique_ptr<ReplyReader> MakeReader(const PreparedReply& prepared, DeltaSink sink) const;

  const model::Tokenizer& tokenizer() const { return model_->tokenizer(); }
  const model::ModelConfig& config() const { return model_->config(); }
  const EngineThread& engine() const { return *engine_; }
  const GrammarCache& grammars() const { return *grammars_; }

 private:
  friend class LocalConversation;

  LocalModel() = default;
  std::vector<TokenId> Encode(const std::vector<model::TextRun>& runs, bool whole) const;
  // All but the prompt's tokens and the thinking budget. `thinking`: the prompt leaves a block
  // open.
  Result<PreparedReply> PrepareReply(const ChatRequest& request, const ChatFormat& format,
                                     bool thinking, RequestPart& part) const;
  // That the prompt leaves room, and the thinking budget, which it sets, some of it.
  Status CheckRoom(const ChatRequest& request, PreparedReply& prepared, RequestPart& part) const;
  // The grammar of replies to requests like this one.
  Result<GrammarCache::Grammar> ReplyGrammar(const ChatFormat& format, const ChatRequest& request,
                                             bool thinking) const;

  const Clock* clock_ = nullptr;
  std::string name_;
  std::unique_ptr<model::Model> model_;
  std::vector<std::shared_ptr<const model::LoraAdapter>> adapters_;
  // Null where the model cannot hold a conversation; it goes on with texts all the same.
  std::unique_ptr<PromptWriter> prompts_;
  Error why_no_chat_;
  // What a free reply in the model's own format must not write.
  std::shared_ptr<const std::vector<TokenId>> stray_tokens_;
  // Made beside the first prompt's work: only constrained replies wait for it.
  std::shared_future<Result<std::shared_ptr<const grammar::Vocabulary>>> vocabulary_;
  std::unique_ptr<GrammarCache> grammars_;
  std::unique_ptr<EngineThread> engine_;
};

}  // namespace hearth::serving
