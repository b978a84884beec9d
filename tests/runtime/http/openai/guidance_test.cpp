#include "runtime/http/openai/guidance.h"

#include <catch2/catch.hpp>

#include "runtime/http/openai/chat_request.h"

namespace hearth::http::openai {
namespace {

using Kind = serving::AnswerGrammar::Kind;

std::optional<ApiError> Parse(const std::string& rest, serving::ChatRequest& request) {
  const auto body =
      ParseJson(R"({"model": "m", "messages": [{"role": "user", "content": "hi"}], )" + rest + "}");
  REQUIRE(body.ok());
  ChatPlan plan;
  auto error = ParseChatRequest(*body, plan);
  request = std::move(plan.request);
  return error;
}

TEST_CASE("what bounds an answer comes in under the names of vLLM's clients") {
  struct Case {
    std::string fields;
    Kind kind;
    std::string text;
    Json value;
  };
  const Json tag = {{"type", "structural_tag"}, {"format", {{"type", "any_text"}}}};
  const Case cases[] = {
      {R"("guided_regex": "[a-z]+")", Kind::kRegex, "[a-z]+", {}},
      {R"("structured_outputs": {"regex": "[a-z]+"})", Kind::kRegex, "[a-z]+", {}},
      {R"("guided_choice": ["a", "b"])", Kind::kChoice, "", Json::array({"a", "b"})},
      {R"("structured_outputs": {"choice": ["a", "b"]})", Kind::kChoice, "",
       Json::array({"a", "b"})},
      {R"("guided_grammar": "root ::= \"a\"")", Kind::kGrammar, "root ::= \"a\"", {}},
      {R"("structured_outputs": {"grammar": "start: \"a\""})", Kind::kGrammar, "start: \"a\"", {}},
      {Concat(R"("structural_tag": )", DumpJson(tag)), Kind::kStructuralTag, "", tag},
      {Concat(R"("structural_tag": )", DumpJson(Json(DumpJson(tag)))), Kind::kStructuralTag, "",
       tag},
      {Concat(R"("structured_outputs": {"structural_tag": )", DumpJson(tag), "}"),
       Kind::kStructuralTag, "", tag},
      {Concat(R"("response_format": )", DumpJson(tag)), Kind::kStructuralTag, "", tag},
  };
  for (const Case& c : cases) {
    serving::ChatRequest request;
    CAPTURE(c.fields);
    const auto error = Parse(c.fields, request);
    INFO((error ? error->message : ""));
    REQUIRE_FALSE(error);
    REQUIRE(request.answer_grammar);
    CHECK(request.answer_grammar->kind == c.kind);
    CHECK(request.answer_grammar->text == c.text);
    CHECK(request.answer_grammar->value == c.value);
  }
  for (const char* fields :
       {R"("guided_json": {"type": "integer"})", R"("guided_json": "{\"type\": \"integer\"}")",
        R"("structured_outputs": {"json": {"type": "integer"}})"}) {
    serving::ChatRequest request;
    REQUIRE_FALSE(Parse(fields, request));
    CHECK(request.response_schema == Json{{"type", "integer"}});
  }
  serving::ChatRequest request;
  REQUIRE_FALSE(Parse(R"("structured_outputs": {"json_object": true})", request));
  CHECK(request.response_schema == Json{{"type", "object"}});
}

TEST_CASE("what does not bound an answer, or bounds it twice, is refused by name") {
  struct Case {
    std::string fields, param;
  };
  const Case cases[] = {
      {R"("guided_regex": 5)", "guided_regex"},
      {R"("guided_choice": [])", "guided_choice"},
      {R"("guided_choice": ["a", 1])", "guided_choice"},
      {R"("guided_grammar": "")", "guided_grammar"},
      {R"("guided_grammar": " \n")", "guided_grammar"},
      {R"("guided_json": "{")", "guided_json"},
      {R"("guided_json": [])", "guided_json"},
      {R"("structural_tag": "x")", "structural_tag"},
      {R"("structured_outputs": {"regex": "a", "grammar": "b"})", "structured_outputs.grammar"},
      {R"("structured_outputs": {"chioce": ["a"]})", "structured_outputs.chioce"},
      {R"("structured_outputs": {})", "structured_outputs"},
      {R"("response_format": {"type": "json_object"}, "guided_regex": "a")", "guided_regex"},
  };
  for (const Case& c : cases) {
    serving::ChatRequest request;
    CAPTURE(c.fields);
    const auto error = Parse(c.fields, request);
    REQUIRE(error);
    CHECK(error->param == c.param);
  }
}

}  // namespace
}  // namespace hearth::http::openai
