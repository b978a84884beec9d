#include "grammars/inspect.h"
#include "grammars/vocabulary.h"
#include "model/gguf.h"
#include "model/tokenizer.h"
#include "runtime/main/inspect.h"
#include "runtime/serving/grammar_constraint.h"

namespace hearth::main {
namespace {

Inspector WithVocabulary(std::shared_ptr<const grammar::Vocabulary> vocabulary) {
  return [vocabulary = std::move(vocabulary)](const std::string& line) {
    return grammar::HandleInspectRequest(line, vocabulary);
  };
}

}  // namespace

Result<Inspector> InspectGrammar() { return WithVocabulary(nullptr); }

Result<Inspector> InspectGrammarWithVocabulary(const std::string& gvoc_path) {
  HEARTH_TRY(auto vocabulary, grammar::Vocabulary::ReadGvoc(gvoc_path));
  return WithVocabulary(std::move(vocabulary));
}

Result<Inspector> InspectGrammarWithModel(const std::string& model_path) {
  HEARTH_TRY(const auto file, model::GgufFile::Open(model_path));
  HEARTH_TRY(const auto tokenizer, model::Tokenizer::Create(*file));
  HEARTH_TRY(auto vocabulary, serving::MakeVocabulary(*tokenizer, tokenizer->size()));
  return WithVocabulary(std::move(vocabulary));
}

}  // namespace hearth::main
