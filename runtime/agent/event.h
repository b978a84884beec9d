// Event: what an agent's turn reports, in order. One vocabulary for the terminal, `--json`, the
// daemon and MCP; nothing reported is ever taken back.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "runtime/base/json.h"

namespace hearth::agent {

// JSON of each event: {"type": "<name below>", …fields}.
struct TurnStarted {  // "turn_started"
  std::string session;
  std::string repository;
  std::string model;
  int turn = 0;
};
struct PromptProgress {  // "prompt_progress": tokens of the prompt that the model has read
  uint32_t done = 0;
  uint32_t total = 0;
};
struct ReasoningDelta {  // "reasoning_delta"
  std::string text;
};
struct TextDelta {  // "text_delta"
  std::string text;
};
struct ToolCallStarted {  // "tool_call_started": the model has named the tool, arguments follow
  std::string name;
};
struct ToolCalled {  // "tool_called": a whole call, about to run
  std::string id;
  std::string name;
  Json arguments;
};
struct ToolReturned {  // "tool_returned"; committed: effect and result are on disk
  std::string id;
  std::string name;
  std::string text;
  Json structured;
  bool is_error = false;
  bool committed = true;
};
struct StepFinished {  // "step_finished": one run of the model, stored
  int step = 0;
  Json usage;
};
// How a turn ends; README.md explains each.
inline constexpr const char* kTurnEndings[] = {"answered", "limit", "cancelled", "repeated",
                                               "empty"};
struct TurnFinished {  // "turn_finished"
  std::string answer;
  std::string reason;  // one of kTurnEndings
  std::string detail;  // why, in words, unless it was answered or cancelled
  Json usage;
};

using Event = std::variant<TurnStarted, PromptProgress, ReasoningDelta, TextDelta, ToolCallStarted,
                           ToolCalled, ToolReturned, StepFinished, TurnFinished>;
using EventSink = std::function<void(const Event&)>;

Json ToJson(const Event& event);

}  // namespace hearth::agent
