#include "model/tokenizer/spm/spm_tokenizer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "model/tokenizer/utf8.h"

namespace hearth::model {
namespace {

// U+2581, which stands for a space in the vocabulary.
constexpr std::string_view kSpace = "\xe2\x96\x81";

std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from)) {
    out.append(text.substr(0, found)).append(to);
    text.remove_prefix(found + from.size());
  }
  return out.append(text);
}

// The byte that "<0x0A>" names.
std::optional<uint8_t> NamedByte(std::string_view text) {
  uint8_t byte = 0;
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  const auto parsed = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
  return parsed.ptr == text.data() + 5 ? std::optional<uint8_t>(byte) : std::nullopt;
}

// What each token writes. User-defined tokens and names are meant as they are stored.
std::vector<std::string> TokenBytes(const Vocabulary& vocabulary) {
  std::vector<std::string> bytes;
  bytes.reserve(vocabulary.texts.size());
  for (size_t i = 0; i < vocabulary.texts.size(); ++i) {
    const std::string& text = vocabulary.texts[i];
    const auto byte = NamedByte(text);
    if (vocabulary.kinds[i] == TokenKind::kByte && byte) {
      bytes.emplace_back(1, static_cast<char>(*byte));
    } else {
      bytes.push_back(vocabulary.kinds[i] == TokenKind::kNormal ? ReplaceAll(text, kSpace, " ")
                                                                : text);
    }
  }
  return bytes;
}

Result<std::vector<Piece>> ReadPieces(const GgufFile& file, const Vocabulary& vocabulary) {
  const auto scores = file.GetFloats("tokenizer.ggml.scores");
  if (!scores || scores->size() != vocabulary.texts.size()) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.scores: must be one number for each of the ",
                     vocabulary.texts.size(), " tokens");
  }
  std::vector<Piece> pieces;
  pieces.reserve(scores->size());
  for (size_t i = 0; i < scores->size(); ++i) {
    pieces.push_back({vocabulary.texts[i], static_cast<float>((*scores)[i]), vocabulary.kinds[i]});
  }
  const uint64_t unknown = file.GetUint("tokenizer.ggml.unknown_token_id").value_or(0);
  if (unknown >= pieces.size()) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": tokenizer.ggml.unknown_token_id: is not a token of the vocabulary");
  }
  const bool has_unknown = std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.kind == TokenKind::kUnknown;
  });
  if (!has_unknown) pieces[unknown].kind = TokenKind::kUnknown;
  return pieces;
}

// Phi-3's special tokens take the white space behind them, all but these.
void SetSwallowing(const GgufFile& file, Vocabulary& vocabulary) {
  const std::string* const name = file.GetString("general.name");
  std::string lower = name == nullptr ? "" : *name;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (lower.find("phi-3") == std::string::npos && lower.find("phi3") == std::string::npos) return;
  vocabulary.swallows_space.assign(vocabulary.texts.size(), false);
  for (size_t i = 0; i < vocabulary.texts.size(); ++i) {
    const std::string& text = vocabulary.texts[i];
    vocabulary.swallows_space[i] = text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
  }
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> SpmTokenizer::Create(const GgufFile& file,
                                                              Vocabulary vocabulary) {
  HEARTH_TRY(const std::vector<Piece> pieces, ReadPieces(file, vocabulary));
  auto model = PieceModel::Create(pieces);
  if (!model.ok()) return MakeError(model.error().code, file.path(), ": ", model.error().message);
  // The ids that SentencePiece gives where a file says nothing.
  if (!vocabulary.bos && vocabulary.texts.size() > 1) vocabulary.bos = 1;
  if (!vocabulary.eos && vocabulary.texts.size() > 2) vocabulary.eos = 2;
  SetSwallowing(file, vocabulary);
  const bool prefix = file.GetBool("tokenizer.ggml.add_space_prefix").value_or(true);
  return std::shared_ptr<const Tokenizer>(new SpmTokenizer(vocabulary, *std::move(model), prefix));
}

SpmTokenizer::SpmTokenizer(const Vocabulary& vocabulary, std::unique_ptr<const PieceModel> model,
                           bool adds_space_prefix)
    : VocabularyTokenizer(vocabulary, TokenBytes(vocabulary), true), model_(std::move(model)) {
  hides_first_space_ = adds_space_prefix;
  std::vector<TokenId> ids(256, -1);
  for (size_t i = 0; i < vocabulary.texts.size(); ++i) {
    const auto byte = NamedByte(vocabulary.texts[i]);
    if (vocabulary.kinds[i] == TokenKind::kByte && byte) ids[*byte] = static_cast<TokenId>(i);
  }
  if (std::find(ids.begin(), ids.end(), -1) == ids.end()) byte_ids_ = std::move(ids);
}

void SpmTokenizer::EncodeText(std::string_view text, std::vector<TokenId>& out) const {
  // Every text that begins, or follows a special token, begins a word.
  std::string escaped = hides_first_space_ ? std::string(kSpace) : std::string();
  escaped += ReplaceAll(text, " ", kSpace);
  // Bytes that are no UTF-8 are their own tokens; the library would replace them.
  std::string_view rest = escaped;
  size_t valid = 0;
  const auto encode_valid = [&] {
    if (valid != 0) model_->Encode(rest.substr(0, valid), out);
    rest.remove_prefix(valid);
    valid = 0;
  };
  while (valid < rest.size()) {
    const Utf8Step step = DecodeUtf8(rest.substr(valid));
    if (step.kind == Utf8Step::Kind::kCharacter) {
      valid += step.length;
      continue;
    }
    encode_valid();
    for (const char byte : rest.substr(0, step.length)) {
      if (!byte_ids_.empty()) out.push_back(byte_ids_[static_cast<uint8_t>(byte)]);
    }
    rest.remove_prefix(step.length);
  }
  encode_valid();
}

}  // namespace hearth::model
