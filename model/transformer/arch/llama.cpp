// Llama 1–3 and everything that is laid out like it (SmolLM2, TinyLlama, older Mistral files).
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kLlama = {
    "llama", [](const GgufFile& file, ModelConfig& config) -> Status {
      // Converters permute the rows of q and k so that pairs lie side by side.
      config.ropes[0].pairs = RopePairs::kInterleaved;
      // Llama 3.1 and later: a factor for each frequency instead of a scaling rule.
      if (const TensorInfo* factors = file.FindTensor("rope_freqs.weight")) {
        if (factors->type != TensorType::kF32 || factors->elements() != config.ropes[0].dims / 2) {
          return MakeError(ErrorCode::kInvalidArgument, "rope_freqs.weight: expected ",
                           config.ropes[0].dims / 2, " F32 values, found ", factors->elements(),
                           " ", GetTensorType(factors->type).name);
        }
        const auto* values = reinterpret_cast<const float*>(factors->data.data());
        config.ropes[0].frequency_factors.assign(values, values + factors->elements());
      }
      return {};
    }};

}  // namespace hearth::model::arch
