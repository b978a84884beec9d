#include "runtime/http/openai/message_parser.h"

#include <algorithm>
#include <map>

#include "runtime/http/openai/fields.h"

namespace hearth::http::openai {
namespace {

using serving::Message;
using serving::Role;

constexpr size_t kMostMessages = 4096;
constexpr size_t kMostTools = 512;
constexpr size_t kLongestName = 128;

// A message's content: a string, or parts of which only text is understood.
std::string ParseContent(Fields& message, std::string_view name, std::optional<ApiError>& error) {
  const Json* content = message.Find(name);
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) {
    message.Complain(name,
                     Concat("must be a string or an array of parts, not ", JsonTypeName(*content)));
    return "";
  }
  std::string text;
  for (size_t i = 0; i < content->size() && !error; ++i) {
    const Json& part = (*content)[i];
    Fields fields(part, Concat(message.Path(name), "[", i, "]"), error);
    const auto type = fields.String("type");
    if (!type) {
      fields.Complain("type", "is missing; a part is {\"type\": \"text\", \"text\": \"…\"}");
    } else if (*type == "text" || *type == "refusal") {
      const auto piece = fields.String(*type);
      if (!piece) fields.Complain(*type, "is missing");
      text += piece.value_or("");
    } else {
      fields.Complain("type", Concat("'", type->substr(0, 100),
                                     "' parts are not supported: this model reads text alone"));
    }
  }
  return text;
}

// Reasoning that a client left in the text moves to where it belongs.
void SplitThinkTags(Message& message) {
  constexpr std::string_view kBegin = "<think>";
  constexpr std::string_view kEnd = "</think>";
  if (!message.reasoning.empty() || !message.content.starts_with(kBegin)) return;
  const size_t end = message.content.find(kEnd);
  if (end == std::string::npos) return;
  message.reasoning = message.content.substr(kBegin.size(), end - kBegin.size());
  const size_t rest = message.content.find_first_not_of("\r\n", end + kEnd.size());
  message.content = rest == std::string::npos ? "" : message.content.substr(rest);
}

void ParseCalls(Fields& fields, Message& message, std::optional<ApiError>& error) {
  const Json* calls = fields.Array("tool_calls");
  if (calls == nullptr) return;
  for (size_t i = 0; i < calls->size() && !error; ++i) {
    Fields call((*calls)[i], Concat(fields.Path("tool_calls"), "[", i, "]"), error);
    call.OneOf("type", {"function"});
    const auto id = call.String("id");
    if (!id) call.Complain("id", "is missing");
    const Json* function = call.Object("function");
    if (function == nullptr) {
      call.Complain("function", "is missing");
      return;
    }
    Fields inner(*function, call.Path("function"), error);
    const auto name = inner.String("name");
    if (!name) inner.Complain("name", "is missing");
    const Json* arguments = inner.Find("arguments");
    if (arguments == nullptr || !(arguments->is_string() || arguments->is_object())) {
      inner.Complain("arguments", "must be a string that holds a JSON object");
    }
    if (error) return;
    Json value = *arguments;
    if (arguments->is_string()) {
      // What an earlier model wrote may be no JSON: then the template gets the text itself.
      auto parsed = ParseJson(arguments->get_ref<const std::string&>());
      if (parsed.ok()) value = *std::move(parsed);
    }
    message.calls.push_back({*id, *name, std::move(value)});
  }
}

}  // namespace

void ParseMessages(const Json& body, std::vector<Message>& messages,
                   std::optional<ApiError>& error) {
  Fields top(body, "", error);
  const Json* list = top.Array("messages");
  if (list == nullptr || list->empty()) {
    top.Complain("messages", "must hold at least one message");
    return;
  }
  if (list->size() > kMostMessages) {
    top.Complain("messages", Concat("has more than ", kMostMessages, " messages"));
  }
  std::map<std::string, std::string> call_names;  // by id
  for (size_t i = 0; i < list->size() && !error; ++i) {
    Fields fields((*list)[i], Concat("messages[", i, "]"), error);
    if (!(*list)[i].is_object()) {
      top.Complain(Concat("messages[", i, "]"), "must be an object");
      return;
    }
    Message message;
    const auto role = fields.OneOf("role", {"system", "developer", "user", "assistant", "tool"});
    if (!role) {
      fields.Complain("role", "is missing");
      return;
    }
    fields.String("name");
    message.content = ParseContent(fields, "content", error);
    if (*role == "assistant") {
      message.role = Role::kAssistant;
      message.reasoning = fields.String("reasoning_content").value_or("");
      if (message.reasoning.empty()) message.reasoning = fields.String("reasoning").value_or("");
      if (message.content.empty()) message.content = fields.String("refusal").value_or("");
      fields.Neutral("function_call", {}, "is an old form; use tool_calls");
      fields.Neutral("audio", {}, "audio is not supported");
      SplitThinkTags(message);
      ParseCalls(fields, message, error);
      for (const serving::ToolCall& call : message.calls) call_names[call.id] = call.name;
    } else if (fields.Find("content") == nullptr) {
      fields.Complain("content", "is missing");
    }
    if (*role == "system" || *role == "developer") message.role = Role::kSystem;
    if (*role == "tool") {
      message.role = Role::kTool;
      message.call_id = fields.String("tool_call_id").value_or("");
      const auto called = call_names.find(message.call_id);
      if (called == call_names.end()) {
        fields.Complain("tool_call_id", "names no call of an earlier assistant message");
      } else {
        message.name = called->second;
      }
    }
    messages.push_back(std::move(message));
  }
}

namespace {

// {"type": "function", "function": {"name": …}}, or the name beside the type.
std::optional<std::string> ParseToolName(const Json& value, const std::string& path,
                                         const serving::ToolSchemas& tools,
                                         std::optional<ApiError>& error) {
  Fields choice(value, path, error);
  choice.OneOf("type", {"function"});
  const Json* function = choice.Object("function");
  Fields fields(function != nullptr ? *function : value,
                function != nullptr ? choice.Path("function") : path, error);
  const auto name = fields.String("name");
  if (!name) {
    fields.Complain("name", "is missing");
    return std::nullopt;
  }
  for (const Json& tool : tools) {
    if (tool.at("function").at("name") == *name) return name;
  }
  fields.Complain("name", Concat("'", name->substr(0, 100), "' is none of the request's tools"));
  return std::nullopt;
}

void ParseToolChoice(Fields& top, serving::ChatRequest& request, std::optional<ApiError>& error) {
  using serving::ToolChoice;
  const Json* choice = top.Find("tool_choice");
  if (choice == nullptr) return;
  const auto mode = [&](const std::string& word) {
    if (word == "none") request.tool_choice = ToolChoice::kNone;
    if (word == "required") request.tool_choice = ToolChoice::kRequired;
  };
  if (choice->is_string()) {
    if (const auto word = top.OneOf("tool_choice", {"none", "auto", "required"})) mode(*word);
  } else if (choice->is_object()) {
    Fields fields(*choice, "tool_choice", error);
    const auto type = fields.OneOf("type", {"function", "allowed_tools"});
    if (!type) {
      fields.Complain("type", "is missing");
    } else if (*type == "function") {
      if (auto name = ParseToolName(*choice, "tool_choice", request.tools, error)) {
        request.callable = {*name};
        request.tool_choice = ToolChoice::kRequired;
      }
    } else {
      const Json* nested = fields.Object("allowed_tools");
      Fields allowed(nested != nullptr ? *nested : *choice,
                     nested != nullptr ? "tool_choice.allowed_tools" : "tool_choice", error);
      if (const auto word = allowed.OneOf("mode", {"auto", "required"})) mode(*word);
      const Json* tools = allowed.Array("tools");
      if (tools == nullptr || tools->empty()) {
        allowed.Complain("tools", "must name at least one tool");
        return;
      }
      for (size_t i = 0; i < tools->size() && !error; ++i) {
        const std::string path = Concat(allowed.Path("tools"), "[", i, "]");
        if (auto name = ParseToolName((*tools)[i], path, request.tools, error)) {
          request.callable.push_back(*name);
        }
      }
    }
  } else {
    top.Complain("tool_choice", Concat("must be a word or an object, not ", JsonTypeName(*choice)));
  }
  if (request.tool_choice == ToolChoice::kRequired && request.tools.empty()) {
    top.Complain("tool_choice", "asks for a call, but the request has no tools");
  }
}

}  // namespace

void ParseTools(const Json& body, serving::ChatRequest& request, std::optional<ApiError>& error) {
  Fields top(body, "", error);
  top.Neutral("functions", {}, "is an old form; use tools");
  top.Neutral("function_call", {}, "is an old form; use tool_choice");
  request.parallel_calls = top.Bool("parallel_tool_calls").value_or(true);
  const Json* tools = top.Array("tools");
  if (tools != nullptr && tools->size() > kMostTools) {
    top.Complain("tools", Concat("has more than ", kMostTools, " tools"));
  }
  for (size_t i = 0; tools != nullptr && i < tools->size() && !error; ++i) {
    Fields tool((*tools)[i], Concat("tools[", i, "]"), error);
    const auto type = tool.OneOf("type", {"function"});
    if (!type) tool.Complain("type", "is missing; only functions are supported");
    const Json* function = tool.Object("function");
    if (function == nullptr) {
      tool.Complain("function", "is missing");
      return;
    }
    Fields fields(*function, tool.Path("function"), error);
    const auto name = fields.String("name");
    const bool printable =
        name && std::ranges::none_of(*name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (!name || name->empty() || name->size() > kLongestName || !printable) {
      fields.Complain("name", Concat("must be a word of 1 to ", kLongestName, " characters"));
    }
    const auto description = fields.String("description");
    fields.Bool("strict");
    const Json* parameters = fields.Object("parameters");
    if (error) return;
    for (const Json& other : request.tools) {
      if (other.at("function").at("name") == *name) {
        fields.Complain("name", Concat("'", *name, "' is the name of two tools"));
      }
    }
    // Without a schema a function takes no arguments.
    const Json none = {
        {"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
    request.tools.push_back({{"type", "function"},
                             {"function",
                              {{"name", *name},
                               {"description", description.value_or("")},
                               {"parameters", parameters != nullptr ? *parameters : none}}}});
  }
  ParseToolChoice(top, request, error);
}

void ParseResponseFormat(const Json& body, serving::ChatRequest& request,
                         std::optional<ApiError>& error) {
  Fields top(body, "", error);
  const Json* format = top.Object("response_format");
  if (format == nullptr) return;
  Fields fields(*format, "response_format", error);
  const auto type = fields.OneOf("type", {"text", "json_object", "json_schema", "structural_tag"});
  if (!type) {
    fields.Complain("type", "is missing");
    return;
  }
  if (*type == "structural_tag") {
    request.answer_grammar = {serving::AnswerGrammar::Kind::kStructuralTag, "", *format};
  }
  if (*type == "json_object") request.response_schema = Json{{"type", "object"}};
  if (*type != "json_schema") return;
  const Json* wrapped = fields.Object("json_schema");
  if (wrapped == nullptr) {
    fields.Complain("json_schema", "is missing");
    return;
  }
  Fields inner(*wrapped, "response_format.json_schema", error);
  inner.String("name");
  inner.Bool("strict");
  const Json* schema = inner.Find("schema");
  if (schema == nullptr || !(schema->is_object() || schema->is_boolean())) {
    inner.Complain("schema", "must be a JSON Schema object");
    return;
  }
  request.response_schema = *schema;
}

}  // namespace hearth::http::openai
