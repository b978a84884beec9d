#include "runtime/serving/tool_format.h"

#include <catch2/catch.hpp>

#include "grammars/matcher.h"
#include "tests/runtime/serving/chat_samples.h"

namespace hearth::serving {
namespace {

// True where the whole text is a reply that the request allows.
bool Allows(const ToolFormat& format, const ChatRequest& request, std::string_view text,
            bool thinking = false) {
  const auto grammar = CompileReply(format, request, thinking);
  if (!grammar.ok()) FAIL(grammar.error().message);
  grammar::Matcher matcher(*grammar, nullptr);
  return matcher.AcceptBytes(text) && matcher.CanEnd();
}

const std::string kMilk = R"({"title": "Buy milk"})";

std::string Call(const ToolFormat& format, const std::string& name, const std::string& arguments) {
  return format.CallHead(name) + arguments + "}";
}
std::string Region(const ToolFormat& format, const std::vector<std::string>& calls) {
  std::string text(format.begin);
  for (size_t i = 0; i < calls.size(); ++i)
    text += (i == 0 ? "" : std::string(format.separator)) + calls[i];
  return text + std::string(format.end);
}

constexpr const ToolFormat* kFormats[] = {&kTaggedArray, &kTaggedObjects, &kBareObject};

TEST_CASE("calls of known tools with arguments of their schema are replies") {
  struct Case {
    std::string name, arguments;
    bool allowed;
  };
  const Case cases[] = {
      {"create_task", kMilk, true},
      {"create_task", R"({"title": "a \"quoted\" } 日本", "priority": "high", "count": 12})", true},
      {"list_tasks", "{}", true},
      {"create_task", "{}", false},                                       // title is required
      {"create_task", R"({"title": ""})", false},                         // too short
      {"create_task", R"({"title": "x", "priority": "urgent"})", false},  // no such value
      {"create_task", R"({"title": "x", "count": 0})", false},            // below the minimum
      {"create_task", R"({"title": "x", "count": 1.5})", false},          // no integer
      {"create_task", R"({"title": "x", "count": 1e2})", false},          // not a plain one
      {"create_task", R"({"title": "x", "colour": 1})", false},           // no such argument
      {"create_task", R"({"title": "x")", false},                         // not closed
      {"create_task", R"("x")", false},
      {"drop_tables", "{}", false},  // no such tool
      {"create_task ", kMilk, false},
      {"list_tasks", R"({"title": "x"})", false},  // another tool's arguments
  };
  for (const ToolFormat* format : kFormats) {
    for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired}) {
      const ChatRequest request = SampleRequest(choice);
      for (const Case& c : cases) {
        CAPTURE(format->name, c.name, c.arguments);
        const std::string call = Call(*format, c.name, c.arguments);
        CHECK(Allows(*format, request, Region(*format, {call})) == c.allowed);
        CHECK(Allows(*format, request,
                     Region(*format, {Call(*format, "list_tasks", "{}"), call})) == c.allowed);
      }
    }
  }
}

TEST_CASE("what the parser calls a call is what the model's own writing looks like") {
  for (const ToolFormat* format : kFormats) {
    const std::vector<ToolCall> calls = {{"", "create_task", {{"title", "x"}}}, {"", "list_tasks"}};
    CHECK(Allows(*format, SampleRequest(), WriteCalls(*format, calls)));
    CHECK(WriteCalls(*format, {calls[1]}) == Region(*format, {Call(*format, "list_tasks", "{}")}));
  }
}

TEST_CASE("free text stands where the request and the format let it") {
  const std::string call = "CALL";
  struct Case {
    const ToolFormat& format;
    ToolChoice choice;
    std::string text;  // CALL stands for one call with its markers
    bool allowed;
  };
  const ToolChoice kAuto = ToolChoice::kAuto;
  const ToolChoice kNone = ToolChoice::kNone;
  const ToolChoice kRequired = ToolChoice::kRequired;
  const Case cases[] = {
      {kTaggedObjects, kAuto, "Just text, 日本.", true},
      {kTaggedObjects, kAuto, "", true},
      {kTaggedObjects, kAuto, "Let me see. CALL", true},
      {kTaggedObjects, kAuto, "CALL and more", false},
      {kTaggedObjects, kAuto, "The <tool_call> tag", true},
      {kTaggedObjects, kAuto, "The <tool_call>\ntag", false},  // the trigger begins a call
      {kTaggedObjects, kAuto, "<tool_call>\n\n</tool_call>", false},
      {kTaggedObjects, kNone, "Just text", true},
      {kTaggedObjects, kNone, "CALL", false},
      {kTaggedObjects, kRequired, "CALL", true},
      {kTaggedObjects, kRequired, "Let me see. CALL", false},
      {kTaggedObjects, kRequired, "Just text", false},
      {kTaggedObjects, kAuto, "<think>a <tool_call>\n b</think>\n\nCALL", true},
      {kTaggedObjects, kRequired, "<think>a</think>\n\nCALL", true},
      {kTaggedObjects, kNone, "<think>a</think>b", true},
      // The decision comes first.
      {kTaggedArray, kAuto, "CALL", true},
      {kTaggedArray, kAuto, "<tool_call>[]</tool_call>Hello", true},
      {kTaggedArray, kAuto, "<tool_call>[]</tool_call>", true},
      {kTaggedArray, kAuto, "Hello", false},
      {kTaggedArray, kAuto, "CALLHello", false},
      {kTaggedArray, kAuto, "<tool_call>[]</tool_call>CALL", false},
      {kTaggedArray, kRequired, "<tool_call>[]</tool_call>Hello", false},
      {kTaggedArray, kRequired, "CALL", true},
      {kTaggedArray, kNone, "Hello", true},
      {kTaggedArray, kNone, "<tool_call>[]</tool_call>Hello", false},
      {kBareObject, kAuto, "Hello {}", true},
      {kBareObject, kAuto, "{\"name\": 5}", true},
      {kBareObject, kAuto, "{\"name\": \"x\"}", false},
      {kBareObject, kAuto, "CALL", true},
      {kBareObject, kAuto, "CALL.", false},
      {kBareObject, kRequired, "Hello", false},
      {kBareObject, kNone, "CALL", false},
  };
  for (const Case& c : cases) {
    std::string text = c.text;
    if (const size_t at = text.find(call); at != std::string::npos) {
      text.replace(at, call.size(), Region(c.format, {Call(c.format, "create_task", kMilk)}));
    }
    CAPTURE(c.format.name, static_cast<int>(c.choice), text);
    CHECK(Allows(c.format, SampleRequest(c.choice), text) == c.allowed);
  }
}

TEST_CASE("a prompt that leaves thinking open is gone on with") {
  const ChatRequest request = SampleRequest();
  CHECK(Allows(kTaggedObjects, request, "so it is</think>Hello", true));
  CHECK(Allows(kTaggedObjects, request,
               "so</think>" + Region(kTaggedObjects, {Call(kTaggedObjects, "list_tasks", "{}")}),
               true));
  CHECK_FALSE(Allows(kTaggedObjects, request, "no end of it", true));
}

TEST_CASE("one call at a time, and never more than sixteen") {
  for (const ToolFormat* format : kFormats) {
    const std::string one = Call(*format, "list_tasks", "{}");
    ChatRequest request = SampleRequest();
    CHECK(Allows(*format, request, Region(*format, std::vector(16, one))));
    CHECK_FALSE(Allows(*format, request, Region(*format, std::vector(17, one))));
    request.parallel_calls = false;
    CHECK(Allows(*format, request, Region(*format, {one})));
    CHECK_FALSE(Allows(*format, request, Region(*format, {one, one})));
  }
}

TEST_CASE("a response schema makes the reply one document") {
  for (const ToolFormat* format : kFormats) {
    ChatRequest request = SampleRequest();
    request.response_schema = *ParseJson(
        R"({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}})");
    CHECK(Allows(*format, request, R"({"n": 3})"));
    CHECK_FALSE(Allows(*format, request, R"({"n": "3"})"));
    CHECK_FALSE(Allows(*format, request, R"(Here: {"n": 3})"));
    CHECK_FALSE(Allows(*format, request, Region(*format, {Call(*format, "list_tasks", "{}")})));
  }
}

TEST_CASE("a tool whose arguments cannot be held to its schema is refused by name") {
  struct Case {
    std::string parameters, word;
  };
  const Case cases[] = {
      {R"({"type": "array"})", "object"},  // arguments have names
      {R"({"type": "object", "properties": {"a": {"type": "oddity"}}})", "type"},
  };
  for (const Case& c : cases) {
    ChatRequest request = SampleRequest();
    request.tools[1]["function"]["parameters"] = *ParseJson(c.parameters);
    const auto grammar = CompileReply(kTaggedArray, request, false);
    CAPTURE(c.parameters);
    REQUIRE_FALSE(grammar.ok());
    CHECK_THAT(grammar.error().message, Catch::Contains("list_tasks") && Catch::Contains(c.word));
  }
  // A schema that does not say so means an object all the same.
  ChatRequest request = SampleRequest();
  request.tools[1]["function"]["parameters"] = Json::object();
  CHECK(Allows(kTaggedArray, request,
               Region(kTaggedArray, {Call(kTaggedArray, "list_tasks", "{}")})));
  CHECK_FALSE(
      Allows(kTaggedArray, request, Region(kTaggedArray, {Call(kTaggedArray, "list_tasks", "5")})));
}

TEST_CASE("a tool without parameters or description takes an empty object") {
  ChatRequest request = SampleRequest();
  request.tools = Json::parse(R"([{"type": "function", "function": {"name": "ping"}}])");
  CHECK(Allows(kTaggedArray, request, Region(kTaggedArray, {Call(kTaggedArray, "ping", "{}")})));
  CHECK_FALSE(Allows(kTaggedArray, request,
                     Region(kTaggedArray, {Call(kTaggedArray, "ping", "{\"a\": 1}")})));
  CHECK_THAT(DescribeTools(request.tools), Catch::Contains("- ping()\n"));
}

TEST_CASE("the format is found in the template's own words") {
  CHECK(&FindToolFormat("{{ '<tool_call>' }}", true) == &kTaggedObjects);
  CHECK(&FindToolFormat("{{ '<tool_call>' }}", false) == &kTaggedArray);
  CHECK(&FindToolFormat("{{ '<|python_tag|>' }}", true) == &kBareObject);
  CHECK(&FindToolFormat("{{ tools }}", true) == &kTaggedArray);
}

TEST_CASE("tools are described in a line each") {
  const std::string text = DescribeTools(SampleTools());
  CHECK_THAT(text, Catch::Contains("- create_task(title, priority, count): Adds a task.\n"));
  CHECK_THAT(text, Catch::Contains("- list_tasks(): Shows the tasks.\n"));
}

}  // namespace
}  // namespace hearth::serving
