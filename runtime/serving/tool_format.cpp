#include "runtime/serving/tool_format.h"

#include "grammars/grammar_builder.h"

namespace hearth::serving {

const ToolFormat kTaggedArray = {.name = "tagged array",
                                 .begin = "<tool_call>[",
                                 .separator = ", ",
                                 .end = "]</tool_call>",
                                 .arguments_key = "arguments",
                                 .think_begin = "",
                                 .think_end = ""};
const ToolFormat kTaggedObjects = {.name = "tagged objects",
                                   .begin = "<tool_call>\n",
                                   .separator = "\n</tool_call>\n<tool_call>\n",
                                   .end = "\n</tool_call>",
                                   .arguments_key = "arguments",
                                   .think_begin = "<think>",
                                   .think_end = "</think>"};
const ToolFormat kBareObject = {.name = "bare object",
                                .begin = "",
                                .separator = "; ",
                                .end = "",
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

std::string DescribeTools(const ToolFormat& format, const ToolSchemas& tools) {
  std::string text = "You can call these tools:\n<tools>\n";
  for (const Json& tool : tools) text += DumpJson(tool.at("function")) + "\n";
  text += Concat("</tools>\nTo call a tool, write only this:\n", format.begin,
                 "{\"name\": \"tool name\", \"", format.arguments_key,
                 "\": {\"argument\": \"value\"}}", format.end,
                 "\nWhen the result of the call is there, answer in one short sentence.");
  return text;
}

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
  std::vector<Part> calls;
  for (const Json& tool : request.tools) {
    const Json& function = tool.at("function");
    const std::string name = function.at("name").get<std::string>();
    auto arguments = builder.JsonSchema(function.at("parameters"), {.plain_integers = true});
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
    region.push_back(builder.Repeat(
        builder.Sequence({builder.Literal(format.separator), call}), 0, kMostCalls - 1));
  }
  region.push_back(builder.Literal(format.end));
  const Part all_calls = builder.Sequence(region);
  if (request.tool_choice == ToolChoice::kRequired) {
    if (!format.think_end.empty()) reply.push_back(builder.Repeat(builder.Literal("\n"), 0, 2));
    reply.push_back(all_calls);
  } else {
    const std::string trigger(format.begin.empty() ? "{\"name\": \"" : format.begin);
    reply.push_back(builder.TextUntil({trigger}));
    reply.push_back(builder.Optional(all_calls));
  }
  return std::move(builder).Build(builder.Sequence(reply));
}

}  // namespace hearth::serving
