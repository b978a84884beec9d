// What the API's requests become. What is refused, and by which field, is in tests/serve_test.py as
// clients see it; here are the meanings.
#include "runtime/http/openai/chat_request.h"

#include <catch2/catch.hpp>

namespace hearth::http::openai {
namespace {

ChatPlan Parse(const std::string& rest) {
  const auto body = ParseJson(R"({"model": "m", "messages": [{"role": "user", "content": "hi"}])" +
                              (rest.empty() ? "}" : ", " + rest + "}"));
  REQUIRE(body.ok());
  ChatPlan plan;
  const auto error = ParseChatRequest(*body, plan);
  INFO((error ? error->message : ""));
  REQUIRE_FALSE(error);
  return plan;
}

std::vector<serving::Message> Messages(const std::string& messages) {
  ChatPlan plan;
  const auto body = ParseJson(R"({"model": "m", "messages": )" + messages + "}");
  REQUIRE(body.ok());
  const auto error = ParseChatRequest(*body, plan);
  INFO((error ? error->message : ""));
  REQUIRE_FALSE(error);
  return plan.request.messages;
}

TEST_CASE("reasoning comes in under every name that clients send") {
  for (const char* message :
       {R"({"role": "assistant", "content": "b", "reasoning_content": "a"})",
        R"({"role": "assistant", "content": "b", "reasoning": "a"})",
        R"({"role": "assistant", "content": "<think>a</think>\n\nb"})",
        R"({"role": "assistant", "content": [{"type": "text", "text": "<think>a</think>b"}]})"}) {
    const auto messages = Messages(std::string("[") + message + "]");
    CHECK(messages[0].reasoning == "a");
    CHECK(messages[0].content == "b");
  }
  // In what a user says it is text.
  CHECK(Messages(R"([{"role": "user", "content": "<think>a</think>b"}])")[0].reasoning.empty());
}

TEST_CASE("calls and their results keep their ids and names") {
  const auto messages = Messages(R"([
    {"role": "developer", "content": "be brief"},
    {"role": "assistant", "content": null, "tool_calls": [
      {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
      {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "not JSON"}}]},
    {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}])");
  CHECK(messages[0].role == serving::Role::kSystem);
  REQUIRE(messages[1].calls.size() == 2);
  CHECK(messages[1].calls[0].arguments == Json{{"a", 1}});
  CHECK(messages[1].calls[1].arguments == "not JSON");
  CHECK(messages[2].call_id == "c2");
  CHECK(messages[2].name == "g");
  CHECK(messages[2].content == "xy");
}

TEST_CASE("tool_choice says whether and which tools may be called") {
  const std::string tools =
      R"("tools": [{"type": "function", "function": {"name": "f"}},
                   {"type": "function", "function": {"name": "g", "parameters": null}}])";
  using serving::ToolChoice;
  struct Case {
    std::string choice;
    ToolChoice wanted;
    std::vector<std::string> callable;
  };
  const Case cases[] = {
      {R"("auto")", ToolChoice::kAuto, {}},
      {"null", ToolChoice::kAuto, {}},
      {R"("none")", ToolChoice::kNone, {}},
      {R"("required")", ToolChoice::kRequired, {}},
      {R"({"type": "function", "function": {"name": "g"}})", ToolChoice::kRequired, {"g"}},
      {R"({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}})",
       ToolChoice::kAuto,
       {"f"}},
      {R"({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]})",
       ToolChoice::kRequired,
       {"f", "g"}},
  };
  for (const Case& c : cases) {
    const ChatPlan plan = Parse(tools + R"(, "tool_choice": )" + c.choice);
    CHECK(plan.request.tool_choice == c.wanted);
    CHECK(plan.request.callable == c.callable);
  }
  // A function without parameters takes no arguments.
  const ChatPlan plan = Parse(tools);
  const Json& parameters = plan.request.tools.at(0).at("function").at("parameters");
  CHECK(parameters["additionalProperties"] == false);
}

TEST_CASE("what bounds the reasoning, by the names of several servers") {
  struct Case {
    std::string fields;
    std::optional<uint32_t> budget;
    bool wish;
  };
  const Case cases[] = {
      {"", std::nullopt, false},
      {R"("thinking_budget": 50)", 50, false},
      {R"("thinking_budget_tokens": 0)", 0, false},
      {R"("thinking": {"type": "enabled", "budget_tokens": 70})", 70, false},
      {R"("thinking": {"type": "disabled"})", 0, false},
      {R"("reasoning": {"max_tokens": 80})", 80, false},
      {R"("reasoning": {"effort": "low"})", 1024, true},
      {R"("reasoning_effort": "low", "thinking_budget": 9)", 9, false},
      {R"("reasoning_effort": "none")", 0, false},
      {R"("reasoning_effort": "xhigh")", std::nullopt, false},
      {R"("enable_thinking": false)", 0, false},
      {R"("chat_template_kwargs": {"enable_thinking": false})", 0, false},
  };
  for (const Case& c : cases) {
    const ChatPlan plan = Parse(c.fields);
    INFO(c.fields);
    CHECK(plan.request.thinking_budget == c.budget);
    CHECK(plan.request.thinking_budget_is_wish == c.wish);
  }
  CHECK(Parse(R"("enable_thinking": false)").request.template_variables["enable_thinking"] ==
        false);
}

TEST_CASE("numbers arrive as they were sent, and null as nothing") {
  const ChatPlan plan = Parse(
      R"("temperature": 1.8, "top_p": null, "top_k": -1, "seed": -3, "n": 2, "logit_bias": {"7": -100},
         "max_tokens": null, "max_completion_tokens": 9, "stop": "x", "frequency_penalty": 0.5)");
  CHECK(plan.request.sampling.temperature == 1.8f);
  CHECK(plan.request.sampling.top_p == 1.0f);
  CHECK(plan.request.sampling.top_k == 0);
  CHECK(plan.request.sampling.frequency_penalty == 0.5f);
  CHECK(plan.request.sampling.logit_bias == std::vector<std::pair<TokenId, float>>{{7, -100.0f}});
  CHECK(plan.common.seed == static_cast<uint64_t>(-3));
  CHECK(plan.common.choices == 2);
  CHECK(plan.request.max_tokens == 9);
  CHECK(plan.request.stop == std::vector<std::string>{"x"});
  // Who names any of them gets nothing else; who names none leaves it to the server.
  CHECK(Parse(R"("temperature": 1)").request.sampling.top_k == 0);
  CHECK(Parse("").request.sampling.top_k > 0);
}

TEST_CASE("the samplers' fields arrive, windows of -1 as the longest") {
  const ChatPlan plan = Parse(R"("typical_p": 0.5, "xtc_probability": 0.25, "xtc_threshold": 0.2,
    "dry_multiplier": 0.75, "dry_base": 2, "dry_allowed_length": 3, "dry_penalty_last_n": -1,
    "dry_sequence_breakers": ["\n", "."], "repeat_last_n": 64, "priority": 5)");
  const model::SamplingParams& s = plan.request.sampling;
  CHECK(s.typical_p == 0.5f);
  CHECK(s.xtc_probability == 0.25f);
  CHECK(s.xtc_threshold == 0.2f);
  CHECK(s.dry_multiplier == 0.75f);
  CHECK(s.dry_base == 2);
  CHECK(s.dry_allowed_length == 3);
  CHECK(s.dry_window == 1 << 20);
  CHECK(s.penalty_window == 64);
  CHECK(plan.request.dry_breakers == std::vector<std::string>{"\n", "."});
  CHECK(plan.request.priority == -5);  // who has less comes first
  CHECK(s.Check().ok());
}

TEST_CASE("an adapter is one with a scale other than 0") {
  const ChatPlan plan =
      Parse(R"("lora": [{"id": 0, "scale": 0}, {"id": 2, "scale": 0.5}, {"id": 3, "scale": 0}])");
  CHECK(plan.request.adapter == size_t{2});
  CHECK(plan.request.adapter_scale == 0.5f);
  CHECK_FALSE(Parse("\"lora\": []").request.adapter);
  for (const char* wrong : {R"([{"id": 0}, {"id": 1}])", R"([{"scale": 1}])", "[1]", "7",
                            R"([{"id": -1}])", R"([{"id": 0, "scale": 1000}])"}) {
    ChatPlan refused;
    const auto body = ParseJson(Concat(
        R"({"model": "m", "messages": [{"role": "user", "content": "x"}], "lora": )", wrong, "}"));
    const auto error = ParseChatRequest(*body, refused);
    REQUIRE(error);
    CHECK(error->param.starts_with("lora"));
  }
}

TEST_CASE("prompts of completions: texts, tokens, and several of either") {
  const auto count = [](const std::string& prompt) {
    CompletionPlan plan;
    const auto error =
        ParseCompletionRequest(*ParseJson(R"({"model": "m", "prompt": )" + prompt + "}"), plan);
    return error ? size_t{0} : plan.prompts.size();
  };
  CHECK(count(R"("a")") == 1);
  CHECK(count(R"(["a", "b"])") == 2);
  CHECK(count("[1, 2, 3]") == 1);
  CHECK(count("[[1, 2], [3]]") == 2);
  CHECK(count(R"(["a", 1])") == 0);
  CHECK(count("[]") == 0);
  CHECK(count("[[]]") == 0);
}

}  // namespace
}  // namespace hearth::http::openai
