// Granite 3 (dense): Llama with scales on embedding, scores, residuals and logits.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kGranite = {
    "granite", [](const GgufFile& file, ModelConfig& config) -> Status {
      config.ropes[0].pairs = RopePairs::kInterleaved;
      HEARTH_TRY(config.embedding_scale,
                 OptionalFloat(file, config, "embedding_scale", 0, 1e6, 1.0f));
      HEARTH_TRY(config.attention_scale,
                 OptionalFloat(file, config, "attention.scale", 0, 1e6, config.attention_scale));
      HEARTH_TRY(config.residual_scale,
                 OptionalFloat(file, config, "residual_scale", 0, 1e6, 1.0f));
      // The file gives the divisor.
      HEARTH_TRY(const float divisor, OptionalFloat(file, config, "logit_scale", 0, 1e6, 1.0f));
      config.logit_scale = 1.0f / divisor;
      return {};
    }};

}  // namespace hearth::model::arch
