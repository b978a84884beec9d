#include "model/gguf.h"
#include "runtime/base/time_format.h"
#include "runtime/main/inspect.h"
#include "runtime/main/read_file.h"
#include "runtime/serving/chat_template.h"

namespace hearth::main {
namespace {

Result<serving::RenderOptions> ReadOptions(const Json& request) {
  serving::RenderOptions options;
  const auto text = [&](const char* name, std::string& out) -> Status {
    const Json* value = FindMember(request, name);
    if (value == nullptr || value->is_null()) return {};
    if (!value->is_string()) {
      return MakeError(ErrorCode::kInvalidArgument, name, ": expected a string");
    }
    out = value->get<std::string>();
    return {};
  };
  HEARTH_CHECK_OK(text("bos_token", options.bos_token));
  HEARTH_CHECK_OK(text("eos_token", options.eos_token));
  std::string now;
  HEARTH_CHECK_OK(text("now", now));
  if (!now.empty()) {
    HEARTH_TRY(options.now, ParseRfc3339(now.find('Z') == std::string::npos ? now + "Z" : now));
  } else {
    options.now = SystemClock().Now();
  }
  options.add_generation_prompt = false;
  if (const Json* add = FindMember(request, "add_generation_prompt")) {
    if (!add->is_boolean()) {
      return MakeError(ErrorCode::kInvalidArgument, "add_generation_prompt: expected a boolean");
    }
    options.add_generation_prompt = add->get<bool>();
  }
  if (const Json* kwargs = FindMember(request, "kwargs"); kwargs != nullptr && !kwargs->is_null()) {
    if (!kwargs->is_object()) {
      return MakeError(ErrorCode::kInvalidArgument, "kwargs: expected an object");
    }
    options.variables = *kwargs;
  }
  return options;
}

Result<Inspector> Inspect(std::string_view source) {
  HEARTH_TRY(const auto chat_template, serving::ChatTemplate::Parse(source));
  return JsonInspector([chat_template](const Json& request) -> Result<Json> {
    HEARTH_TRY(const serving::RenderOptions options, ReadOptions(request));
    const Json* messages = FindMember(request, "messages");
    const Json* tools = FindMember(request, "tools");
    if (messages == nullptr || !messages->is_array()) {
      return MakeError(ErrorCode::kInvalidArgument, "messages: expected an array");
    }
    const auto prompt =
        chat_template->Render(*messages, tools != nullptr ? *tools : Json(), options);
    if (prompt.ok()) return Json{{"text", prompt->text()}};
    // What the template refuses is an answer, not a failure of the request.
    if (prompt.error().code == ErrorCode::kInvalidArgument) {
      return Json{{"raised", prompt.error().message}};
    }
    return prompt.error();
  });
}

}  // namespace

Result<Inspector> InspectModelTemplate(const std::string& model_path) {
  HEARTH_TRY(const auto file, model::GgufFile::Open(model_path));
  const std::string* source = file->GetString("tokenizer.chat_template");
  if (source == nullptr) {
    return MakeError(ErrorCode::kNotFound, model_path,
                     ": the file has no chat template; --template FILE takes one from a file");
  }
  return Inspect(*source);
}

Result<Inspector> InspectTemplateFile(const std::string& template_path) {
  HEARTH_TRY(const std::string source, ReadFile(template_path));
  return Inspect(source);
}

}  // namespace hearth::main
