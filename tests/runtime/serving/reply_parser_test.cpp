#include "runtime/serving/reply_parser.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <random>

#include "runtime/serving/call_writer.h"
#include "tests/runtime/serving/control_tokens.h"
#include "tests/runtime/serving/written_calls.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

struct Parsed {
  Message message;
  std::vector<std::pair<ChatDelta::Kind, std::string>> deltas;  // neighbours of a kind joined
};

struct Setting {
  const ChatFormat& format;
  ToolSchemas tools;
  bool thinking = false;
  CallPlace calls = CallPlace::kAnywhere;
  bool cut = false;
};

Parsed Parse(const Setting& setting, const std::vector<std::string_view>& chunks) {
  Parsed parsed;
  const DeltaSink sink = [&](const ChatDelta& delta) {
    const bool joins = !parsed.deltas.empty() && parsed.deltas.back().first == delta.kind &&
                       delta.kind != ChatDelta::Kind::kCallName;
    if (!joins) parsed.deltas.emplace_back(delta.kind, "");
    parsed.deltas.back().second += delta.text;
  };
  ReplyParser parser(setting.format, setting.thinking, setting.calls, setting.tools, sink);
  for (const std::string_view chunk : chunks) parser.Push(chunk);
  parsed.message = parser.Finish(setting.cut);
  return parsed;
}

Json ToJson(const Message& message) {
  Json calls = Json::array();
  for (const ToolCall& call : message.calls) {
    calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
  }
  return {{"content", message.content}, {"reasoning", message.reasoning}, {"calls", calls}};
}

std::vector<std::string_view> Bytes(std::string_view text) {
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  return bytes;
}

// The same with control tokens whole, as whoever feeds a parser brings them.
std::vector<std::string_view> Tokens(std::string_view marked) {
  std::vector<std::string_view> tokens;
  while (!marked.empty()) {
    const size_t size = marked[0] == kControlBegin ? marked.find(kControlEnd) + 1 : 1;
    tokens.push_back(marked.substr(0, size));
    marked.remove_prefix(size);
  }
  return tokens;
}

// What was reported is what the message holds; a call's name comes before its arguments.
void CheckDeltas(const Parsed& parsed) {
  std::string text, reasoning;
  Json calls = Json::array();
  std::string name, arguments;
  for (const auto& [kind, piece] : parsed.deltas) {
    switch (kind) {
      case ChatDelta::Kind::kText:
        text += piece;
        break;
      case ChatDelta::Kind::kReasoning:
        reasoning += piece;
        break;
      case ChatDelta::Kind::kCallName:
        name = piece;
        arguments.clear();
        break;
      case ChatDelta::Kind::kCallArguments:
        REQUIRE_FALSE(name.empty());
        arguments += piece;
        break;
      case ChatDelta::Kind::kCallEnd:
        REQUIRE(ParseJson(arguments).ok());
        calls.push_back({{"name", name}, {"arguments", *ParseJson(arguments)}});
        name.clear();
        break;
      case ChatDelta::Kind::kPrefill:
        FAIL("no prompt is read here");
    }
  }
  CHECK(text == parsed.message.content);
  CHECK(reasoning == parsed.message.reasoning);
  CHECK(calls == ToJson(parsed.message)["calls"]);
}

// Every cut in two (or each `step`th), and every byte by itself, gives what the whole gives. Says
// how many ways to cut were tried.
size_t CheckCuts(const Setting& setting, const std::string& reply, size_t step = 1) {
  const Parsed whole = Parse(setting, {reply});
  CheckDeltas(whole);
  CHECK(whole.message.raw == reply);
  const std::string_view view = reply;
  for (size_t cut = 1; cut < reply.size(); cut += step) {
    const Parsed parts = Parse(setting, {view.substr(0, cut), view.substr(cut)});
    CAPTURE(cut);
    REQUIRE(ToJson(parts.message) == ToJson(whole.message));
    REQUIRE(parts.deltas == whole.deltas);
  }
  const Parsed singly = Parse(setting, Bytes(reply));
  REQUIRE(ToJson(singly.message) == ToJson(whole.message));
  REQUIRE(singly.deltas == whole.deltas);
  return reply.empty() ? 1 : 1 + (reply.size() - 1 + step - 1) / step;
}

Json Replies() {
  static const Json replies = *ParseJson(test::ReadFile(test::Golden("families/replies.json")));
  return replies;
}

// What was tried for one family.
struct Totals {
  size_t replies = 0, cuts = 0;           // of tests/golden/families
  size_t round_trips = 0, trip_cuts = 0;  // of random calls
  size_t damaged = 0, damaged_cuts = 0;   // random calls with bytes lost or put in
};

void CheckReplies(const ChatFormat& format, Totals& totals) {
  const Json replies = Replies();
  for (const Json& c : replies["cases"]) {
    if (c["family"] != format.name) continue;
    CAPTURE(format.name, c["what"].get<std::string>());
    const Setting setting = {format, replies["tools"], c.contains("thinking")};
    const auto text = c["text"].get<std::string>();
    const Json expected = {
        {"content", c["content"]}, {"reasoning", c["reasoning"]}, {"calls", c["calls"]}};
    CHECK(DumpJson(ToJson(Parse(setting, {text}).message)) == DumpJson(expected));
    totals.cuts += CheckCuts(setting, text);
    ++totals.replies;
  }
  CHECK(totals.replies > 0);
}

TEST_CASE("replies of each family are taken apart, however they are cut") {
  size_t all = 0;
  for (const ChatFormat& format : BuiltinFormats()) {
    Totals totals;
    CheckReplies(format, totals);
    all += totals.replies;
  }
  CHECK(all == Replies()["cases"].size());
}

// Calls with values that look like something else.
class RandomCalls {
 public:
  explicit RandomCalls(uint32_t seed) : random_(seed) {}

  std::vector<ToolCall> Some() {
    std::vector<ToolCall> calls(1 + Below(3));
    for (ToolCall& call : calls) call = One();
    return calls;
  }
  size_t Below(size_t n) { return random_() % n; }

 private:
  std::string Word() {
    static const std::string words[] = {"x",
                                        "10",
                                        "[]",
                                        "{\"a\": 1}",
                                        "true",
                                        "null",
                                        "Buy milk",
                                        "é日本🐢",
                                        "it's",
                                        "a\\b",
                                        "a \"q\" b, c: d",
                                        "two\nrows",
                                        "</b> & <c>",
                                        " lead",
                                        "[x](y)",
                                        "#1",
                                        "tab\t.",
                                        "-",
                                        "None",
                                        "a=b)"};
    return words[Below(std::size(words))];
  }
  ToolCall One() {
    ToolCall call{.id = Below(2) == 0 ? "" : "abcdefghi"};
    call.name = Below(4) == 0 ? "list_tasks" : "create_task";
    if (call.name == "list_tasks") return call;
    call.arguments["title"] = Word();
    if (Below(2) == 0) call.arguments["count"] = static_cast<int>(Below(1000)) - 500;
    if (Below(2) == 0) call.arguments["done"] = Below(2) == 0;
    if (Below(2) == 0) call.arguments["ratio"] = static_cast<double>(Below(100)) / 8;
    if (Below(2) == 0) {
      call.arguments["tags"] = Json::array();
      for (size_t i = Below(3); i > 0; --i) call.arguments["tags"].push_back(Word());
    }
    if (Below(2) == 0) {
      call.arguments["meta"] = {{"a", 1}, {"b", Below(2) == 0 ? Json() : Json(Word())}};
    }
    if (Below(2) == 0) call.arguments["note"] = Below(2) == 0 ? Json() : Json("some note");
    if (Below(2) == 0) call.arguments["level"] = "high";
    return call;
  }

  std::mt19937 random_;
};

// Random replies are many, so not all of their cuts are tried.
constexpr size_t kStep = 11;

void CheckRoundTrips(const ChatFormat& format, Totals& totals) {
  const ToolSchemas tools = Replies()["tools"];
  ChatRequest request;
  request.tools = tools;
  const auto grammar = CompileReply(format, request, false);
  CAPTURE(format.name);
  if (!grammar.ok()) FAIL(grammar.error().message);
  RandomCalls random(7);
  for (int round = 0; round < 20; ++round) {
    const std::vector<ToolCall> calls = random.Some();
    const std::string text = WriteCalls(format, calls);
    Message expected;
    expected.calls = calls;
    const Setting setting = {format, tools};
    CAPTURE(text);
    const Parsed parsed = Parse(setting, {text});
    CHECK(DumpJson(ToJson(parsed.message)) == DumpJson(ToJson(expected)));
    totals.trip_cuts += CheckCuts(setting, text, kStep);
    totals.round_trips += calls.size();
    CHECK(GrammarAllows(*grammar, text));
  }
}

TEST_CASE("calls are read as they were written, and the grammar allows them") {
  for (const ChatFormat& format : BuiltinFormats()) {
    Totals totals;
    CheckRoundTrips(format, totals);
  }
}

void CheckDamaged(const ChatFormat& format, Totals& totals) {
  const ToolSchemas tools = Replies()["tools"];
  RandomCalls random(11);
  for (int round = 0; round < 20; ++round) {
    std::string text = "Well. " + WriteCalls(format, random.Some());
    for (size_t i = 1 + random.Below(3); i > 0; --i) {
      const size_t at = random.Below(text.size());
      if (random.Below(2) == 0) {
        text.erase(at, 1 + random.Below(3));
      } else {
        text.insert(at, std::string(1, "<{[\"} \n"[random.Below(7)]));
      }
    }
    CAPTURE(format.name, text);
    const Setting setting = {format, tools};
    totals.damaged_cuts += CheckCuts(setting, text, kStep);
    ++totals.damaged;
    for (const ToolCall& call : Parse(setting, {text}).message.calls) {
      CHECK((call.name == "create_task" || call.name == "list_tasks"));
      CHECK(call.arguments.is_object());
    }
  }
}

TEST_CASE("whatever a reply holds, its cuts agree and its calls are calls of offered tools") {
  for (const ChatFormat& format : BuiltinFormats()) {
    Totals totals;
    CheckDamaged(format, totals);
  }
}

// serving_test "[totals]" prints the table of README.md.
TEST_CASE("totals by family", "[.][totals]") {
  std::puts(
      "| description | replies | cut in ways | random calls there and back | cut in ways | damaged "
      "replies | cut in ways |\n|---|---|---|---|---|---|---|");
  for (const ChatFormat& format : BuiltinFormats()) {
    Totals totals;
    CheckReplies(format, totals);
    CheckRoundTrips(format, totals);
    CheckDamaged(format, totals);
    std::printf("| `%s` | %zu | %zu | %zu | %zu | %zu | %zu |\n", format.name.c_str(),
                totals.replies, totals.cuts, totals.round_trips, totals.trip_cuts, totals.damaged,
                totals.damaged_cuts);
  }
}

TEST_CASE("a call that was cut is left out, those before it stay") {
  const ToolSchemas tools = Replies()["tools"];
  const ToolCall first = {"", "list_tasks", Json::object()};
  const ToolCall second = {"", "create_task", {{"title", "x"}}};
  for (const ChatFormat& format : BuiltinFormats()) {
    const std::string reply = WriteCalls(format, {first, second});
    size_t calls = 0;
    for (size_t length = 0; length <= reply.size(); ++length) {
      const Message message =
          Parse({.format = format, .tools = tools, .cut = true}, {reply.substr(0, length)}).message;
      CAPTURE(format.name, reply.substr(0, length));
      CHECK(message.content.empty());
      CHECK(message.calls.size() >= calls);
      calls = message.calls.size();
    }
    CHECK(calls == 2);
  }
}

TEST_CASE("what begins a call may go on as what begins another") {
  // With no tools named, a fence is the beginning of a call and of a list of calls.
  const Setting setting = {*FindFormat("gemma3"), Json::array()};
  for (const std::string_view reply :
       {"```tool_code\n[", "```tool_code\n", "a ```tool_code\n[f(a=1)]\n```",
        "a ```tool_code\nf(a=1)\n```", "z```tool_code\n[f(", "```tool_code\n[f(a=1)"}) {
    CAPTURE(reply);
    CheckCuts(setting, std::string(reply));
  }
  CHECK(Parse(setting, {"```tool_code\n["}).message.content == "```tool_code\n[");
  CHECK(Parse(setting, {"```tool_code\n[f(a=1)]\n```"}).message.calls.size() == 1);
  CHECK(Parse(setting, {"```tool_code\nf(a=1)\n```"}).message.calls.size() == 1);
}

TEST_CASE("a control token before a reply opens nothing and says nothing") {
  for (const ChatFormat& format : BuiltinFormats()) {
    for (const CallPlace place : {CallPlace::kAnywhere, CallPlace::kFirst}) {
      const Setting setting = {
          .format = format, .tools = Replies()["tools"], .calls = place, .cut = true};
      for (const std::string_view rest : {"<t", "<think>a</think>b", "b", "<tool_call>", "["}) {
        const std::string reply = Concat("\n", kControlBegin, "<eot>", kControlEnd, rest);
        CAPTURE(format.name, rest);
        const Message message = Parse(setting, {reply}).message;
        CHECK(ToJson(message) == ToJson(Parse(setting, {rest}).message));
        CHECK(ToJson(message) ==
              ToJson(Parse(setting, {reply.substr(0, reply.size() - rest.size()), rest}).message));
      }
    }
  }
}

TEST_CASE("a control token inside an argument breaks the call there, however the reply is cut") {
  const ToolSchemas tools = Replies()["tools"];
  for (const ChatFormat& format : BuiltinFormats()) {
    const Setting setting = {format, tools};
    std::string reply =
        WriteCalls(format, {{"", "create_task", {{"title", "one [list_tasks( two"}}}});
    const size_t at = reply.find(" two");
    REQUIRE(at != std::string::npos);
    reply.insert(at, Concat(" <tool_call>", kControlBegin, "<eot>", kControlEnd));
    CAPTURE(format.name, reply);
    const Parsed whole = Parse(setting, {reply});
    const Parsed parts = Parse(setting, Tokens(reply));
    CHECK(ToJson(parts.message) == ToJson(whole.message));
    CHECK(parts.deltas == whole.deltas);
  }
}

TEST_CASE("a string inside a JSON value may hold what ends the value") {
  const ToolSchemas tools = Replies()["tools"];
  size_t tried = 0;
  for (const ChatFormat& format : BuiltinFormats()) {
    for (size_t i = 0; i < format.parameter.size(); ++i) {
      if (format.parameter[i].kind != ChatFormat::Piece::Kind::kValue) continue;
      if (i + 1 == format.parameter.size()) continue;
      const std::string tag = format.parameter[i + 1].text.substr(
          format.parameter[i + 1].text.find_first_not_of(" \n"));
      const ToolCall call = {
          "", "create_task", {{"title", "t"}, {"meta", {{"a", tag}, {"\\\"" + tag, "é"}}}}};
      const Setting setting = {format, tools};
      const std::string text = WriteCalls(format, {call});
      CAPTURE(text);
      Message expected;
      expected.calls = {call};
      CHECK(DumpJson(ToJson(Parse(setting, {text}).message)) == DumpJson(ToJson(expected)));
      CheckCuts(setting, text);
      ++tried;
    }
  }
  CHECK(tried > 0);
}

TEST_CASE("a document beside tools is a document, whatever stands in it") {
  const Setting setting = {*FindFormat("hermes"), Replies()["tools"], false, CallPlace::kFirst};
  const std::string document = R"({"a": "<tool_call>\n{\"name\": "})";
  CHECK(Parse(setting, {"<think>t</think>\n" + document}).message.content == document);
  const std::string call =
      "<tool_call>\n{\"name\": \"list_tasks\", \"arguments\": {}}\n</tool_call>";
  CHECK(Parse(setting, {call}).message.calls.size() == 1);
  CheckCuts(setting, document);
  CheckCuts(setting, call);
}

TEST_CASE("without tools nothing is a call") {
  const Setting setting = {*FindFormat("hermes"), Json::array(), false, CallPlace::kNowhere};
  const std::string call =
      "<tool_call>\n{\"name\": \"list_tasks\", \"arguments\": {}}\n</tool_call>";
  CHECK(Parse(setting, {call}).message.content == call);
}

TEST_CASE("a control token and text that spells it are two things") {
  const auto file =
      model::GgufFile::Open(test::Golden("inference/tiny/llama-test-F16.gguf").string());
  REQUIRE(file.ok());
  const auto tokenizer = *model::Tokenizer::Create(**file);
  ChatFormat format = *FindFormat("hermes");
  format.regions[0].triggers = {"<|im_start|>"};
  format.regions[0].begin = "";
  format.regions[0].call[0].text = "<|im_start|>{\"name\": \"";
  const ChatFormat bound = format.Bind(*tokenizer);
  CHECK(bound.control.size() == 1);
  const Setting setting = {bound, Replies()["tools"]};
  const std::string rest = "{\"name\": \"list_tasks\", \"arguments\": {}}\n</tool_call>";
  const Message spelled = Parse(setting, {"<|im_start|>" + rest}).message;
  CHECK(spelled.calls.empty());
  CHECK(spelled.content == "<|im_start|>" + rest);
  const Message token = Parse(setting, {"\xff<|im_start|>\xfe" + rest}).message;
  CHECK(token.calls.size() == 1);
  CHECK(token.raw == "<|im_start|>" + rest);
  // One that the format does not know is never shown.
  CHECK(Parse(setting, {"a\xff<|im_end|>\xfe"
                        "b"})
            .message.content == "ab");
}

TEST_CASE("a call by token ends reasoning where its family does so; as text it is a quotation") {
  const std::vector<std::string> dsml = {"｜DSML｜"};
  struct Case {
    const char* family;
    std::vector<std::string> control;
    bool ends;
  };
  const Case cases[] = {
      {"kimi_k2", kKimiTokens, true},
      {"deepseek4", dsml, true},
      {"deepseek3_2", dsml, false},
      {"deepseek3_1",
       {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>",
        "<｜tool▁calls▁end｜>"},
       false},
  };
  const ToolCall call = {"", "list_tasks", Json::object()};
  for (const Case& c : cases) {
    const ChatFormat& format = *FindFormat(c.family);
    const ChatFormat bound = format.Bind(*TokenizerWith(c.control));
    const std::string calls = WriteCalls(format, {call});
    for (const bool open : {true, false}) {
      const std::string thought = open ? "so be it" : "<think>so be it";
      const Setting as_token = {bound, Replies()["tools"], open};
      const std::string marked = thought + Marked(calls, c.control);
      const Message message = Parse(as_token, {marked}).message;
      CAPTURE(c.family, open);
      CHECK(message.calls.size() == (c.ends ? 1 : 0));
      CHECK(message.content.empty());
      if (c.ends) CHECK(message.reasoning == "so be it");
      const Parsed singly = Parse(as_token, Tokens(marked));
      CHECK(ToJson(singly.message) == ToJson(message));
      // Whoever may not call goes on thinking.
      Setting no_calls = as_token;
      no_calls.calls = CallPlace::kNowhere;
      CHECK(Parse(no_calls, {marked + "and so</think>yes"}).message.content == "yes");

      const Setting as_text = {bound, Replies()["tools"], open};
      const Message quoted = Parse(as_text, {thought + calls + "</think>yes"}).message;
      CHECK(quoted.calls.empty());
      CHECK(quoted.reasoning == "so be it" + calls);
      CHECK(quoted.content == "yes");
    }
  }
}

TEST_CASE("text comes at once but for what may begin a marker, and space that nothing follows") {
  std::string heard;
  const DeltaSink sink = [&](const ChatDelta& delta) { heard += delta.text; };
  ReplyParser parser(*FindFormat("hermes"), false, CallPlace::kAnywhere, Json::array(), sink);
  parser.Push("Hello");
  CHECK(heard == "Hello");
  parser.Push(" <to");
  CHECK(heard == "Hello");
  parser.Push("day>");
  CHECK(heard == "Hello <today>");
}

TEST_CASE("text without any format is left as it is") {
  const Setting setting = {PlainTextFormat(), Json::array(), false, CallPlace::kNowhere};
  CHECK(Parse(setting, {" <think> a\n\n"}).message.content == " <think> a\n\n");
}

}  // namespace
}  // namespace hearth::serving
