#include "runtime/serving/prompt_tokens.h"

namespace hearth::serving {

std::vector<TokenId> EncodePrompt(const model::Tokenizer& tokenizer, const RenderedPrompt& prompt) {
  std::vector<model::TextRun> runs;
  runs.reserve(prompt.runs.size());
  for (const RenderedPrompt::Run& run : prompt.runs) runs.push_back({run.text, run.trusted});
  return tokenizer.EncodeRuns(runs, false);
}

}  // namespace hearth::serving
