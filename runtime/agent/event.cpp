#include "runtime/agent/event.h"

namespace hearth::agent {
namespace {

struct Writer {
  Json operator()(const TurnStarted& e) const {
    return {{"type", "turn_started"},
            {"session", e.session},
            {"repository", e.repository},
            {"model", e.model},
            {"turn", e.turn}};
  }
  Json operator()(const PromptProgress& e) const {
    return {{"type", "prompt_progress"}, {"done", e.done}, {"total", e.total}};
  }
  Json operator()(const ReasoningDelta& e) const {
    return {{"type", "reasoning_delta"}, {"text", e.text}};
  }
  Json operator()(const TextDelta& e) const { return {{"type", "text_delta"}, {"text", e.text}}; }
  Json operator()(const ToolCallStarted& e) const {
    return {{"type", "tool_call_started"}, {"name", e.name}};
  }
  Json operator()(const ToolCalled& e) const {
    return {{"type", "tool_called"}, {"id", e.id}, {"name", e.name}, {"arguments", e.arguments}};
  }
  Json operator()(const ToolReturned& e) const {
    return {{"type", "tool_returned"},
            {"id", e.id},
            {"name", e.name},
            {"text", e.text},
            {"structured", e.structured},
            {"is_error", e.is_error},
            {"committed", e.committed}};
  }
  Json operator()(const StepFinished& e) const {
    return {{"type", "step_finished"}, {"step", e.step}, {"usage", e.usage}};
  }
  Json operator()(const TurnFinished& e) const {
    return {{"type", "turn_finished"},
            {"answer", e.answer},
            {"reason", e.reason},
            {"detail", e.detail},
            {"usage", e.usage}};
  }
};

}  // namespace

Json ToJson(const Event& event) { return std::visit(Writer{}, event); }

}  // namespace hearth::agent
