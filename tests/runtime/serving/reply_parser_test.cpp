#include "runtime/serving/reply_parser.h"

#include <catch2/catch.hpp>

#include "runtime/serving/tool_format.h"

namespace hearth::serving {
namespace {

struct Case {
  std::string what;
  const ToolFormat& format;
  std::string reply;
  std::string content;
  std::string reasoning = "";
  std::vector<ToolCall> calls = {};
  bool thinking = false;
  bool has_tools = true;
};

std::vector<Case> Cases() {
  const ToolCall create = {"", "create_task", {{"title", "Buy milk"}}};
  const ToolCall braces = {
      "", "create_task", {{"title", "a } \" ] \\ {[ 日本 </tool_call>"}, {"tags", {"}", "]"}}}};
  const ToolCall list = {"", "list_tasks", Json::object()};
  const ToolFormat& array = kTaggedArray;
  const ToolFormat& tagged = kTaggedObjects;
  const ToolFormat& bare = kBareObject;
  return {
      // One format whose replies begin with a decision.
      {"text alone", array, "<tool_call>[]</tool_call>Hello, 世界!", "Hello, 世界!"},
      {"one call", array, WriteCalls(array, {create}), "", "", {create}},
      {"several calls",
       array,
       WriteCalls(array, {create, braces, list}),
       "",
       "",
       {create, braces, list}},
      {"a decision cut", array, "<tool_call>[", ""},
      {"a list cut in its end", array, "<tool_call>[]</tool_c", ""},
      {"nothing", array, "", ""},
      {"text without a decision", array, "Done <b>now</b>.", "Done <b>now</b>."},
      {"a marker begun and left", array, "a <tool_cal", "a <tool_cal"},
      {"tools not allowed", array, "<tool_call>[x", "<tool_call>[x", "", {}, false, false},
      // Tagged objects, with reasoning.
      {"thinking, text", tagged, "<think>\nHm, 1 < 2.\n</think>\n\nYes.", "Yes.", "Hm, 1 < 2."},
      {"thinking left open by the prompt", tagged, "so</think>ok", "ok", "so", {}, true},
      {"thinking cut", tagged, "<think>it is </thin", "", "it is </thin"},
      {"a call quoted while thinking",
       tagged,
       "<think>I write <tool_call>\n{\"name\": \"x\" here</think>" + WriteCalls(tagged, {list}),
       "",
       "I write <tool_call>\n{\"name\": \"x\" here",
       {list}},
      {"text and calls",
       tagged,
       "Let me see.\n" + WriteCalls(tagged, {create, list, braces}),
       "Let me see.",
       "",
       {create, list, braces}},
      {"a tag without its line break is text", tagged, "<tool_call> is a tag",
       "<tool_call> is a tag"},
      {"no thinking at all", tagged, "<thing>", "<thing>"},
      {"thinking without tools",
       tagged,
       "<think>a</think>{\"b\": 1}",
       "{\"b\": 1}",
       "a",
       {},
       false,
       false},
      // A bare object.
      {"a bare call", bare, WriteCalls(bare, {create}), "", "", {create}},
      {"bare calls behind text",
       bare,
       "Sure: " + WriteCalls(bare, {braces, list}),
       "Sure:",
       "",
       {braces, list}},
      {"an object that is no call", bare, "{\"name\": 5} and {\"nam", "{\"name\": 5} and {\"nam"},
  };
}

struct Parsed {
  Message message;
  std::vector<std::pair<ChatDelta::Kind, std::string>> deltas;  // neighbours of a kind joined
};

Parsed Parse(const Case& c, const std::vector<std::string_view>& chunks) {
  Parsed parsed;
  const DeltaSink sink = [&](const ChatDelta& delta) {
    const bool joins = !parsed.deltas.empty() && parsed.deltas.back().first == delta.kind &&
                       delta.kind != ChatDelta::Kind::kCallName;
    if (!joins) parsed.deltas.emplace_back(delta.kind, "");
    parsed.deltas.back().second += delta.text;
  };
  ReplyParser parser(c.format, c.thinking, c.has_tools, sink);
  for (const std::string_view chunk : chunks) parser.Push(chunk);
  parsed.message = parser.Finish(false);
  return parsed;
}

Json ToJson(const Message& message) {
  Json calls = Json::array();
  for (const ToolCall& call : message.calls) calls.push_back({call.name, call.arguments});
  return {{"content", message.content},
          {"reasoning", message.reasoning},
          {"calls", calls},
          {"raw", message.raw}};
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

TEST_CASE("a reply is taken apart the same way however it is cut") {
  for (const Case& c : Cases()) {
    CAPTURE(c.what, c.reply);
    const Parsed whole = Parse(c, {c.reply});
    Message expected;
    expected.content = c.content;
    expected.reasoning = c.reasoning;
    expected.calls = c.calls;
    expected.raw = c.reply;
    REQUIRE(ToJson(whole.message).dump() == ToJson(expected).dump());
    const std::string_view reply = c.reply;
    for (size_t cut = 0; cut <= reply.size(); ++cut) {
      const Parsed parts = Parse(c, {reply.substr(0, cut), reply.substr(cut)});
      CAPTURE(cut);
      REQUIRE(ToJson(parts.message) == ToJson(whole.message));
      REQUIRE(parts.deltas == whole.deltas);
    }
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < reply.size(); ++i) bytes.push_back(reply.substr(i, 1));
    const Parsed singly = Parse(c, bytes);
    REQUIRE(ToJson(singly.message) == ToJson(whole.message));
    REQUIRE(singly.deltas == whole.deltas);
  }
}

TEST_CASE("what is reported adds up to the message") {
  for (const Case& c : Cases()) {
    CAPTURE(c.what);
    const Parsed parsed = Parse(c, {c.reply});
    std::string text;
    std::string reasoning;
    std::vector<std::string> names;
    std::vector<std::string> arguments;
    for (const auto& [kind, piece] : parsed.deltas) {
      if (kind == ChatDelta::Kind::kText) text += piece;
      if (kind == ChatDelta::Kind::kReasoning) reasoning += piece;
      if (kind == ChatDelta::Kind::kCallName) names.push_back(piece);
      if (kind == ChatDelta::Kind::kCallArguments) arguments.push_back(piece);
    }
    CHECK(Trimmed(text) == c.content);
    CHECK(Trimmed(reasoning) == c.reasoning);
    REQUIRE(names.size() == c.calls.size());
    REQUIRE(arguments.size() == c.calls.size());
    for (size_t i = 0; i < names.size(); ++i) {
      CHECK(names[i] == c.calls[i].name);
      CHECK(*ParseJson(arguments[i]) == c.calls[i].arguments);
    }
  }
}

TEST_CASE("a call that was cut is left out, those before it stay") {
  const ToolCall first = {"", "list_tasks", Json::object()};
  const ToolCall second = {"", "create_task", {{"title", "x"}}};
  for (const ToolFormat* format : {&kTaggedArray, &kTaggedObjects, &kBareObject}) {
    const std::string reply = WriteCalls(*format, {first, second});
    const std::string complete = "\"x\"}";
    const size_t enough = reply.find(complete) + complete.size();
    for (size_t length = WriteCalls(*format, {first}).size(); length < reply.size(); ++length) {
      const Case cut = {"", *format, reply.substr(0, length), ""};
      const Message message = Parse(cut, {cut.reply}).message;
      CAPTURE(format->name, cut.reply);
      CHECK(message.content.empty());
      CHECK(message.calls.size() == (length >= enough ? 2 : 1));
    }
  }
}

TEST_CASE("a marker that was cut is no text, and one that stayed unfinished is") {
  for (const ToolFormat* format : {&kTaggedArray, &kTaggedObjects}) {
    const std::string begin(format->begin);
    for (size_t length = 1; length < begin.size(); ++length) {
      for (const bool cut : {true, false}) {
        const DeltaSink no_sink;
        ReplyParser parser(*format, false, true, no_sink);
        parser.Push("Well" + begin.substr(0, length));
        CAPTURE(format->name, length, cut);
        const std::string expected = cut ? "Well" : "Well" + begin.substr(0, length);
        CHECK(parser.Finish(cut).content == Trimmed(expected));
      }
    }
  }
}

TEST_CASE("text comes at once but for what may begin a marker") {
  std::string heard;
  const DeltaSink sink = [&](const ChatDelta& delta) { heard += delta.text; };
  ReplyParser parser(kTaggedObjects, false, true, sink);
  parser.Push("Hello");
  CHECK(heard == "Hello");
  parser.Push(" <to");
  CHECK(heard == "Hello ");
  parser.Push("day>");
  CHECK(heard == "Hello <today>");
}

}  // namespace
}  // namespace hearth::serving
