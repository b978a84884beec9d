#include "tools/toolset.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "runtime/base/log.h"

namespace hearth::tools {
namespace {

Tool Echo(const std::string& name = "echo") {
  Tool tool;
  tool.name = name;
  tool.description = "Says it again.";
  tool.parameters = *ParseJson(
      R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]})");
  tool.handler = [](const ToolCall& call) -> Result<ToolResult> {
    ToolResult result;
    result.text = call.arguments["text"].get<std::string>() + " in " + call.context.repository;
    return result;
  };
  return tool;
}

TEST_CASE("a call reaches its handler with checked arguments and its context") {
  const FakeClock clock;
  Toolset toolset;
  REQUIRE(toolset.Add(Echo()).ok());
  const ToolContext context{.clock = clock, .repository = "work"};
  const ToolResult result = toolset.Call("echo", Json{{"text", "hi"}}, context);
  CHECK_FALSE(result.is_error);
  CHECK(result.text == "hi in work");

  const ToolResult wrong = toolset.Call("echo", Json{{"text", 1}}, context);
  CHECK(wrong.is_error);
  CHECK(wrong.text == "argument 'text' must be a string, not 1");
  const ToolResult absent = toolset.Call("ecko\n", Json::object(), context);
  CHECK(absent.is_error);
  CHECK(absent.text == "there is no tool 'ecko '; the tools are echo");
  CHECK(Toolset().Check("x", Json::object()).error().message ==
        "there is no tool 'x'; there are none");
}

TEST_CASE("a handler that fails is contained in its call") {
  SetLogLevel(LogLevel::kOff);
  const FakeClock clock;
  const ToolContext context{.clock = clock};
  Toolset toolset;
  Tool failing = Echo("failing");
  failing.handler = [](const ToolCall&) -> Result<ToolResult> {
    return MakeError(ErrorCode::kNotFound, "no such page; try another");
  };
  Tool throwing = Echo("throwing");
  throwing.handler = [](const ToolCall&) -> Result<ToolResult> {
    throw std::runtime_error("secret");
  };
  REQUIRE(toolset.Add(failing).ok());
  REQUIRE(toolset.Add(throwing).ok());
  const Json arguments = {{"text", "x"}};
  CHECK(toolset.Call("failing", arguments, context).text == "no such page; try another");
  const ToolResult thrown = toolset.Call("throwing", arguments, context);
  CHECK(thrown.is_error);
  CHECK(thrown.text.find("throwing failed inside") != std::string::npos);
  CHECK(thrown.text.find("secret") == std::string::npos);
  SetLogLevel(LogLevel::kInfo);
}

TEST_CASE("a cancelled call does not start") {
  const FakeClock clock;
  std::stop_source stop;
  Toolset toolset;
  REQUIRE(toolset.Add(Echo()).ok());
  const ToolContext context{.clock = clock, .stop = stop.get_token()};
  CHECK_FALSE(toolset.Call("echo", Json{{"text", "x"}}, context).is_error);
  stop.request_stop();
  CHECK(toolset.Call("echo", Json{{"text", "x"}}, context).text == "the call was cancelled");
}

TEST_CASE("tools that could not be served are refused when they are added") {
  Toolset toolset;
  REQUIRE(toolset.Add(Echo()).ok());
  const auto reason = [&](const Tool& tool) {
    const Status status = toolset.Add(tool);
    return status.ok() ? "" : status.error().message;
  };
  CHECK(reason(Echo()) == "tool 'echo': there is another tool of that name");
  CHECK(reason(Echo("a b")).find("a name has") != std::string::npos);
  CHECK(reason(Echo("")).find("a name has") != std::string::npos);
  CHECK(reason(Echo(std::string(65, 'a'))).find("a name has") != std::string::npos);
  Tool tool = Echo("other");
  tool.handler = nullptr;
  CHECK(reason(tool).find("no handler") != std::string::npos);
  tool = Echo("other");
  tool.parameters = Json{{"type", "string"}};
  CHECK(reason(tool).find("must be \"object\"") != std::string::npos);
  tool.parameters = Json();
  CHECK(reason(tool).find("must be \"object\"") != std::string::npos);
  tool.parameters = *ParseJson(R"({"type":"object","properties":{"x":{"oneOf":[]}}})");
  CHECK(reason(tool) ==
        "tool 'other': schema at #/properties/x/oneOf: this keyword is not checked; say it in the "
        "description instead");
  CHECK(toolset.size() == 1);
}

TEST_CASE("tools are listed in the order of their coming") {
  Toolset toolset;
  for (const char* name : {"zeta", "alpha", "m.n-o_p"}) REQUIRE(toolset.Add(Echo(name)).ok());
  std::string names;
  toolset.ForEach([&](const Tool& tool) { names += tool.name + " "; });
  CHECK(names == "zeta alpha m.n-o_p ");
  CHECK(toolset.Find("alpha")->description == "Says it again.");
  CHECK(toolset.Find("beta") == nullptr);
  const Json functions = toolset.ToFunctionsJson();
  REQUIRE(functions.size() == 3);
  CHECK(
      DumpJson(functions[0]) ==
      R"({"type":"function","function":{"name":"zeta","description":"Says it again.","parameters":)"
      R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}})");
}

}  // namespace
}  // namespace hearth::tools
