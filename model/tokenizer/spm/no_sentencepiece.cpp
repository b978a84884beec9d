// Stands in where the build has no sentencepiece library.
#include "model/tokenizer/spm/piece_model.h"

namespace hearth::model {

Result<std::unique_ptr<const PieceModel>> PieceModel::Create(std::span<const Piece>) {
  return MakeError(ErrorCode::kUnsupported,
                   "SentencePiece vocabularies are not supported by this build; build it with the "
                   "sentencepiece library (Debian: libsentencepiece-dev)");
}

}  // namespace hearth::model
