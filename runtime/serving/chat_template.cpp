#include "runtime/serving/chat_template.h"

#include <algorithm>
#include <utility>

#include "runtime/serving/template/evaluator.h"
#include "runtime/serving/template/parser.h"
#include "runtime/serving/template/value_json.h"

namespace hearth::serving {
namespace {

constexpr size_t kMaxSourceBytes = 512 << 10;

// Some templates build a control token around the role: '<|' + role + '|>'. These words may.
constexpr std::string_view kRoles[] = {"system",      "user",     "assistant", "tool",
                                       "developer",   "function", "ipython",   "model",
                                       "observation", "tools"};

void TrustRoles(const Value& messages) {
  if (messages.AsList() == nullptr) return;
  for (const Value& message : messages.AsList()->items) {
    Value* const role = message.AsDict() == nullptr ? nullptr : message.AsDict()->FindName("role");
    if (role == nullptr || !role->IsString()) continue;
    const std::string_view word = role->AsString()->view();
    if (std::find(std::begin(kRoles), std::end(kRoles), word) == std::end(kRoles)) continue;
    *role = TracedString(word, Origin::kTemplate);
  }
}

Status SetVariables(Evaluator& evaluator, Runtime& runtime, const Json& messages, const Json& tools,
                    const RenderOptions& options) {
  if (!options.variables.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "chat template: the variables must be an object");
  }
  for (const auto& variable : options.variables.items()) {
    HEARTH_TRY(Value value, FromJson(variable.value(), runtime.heap(), runtime.budget()));
    evaluator.SetVariable(variable.key(), std::move(value));
  }
  HEARTH_TRY(Value message_list, FromJson(messages, runtime.heap(), runtime.budget()));
  HEARTH_TRY(Value tool_list, FromJson(tools, runtime.heap(), runtime.budget()));
  TrustRoles(message_list);
  evaluator.SetVariable("messages", std::move(message_list));
  evaluator.SetVariable("tools", std::move(tool_list));
  if (!options.variables.contains("documents")) evaluator.SetVariable("documents", Value());
  evaluator.SetVariable("add_generation_prompt", Value(options.add_generation_prompt));
  evaluator.SetVariable("bos_token", TracedString(options.bos_token, Origin::kTemplate));
  evaluator.SetVariable("eos_token", TracedString(options.eos_token, Origin::kTemplate));
  return {};
}

Error Explain(const Error& error, int line, bool raised) {
  if (raised)
    return {error.code, Concat("the chat template refuses these messages: ", error.message)};
  return {error.code, line == 0 ? Concat("chat template: ", error.message)
                                : Concat("chat template, line ", line, ": ", error.message)};
}

}  // namespace

struct ChatTemplate::Tree {
  Block block;
};

std::string RenderedPrompt::text() const {
  std::string all;
  for (const Run& run : runs) all += run.text;
  return all;
}

ChatTemplate::ChatTemplate(std::unique_ptr<const Tree> tree) : tree_(std::move(tree)) {}
ChatTemplate::~ChatTemplate() = default;

Result<std::shared_ptr<const ChatTemplate>> ChatTemplate::Parse(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    return MakeError(ErrorCode::kResourceExhausted, "chat template: ", source.size(),
                     " bytes are more than ", kMaxSourceBytes);
  }
  auto block = ParseTemplate(source);
  if (!block.ok()) return Error{block.error().code, "chat template, " + block.error().message};
  auto tree = std::make_unique<Tree>();
  tree->block = *std::move(block);
  return std::shared_ptr<const ChatTemplate>(new ChatTemplate(std::move(tree)));
}

Result<RenderedPrompt> ChatTemplate::Render(const Json& messages, const Json& tools,
                                            const RenderOptions& options) const {
  RenderLimits limits;
  limits.max_steps = options.max_steps;
  limits.max_output_bytes = options.max_output_bytes;
  limits.max_seconds = options.max_seconds;
  Runtime runtime(limits, options.now, options.zone);
  Evaluator evaluator(runtime);
  const Status ready = SetVariables(evaluator, runtime, messages, tools, options);
  if (!ready.ok()) return Explain(ready.error(), 0, false);
  const auto text = evaluator.Render(tree_->block);
  if (!text.ok()) return Explain(text.error(), evaluator.error_line(), runtime.raised());
  RenderedPrompt prompt;
  size_t begin = 0;
  for (const TracedString::Run& run : text->runs()) {
    prompt.runs.push_back({std::string(text->view().substr(begin, run.end - begin)),
                           run.origin == Origin::kTemplate});
    begin = run.end;
  }
  return prompt;
}

}  // namespace hearth::serving
