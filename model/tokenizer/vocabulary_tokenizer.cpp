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
  swallows_space_ = vocabulary.swallows_space;
  adds_eos_ = vocabulary.adds_eos.value_or(false);
  for (size_t i = 0; i < kinds_.size(); ++i) {
    const bool always = kinds_[i] == TokenKind::kUserDefined;
    const auto id = static_cast<TokenId>(i);
    if (!always && !IsControl(id)) continue;
    specials_.Add(vocabulary.texts[i], id, always);
    special_ids_.emplace(vocabulary.texts[i], id);
  }
}

std::vector<TokenId> VocabularyTokenizer::Encode(std::string_view text,
                                                 const EncodeOptions& options) const {
  const SpecialTokens::Range whole{0, text.size()};
  std::vector<TokenId> ids;
  if (options.add_bos.value_or(adds_bos_) && bos_) ids.push_back(*bos_);
  EncodeRanges(text, std::span(&whole, options.parse_special ? 1 : 0), ids);
  if (!options.add_bos && adds_eos_ && eos_) ids.push_back(*eos_);
  return ids;
}

std::vector<TokenId> VocabularyTokenizer::EncodeRuns(std::span<const TextRun> runs) const {
  std::string text;
  std::vector<SpecialTokens::Range> parsed;
  for (const TextRun& run : runs) {
    const size_t begin = text.size();
    text += run.text;
    if (!run.trusted || run.text.empty()) continue;
    if (!parsed.empty() && parsed.back().end == begin) {
      parsed.back().end = text.size();
    } else {
      parsed.push_back({begin, text.size()});
    }
  }
  std::vector<TokenId> ids;
  EncodeRanges(text, parsed, ids);
  return ids;
}

void VocabularyTokenizer::EncodeRanges(std::string_view text,
                                       std::span<const SpecialTokens::Range> parsed,
                                       std::vector<TokenId>& ids) const {
  for (size_t at = 0; at < text.size();) {
    const auto special = specials_.Next(text, at, parsed);
    const size_t end = special ? special->begin : text.size();
    if (end > at) EncodeText(text.substr(at, end - at), ids);
    if (special) ids.push_back(special->id);
    at = special ? special->end : text.size();
    if (!special || swallows_space_.empty() || !swallows_space_[static_cast<size_t>(special->id)])
      continue;
    while (at < text.size() && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'))) ++at;
  }
}

std::string VocabularyTokenizer::Decode(std::span<const TokenId> ids, bool with_special) const {
  Detokenizer detokenizer(*this, with_special);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.Push(id);
  return text + detokenizer.Flush();
}

}  // namespace hearth::model
