#include "runtime/serving/grammar_constraint.h"

#include <catch2/catch.hpp>

#include "runtime/serving/reply_grammar.h"
#include "tests/runtime/serving/chat_samples.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

struct Fixture {
  std::shared_ptr<const model::Tokenizer> tokenizer;
  std::shared_ptr<const grammar::Vocabulary> vocabulary;

  Fixture() {
    const auto file =
        model::GgufFile::Open(test::Golden("inference/tiny/llama-test-F16.gguf").string());
    REQUIRE(file.ok());
    tokenizer = *model::Tokenizer::Create(**file);
    vocabulary =
        *MakeVocabulary(*tokenizer, 520);  // an embedding has more rows than there are tokens
  }
  GrammarConstraint Constrain(const ChatRequest& request) const {
    auto grammar = CompileReply(GenericFormat(), request, false);
    REQUIRE(grammar.ok());
    return GrammarConstraint(*grammar, vocabulary, tokenizer);
  }
  std::vector<TokenId> Encode(std::string_view text) const { return tokenizer->Encode(text, {}); }
};

ChatRequest OneTool() {
  ChatRequest request = SampleRequest(ToolChoice::kRequired);
  request.tools = Json::array({SampleTools()[0]});
  return request;
}

TEST_CASE_METHOD(Fixture,
                 "a vocabulary has the tokenizer's bytes, and ids behind it are never text") {
  REQUIRE(vocabulary->size() == 520);
  for (TokenId id = 0; id < 520; ++id) {
    const bool text =
        id < 512 && !tokenizer->IsControl(id) && tokenizer->kind(id) != model::TokenKind::kUnused;
    CHECK(vocabulary->IsText(id) == text);
    if (text) CHECK(vocabulary->Bytes(id) == tokenizer->bytes(id));
  }
  for (const TokenId id : tokenizer->end_of_turn()) CHECK(vocabulary->IsEnd(id));
}

TEST_CASE_METHOD(Fixture, "forced bytes become tokens that are accepted one after the other") {
  GrammarConstraint constraint = Constrain(OneTool());
  const std::string head = R"(<tool_call>[{"name": "create_task", "arguments": {)";
  std::string written;
  for (int round = 0; written.size() < head.size(); ++round) {
    REQUIRE(round < 10);
    std::vector<TokenId> run;
    constraint.ForcedRun(run);
    for (const TokenId id : run) {
      REQUIRE(constraint.Accept(id));
      written += tokenizer->bytes(id);
    }
    // The model's own token goes on; here it is the next byte of the text.
    const std::string next(1, written.size() < head.size() ? head[written.size()] : '"');
    if (written.size() >= head.size()) break;
    TokenSet allowed;
    REQUIRE(constraint.Fill(allowed).ok());
    const TokenId id = Encode(next).at(0);
    REQUIRE(allowed.Contains(id));
    REQUIRE(constraint.Accept(id));
    written += next;
    if (round == 0) CHECK(run.size() >= 10);  // nearly all of it needed no model
  }
  CHECK(written.substr(0, head.size()) == head);
}

TEST_CASE_METHOD(Fixture, "nothing is forced where the model has a choice") {
  GrammarConstraint constraint = Constrain(SampleRequest(ToolChoice::kNone));
  std::vector<TokenId> run;
  constraint.ForcedRun(run);
  CHECK(run.empty());
}

TEST_CASE_METHOD(Fixture,
                 "a draft is allowed up to its first wrong token, and asking changes nothing") {
  const std::string reply =
      R"(<tool_call>[{"name": "create_task", "arguments": {"title": "x", "priority": "high"}}]</tool_call>)";
  const std::vector<TokenId> draft = Encode(reply);
  GrammarConstraint constraint = Constrain(OneTool());
  CHECK(constraint.AllowedPrefix(draft) == static_cast<int>(draft.size()));
  for (size_t i = 0; i < draft.size(); ++i) {
    std::vector<TokenId> wrong = draft;
    wrong[i] = tokenizer->end_of_turn().front();
    CHECK(constraint.AllowedPrefix(wrong) == static_cast<int>(i));
  }
  for (const TokenId id : draft) {
    CHECK_FALSE(constraint.CanEnd());
    TokenSet allowed;
    REQUIRE(constraint.Fill(allowed).ok());
    CHECK(allowed.Contains(id));
    CHECK_FALSE(allowed.Contains(tokenizer->end_of_turn().front()));
    REQUIRE(constraint.Accept(id));
  }
  CHECK(constraint.CanEnd());
  TokenSet allowed;
  REQUIRE(constraint.Fill(allowed).ok());
  CHECK(allowed.Contains(tokenizer->end_of_turn().front()));
  constraint.Rollback(2);
  CHECK(constraint.AllowedPrefix(std::span(draft).last(2)) == 2);
}

TEST_CASE_METHOD(Fixture, "a refused token changes nothing") {
  GrammarConstraint constraint = Constrain(OneTool());
  CHECK_FALSE(constraint.Accept(Encode("x").at(0)));
  CHECK_FALSE(constraint.Accept(tokenizer->end_of_turn().front()));
  CHECK_FALSE(constraint.Accept(515));
  CHECK_FALSE(constraint.Accept(-1));
  CHECK(constraint.Accept(Encode("<").at(0)));
}

}  // namespace
}  // namespace hearth::serving
