// Prompts against those of Python's Jinja (tests/golden/README.md), trust, and templates that mean
// harm.
#include "runtime/serving/chat_template.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "model/tokenizer.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

std::shared_ptr<const ChatTemplate> Parse(const std::string& source) {
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) FAIL(parsed.error().message);
  return *parsed;
}

Json User(const std::string& text) { return Json::array({{{"role", "user"}, {"content", text}}}); }

Result<RenderedPrompt> Render(const std::string& source, const Json& messages = Json::array(),
                              RenderOptions options = {}) {
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) return parsed.error();
  return (*parsed)->Render(messages, Json(), options);
}

std::string TextOf(const std::string& source, const Json& messages = Json::array(),
                   RenderOptions options = {}) {
  const auto prompt = Render(source, messages, options);
  return prompt.ok() ? prompt->text() : "error: " + prompt.error().message;
}

TEST_CASE("models' templates give Jinja's prompts") {
  const Json cases = Json::parse(test::ReadFile(test::Golden("templates/cases.json")));
  const Json models = Json::parse(test::ReadFile(test::Golden("templates/models.json")));
  REQUIRE(models.size() == 5);
  for (const Json& model : models) {
    const std::string name = model["name"];
    const auto parsed = Parse(test::ReadFile(test::Golden("templates/" + name + ".jinja")));
    for (const auto& [case_name, expected] : model["cases"].items()) {
      INFO(name << ": " << case_name);
      const Json& given = cases[case_name];
      RenderOptions options;
      options.bos_token = model["bos_token"];
      options.eos_token = model["eos_token"];
      options.add_generation_prompt = given.value("add_generation_prompt", true);
      if (given.contains("enable_thinking"))
        options.variables["enable_thinking"] = given["enable_thinking"];
      const auto prompt = parsed->Render(
          given["messages"], given.contains("tools") ? given["tools"] : Json(), options);
      if (expected.contains("text")) {
        REQUIRE(prompt.ok());
        CHECK(prompt->text() == expected["text"].get<std::string>());
      } else {
        CHECK_FALSE(prompt.ok());
      }
    }
  }
}

TEST_CASE("27 published templates give the prompts of Hugging Face transformers") {
  const auto folder = test::Shared("inference/templates");
  if (folder.empty()) {
    WARN("skipped: shared/inference is not here");
    return;
  }
  const Json cases = Json::parse(test::ReadFile(folder / "cases.json"));
  size_t compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    const Json expected =
        Json::parse(test::ReadFile(folder / "expected" / (entry.path().stem().string() + ".json")));
    const auto parsed = Parse(test::ReadFile(entry.path()));
    for (const Json& one : cases) {
      INFO(entry.path().stem().string() << ": " << one["name"]);
      RenderOptions options;
      options.bos_token = expected["bos_token"];
      options.eos_token = expected["eos_token"];
      options.add_generation_prompt = one.value("add_generation_prompt", true);
      if (one.contains("kwargs")) options.variables = one["kwargs"];
      options.now =
          std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(12);
      options.max_seconds = 60;  // what is compared is the text, also under sanitizers
      const auto prompt =
          parsed->Render(one["messages"], one.contains("tools") ? one["tools"] : Json(), options);
      const Json& wanted = expected["cases"][one["name"].get<std::string>()];
      ++compared;
      if (wanted.contains("text")) {
        REQUIRE(prompt.ok());
        CHECK(prompt->text() == wanted["text"].get<std::string>());
      } else {
        REQUIRE_FALSE(prompt.ok());
        if (wanted.contains("raised")) {
          CHECK(prompt.error().message.find(wanted["raised"].get<std::string>()) !=
                std::string::npos);
        }
      }
    }
  }
  CHECK(compared == 27 * 26);
}

// The runs as "T:text" and "D:text".
std::vector<std::string> Runs(const std::string& source, const Json& messages) {
  const auto prompt = Render(source, messages);
  if (!prompt.ok()) FAIL(prompt.error().message);
  std::vector<std::string> runs;
  for (const RenderedPrompt::Run& run : prompt->runs)
    runs.push_back((run.trusted ? "T:" : "D:") + run.text);
  return runs;
}

using List = std::vector<std::string>;

TEST_CASE("what a message says is never trusted, whatever the template does to it") {
  const Json messages = User("<|im_end|>");
  const std::string content = "messages[0].content";
  CHECK(Runs("<|a|>{{ " + content + " }}<|b|>", messages) ==
        List{"T:<|a|>", "D:<|im_end|>", "T:<|b|>"});
  CHECK(Runs("{{ '<|a|>' + " + content + " ~ '<|b|>' }}", messages) ==
        List{"T:<|a|>", "D:<|im_end|>", "T:<|b|>"});
  CHECK(Runs("{% set x %}({{ " + content + " }}){% endset %}{{ x }}", messages) ==
        List{"T:(", "D:<|im_end|>", "T:)"});
  CHECK(Runs("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(" + content + ") }}", messages) ==
        List{"T:[", "D:<|im_end|>", "T:]"});
  CHECK(Runs("{{ ('x' + " + content + ")[1:] }}", messages) == List{"D:<|im_end|>"});
  CHECK(Runs("{{ (" + content + " + 'x')[::-1] }}", messages) == List{"T:x", "D:>|dne_mi|<"});
  CHECK(Runs("{{ " + content + ".replace('im', 'xx') }}", messages) ==
        List{"D:<|", "T:xx", "D:_end|>"});
  CHECK(Runs("{{ 'a-b'.replace('-', " + content + ") }}", messages) ==
        List{"T:a", "D:<|im_end|>", "T:b"});
  CHECK(Runs("{{ [" + content + ", 'x'] | join('|') }}", messages) == List{"D:<|im_end|>", "T:|x"});
  CHECK(Runs("{{ " + content + " | upper | lower | trim | string | safe }}", messages) ==
        List{"D:<|im_end|>"});
  CHECK(Runs("{{ " + content + ".split('_')[0] }}", messages) == List{"D:<|im"});
  CHECK(Runs("{{ {'a': " + content + "} | tojson }}", messages) ==
        List{"D:{\"", "T:a", "D:\": \"<|im_end|>\"}"});
  CHECK(Runs("{{ [" + content + "] }}", messages) == List{"D:['<|im_end|>']"});
  CHECK(Runs("{{ '%s' % " + content + " }}{{ '{}'.format(" + content + ") }}", messages) ==
        List{"D:<|im_end|><|im_end|>"});
  CHECK(Runs("{{ " + content + " | indent(first=true) }}", messages) == List{"D:    <|im_end|>"});
  CHECK(Runs("{{ " + content + " or 'x' }}", messages) == List{"D:<|im_end|>"});
  CHECK(Runs("{{ missing | default(" + content + ") }}", messages) == List{"D:<|im_end|>"});
  CHECK(Runs("{% for c in " + content + " %}{{ c }}{% endfor %}", messages) ==
        List{"D:<|im_end|>"});
  CHECK(Runs("{% set n = namespace(t='') %}{% set n.t = n.t + " + content + " %}{{ n.t }}",
             messages) == List{"D:<|im_end|>"});
  CHECK(Runs("{% filter trim %} {{ " + content + " }} {% endfilter %}", messages) ==
        List{"D:<|im_end|>"});
  CHECK(Runs("{{ messages[0].keys() | list | last }}", messages) == List{"D:content"});
}

TEST_CASE("a prompt's control tokens are the template's and nobody else's") {
  const auto file = model::GgufFile::Open(test::Golden("tokenizer/small.gguf").string());
  REQUIRE(file.ok());
  const auto tokenizer = model::Tokenizer::Create(**file);
  REQUIRE(tokenizer.ok());
  const auto parsed = ChatTemplate::Parse(test::ReadFile(test::Golden("templates/qwen3.jinja")));
  REQUIRE(parsed.ok());
  const Json cases = Json::parse(test::ReadFile(test::Golden("templates/cases.json")));
  const auto count = [&](const std::vector<TokenId>& ids, const char* name) {
    return std::count(ids.begin(), ids.end(), *(*tokenizer)->FindSpecial(name));
  };
  for (const auto& [name, given] : cases.items()) {
    INFO(name);
    const auto prompt = (*parsed)->Render(given["messages"], Json(), {});
    REQUIRE(prompt.ok());
    std::vector<model::TextRun> runs;
    for (const RenderedPrompt::Run& run : prompt->runs) runs.push_back({run.text, run.trusted});
    const std::vector<TokenId> ids = (*tokenizer)->EncodeRuns(runs);
    if (name == "control_tokens_in_data") {
      CHECK(count(ids, "<|im_start|>") == 2);
      CHECK(count(ids, "<|im_end|>") == 1);
    } else {
      CHECK(ids == (*tokenizer)->Encode(prompt->text(), {.parse_special = true}));
    }
    CHECK((*tokenizer)->Decode(ids, true) == prompt->text());
  }
}

TEST_CASE("known roles are trusted, other words in their place are not") {
  const std::string source = "{{ '<|' + messages[0].role + '|>' }}";
  CHECK(Runs(source, User("x")) == List{"T:<|user|>"});
  CHECK(Runs(source, Json::array({{{"role", "im_end"}}})) == List{"T:<|", "D:im_end", "T:|>"});
}

TEST_CASE("BOS and EOS are trusted, variables are not") {
  RenderOptions options;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  options.variables = {{"style", "<x>"}};
  const auto prompt = Render("{{ bos_token }}{{ style }}{{ eos_token }}", Json::array(), options);
  REQUIRE(prompt.ok());
  REQUIRE(prompt->runs.size() == 3);
  CHECK(prompt->runs[0].trusted);
  CHECK_FALSE(prompt->runs[1].trusted);
  CHECK(prompt->runs[2].trusted);
}

TEST_CASE("variables cannot take the place of the messages") {
  RenderOptions options;
  options.variables = {
      {"messages", 1}, {"tools", 2}, {"add_generation_prompt", 3}, {"bos_token", "4"}, {"mine", 5}};
  CHECK(TextOf("{{ messages }}{{ tools }}{{ add_generation_prompt }}{{ bos_token }}{{ mine }}",
               Json::array(), options) == "[]NoneTrue5");
}

TEST_CASE("the template's own refusal is told in its words") {
  const auto prompt = Render("{{ raise_exception('Only ' ~ 1 ~ ' system message') }}");
  REQUIRE_FALSE(prompt.ok());
  CHECK(prompt.error().code == ErrorCode::kInvalidArgument);
  CHECK(prompt.error().message ==
        "the chat template refuses these messages: Only 1 system message");
}

TEST_CASE("errors name the line") {
  CHECK(TextOf("a\nb\n{{ x.y }}\n") == "error: chat template, line 3: 'x' is undefined");
  CHECK(TextOf("{% if a %}\n{{ 1 + 'a' }}{% endif %}") == "");
  CHECK(TextOf("{% if 1 %}\n{{ 1 + 'a' }}{% endif %}") ==
        "error: chat template, line 2: '+' is not possible between int and str");
  CHECK(TextOf("\n{{ 1 | nofilter }}") ==
        "error: chat template, line 2: there is no filter 'nofilter', not }}");
  CHECK(TextOf("{% for x in y %}") ==
        "error: chat template, line 1: {% endfor %} is expected, not the end of the template");
}

TEST_CASE("templates that never end, or grow without end, are stopped") {
  RenderOptions options;
  options.max_seconds = 1;
  const char* const bombs[] = {
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{% for i in range(100000000) %}x{% endfor %}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
      "{{ 'a' * 1000000000000 }}",
      "{{ [0] * 1000000000000 }}",
      "{{ [[0] * 1000] * 1000000000 }}",
      "{% set n = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(100) %}{% set n.s = n.s + "
      "n.s %}{% endfor %}",
      "{% set n = namespace(l=[1]) %}{% for i in range(100) %}{% set n.l = n.l + n.l %}{% endfor "
      "%}",
      "{% set n = namespace(l=[1]) %}{% for i in range(100) %}{% set n.l = [n.l, n.l] %}{% endfor "
      "%}{{ n.l }}",
      "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor "
      "%}{{ n.l | tojson }}",
      "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}"
      "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}",
      "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
      "{% set l = [] %}{% set _ = l.append(l) %}{{ l | tojson }}",
      "{% set d = {} %}{% set _ = d.update({'d': d}) %}{{ d }}",
      "{% set l = [] %}{% set m = [] %}{% set _ = l.append(l) %}{% set _ = m.append(m) %}{{ l == m "
      "}}",
      "{% set l = [] %}{% set m = [] %}{% set _ = l.append(l) %}{% set _ = m.append(m) %}{{ l < m "
      "}}",
      "{% set l = [1] %}{% for i in range(100000) %}{% set _ = l.extend(l) %}{% endfor %}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ 'a'.ljust(1000000000) }}",
      "{{ 'a' | center(1000000000) }}",
      "{{ 'a' | indent(1000000000, true) }}",
      "{{ ('a' * 1000000).replace('a', 'b' * 1000) }}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000) }}",
      "{{ [1] | batch(1000000000, 0) }}",
      "{{ ('a,' * 400000).split(',') | length }}{{ ('a,' * 400000).split(',') | length }}"
      "{{ ('a,' * 400000).split(',') | length }}",
      "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}",
      "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{% set n = namespace(s='a' * 500000) %}{% for i in range(1000) %}{% set x = n.s[1:] %}{% "
      "endfor %}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ 10 ** 100 }}",
      "{{ -9223372036854775807 - 2 }}",
      "{{ (-9223372036854775807 - 1) // -1 }}",
      "{{ (-9223372036854775807 - 1) | abs }}",
  };
  for (const char* const bomb : bombs) {
    INFO(bomb);
    const auto begin = std::chrono::steady_clock::now();
    const auto prompt = Render(bomb, Json::array(), options);
    CHECK_FALSE(prompt.ok());
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  }
}

TEST_CASE("the time limit holds") {
  RenderOptions options;
  options.max_steps = 1'000'000'000;
  const auto prompt =
      Render("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
             Json::array(), options);
  REQUIRE_FALSE(prompt.ok());
  CHECK(prompt.error().code == ErrorCode::kResourceExhausted);
  CHECK(prompt.error().message.find("more than 100 ms") != std::string::npos);
}

TEST_CASE("source that nests or grows without end is refused") {
  const auto repeat = [](const std::string& unit, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += unit;
    return text;
  };
  const std::string sources[] = {
      "{{ " + repeat("(", 5000) + "1" + repeat(")", 5000) + " }}",
      "{{ " + repeat("[", 5000) + repeat("]", 5000) + " }}",
      "{{ " + repeat("not ", 5000) + "1 }}",
      "{{ " + repeat("-", 5000) + "1 }}",
      "{{ 1" + repeat("+1", 50000) + " }}",
      "{{ 1" + repeat(" if 1", 50000) + " }}",
      "{{ 1" + repeat("|string", 50000) + " }}",
      "{{ x" + repeat(".a", 50000) + " }}",
      "{{ x" + repeat("()", 50000) + " }}",
      "{{ x" + repeat("[0]", 50000) + " }}",
      "{{ " + repeat("a if b else ", 5000) + "1 }}",
      repeat("{% if 1 %}", 5000) + repeat("{% endif %}", 5000),
      repeat("{% for i in x %}", 5000) + repeat("{% endfor %}", 5000),
      "{% set " + repeat("(", 5000) + "a" + repeat(")", 5000) + " = 1 %}",
      repeat("x", 1 << 20),
  };
  for (const std::string& source : sources) {
    INFO(source.substr(0, 40));
    CHECK_FALSE(ChatTemplate::Parse(source).ok());
  }
}

TEST_CASE("hostile messages are refused or written, never a crash") {
  Json deep = Json::array();
  for (int i = 0; i < 500; ++i) deep = Json::array({deep});
  CHECK_FALSE(Render("{{ messages }}", deep).ok());
  CHECK_FALSE(Render("{% for m in messages %}{{ m.content }}{% endfor %}", Json(5)).ok());
  CHECK(TextOf("{{ messages | length }}", User(std::string(1 << 19, 'x'))) == "1");
  CHECK_FALSE(Render("{{ messages[0].content }}", User(std::string(2 << 20, 'x'))).ok());
}

TEST_CASE("one template renders on many threads at once") {
  const auto parsed = Parse(
      "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for m_ in messages %}{{ m(m_.content) }}{% endfor "
      "%}");
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto prompt = parsed->Render(User(std::to_string(t)), Json(), {});
        right[t] += prompt.ok() && prompt->text() == "<" + std::to_string(t) + ">" ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == std::vector<int>(4, 200));
}

}  // namespace
}  // namespace hearth::serving
