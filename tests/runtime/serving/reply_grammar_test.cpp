#include "runtime/serving/reply_grammar.h"

#include <catch2/catch.hpp>

#include "runtime/serving/call_writer.h"
#include "runtime/serving/grammar_constraint.h"
#include "tests/runtime/serving/chat_samples.h"
#include "tests/runtime/serving/control_tokens.h"
#include "tests/runtime/serving/written_calls.h"

namespace hearth::serving {
namespace {

// True where the whole text is a reply that the request allows.
bool Allows(const ChatFormat& format, const ChatRequest& request, std::string_view text,
            bool thinking = false) {
  const auto grammar = CompileReply(format, request, thinking);
  if (!grammar.ok()) FAIL(grammar.error().message);
  return GrammarAllows(*grammar, text);
}

const std::string kMilk = R"({"title": "Buy milk"})";

const ChatFormat& Array() { return GenericFormat(); }
const ChatFormat& Tagged() { return *FindFormat("hermes"); }
const ChatFormat& Bare() { return *FindFormat("llama3"); }

std::string Call(const ChatFormat& format, const std::string& name, const std::string& arguments) {
  const auto& pieces = format.regions[0].call;
  return pieces[0].text + name + pieces[2].text + arguments + pieces[4].text;
}
std::string Region(const ChatFormat& format, const std::vector<std::string>& calls) {
  const ChatFormat::Region& region = format.regions[0];
  std::string text = region.begin;
  for (size_t i = 0; i < calls.size(); ++i) {
    text += (i == 0 ? "" : region.is_list() ? region.separator : region.between) + calls[i];
  }
  return text + region.end;
}

// One with a list, one with a tag around each call, one without any marker.
const ChatFormat* const kFormats[] = {&Array(), &Tagged(), &Bare()};

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
      {"create_task", R"({"title":"x"})", false},                         // no blank
      {"create_task", R"("x")", false},
      {"drop_tables", "{}", false},  // no such tool
      {"create_task ", kMilk, false},
      {"list_tasks", R"({"title": "x"})", false},  // another tool's arguments
  };
  for (const ChatFormat* format : kFormats) {
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
  for (const ChatFormat* format : kFormats) {
    const std::vector<ToolCall> calls = {{"", "create_task", {{"title", "x"}}}, {"", "list_tasks"}};
    CHECK(Allows(*format, SampleRequest(), WriteCalls(*format, calls)));
    CHECK(WriteCalls(*format, {calls[1]}) == Region(*format, {Call(*format, "list_tasks", "{}")}));
  }
}

TEST_CASE("free text stands where the request and the format let it") {
  const std::string call = "CALL";
  struct Case {
    const ChatFormat& format;
    ToolChoice choice;
    std::string text;  // CALL stands for one call with its markers
    bool allowed;
  };
  const ToolChoice kAuto = ToolChoice::kAuto;
  const ToolChoice kNone = ToolChoice::kNone;
  const ToolChoice kRequired = ToolChoice::kRequired;
  const Case cases[] = {
      {Tagged(), kAuto, "Just text, 日本.", true},
      {Tagged(), kAuto, "", true},
      {Tagged(), kAuto, "Let me see. CALL", true},
      {Tagged(), kAuto, "CALL and more", false},
      {Tagged(), kAuto, "The <tool_call> tag", true},
      {Tagged(), kAuto, "The <tool_call>\n{tag", false},       // the trigger begins a call
      {Tagged(), kAuto, "<tool_call>\n\n</tool_call>", true},  // and this does not
      {Tagged(), kAuto, "<tool_call>{\"name\": \"list_tasks\", \"arguments\": {}}\n</tool_call>",
       true},
      {Tagged(), kAuto, "<tool_call>{\"name\": \"no_tool\"", false},
      {Tagged(), kNone, "Just text", true},
      {Tagged(), kNone, "CALL", false},
      {Tagged(), kRequired, "CALL", true},
      {Tagged(), kRequired, "Let me see. CALL", false},
      {Tagged(), kRequired, "Just text", false},
      {Tagged(), kAuto, "<think>a <tool_call>\n b</think>\n\nCALL", true},
      {Tagged(), kRequired, "<think>a</think>\n\nCALL", true},
      {Tagged(), kNone, "<think>a</think>b", true},
      // The decision comes first.
      {Array(), kAuto, "CALL", true},
      {Array(), kAuto, "<tool_call>[]</tool_call>Hello", true},
      {Array(), kAuto, "<tool_call>[]</tool_call>", true},
      {Array(), kAuto, "Hello", false},
      {Array(), kAuto, "CALLHello", false},
      {Array(), kAuto, "<tool_call>[]</tool_call>CALL", false},
      {Array(), kRequired, "<tool_call>[]</tool_call>Hello", false},
      {Array(), kRequired, "CALL", true},
      {Array(), kNone, "Hello", true},
      {Array(), kNone, "<tool_call>[]</tool_call>Hello", false},
      {Bare(), kAuto, "Hello {}", true},
      {Bare(), kAuto, "{\"name\": 5}", true},
      {Bare(), kAuto, "{\"name\": \"x\"}", false},
      {Bare(), kAuto, "CALL", true},
      {Bare(), kAuto, "CALL.", false},
      {Bare(), kRequired, "Hello", false},
      {Bare(), kNone, "CALL", false},
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
  CHECK(Allows(Tagged(), request, "so it is</think>Hello", true));
  CHECK(Allows(Tagged(), request,
               "so</think>" + Region(Tagged(), {Call(Tagged(), "list_tasks", "{}")}), true));
  CHECK_FALSE(Allows(Tagged(), request, "no end of it", true));
}

TEST_CASE("a call by token may end open reasoning, and stands nowhere else in it") {
  const auto tokenizer = TokenizerWith(kKimiTokens);
  const auto vocabulary = *MakeVocabulary(*tokenizer, tokenizer->size());
  const ChatFormat bound = FindFormat("kimi_k2")->Bind(*tokenizer);
  const auto allows = [&](const std::string& text, ToolChoice choice, bool thinking) {
    const auto grammar = CompileReply(bound, SampleRequest(choice), thinking);
    REQUIRE(grammar.ok());
    GrammarConstraint constraint(*grammar, vocabulary, tokenizer);
    for (const TokenId id : tokenizer->Encode(text, {.parse_special = true})) {
      if (!constraint.Accept(id)) return false;
    }
    return constraint.CanEnd();
  };
  const std::string call = WriteCalls(bound, {{"", "list_tasks", Json::object()}});
  for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired}) {
    CHECK(allows("so" + call, choice, true));
    CHECK(allows("so</think>" + call, choice, true));
    CHECK(allows("<think>so" + call, choice, false));
    CHECK_FALSE(allows("so" + call + "</think>", choice, true));
    CHECK_FALSE(allows("so<|tool_call_end|>" + call, choice, true));
    CHECK_FALSE(allows("so", choice, true));
  }
  CHECK_FALSE(allows("so" + call, ToolChoice::kNone, true));
  CHECK(allows("so</think>well", ToolChoice::kAuto, true));
}

TEST_CASE("a tool keeps its name in every writing, or is refused by that name") {
  for (const ChatFormat& format : BuiltinFormats()) {
    for (const char* name : {"get_weather", "a.b/c-d_1", "größe", "my tool", "f(x)", "say \"hi\"",
                             "a:0", "x{y", "n>", "two\nrows"}) {
      ChatRequest request = SampleRequest(ToolChoice::kRequired);
      request.tools[1]["function"]["name"] = name;
      const auto grammar = CompileReply(format, request, false);
      CAPTURE(format.name, name);
      if (!format.regions[0].CanHoldName(name)) {
        REQUIRE_FALSE(grammar.ok());
        CHECK_THAT(grammar.error().message,
                   Catch::Contains(DumpJson(Json(name))) && Catch::Contains(format.name));
        continue;
      }
      if (!grammar.ok()) FAIL(grammar.error().message);
      const std::string text = WriteCalls(format, {{"", name, Json::object()}});
      CHECK(GrammarAllows(*grammar, text));
      const Message message = ReadReply(format, request.tools, text);
      REQUIRE(message.calls.size() == 1);
      CHECK(message.calls[0].name == name);
    }
  }
}

TEST_CASE("one call at a time, and never more than sixteen") {
  for (const ChatFormat* format : kFormats) {
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
  for (const ChatFormat* format : kFormats) {
    ChatRequest request = SampleRequest();
    request.response_schema = *ParseJson(
        R"({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}})");
    request.tool_choice = ToolChoice::kNone;
    CHECK(Allows(*format, request, R"({"n": 3})"));
    CHECK_FALSE(Allows(*format, request, R"({"n": "3"})"));
    CHECK_FALSE(Allows(*format, request, R"(Here: {"n": 3})"));
    CHECK_FALSE(Allows(*format, request, Region(*format, {Call(*format, "list_tasks", "{}")})));
  }
}

TEST_CASE("with tools and a response schema the reply is calls or the document") {
  for (const ChatFormat* format : kFormats) {
    ChatRequest request = SampleRequest();
    request.response_schema = *ParseJson(
        R"({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}})");
    const ChatFormat& used = FormatOfReply(*format, request);
    CHECK(used.regions[0].Opening().starts_with("<tool_call>"));
    const std::string none = used.decides_first ? WriteCalls(used, {}) : "";
    CHECK(Allows(used, request, none + R"({"n": 3})"));
    CHECK(Allows(used, request, Region(used, {Call(used, "list_tasks", "{}")})));
    CHECK_FALSE(Allows(used, request, none + "Sure."));
    request.tool_choice = ToolChoice::kRequired;
    CHECK_FALSE(Allows(used, request, none + R"({"n": 3})"));
    CHECK(Allows(used, request, Region(used, {Call(used, "list_tasks", "{}")})));
  }
}

TEST_CASE("only the tools that may be called are") {
  for (const ChatFormat* format : kFormats) {
    ChatRequest request = SampleRequest();
    request.tool_choice = ToolChoice::kRequired;
    request.callable = {"list_tasks"};
    CHECK(Allows(*format, request, Region(*format, {Call(*format, "list_tasks", "{}")})));
    request.callable = {"create_task"};
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
    const auto grammar = CompileReply(Array(), request, false);
    CAPTURE(c.parameters);
    REQUIRE_FALSE(grammar.ok());
    CHECK_THAT(grammar.error().message, Catch::Contains("list_tasks") && Catch::Contains(c.word));
  }
  // A schema that does not say so means an object all the same.
  ChatRequest request = SampleRequest();
  request.tools[1]["function"]["parameters"] = Json::object();
  CHECK(Allows(Array(), request, Region(Array(), {Call(Array(), "list_tasks", "{}")})));
  CHECK_FALSE(Allows(Array(), request, Region(Array(), {Call(Array(), "list_tasks", "5")})));
}

TEST_CASE("a tool without parameters or description takes an empty object") {
  ChatRequest request = SampleRequest();
  request.tools = Json::parse(R"([{"type": "function", "function": {"name": "ping"}}])");
  CHECK(Allows(Array(), request, Region(Array(), {Call(Array(), "ping", "{}")})));
  CHECK_FALSE(Allows(Array(), request, Region(Array(), {Call(Array(), "ping", "{\"a\": 1}")})));
  CHECK_THAT(DescribeTools(request.tools), Catch::Contains("- ping()\n"));
}

TEST_CASE("tools are described in a line each") {
  const std::string text = DescribeTools(SampleTools());
  CHECK_THAT(text, Catch::Contains("- create_task(title, priority, count): Adds a task.\n"));
  CHECK_THAT(text, Catch::Contains("- list_tasks(): Shows the tasks.\n"));
}

}  // namespace
}  // namespace hearth::serving
