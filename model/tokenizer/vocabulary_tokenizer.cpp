#include "model/tokenizer/vocabulary_tokenizer.h"

#include <utility>

namespace hearth::model {

VocabularyTokenizer::VocabularyTokenizer(const Vocabulary& vocabulary,
                                         std::vector<std::string> bytes, bool adds_bos) {
  kinds_ = vocabulary.kinds;
  bytes_ = std::move(bytes);
  bos_ = vocabulary.bos;
  eos_ = vocabulary.eos;
  end_of_turn_ = vocabulary.end_of_turn;
  adds_bos_ = vocabulary.adds_bos.value_or(adds_bos);
  adds_eos_ = vocabulary.adds_eos.value_or(false);
  for (size_t i = 0; i < kinds_.size(); ++i) {
    const bool always = kinds_[i] == TokenKind::kUserDefined;
    const auto id = static_cast<TokenId>(i);
    if (!always && !IsControl(id)) continue;
    specials_.Add(vocabulary.texts[i], id, always);
    special_ids_.emplace(vocabulary.texts[i], id);
  }
}

template <typename Next>
void VocabularyTokenizer::EncodeAround(std::string_view text, Next next,
                                       std::vector<TokenId>& ids) const {
  for (size_t at = 0; at < text.size();) {
    const auto special = next(at);
    const size_t end = special ? special->begin : text.size();
    if (end > at) EncodeText(text.substr(at, end - at), ids);
    if (special) ids.push_back(special->id);
    at = special ? special->end : text.size();
  }
}

std::vector<TokenId> VocabularyTokenizer::Encode(std::string_view text,
                                                 const EncodeOptions& options) const {
  std::vector<TokenId> ids;
  if (options.add_bos.value_or(adds_bos_) && bos_) ids.push_back(*bos_);
  EncodeAround(
      text, [&](size_t at) { return specials_.Next(text, at, options.parse_special); }, ids);
  if (!options.add_bos && adds_eos_ && eos_) ids.push_back(*eos_);
  return ids;
}

std::vector<TokenId> VocabularyTokenizer::EncodeRuns(std::span<const TextRun> runs) const {
  std::string text;
  std::vector<size_t> untrusted_before = {0};  // [i]: untrusted bytes in front of byte i
  for (const TextRun& run : runs) {
    for (size_t i = 0; i < run.text.size(); ++i) {
      untrusted_before.push_back(untrusted_before.back() + (run.trusted ? 0 : 1));
    }
    text += run.text;
  }
  const auto next = [&](size_t at) {
    auto any = specials_.Next(text, at, true);
    const auto always = specials_.Next(text, at, false);
    while (any && untrusted_before[any->begin] != untrusted_before[any->end]) {
      if (always && always->begin <= any->begin) return always;
      any = specials_.Next(text, any->begin + 1, true);
    }
    return any;
  };
  std::vector<TokenId> ids;
  EncodeAround(text, next, ids);
  return ids;
}

std::string VocabularyTokenizer::Decode(std::span<const TokenId> ids, bool with_special) const {
  Detokenizer detokenizer(*this, with_special);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.Push(id);
  return text + detokenizer.Flush();
}

}  // namespace hearth::model
