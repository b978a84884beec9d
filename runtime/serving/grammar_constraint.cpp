#include "runtime/serving/grammar_constraint.h"

#include <algorithm>

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

bool GrammarConstraint::Accept(TokenId id) {
  if (!matcher_.Accept(id)) return false;
  accepted_.push_back(id);
  return true;
}

void GrammarConstraint::Rollback(int n) {
  matcher_.Rollback(static_cast<size_t>(n));
  accepted_.resize(accepted_.size() - std::min(accepted_.size(), static_cast<size_t>(n)));
}

std::vector<TokenId> GrammarConstraint::Cut(std::span<const TokenId> before,
                                            const std::string& bytes) const {
  constexpr size_t kLookBack = 4;
  size_t context = 0;
  while (context < std::min(kLookBack, before.size()) &&
         vocabulary_->IsText(before[before.size() - context - 1])) {
    ++context;
  }
  for (;; --context) {
    const auto last = before.last(context);
    std::string text;
    for (const TokenId id : last) text += vocabulary_->Bytes(id);
    std::vector<TokenId> ids = tokenizer_->Encode(text + bytes, {});
    const bool keeps =
        ids.size() >= last.size() && std::equal(last.begin(), last.end(), ids.begin());
    if (keeps) {
      ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(context));
      // A vocabulary that puts a space in front of a text spells something else here.
      std::string spelled;
      for (const TokenId id : ids) spelled += vocabulary_->IsText(id) ? vocabulary_->Bytes(id) : "";
      if (spelled == bytes) return ids;
    }
    if (context == 0) return {};
  }
}

bool GrammarConstraint::MayReachOver(const TokenSet& allowed, size_t rest) const {
  if (allowed.kind == TokenSet::Kind::kOne) return false;
  if (allowed.kind != TokenSet::Kind::kList) return true;
  return std::ranges::any_of(allowed.list, [&](TokenId id) {
    return !vocabulary_->IsText(id) || vocabulary_->Bytes(id).size() > rest;
  });
}

void GrammarConstraint::ForcedRun(std::vector<TokenId>& out) {
  constexpr size_t kMostTokens = 256;
  if (!forced_runs_) return;
  grammar::Matcher ahead = matcher_;
  std::vector<TokenId> all = accepted_;
  const auto take = [&](TokenId id) {
    if (!ahead.Accept(id)) return false;
    all.push_back(id);
    out.push_back(id);
    return out.size() < kMostTokens;
  };
  while (true) {
    const std::string bytes = ahead.ForcedBytes();
    if (bytes.empty()) {
      // A control token may be the only way on.
      TokenSet allowed;
      if (!ahead.grammar().names_tokens() || !ahead.FillMask(allowed).ok()) return;
      if (allowed.kind != TokenSet::Kind::kOne || vocabulary_->IsEnd(allowed.one)) return;
      if (!take(allowed.one)) return;
      continue;
    }
    size_t rest = bytes.size();
    size_t taken = 0;
    for (const TokenId id : Cut(all, bytes)) {
      // Only near the end can a token reach over it.
      constexpr size_t kNear = 32;
      TokenSet allowed;
      if (rest <= kNear && (!ahead.FillMask(allowed).ok() || MayReachOver(allowed, rest))) return;
      if (!take(id)) return;
      rest -= vocabulary_->Bytes(id).size();
      ++taken;
    }
    if (taken == 0) return;
  }
}

}  // namespace hearth::serving
