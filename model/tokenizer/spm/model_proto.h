// A vocabulary in the form that the sentencepiece library loads: a serialized ModelProto.
//
// https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto: written by
// hand, as the few fields that matter need no protobuf library.
#pragma once

#include <span>
#include <string>

#include "model/tokenizer/spm/piece_model.h"

namespace hearth::model {

// BPE by scores, without any normalization of its own.
std::string WriteModelProto(std::span<const Piece> pieces);

}  // namespace hearth::model
