#include "runtime/serving/format_detection.h"

#include <catch2/catch.hpp>

#include "runtime/serving/chat_template.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

DetectedFormat Detect(const std::string& source) {
  const auto chat_template = ChatTemplate::Parse(source);
  REQUIRE(chat_template.ok());
  return DetectFormat([&](const Json& messages, const Json& tools) -> Result<std::string> {
    RenderOptions options;
    options.bos_token = "<s>";
    options.eos_token = "</s>";
    HEARTH_TRY(const RenderedPrompt prompt, (*chat_template)->Render(messages, tools, options));
    return prompt.text();
  });
}

using Evidence = DetectedFormat::Evidence;

TEST_CASE("the family of a template is found by what it renders") {
  const auto golden = [](const char* name) {
    return Detect(test::ReadFile(test::Golden(Concat("templates/", name))));
  };
  for (const char* name : {"qwen2.5.jinja", "qwen3.jinja"}) {
    const DetectedFormat found = golden(name);
    CHECK(found.format->name == "hermes");
    CHECK(found.evidence == Evidence::kExact);
    CHECK(found.knows_tools);
    CHECK_FALSE(found.short_ids);
  }
  const DetectedFormat plain = golden("smollm2.jinja");
  CHECK(plain.format == &GenericFormat());
  CHECK(plain.evidence == Evidence::kNone);
  CHECK_FALSE(plain.knows_tools);
}

TEST_CASE("what a template asks of calls is found too") {
  const DetectedFormat strict = Detect(
      "{% for t in tools %}{{ t.function.name }}{% endfor %}{% for m in messages %}"
      "{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}{{ raise_exception('9') }}"
      "{% endif %}[TOOL_CALLS]{{ c.function.name }}[CALL_ID]{{ c.id }}[ARGS]"
      "{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}");
  CHECK(strict.format->name == "mistral11");
  CHECK(strict.short_ids);
  const DetectedFormat text = Detect(
      "{% for t in tools %}{{ t.function.name }}{% endfor %}{% for m in messages %}"
      "{% for c in m.tool_calls or [] %}<tool_call>{\"name\": \"{{ c.function.name }}\", "
      "\"arguments\": {{ c.function.arguments + '' }}}</tool_call>{% endfor %}{% endfor %}");
  CHECK(text.format->name == "smollm3");
  CHECK(text.text_arguments);
}

TEST_CASE("published templates belong to the families that we think") {
  const auto folder = test::Shared("inference/templates");
  if (folder.empty()) {
    WARN("skipped: no shared/inference/templates here");
    return;
  }
  struct Case {
    const char* file;
    const char* family;
    Evidence evidence;
  };
  const Case cases[] = {
      {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command_r7b", Evidence::kExact},
      {"GLM-4.6", "glm4_5", Evidence::kExact},
      {"GLM-4.7-Flash", "glm4_7", Evidence::kExact},
      {"HuggingFaceTB-SmolLM3-3B", "smollm3", Evidence::kHint},
      {"Kimi-K2-Instruct", "kimi_k2", Evidence::kExact},
      {"Kimi-K2-Thinking", "kimi_k2", Evidence::kExact},
      {"LFM2-8B-A1B", "lfm2", Evidence::kHint},
      {"MiniMax-M2", "minimax_m2", Evidence::kExact},
      {"Mistral-Small-3.2-24B-Instruct-2506", "mistral11", Evidence::kExact},
      {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3_coder", Evidence::kExact},
      {"NVIDIA-Nemotron-Nano-v2", "nemotron2", Evidence::kExact},
      {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes", Evidence::kExact},
      {"Qwen-Qwen2.5-7B-Instruct", "hermes", Evidence::kExact},
      {"Qwen-Qwen3-0.6B", "hermes", Evidence::kExact},
      {"Qwen3-Coder", "qwen3_coder", Evidence::kExact},
      {"StepFun3.5-Flash", "qwen3_coder", Evidence::kExact},
      {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek3", Evidence::kExact},
      {"deepseek-ai-DeepSeek-V3.1", "deepseek3_1", Evidence::kExact},
      {"google-gemma-2-2b-it", "generic", Evidence::kNone},
      {"google-gemma-4-31B-it", "gemma4", Evidence::kExact},
      {"ibm-granite-granite-3.3-2B-Instruct", "granite3", Evidence::kHint},
      {"meta-llama-Llama-3.1-8B-Instruct", "llama3", Evidence::kExact},
      {"meta-llama-Llama-3.2-3B-Instruct", "llama3", Evidence::kExact},
      {"microsoft-Phi-3.5-mini-instruct", "generic", Evidence::kNone},
      {"mistralai-Mistral-Nemo-Instruct-2407", "mistral", Evidence::kExact},
      {"openai-gpt-oss-120b", "harmony", Evidence::kExact},
      {"unsloth-Apriel-1.5", "apriel", Evidence::kExact},
  };
  for (const Case& c : cases) {
    CAPTURE(c.file);
    const DetectedFormat found = Detect(test::ReadFile(folder / (std::string(c.file) + ".jinja")));
    CHECK(found.format->name == c.family);
    CHECK(found.evidence == c.evidence);
  }
}

}  // namespace
}  // namespace hearth::serving
