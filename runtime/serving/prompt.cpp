#include "runtime/serving/prompt.h"

#include "runtime/serving/call_writer.h"

namespace hearth::serving {
namespace {

const char* RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

// Nine letters or digits in an id's place, for templates that take no other.
std::string ShortId(const std::string& id) {
  constexpr size_t kLength = 9;
  constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const bool fits = id.size() == kLength && id.find_first_not_of(kLetters) == std::string::npos;
  if (fits) return id;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  std::string out;
  for (size_t i = 0; i < kLength; ++i, hash /= kLetters.size()) {
    out += kLetters[hash % kLetters.size()];
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<PromptWriter>> PromptWriter::Create(const std::string& template_source,
                                                           const model::Tokenizer& tokenizer) {
  if (template_source.empty()) {
    return MakeError(
        ErrorCode::kUnsupported,
        "the model file has no chat template, so it cannot hold a conversation (it may be "
        "a base model); use an instruct version of it, or give it a template");
  }
  auto writer = std::make_unique<PromptWriter>();
  HEARTH_TRY(writer->template_, ChatTemplate::Parse(template_source));
  if (tokenizer.bos()) writer->bos_ = tokenizer.bytes(*tokenizer.bos());
  if (tokenizer.eos()) writer->eos_ = tokenizer.bytes(*tokenizer.eos());
  writer->detected_ = DetectFormat([&](const Json& messages,
                                       const Json& tools) -> Result<std::string> {
    HEARTH_TRY(const RenderedPrompt prompt, writer->Render(messages, tools, Json::object(), {}));
    return prompt.text();
  });
  writer->format_ = writer->detected_.format->Bind(tokenizer);
  return writer;
}

Result<RenderedPrompt> PromptWriter::Render(const Json& messages, const Json& tools,
                                            const Json& variables, TimePoint now) const {
  RenderOptions options;
  options.add_generation_prompt = true;
  options.bos_token = bos_;
  options.eos_token = eos_;
  options.now = now;
  options.variables = variables;
  return template_->Render(messages, tools, options);
}

Json PromptWriter::NativeMessage(const Message& message) const {
  Json one = {{"role", RoleName(message.role)}, {"content", message.content}};
  if (!message.reasoning.empty()) {
    one["reasoning_content"] = message.reasoning;
    if (format_.thinks_anywhere && message.content.empty()) one["thinking"] = message.reasoning;
  }
  if (!message.calls.empty() && !writes_calls()) {
    one["content"] = message.content + WriteCalls(format_, message.calls);
  } else if (!message.calls.empty()) {
    Json calls = Json::array();
    for (const ToolCall& call : message.calls) {
      const Json arguments =
          detected_.text_arguments ? Json(DumpSpaced(call.arguments)) : call.arguments;
      calls.push_back({{"type", "function"},
                       {"id", detected_.short_ids ? ShortId(call.id) : call.id},
                       {"function", {{"name", call.name}, {"arguments", arguments}}}});
    }
    one["tool_calls"] = std::move(calls);
  }
  if (message.role == Role::kTool) {
    one["tool_call_id"] = detected_.short_ids ? ShortId(message.call_id) : message.call_id;
    one["name"] = message.name;
  }
  return one;
}

Json PromptWriter::ToNativeMessages(const ChatRequest& request) const {
  Json out = Json::array();
  // Some templates write calls and leave it to the system message to name the tools.
  const std::string tools =
      detected_.knows_tools || request.tools.empty() ? std::string() : DescribeTools(request.tools);
  const bool has_system = !request.messages.empty() && request.messages[0].role == Role::kSystem;
  if (!tools.empty() && !has_system) out.push_back({{"role", "system"}, {"content", tools}});
  for (const Message& message : request.messages) {
    out.push_back(NativeMessage(message));
    if (!tools.empty() && out.size() == 1) {
      out[0]["content"] = Concat(message.content, "\n\n", tools);
    }
  }
  return out;
}

namespace {

// Messages for a template that knows system, user and assistant alone.
class PlainMessages {
 public:
  void Say(const char* role, std::string content) {
    after_result_ = false;
    messages_.push_back({{"role", role}, {"content", std::move(content)}});
  }
  // A tool's result comes as the user's message; several results share one.
  void Result(const std::string& text) {
    const std::string response = Concat("<tool_response>\n", text, "\n</tool_response>");
    if (after_result_) {
      messages_.back()["content"].get_ref<std::string&>() += "\n" + response;
    } else {
      Say("user", response);
      after_result_ = true;
    }
  }
  Json Take() && { return std::move(messages_); }

 private:
  Json messages_ = Json::array();
  bool after_result_ = false;
};

}  // namespace

// The tools stand in the system message, the examples are the first turns, and calls are the
// assistant's text.
Json PromptWriter::ToPlainMessages(const ChatRequest& request) const {
  PlainMessages out;
  size_t next = 0;
  std::string system;
  if (!request.messages.empty() && request.messages[0].role == Role::kSystem) {
    system = request.messages[0].content;
    next = 1;
  }
  if (!request.tools.empty()) {
    system += (system.empty() ? "" : "\n\n") + DescribeTools(request.tools);
  }
  if (!system.empty()) out.Say("system", system);
  if (!request.tools.empty()) {
    for (const WorkedExample& example : request.examples) {
      out.Say("user", example.request);
      if (example.tool.empty()) {
        out.Say("assistant", WriteCalls(format_, {}) + example.answer);
        continue;
      }
      out.Say("assistant", WriteCalls(format_, {{"", example.tool, example.arguments}}));
      out.Result(example.result);
      out.Say("assistant", example.answer);
    }
  }
  for (; next < request.messages.size(); ++next) {
    const Message& message = request.messages[next];
    if (message.role == Role::kTool) {
      out.Result(message.content);
    } else if (message.role == Role::kAssistant && !message.raw.empty()) {
      out.Say("assistant", message.raw);
    } else if (!message.calls.empty()) {
      out.Say("assistant", message.content + WriteCalls(format_, message.calls));
    } else {
      out.Say(RoleName(message.role), message.content);
    }
  }
  return std::move(out).Take();
}

Result<RenderedPrompt> PromptWriter::Write(const ChatRequest& request, TimePoint now) const {
  if (!knows_tools()) {
    return Render(ToPlainMessages(request), Json(), request.template_variables, now);
  }
  const bool shows_tools = detected_.knows_tools && !request.tools.empty();
  return Render(ToNativeMessages(request), shows_tools ? request.tools : Json(),
                request.template_variables, now);
}

bool PromptWriter::LeavesThinkingOpen(std::string_view prompt) const {
  if (format_.think_begin.empty()) return false;
  // A format may want a line break behind the marker, where a prompt ends with the marker alone.
  std::string begin = WithoutControlMarks(format_.think_begin);
  begin.erase(begin.find_last_not_of(" \t\r\n") + 1);
  const size_t opened = prompt.rfind(begin);
  const size_t closed = prompt.rfind(WithoutControlMarks(format_.think_end));
  if (opened == std::string_view::npos) return false;
  // Only what stands at the very end is open: older blocks are quotations.
  const std::string_view rest = prompt.substr(opened + begin.size());
  return rest.find_first_not_of(" \t\r\n") == std::string_view::npos &&
         (closed == std::string_view::npos || closed < opened);
}

}  // namespace hearth::serving
