#include "runtime/main/user_servers.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/fakes/scripted_model.h"
#include "tests/memory/temp_directory.h"

namespace hearth::main {
namespace {

constexpr const char* kFake = HEARTH_SOURCE_DIR "/tests/fakes/mcp_server.py";

struct Home {
  explicit Home(const Json& servers) {
    paths = {.data = temp / "data", .config = temp / "config", .state = temp / "state"};
    std::filesystem::create_directories(paths.config);
    std::ofstream(paths.config / "mcp.json") << DumpJson({{"mcpServers", servers}});
  }
  TempDirectory temp;
  Paths paths;
};

Json Fake(const std::vector<std::string>& habits = {}) {
  Json arguments = Json::array({kFake});
  for (const std::string& habit : habits) arguments.push_back(habit);
  return {{"command", "python3"}, {"args", arguments}};
}

}  // namespace

TEST_CASE("servers give their tools, and one that fails takes no other with it") {
  Home home({{"one", Fake()},
             {"none", {{"command", "/no/such/program"}}},
             {"off", {{"command", "/no/such/program"}, {"disabled", true}}},
             {"plain", {{"url", "http://example.com/mcp"}}}});
  UserServers servers;
  REQUIRE(servers.Start(home.paths).ok());
  CHECK_FALSE(servers.empty());
  tools::Toolset toolset;
  REQUIRE(servers.AddTools(toolset).ok());
  CHECK(toolset.Find("one__add") != nullptr);
  CHECK_FALSE(servers.TakeToolsChanged());
  CHECK(std::filesystem::exists(home.paths.data / "mcp_pins.json"));
  servers.Close();
}

TEST_CASE("without mcp.json there are no servers, and a wrong one is an error") {
  TempDirectory temp;
  const Paths paths = {.data = temp / "d", .config = temp / "c", .state = temp / "s"};
  UserServers servers;
  CHECK(servers.Start(paths).ok());
  CHECK(servers.empty());
  tools::Toolset toolset;
  CHECK(servers.AddTools(toolset).ok());
  CHECK(toolset.empty());
  std::filesystem::create_directories(paths.config);
  std::ofstream(paths.config / "mcp.json") << "{";
  CHECK_FALSE(servers.Start(paths).ok());
}

TEST_CASE("sampling parameters become a chat request of text alone") {
  const auto request = FromSamplingParams(*ParseJson(
      R"({"systemPrompt":"S","maxTokens":100000,"messages":[
          {"role":"user","content":{"type":"text","text":"a"}},
          {"role":"assistant","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}]})"));
  REQUIRE(request.ok());
  REQUIRE(request->messages.size() == 3);
  CHECK(request->messages[0].role == serving::Role::kSystem);
  CHECK(request->messages[2].content == "bc");
  CHECK(request->max_tokens == 4096);
  CHECK(request->tool_choice == serving::ToolChoice::kNone);
  for (const char* text : {"{}", R"({"messages":[]})", R"({"messages":1})",
                           R"({"messages":[{"role":"user","content":{"type":"image"}}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(FromSamplingParams(*ParseJson(text)).ok());
  }
}

TEST_CASE("our model answers samplings once it is there") {
  LocalSampling sampling;
  const Json params =
      *ParseJson(R"({"messages":[{"role":"user","content":{"type":"text","text":"Hi"}}]})");
  CHECK_FALSE(sampling.CreateMessage("srv", params).ok());
  fakes::ScriptedModel model([](const serving::ChatRequest& request, int) {
    return fakes::ScriptedModel::Reply{.content = "You said " + request.messages[0].content};
  });
  sampling.SetModel(&model);
  const auto result = sampling.CreateMessage("srv", params);
  REQUIRE(result.ok());
  CHECK((*result)["content"]["text"] == "You said Hi");
  CHECK((*result)["stopReason"] == "endTurn");
  CHECK((*result)["model"] == "scripted");
  CHECK_FALSE(sampling.CreateMessage("srv", Json::object()).ok());
}

TEST_CASE("where there is no terminal, questions are declined and calls not allowed") {
  // Tests have none on their standard input.
  TerminalElicitation elicitation;
  const Json params =
      *ParseJson(R"({"message":"?","requestedSchema":{"properties":{"a":{"type":"string"}}}})");
  if (::isatty(0) == 0) {
    CHECK(elicitation.Elicit("srv", params)["action"] == "decline");
    CHECK_FALSE(ConfirmOnTerminal("srv__tool", Json::object()));
  }
}

}  // namespace hearth::main
