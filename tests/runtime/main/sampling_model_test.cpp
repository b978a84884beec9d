#include "runtime/main/sampling_model.h"

#include <catch2/catch.hpp>

namespace hearth::main {
namespace {

using serving::Message;
using serving::Role;

// A host that answers samplings with what the test says.
class FakeRequest : public mcp::Request {
 public:
  mcp::Era era() const override { return mcp::Era::kLegacy; }
  std::string call_id() const override { return "call"; }
  const Json& client_capabilities() const override { return capabilities; }
  std::stop_token stop() const override { return {}; }
  void Progress(double, std::optional<double>, std::string_view) override {}
  void Log(mcp::LogSeverity, std::string_view, const Json&) override {}
  bool CanAsk(std::string_view) const override { return true; }
  bool WaitsForAnswers() const override { return true; }
  Result<std::vector<Json>> Ask(std::span<const mcp::Question> questions, bool) override {
    for (const auto& question : questions) asked.push_back(question);
    return std::vector<Json>{answer};
  }
  void Detach() override {}
  void Pause() override {}
  Error Fail(int, std::string message, Json) override {
    return MakeError(ErrorCode::kInternal, message);
  }

  Json capabilities = Json::object();
  Json answer;
  std::vector<mcp::Question> asked;
};

}  // namespace

TEST_CASE("a chat request becomes sampling parameters") {
  serving::ChatRequest request;
  request.max_tokens = 77;
  request.messages = {
      {.role = Role::kSystem, .content = "Be brief."},
      {.role = Role::kSystem, .content = "Be kind."},
      {.role = Role::kUser, .content = "Hi"},
      {.role = Role::kAssistant,
       .content = "",
       .calls = {{.id = "1", .name = "a", .arguments = {{"x", 1}}}, {.id = "2", .name = "b"}}},
      {.role = Role::kTool, .content = "one", .call_id = "1"},
      {.role = Role::kTool, .content = "two", .call_id = "2"}};
  request.tools = *ParseJson(
      R"([{"type":"function","function":{"name":"a","description":"d","parameters":{"type":"object"}}}])");
  const Json params = ToSamplingParams(request, true);
  CHECK(params["systemPrompt"] == "Be brief.\n\nBe kind.");
  CHECK(params["maxTokens"] == 77);
  REQUIRE(params["messages"].size() == 3);
  CHECK(params["messages"][1]["content"].size() == 2);
  CHECK(params["messages"][1]["content"][0]["type"] == "tool_use");
  CHECK(params["messages"][2]["content"].size() == 2);  // results stand in one message
  CHECK(params["messages"][2]["content"][1]["toolUseId"] == "2");
  CHECK(params["tools"][0]["inputSchema"]["type"] == "object");
  CHECK(params["toolChoice"]["mode"] == "auto");
  CHECK_FALSE(ToSamplingParams(request, false).contains("tools"));
}

TEST_CASE("a sampling result becomes a message") {
  const auto one = FromSamplingResult(*ParseJson(R"({"content":{"type":"text","text":"Hi"}})"));
  REQUIRE(one.ok());
  CHECK(one->content == "Hi");
  const auto calls = FromSamplingResult(*ParseJson(
      R"({"content":[{"type":"text","text":"So: "},{"type":"image"},
          {"type":"tool_use","id":"7","name":"a","input":{"x":1}},{"type":"tool_use","name":5}]})"));
  REQUIRE(calls.ok());
  CHECK(calls->content == "So: ");
  REQUIRE(calls->calls.size() == 1);
  CHECK(calls->calls[0].arguments["x"] == 1);
  CHECK_FALSE(FromSamplingResult(Json::object()).ok());
  CHECK(FromSamplingResult(*ParseJson(R"({"content":"text"})")).ok());
}

TEST_CASE("the host's model is asked, with tools only where it may use them") {
  FakeRequest host;
  host.answer = {{"content", {{"type", "text"}, {"text", "Hello"}}}};
  SamplingModel model(host);
  serving::ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = "Hi"}};
  request.tools = *ParseJson(
      R"([{"type":"function","function":{"name":"a","description":"d","parameters":{}}}])");
  std::string said;
  const auto conversation = model.StartConversation();
  const auto reply = conversation->Reply(
      request, [&](const serving::ChatDelta& delta) { said += delta.text; }, {});
  REQUIRE(reply.ok());
  CHECK(reply->message.content == "Hello");
  CHECK(said == "Hello");
  CHECK(host.asked.at(0).method == "sampling/createMessage");
  CHECK_FALSE(host.asked.at(0).params.contains("tools"));
  host.capabilities = *ParseJson(R"({"sampling":{"tools":{}}})");
  REQUIRE(conversation->Reply(request, [](const auto&) {}, {}).ok());
  CHECK(host.asked.at(1).params.contains("tools"));
  CHECK(host.asked.at(0).key != host.asked.at(1).key);
}

}  // namespace hearth::main
