// The server that conformance suites test: their fixture tools, resources and prompts, and an echo
// for benchmarks, on the same library as `hearth mcp`. Never part of the shipped program.
#pragma once

#include <string>
#include <vector>

#include "mcp/server.h"

namespace hearth::mcp::fixture {

class FixtureResources : public ResourceProvider {
 public:
  std::vector<Json> List() override;
  std::vector<Json> Templates() override;
  Result<Json> Read(std::string_view uri, Request& request) override;
  std::vector<std::string> Complete(std::string_view uri_template, std::string_view variable,
                                    std::string_view value) override;
};

class FixturePrompts : public PromptProvider {
 public:
  std::vector<Json> List() override;
  Result<Json> Get(std::string_view name, const Json& arguments, Request& request) override;
  std::vector<std::string> Complete(std::string_view name, std::string_view argument,
                                    std::string_view value, const Json& context) override;
};

ServerInfo Info();
// Adds the tools of every suite; the server must outlive them.
Status AddTools(Server& server);
Status AddContentTools(Server& server);
Status AddAskingTools(Server& server);
Status AddTaskTools(Server& server);

// ---- Parts that the fixtures share ----

extern const char* const kImage;  // a PNG of one pixel, base64
extern const char* const kAudio;  // an empty WAV, base64

Json Text(const std::string& text);
Json Object(Json properties, Json required = Json::array());
// {"message", "requestedSchema"} of an elicitation.
Json Form(const std::string& message, Json properties, Json required);
Question Elicit(const std::string& key, const std::string& message, Json properties, Json required);
Question Sample(const std::string& key, const std::string& prompt, int max_tokens);
Question Roots(const std::string& key);
ServerTool Make(const std::string& name, const std::string& description, ServerTool::Run run,
                std::function<Result<ToolReply>(const Json&, Request&)> handler);
ToolReply Say(std::string text);

}  // namespace hearth::mcp::fixture
