// Agent: the loop think, act, observe, over a language model, a toolset and a stored session.
//
// After: Yao et al., "ReAct: Synergizing Reasoning and Acting in Language Models", 2022, with
// reasoning between tool calls kept in the transcript. Every step is on disk before the next
// begins, and a tool of our own store commits its effect together with its result, so a killed turn
// goes on where it was: Resume runs such calls (they had no effect), tells the model that any other
// "may have run", and goes on.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "memory/session_store.h"
#include "runtime/agent/event.h"
#include "runtime/agent/usage_limits.h"
#include "runtime/base/clock.h"
#include "runtime/serving/language_model.h"
#include "tools/toolset.h"

namespace hearth::agent {

struct AgentOptions {
  UsageLimits limits;
  model::SamplingParams sampling{.temperature = 0};
  // Where set, the turn uses no tools and its answer is a JSON document of this schema.
  std::optional<Json> answer_schema;
};

// One session's agent; one thread at a time. What it is given must outlive it.
class Agent {
 public:
  // Opens the session `id`.
  static Result<std::unique_ptr<Agent>> Open(serving::LanguageModel& model,
                                             const tools::Toolset& tools, memory::Store& store,
                                             const std::string& id, const AgentOptions& options);

  // Answers one message. An Error is a failure of the store or the model, after which the session
  // is opened again; limits, refused calls and cancellation are ordinary ends, told by the
  // TurnFinished that is also returned.
  Result<TurnFinished> Run(const std::string& message, const EventSink& sink, std::stop_token stop);
  // Goes on with a turn that a crash cut short; null where the last turn had ended.
  Result<std::optional<TurnFinished>> Resume(const EventSink& sink, std::stop_token stop);

  const memory::Session& session() const { return session_; }

 private:
  Agent(serving::LanguageModel& model, const tools::Toolset& tools, memory::Store& store,
        const AgentOptions& options);

  // Rebuilds messages_ and the conversation's tokens from the store.
  Status Load();
  void Remember(const memory::Item& item);
  // Answers the calls of a reply whose results a crash prevented.
  Status SettleCalls(const EventSink& sink, std::stop_token stop);
  Result<TurnFinished> Loop(int step, const EventSink& sink, std::stop_token stop);
  Result<serving::ChatReply> Think(bool may_call, const EventSink& sink, std::stop_token stop);
  // Stores the reply, its calls under ids of their own, and the tokens.
  Status StoreReply(int step, serving::ChatReply& reply);
  // Runs a call and stores its result.
  Status Act(int step, const serving::ToolCall& call, const EventSink& sink, std::stop_token stop);
  Status StoreResult(int step, const serving::ToolCall& call, const tools::ToolResult& result);
  // How often the turn has made the very same call since it last changed something else.
  int Repetitions(const serving::ToolCall& call) const;
  // How often the turn has made the very same call, which changes something; 0 for one that reads.
  int EqualChanges(const serving::ToolCall& call) const;
  // Why a call gets no run; empty where it gets one.
  std::string Refusal(const serving::ToolCall& call, bool cancelled) const;
  // Answers a call that is not run.
  Status Refuse(int step, const serving::ToolCall& call, const std::string& why,
                const EventSink& sink);
  // How the turn ends with this reply; null where it goes on.
  std::optional<TurnFinished> Ending(const serving::ChatReply& reply, bool cancelled,
                                     const std::string& repeated) const;

  serving::LanguageModel& model_;
  const tools::Toolset& tools_;
  memory::Store& store_;
  memory::SessionStore sessions_;
  AgentOptions options_;
  std::vector<serving::WorkedExample> examples_;
  memory::Session session_;
  std::unique_ptr<serving::Conversation> conversation_;
  std::vector<serving::Message> messages_;
  int64_t last_item_ = 0;
  int turn_ = 0;
  TurnUsage usage_;
  std::vector<serving::ToolCall> calls_;  // of this turn, in order
  std::string open_call_;    // the tool of a call that the reply at hand has begun and not ended
  bool has_tokens_ = false;  // the epoch holds token runs
};

// The system prompt of the task assistant.
std::string TaskAssistantPrompt();

}  // namespace hearth::agent
