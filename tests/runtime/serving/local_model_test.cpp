#include "runtime/serving/local_model.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/runtime/serving/chat_samples.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

TEST_CASE("stray control tokens are barred where no grammar does so") {
  SystemClock clock;
  LocalModelOptions options;
  options.model.threads = 1;
  options.chat_template =
      "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}<|im_start|>";
  const auto model =
      LocalModel::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(), options, clock);
  if (!model.ok()) FAIL(model.error().message);
  const model::Tokenizer& tokenizer = (*model)->tokenizer();
  const TokenId start = *tokenizer.FindSpecial("<|im_start|>");
  RequestPart part;
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = "hi"}};
  request.max_tokens = 30;

  const auto free = (*model)->Prepare(request, part);
  if (!free.ok()) FAIL(free.error().message);
  REQUIRE(free->sampling.barred != nullptr);
  CHECK(std::ranges::find(*free->sampling.barred, start) != free->sampling.barred->end());
  for (const TokenId id : tokenizer.end_of_turn()) {
    CHECK(std::ranges::find(*free->sampling.barred, id) == free->sampling.barred->end());
  }

  // The one list serves all, whoever goes on past the end of a turn too.
  request.ignore_end = true;
  const auto endless = (*model)->Prepare(request, part);
  REQUIRE(endless.ok());
  CHECK(endless->sampling.barred == free->sampling.barred);
  // A model that wants nothing else writes text all the same.
  PreparedReply eager = *endless;
  for (TokenId id = 0; static_cast<size_t>(id) < tokenizer.size(); ++id) {
    if (tokenizer.IsControl(id)) eager.sampling.logit_bias.emplace_back(id, 500.0f);
  }
  const auto stream = (*model)->Start(eager, 1);
  REQUIRE(stream.ok());
  size_t written = 0;
  for (bool finished = false; !finished;) {
    (*stream)->Wait();
    std::vector<model::Event> events;
    (*stream)->Take(events);
    for (const model::Event& event : events) {
      finished = finished || event.kind == model::Event::Kind::kFinished;
      if (event.kind != model::Event::Kind::kToken) continue;
      ++written;
      CHECK(event.token != start);
    }
  }
  CHECK(written > 0);

  request.ignore_end = false;
  request.tools = SampleTools();
  const auto with_tools = (*model)->Prepare(request, part);
  REQUIRE(with_tools.ok());
  CHECK(with_tools->grammar != nullptr);
  CHECK(with_tools->sampling.barred == nullptr);

  // Whoever writes the whole prompt may want any token.
  const auto text = (*model)->PrepareText("<|im_start|>", ChatRequest{.max_tokens = 5}, part);
  REQUIRE(text.ok());
  CHECK(text->sampling.barred == nullptr);
}

TEST_CASE("the markers of calls are those of the model's family") {
  struct Case {
    const char* call;  // as the template writes it, behind {{ c.
    std::vector<std::string> markers;
  };
  const std::string before =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}{% for t in m.tool_calls or [] %}"
      "{% set c = t.function %}";
  const Case cases[] = {
      {"<tool_call>\n{\"name\": \"{{ c.name }}\", \"arguments\": {{ c.arguments | tojson }}}\n"
       "</tool_call>",
       {"<tool_call>"}},
      {"[TOOL_CALLS][{\"name\": \"{{ c.name }}\", \"arguments\": {{ c.arguments | tojson }}}]",
       {"[TOOL_CALLS]"}},
      {"", {"<tool_call>"}},
  };
  SystemClock clock;
  for (const Case& c : cases) {
    LocalModelOptions options;
    options.model.threads = 1;
    options.chat_template = before + c.call + "{% endfor %}\n{% endfor %}assistant:";
    const auto model = LocalModel::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(),
                                        options, clock);
    if (!model.ok()) FAIL(model.error().message);
    CAPTURE(c.call);
    CHECK((*model)->call_markers() == c.markers);
  }
}

}  // namespace
}  // namespace hearth::serving
