#include "model/tokenizer/spm/model_proto.h"

#include <cstdint>
#include <cstring>
#include <set>
#include <string_view>

namespace hearth::model {
namespace {

// ModelProto.SentencePiece.Type.
enum class PieceType : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

constexpr size_t kBytes = 256;

void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void PutNumber(std::string& out, uint32_t field, uint64_t value) {
  PutVarint(out, field << 3);
  PutVarint(out, value);
}

void PutFloat(std::string& out, uint32_t field, float value) {
  PutVarint(out, field << 3 | 5);
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  out.append(bytes, sizeof(value));
}

void PutBytes(std::string& out, uint32_t field, std::string_view bytes) {
  PutVarint(out, field << 3 | 2);
  PutVarint(out, bytes.size());
  out += bytes;
}

// User-defined tokens are cut out before the library sees a text, and unused ones merge like
// others, so both are ordinary to it.
PieceType TypeOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kControl:
      return PieceType::kControl;
    case TokenKind::kUnknown:
      return PieceType::kUnknown;
    case TokenKind::kByte:
      return PieceType::kByte;
    default:
      return PieceType::kNormal;
  }
}

}  // namespace

std::string WriteModelProto(std::span<const Piece> pieces) {
  std::string model;
  std::set<std::string_view> seen;
  bool has_unknown = false;
  size_t bytes = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    PieceType type = TypeOf(pieces[i].kind);
    std::string text = pieces[i].text;
    // The library insists on one unknown piece, and on texts that are there and differ. What it
    // would refuse becomes a control piece; and no text may spell a control piece, which the
    // library would take for the text where it is one character.
    if (text.empty() || text.find('\0') != std::string::npos ||
        !seen.insert(pieces[i].text).second || (type == PieceType::kUnknown && has_unknown)) {
      type = PieceType::kControl;
    }
    if (type == PieceType::kControl) text = "\x01" + std::to_string(i);
    has_unknown |= type == PieceType::kUnknown;
    bytes += type == PieceType::kByte ? 1 : 0;
    std::string piece;
    PutBytes(piece, 1, text);
    PutFloat(piece, 2, pieces[i].score);
    PutNumber(piece, 3, static_cast<uint64_t>(type));
    PutBytes(model, 1, piece);
  }
  std::string trainer;
  PutNumber(trainer, 3, 2);                         // model_type = BPE
  PutNumber(trainer, 35, bytes == kBytes ? 1 : 0);  // byte_fallback
  PutBytes(model, 2, trainer);
  std::string normalizer;
  PutBytes(normalizer, 1, "identity");
  PutNumber(normalizer, 3, 0);  // add_dummy_prefix
  PutNumber(normalizer, 4, 0);  // remove_extra_whitespaces
  PutNumber(normalizer, 5, 0);  // escape_whitespaces
  PutBytes(model, 3, normalizer);
  return model;
}

}  // namespace hearth::model
