#include "runtime/serving/grammar_constraint.h"

namespace hearth::serving {

Result<std::shared_ptr<const grammar::Vocabulary>> MakeVocabulary(const model::Tokenizer& tokenizer,
                                                                  size_t vocabulary_size) {
  std::vector<grammar::Vocabulary::Token> tokens(vocabulary_size);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const bool known = i < tokenizer.size();
    if (known) tokens[i].bytes = tokenizer.bytes(id);
    tokens[i].is_special =
        !known || tokenizer.IsControl(id) || tokenizer.kind(id) == model::TokenKind::kUnused;
  }
  return grammar::Vocabulary::Create(std::move(tokens), tokenizer.end_of_turn());
}

void GrammarConstraint::ForcedRun(std::vector<TokenId>& out) {
  const std::string bytes = matcher_.ForcedBytes();
  if (bytes.size() < 2) return;
  const std::vector<TokenId> tokens = tokenizer_->Encode(bytes, {});
  if (tokens.size() > 1) out.insert(out.end(), tokens.begin(), tokens.end() - 1);
}

}  // namespace hearth::serving
