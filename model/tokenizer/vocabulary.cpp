#include "model/tokenizer/vocabulary.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace hearth::model {
namespace {

// Names that end a turn in some family. Files often mark them as ordinary or user-defined, which
// would let data end a turn, so that the name decides.
constexpr std::array<std::string_view, 24> kEndOfTurnNames = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<|eot|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
    "<|plamo:eos|>",
};

Result<std::vector<TokenKind>> ReadKinds(const GgufFile& file, size_t count) {
  std::vector<TokenKind> kinds(count, TokenKind::kNormal);
  if (file.Find("tokenizer.ggml.token_type") == nullptr) return kinds;
  const auto values = file.GetInts("tokenizer.ggml.token_type");
  if (!values || values->size() != count) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.token_type: must be one integer for each of the ", count,
                     " tokens");
  }
  for (size_t i = 0; i < count; ++i) {
    const int64_t value = (*values)[i];
    if (value >= 1 && value <= 6) kinds[i] = static_cast<TokenKind>(value);
  }
  return kinds;
}

Result<std::optional<TokenId>> ReadId(const GgufFile& file, std::string_view key, size_t count) {
  if (file.Find(key) == nullptr) return std::optional<TokenId>();
  const auto value = file.GetUint(key);
  if (!value || *value >= count) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", key,
                     ": is not a token of the ", count, " in the vocabulary");
  }
  return std::optional<TokenId>(static_cast<TokenId>(*value));
}

void InsertSorted(std::vector<TokenId>& list, TokenId id) {
  const auto place = std::lower_bound(list.begin(), list.end(), id);
  if (place == list.end() || *place != id) list.insert(place, id);
}

// Marks tokens by name and gives the set of those that end a turn.
std::vector<TokenId> FindEndOfTurn(Vocabulary& vocabulary) {
  std::array<TokenId, kEndOfTurnNames.size()> by_name;
  by_name.fill(-1);
  for (size_t i = 0; i < vocabulary.texts.size(); ++i) {
    const auto name =
        std::find(kEndOfTurnNames.begin(), kEndOfTurnNames.end(), vocabulary.texts[i]);
    if (name == kEndOfTurnNames.end()) continue;
    by_name[static_cast<size_t>(name - kEndOfTurnNames.begin())] = static_cast<TokenId>(i);
  }
  const auto has = [&](std::string_view name) {
    const auto found = std::find(kEndOfTurnNames.begin(), kEndOfTurnNames.end(), name);
    return by_name[static_cast<size_t>(found - kEndOfTurnNames.begin())] >= 0;
  };
  // Where messages have several endings, <|end|> closes a message and not the turn.
  const bool harmony =
      (has("<|return|>") && has("<|call|>")) || (has("<|calls|>") && has("<|flush|>"));
  // Gemma 4 and PLaMo keep the HTML tag as an ordinary token.
  const bool plain_s = has("<|tool_response>") || has("<|plamo:eos|>");
  std::vector<TokenId> ends;
  for (size_t i = 0; i < by_name.size(); ++i) {
    if (by_name[i] < 0 || (plain_s && kEndOfTurnNames[i] == "</s>")) continue;
    vocabulary.kinds[static_cast<size_t>(by_name[i])] = TokenKind::kControl;
    if (!(harmony && kEndOfTurnNames[i] == "<|end|>")) InsertSorted(ends, by_name[i]);
  }
  return ends;
}

}  // namespace

Result<Vocabulary> Vocabulary::Read(const GgufFile& file) {
  Vocabulary vocabulary;
  const std::vector<std::string>* const texts = file.GetStrings("tokenizer.ggml.tokens");
  if (texts == nullptr || texts->empty()) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.tokens: the list of tokens is missing");
  }
  if (texts->size() > static_cast<size_t>(std::numeric_limits<int32_t>::max() / 2)) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.tokens: ", texts->size(), " tokens are too many");
  }
  vocabulary.texts = *texts;
  const size_t count = texts->size();
  HEARTH_TRY(vocabulary.kinds, ReadKinds(file, count));
  HEARTH_TRY(vocabulary.bos, ReadId(file, "tokenizer.ggml.bos_token_id", count));
  HEARTH_TRY(vocabulary.eos, ReadId(file, "tokenizer.ggml.eos_token_id", count));
  vocabulary.adds_bos = file.GetBool("tokenizer.ggml.add_bos_token");
  vocabulary.adds_eos = file.GetBool("tokenizer.ggml.add_eos_token");

  vocabulary.end_of_turn = FindEndOfTurn(vocabulary);
  if (vocabulary.eos) InsertSorted(vocabulary.end_of_turn, *vocabulary.eos);
  for (const std::string_view key :
       {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    HEARTH_TRY(const std::optional<TokenId> id, ReadId(file, key, count));
    if (id) InsertSorted(vocabulary.end_of_turn, *id);
  }
  return vocabulary;
}

}  // namespace hearth::model
