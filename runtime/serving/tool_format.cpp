#include "runtime/serving/tool_format.h"

#include "grammars/grammar_builder.h"

namespace hearth::serving {

const ToolFormat kTaggedArray = {.name = "tagged array",
                                 .begin = "<tool_call>[",
                                 .separator = ", ",
                                 .end = "]</tool_call>",
                                 .decides_first = true,
                                 .arguments_key = "arguments",
                                 .think_begin = "",
                                 .think_end = ""};
const ToolFormat kTaggedObjects = {.name = "tagged objects",
                                   .begin = "<tool_call>\n",
                                   .separator = "\n</tool_call>\n<tool_call>\n",
                                   .end = "\n</tool_call>",
                                   .decides_first = false,
                                   .arguments_key = "arguments",
                                   .think_begin = "<think>",
                                   .think_end = "</think>"};
const ToolFormat kBareObject = {.name = "bare object",
                                .begin = "",
                                .separator = "; ",
                                .end = "",
                                .decides_first = false,
                                .arguments_key = "parameters",
                                .think_begin = "",
                                .think_end = ""};

std::string ToolFormat::CallHead(std::string_view tool) const {
  return Concat("{\"name\": ", DumpJson(Json(std::string(tool))), ", \"", arguments_key, "\": ");
}

const ToolFormat& FindToolFormat(std::string_view template_source, bool knows_tools) {
  if (!knows_tools) return kTaggedArray;
  if (template_source.find("<tool_call>") != std::string_view::npos) return kTaggedObjects;
  if (template_source.find("\"parameters\": dictionary") != std::string_view::npos ||
      template_source.find("<|python_tag|>") != std::string_view::npos) {
    return kBareObject;
  }
  return kTaggedArray;
}

std::string DescribeTools(const ToolSchemas& tools) {
  std::string text = "You have these tools:\n";
  for (const Json& tool : tools) {
    const Json& function = tool.at("function");
    std::string arguments;
    const Json* parameters = FindMember(function, "parameters");
    const Json* properties =
        parameters != nullptr ? FindMember(*parameters, "properties") : nullptr;
    if (properties != nullptr) {
      for (const auto& [name, schema] : properties->items()) {
        arguments += (arguments.empty() ? "" : ", ") + name;
      }
    }
    text += Concat("- ", function.at("name").get<std::string>(), "(", arguments, ")");
    if (const Json* description = FindMember(function, "description")) {
      text += Concat(": ", description->get<std::string>());
    }
    text += "\n";
  }
  return text + "After a tool's response, tell the user in one short sentence what happened.";
}

std::string WriteCalls(const ToolFormat& format, const std::vector<ToolCall>& calls) {
  std::string text(format.begin);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) text += format.separator;
    text += format.CallHead(calls[i].name) + DumpJson(calls[i].arguments) + "}";
  }
  return text + std::string(format.end);
}

namespace {

// Arguments have names: a schema that leaves the type open means an object; none, an empty one.
Result<Json> ArgumentsSchema(const std::string& tool, const Json& function) {
  const Json* given = FindMember(function, "parameters");
  if (given == nullptr) return Json{{"type", "object"}, {"additionalProperties", false}};
  Json parameters = *given;
  if (!parameters.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool ", tool,
                     ": parameters is no JSON Schema object");
  }
  const Json& type = parameters.emplace("type", "object").first.value();
  if (type != "object") {
    return MakeError(ErrorCode::kInvalidArgument, "tool ", tool,
                     ": parameters must describe an object, not type ", DumpJson(type));
  }
  return parameters;
}

}  // namespace

Result<std::shared_ptr<const grammar::CompiledGrammar>> CompileReply(const ToolFormat& format,
                                                                     const ChatRequest& request,
                                                                     bool thinking) {
  using Part = grammar::GrammarBuilder::Part;
  grammar::GrammarBuilder builder;
  std::vector<Part> reply;
  // Whatever the model thinks is its own affair: a marker of a call in there is only a quotation.
  if (!format.think_end.empty()) {
    const std::string end(format.think_end);
    const Part thought = builder.Sequence({builder.TextUntil({end}), builder.Literal(end)});
    reply.push_back(thinking ? thought
                             : builder.Optional(builder.Sequence(
                                   {builder.Literal(format.think_begin), thought})));
  }
  if (request.response_schema) {
    HEARTH_TRY(const Part document, builder.JsonSchema(*request.response_schema));
    if (!format.think_end.empty()) {
      reply.push_back(builder.Repeat(builder.Literal("\n"), 0, 2));
    }
    reply.push_back(document);
    return std::move(builder).Build(builder.Sequence(reply));
  }
  const Part text = builder.TextUntil({std::string(format.trigger())});
  if (request.tool_choice == ToolChoice::kNone) {
    reply.push_back(text);
    return std::move(builder).Build(builder.Sequence(reply));
  }
  std::vector<Part> calls;
  for (const Json& tool : request.tools) {
    const Json& function = tool.at("function");
    const std::string name = function.at("name").get<std::string>();
    HEARTH_TRY(const Json parameters, ArgumentsSchema(name, function));
    auto arguments = builder.JsonSchema(parameters, {.plain_integers = true});
    if (!arguments.ok()) {
      return MakeError(arguments.error().code, "tool ", name, ": ", arguments.error().message);
    }
    calls.push_back(builder.Sequence(
        {builder.Literal(format.CallHead(name)), *arguments, builder.Literal("}")}));
  }
  const Part call = builder.Choice(calls);
  std::vector<Part> region = {builder.Literal(format.begin), call};
  if (request.parallel_calls) {
    constexpr uint32_t kMostCalls = 16;
    region.push_back(builder.Repeat(builder.Sequence({builder.Literal(format.separator), call}), 0,
                                    kMostCalls - 1));
  }
  region.push_back(builder.Literal(format.end));
  const Part all_calls = builder.Sequence(region);
  if (request.tool_choice == ToolChoice::kRequired) {
    if (!format.think_end.empty()) reply.push_back(builder.Repeat(builder.Literal("\n"), 0, 2));
    reply.push_back(all_calls);
  } else if (format.decides_first) {
    const Part none = builder.Literal(WriteCalls(format, {}));
    reply.push_back(builder.Choice({all_calls, builder.Sequence({none, text})}));
  } else {
    reply.push_back(text);
    reply.push_back(builder.Optional(all_calls));
  }
  return std::move(builder).Build(builder.Sequence(reply));
}

}  // namespace hearth::serving
