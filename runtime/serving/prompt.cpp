#include "runtime/serving/prompt.h"

namespace hearth::serving {
namespace {

const char* RoleName(Role role) {
  switch (role) {
    case Role::kSystem: return "system";
    case Role::kUser: return "user";
    case Role::kAssistant: return "assistant";
    case Role::kTool: return "tool";
  }
  return "user";
}

// A call as the model itself would have written it.
std::string WriteCalls(const ToolFormat& format, const std::vector<ToolCall>& calls) {
  std::string text(format.begin);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) text += format.separator;
    text += format.CallHead(calls[i].name) + DumpJson(calls[i].arguments) + "}";
  }
  return text + std::string(format.end);
}

constexpr const char* kProbeName = "probe_of_hearth";

Json ProbeTools() {
  return Json::array({{{"type", "function"},
                       {"function",
                        {{"name", kProbeName},
                         {"description", "probe"},
                         {"parameters",
                          {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}}}}}}});
}

std::string TextOf(const RenderedPrompt& prompt) {
  std::string text;
  for (const auto& run : prompt.runs) text += run.text;
  return text;
}

}  // namespace

Result<std::unique_ptr<PromptWriter>> PromptWriter::Create(const std::string& template_source,
                                                           const model::Tokenizer& tokenizer) {
  if (template_source.empty()) {
    return MakeError(ErrorCode::kUnsupported,
                     "the model file has no chat template, so it cannot hold a conversation (it may be "
                     "a base model); use an instruct version of it");
  }
  auto writer = std::make_unique<PromptWriter>();
  HEARTH_TRY(writer->template_, ChatTemplate::Parse(template_source));
  if (tokenizer.bos()) writer->bos_ = tokenizer.bytes(*tokenizer.bos());
  if (tokenizer.eos()) writer->eos_ = tokenizer.bytes(*tokenizer.eos());
  const Json hello = Json::array({{{"role", "user"}, {"content", "hello"}}});
  const auto with_tools = writer->Render(hello, ProbeTools());
  writer->knows_tools_ =
      with_tools.ok() && TextOf(*with_tools).find(kProbeName) != std::string::npos;
  writer->format_ = &FindToolFormat(template_source, writer->knows_tools_);
  return writer;
}

Result<RenderedPrompt> PromptWriter::Render(const Json& messages, const Json& tools) const {
  RenderOptions options;
  options.add_generation_prompt = true;
  options.bos_token = bos_;
  options.eos_token = eos_;
  return template_->Render(messages, tools, options);
}

Json PromptWriter::ToNativeMessages(const std::vector<Message>& messages) const {
  Json out = Json::array();
  for (const Message& message : messages) {
    Json one = {{"role", RoleName(message.role)}, {"content", message.content}};
    if (!message.reasoning.empty()) one["reasoning_content"] = message.reasoning;
    if (!message.calls.empty()) {
      Json calls = Json::array();
      for (const ToolCall& call : message.calls) {
        calls.push_back({{"type", "function"},
                         {"id", call.id},
                         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
      }
      one["tool_calls"] = std::move(calls);
    }
    if (message.role == Role::kTool) {
      one["tool_call_id"] = message.call_id;
      one["name"] = message.name;
    }
    out.push_back(std::move(one));
  }
  return out;
}

// For a template that knows system, user and assistant alone: the tools stand in the system message, calls
// in the assistant's text, and a result comes as the user's next message.
Json PromptWriter::ToPlainMessages(const std::vector<Message>& messages,
                                   const ToolSchemas& tools) const {
  Json out = Json::array();
  std::string introduction = tools.empty() ? "" : DescribeTools(*format_, tools);
  if (!introduction.empty() && (messages.empty() || messages[0].role != Role::kSystem)) {
    out.push_back({{"role", "system"}, {"content", introduction}});
    introduction.clear();
  }
  bool after_result = false;
  for (const Message& message : messages) {
    if (message.role == Role::kTool) {
      const std::string result = Concat("<tool_response>\n", message.content, "\n</tool_response>");
      if (after_result) {
        std::string& content = out.back()["content"].get_ref<std::string&>();
        content += "\n" + result;
      } else {
        out.push_back({{"role", "user"}, {"content", result}});
      }
      after_result = true;
      continue;
    }
    after_result = false;
    std::string content = message.content;
    if (!introduction.empty()) {
      content += (content.empty() ? "" : "\n\n") + introduction;
      introduction.clear();
    }
    if (message.role == Role::kAssistant) {
      if (!message.raw.empty()) {
        content = message.raw;
      } else if (!message.calls.empty()) {
        content += WriteCalls(*format_, message.calls);
      }
    }
    out.push_back({{"role", RoleName(message.role)}, {"content", content}});
  }
  return out;
}

Result<RenderedPrompt> PromptWriter::Write(const std::vector<Message>& messages,
                                           const ToolSchemas& tools) const {
  if (!knows_tools_) return Render(ToPlainMessages(messages, tools), Json());
  return Render(ToNativeMessages(messages), tools.empty() ? Json() : tools);
}

bool PromptWriter::LeavesThinkingOpen(std::string_view prompt) const {
  if (format_->think_begin.empty()) return false;
  const size_t opened = prompt.rfind(format_->think_begin);
  const size_t closed = prompt.rfind(format_->think_end);
  if (opened == std::string_view::npos) return false;
  // Only what stands at the very end is open: older blocks are quotations.
  const std::string_view rest = prompt.substr(opened + format_->think_begin.size());
  return rest.find_first_not_of(" \t\r\n") == std::string_view::npos &&
         (closed == std::string_view::npos || closed < opened);
}

}  // namespace hearth::serving
