// Tools that return content of every kind, log, report progress, or change the lists.
#include <chrono>
#include <thread>

#include "tests/conformance/fixture.h"

namespace hearth::mcp::fixture {
namespace {

using Run = ServerTool::Run;

void Pause() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

ToolReply Show(Json content) {
  ToolReply reply;
  reply.content = std::move(content);
  return reply;
}

Json Embedded(const char* uri, const char* type, const char* text) {
  return {{"type", "resource"}, {"resource", {{"uri", uri}, {"mimeType", type}, {"text", text}}}};
}

ServerTool EchoTool() {
  auto tool = Make("echo", "Echo text", Run::kInline, [](const Json& arguments, Request&) {
    return Say("Echo: " + FindMember(arguments, "message")->get_ref<const std::string&>());
  });
  tool.input =
      Object({{"message", {{"type", "string"}, {"description", "text to echo"}}}}, {"message"});
  tool.read_only = true;
  return tool;
}

ServerTool SchemaTool() {
  auto tool =
      Make("json_schema_2020_12_tool", "A tool whose schema uses much of the dialect", Run::kInline,
           [](const Json& arguments, Request&) { return Say("given: " + DumpJson(arguments)); });
  tool.checks_itself = true;
  const Json text = {{"type", "string"}};
  const Json address = {{"$anchor", "addressDef"},
                        {"type", "object"},
                        {"properties", {{"street", text}, {"city", text}}}};
  const auto required = [](const char* name) { return Json{{"required", Json::array({name})}}; };
  tool.input = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"type", "object"},
      {"$defs", {{"address", address}}},
      {"properties",
       {{"name", text},
        {"address", {{"$ref", "#/$defs/address"}}},
        {"contactMethod", {{"type", "string"}, {"enum", {"phone", "email"}}}},
        {"phone", text},
        {"email", text}}},
      {"allOf", Json::array({{{"anyOf", Json::array({required("phone"), required("email")})}}})},
      {"if",
       {{"properties", {{"contactMethod", {{"const", "phone"}}}}},
        {"required", Json::array({"contactMethod"})}}},
      {"then", required("phone")},
      {"else", required("email")},
      {"additionalProperties", false}};
  return tool;
}

ServerTool HeaderTool() {
  auto tool = Make("test_x_mcp_header", "A tool with an argument that stands in a header too",
                   Run::kInline, [](const Json& arguments, Request&) {
                     const Json* region = FindMember(arguments, "region");
                     return Say("region: " + (region == nullptr ? "none" : DumpJson(*region)));
                   });
  tool.checks_itself = true;
  tool.input = Object({{"region", {{"type", "string"}, {"x-mcp-header", "Region"}}}});
  return tool;
}

Result<ToolReply> LogThreeTimes(const Json&, Request& request) {
  request.Log(LogSeverity::kInfo, "fixture", "Tool execution started");
  Pause();
  request.Log(LogSeverity::kInfo, "fixture", "Tool processing data");
  Pause();
  request.Log(LogSeverity::kInfo, "fixture", "Tool execution completed");
  return Say("Logged three times.");
}

Result<ToolReply> ReportProgress(const Json&, Request& request) {
  request.Progress(0, 100, "");
  Pause();
  request.Progress(50, 100, "");
  Pause();
  request.Progress(100, 100, "");
  return Say("Progress was reported.");
}

// Lets go of the connection before the result, which the client gets when it comes back.
Result<ToolReply> Reconnect(const Json&, Request& request) {
  request.Pause();
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  return Say("Reconnection test completed successfully. The result came after the break.");
}

}  // namespace

Status AddContentTools(Server& server) {
  const Json image = {{"type", "image"}, {"data", kImage}, {"mimeType", "image/png"}};
  const Json audio = {{"type", "audio"}, {"data", kAudio}, {"mimeType", "audio/wav"}};
  const auto show = [](Json content) {
    return [content = std::move(content)](const Json&, Request&) -> Result<ToolReply> {
      return Show(content);
    };
  };
  for (ServerTool& tool : std::vector<ServerTool>{
           EchoTool(),
           Make("test_simple_text", "Returns text", Run::kInline,
                [](const Json&, Request&) {
                  return Say("This is a simple text response for testing.");
                }),
           Make("test_image_content", "Returns an image", Run::kInline, show(Json::array({image}))),
           Make("test_audio_content", "Returns a sound", Run::kInline, show(Json::array({audio}))),
           Make("test_embedded_resource", "Returns a resource", Run::kInline,
                show(Json::array({Embedded("test://embedded-resource", "text/plain",
                                           "This is an embedded resource content.")}))),
           Make("test_multiple_content_types", "Returns content of three kinds", Run::kInline,
                show({Text("Multiple content types test:"), image,
                      Embedded("test://mixed-content-resource", "application/json",
                               R"({"test":"data","value":123})")})),
           Make("test_tool_with_logging", "Logs three times", Run::kWorker, LogThreeTimes),
           Make("test_logging_tool", "Logs three times", Run::kWorker, LogThreeTimes),
           Make("test_tool_with_progress", "Reports progress", Run::kWorker, ReportProgress),
           Make("test_error_handling", "Fails", Run::kInline,
                [](const Json&, Request&) {
                  return ToolReply::Failure("This tool intentionally returns an error for testing");
                }),
           Make("test_reconnection", "Lets go of the connection before the result", Run::kWorker,
                Reconnect),
           Make("test_trigger_tool_change", "Changes the list of tools", Run::kInline,
                [&server](const Json&, Request&) {
                  server.ToolsChanged();
                  return Say("The list of tools has changed.");
                }),
           Make("test_trigger_prompt_change", "Changes the list of prompts", Run::kInline,
                [&server](const Json&, Request&) {
                  server.PromptsChanged();
                  return Say("The list of prompts has changed.");
                }),
           SchemaTool(), HeaderTool()}) {
    HEARTH_CHECK_OK(server.AddTool(std::move(tool)));
  }
  return {};
}

}  // namespace hearth::mcp::fixture
