#include <sentencepiece_processor.h>

#include <cassert>

#include "model/tokenizer/spm/model_proto.h"
#include "model/tokenizer/spm/piece_model.h"

namespace hearth::model {
namespace {

class SentencePieceModel : public PieceModel {
 public:
  sentencepiece::SentencePieceProcessor& processor() { return processor_; }

  void Encode(std::string_view text, std::vector<TokenId>& out) const override {
    std::vector<int> ids;
    [[maybe_unused]] const auto status = processor_.Encode(text, &ids);
    assert(status.ok());
    out.insert(out.end(), ids.begin(), ids.end());
  }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

}  // namespace

Result<std::unique_ptr<const PieceModel>> PieceModel::Create(std::span<const Piece> pieces) {
  auto model = std::make_unique<SentencePieceModel>();
  const auto status = model->processor().LoadFromSerializedProto(WriteModelProto(pieces));
  if (!status.ok()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "tokenizer.ggml.tokens: the sentencepiece library refuses the vocabulary: ",
                     status.ToString());
  }
  return std::unique_ptr<const PieceModel>(std::move(model));
}

}  // namespace hearth::model
