// The shape of answers, event by event: what SDKs trip over.
#include "runtime/http/openai/chat_writer.h"

#include <catch2/catch.hpp>

namespace hearth::http::openai {
namespace {

using serving::ChatDelta;
using serving::ChatReply;
using Kind = ChatDelta::Kind;

struct Fixture {
  TurnMemory memory{1 << 20};

  std::unique_ptr<ReplyWriter> Make(bool stream, ReasoningField reasoning, bool usage = false) {
    return MakeChatWriter({"id-1", "m", 7, 1, usage}, stream, reasoning, false, memory);
  }
};

// The deltas of a stream's chunks, and what follows them.
std::vector<Json> Chunks(const std::string& text) {
  std::vector<Json> chunks;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find("\n\n", at);
    REQUIRE(end != std::string::npos);
    const std::string event = text.substr(at, end - at);
    at = end + 2;
    REQUIRE(event.starts_with("data: "));
    chunks.push_back(event == "data: [DONE]" ? Json("[DONE]") : *ParseJson(event.substr(6)));
  }
  return chunks;
}

std::string Turn(ReplyWriter& writer, const std::vector<ChatDelta>& deltas,
                 const ChatReply& reply) {
  std::string out = writer.Begin();
  for (const ChatDelta& delta : deltas) out += writer.Delta(0, delta);
  out += writer.ChoiceEnd(0, reply);
  return out + writer.End();
}

const std::vector<ChatDelta> kCall = {{.kind = Kind::kReasoning, .text = "hm"},
                                      {.kind = Kind::kCallName, .text = "f"},
                                      {.kind = Kind::kCallArguments, .text = "{\"a\":"},
                                      {.kind = Kind::kCallArguments, .text = "1}"}};

TEST_CASE_METHOD(Fixture, "a streamed call: role, reasoning, the call in pieces, the end") {
  const auto writer = Make(true, ReasoningField::kReasoningContent, true);
  const auto chunks = Chunks(Turn(*writer, kCall, {}));
  REQUIRE(chunks.size() == 8);
  const auto delta = [&](size_t i) { return chunks[i]["choices"][0]["delta"]; };
  CHECK(delta(0) == Json{{"role", "assistant"}});
  CHECK(delta(1) == Json{{"reasoning_content", "hm"}});
  const Json head = delta(2)["tool_calls"][0];
  CHECK(head["index"] == 0);
  CHECK(head["type"] == "function");
  CHECK(head["function"] == Json{{"name", "f"}, {"arguments", ""}});
  CHECK(head["id"].get<std::string>().starts_with("call_"));
  CHECK(delta(3)["tool_calls"][0] == Json{{"index", 0}, {"function", {{"arguments", "{\"a\":"}}}});
  CHECK(delta(5) == Json::object());
  CHECK(chunks[5]["choices"][0]["finish_reason"] == "tool_calls");
  CHECK(chunks[6]["choices"] == Json::array());
  CHECK(chunks[6]["usage"]["total_tokens"] == 0);
  CHECK(chunks[7] == "[DONE]");
  for (size_t i = 0; i < 7; ++i) {
    CHECK(chunks[i]["id"] == "id-1");
    CHECK(chunks[i]["created"] == 7);
    if (i < 6) CHECK_FALSE(delta(i).contains("content"));
    if (i < 5) CHECK(chunks[i]["choices"][0]["finish_reason"].is_null());
  }
}

TEST_CASE_METHOD(Fixture, "reasoning goes where it is wanted") {
  const std::vector<ChatDelta> deltas = {{.kind = Kind::kReasoning, .text = "a"},
                                         {.kind = Kind::kReasoning, .text = "b"},
                                         {.kind = Kind::kText, .text = "c"}};
  struct Case {
    ReasoningField field;
    Json message;
  };
  const Case cases[] = {
      {ReasoningField::kReasoningContent, {{"content", "c"}, {"reasoning_content", "ab"}}},
      {ReasoningField::kReasoning, {{"content", "c"}, {"reasoning", "ab"}}},
      {ReasoningField::kContent, {{"content", "<think>ab</think>\n\nc"}}}};
  for (const Case& c : cases) {
    const Json whole = *ParseJson(Turn(*Make(false, c.field), deltas, {}));
    Json message = whole["choices"][0]["message"];
    CHECK(message["role"] == "assistant");
    CHECK(message["refusal"].is_null());
    Json streamed = Json::object();
    for (const Json& chunk : Chunks(Turn(*Make(true, c.field), deltas, {}))) {
      if (chunk.is_string() || chunk["choices"].empty()) continue;
      for (const auto& [name, text] : chunk["choices"][0]["delta"].items()) {
        if (name == "role") continue;
        streamed[name] = streamed.value(name, "") + text.get<std::string>();
      }
    }
    for (const auto& [name, text] : c.message.items()) {
      CHECK(message[name] == text);
      CHECK(streamed[name] == text);
    }
    CHECK(streamed.size() == c.message.size());
    CHECK(message.size() == c.message.size() + 2);
  }
}

TEST_CASE_METHOD(Fixture, "a call has no content, and one that was cut says so") {
  ChatReply cut;
  cut.reason = model::FinishReason::kLength;
  for (const bool is_cut : {false, true}) {
    const Json whole = *ParseJson(
        Turn(*Make(false, ReasoningField::kReasoningContent), kCall, is_cut ? cut : ChatReply{}));
    CHECK(whole["object"] == "chat.completion");
    const Json& choice = whole["choices"][0];
    CHECK(choice["message"]["content"].is_null());
    CHECK(choice["message"]["tool_calls"][0]["function"]["arguments"] == "{\"a\":1}");
    CHECK(choice["finish_reason"] == (is_cut ? "length" : "tool_calls"));
  }
}

TEST_CASE_METHOD(Fixture, "comments and errors in a stream") {
  const auto writer = Make(true, ReasoningField::kReasoningContent);
  CHECK(writer->KeepAlive(3, 9) == ": 3 of 9 prompt tokens\n\n");
  const auto error = Chunks(writer->Failure({503, "the end", "", "", 1}));
  CHECK(error[0]["error"]["message"] == "the end");
  CHECK(writer->Refusal({400, "no", "stop", "", 0}).status == 400);
}

}  // namespace
}  // namespace hearth::http::openai
