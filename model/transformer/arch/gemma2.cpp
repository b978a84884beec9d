// Gemma 2: norms after each half-layer, GELU, a scaled embedding, a sliding window in every second
// layer, and bounded scores and logits.
#include <cmath>

#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

void UseGemma(ModelConfig& config, uint32_t layers_of_27b) {
  config.activation = Activation::kGeluTanh;
  config.embedding_scale = std::sqrt(static_cast<float>(config.d_model));
  config.ropes[0].pairs = RopePairs::kHalves;
  if (config.n_layers == layers_of_27b) {
    config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.d_model / config.n_heads));
  }
}

const Architecture kGemma2 = {
    "gemma2", [](const GgufFile& file, ModelConfig& config) -> Status {
      constexpr uint32_t kLayersOf27B = 46;
      UseGemma(config, kLayersOf27B);
      HEARTH_TRY(config.attention_softcap,
                 OptionalFloat(file, config, "attn_logit_softcapping", 0, 1e6, 50.0f));
      HEARTH_TRY(config.logit_softcap,
                 OptionalFloat(file, config, "final_logit_softcapping", 0, 1e6, 30.0f));
      HEARTH_TRY(const uint32_t window,
                 RequireUint(file, config, "attention.sliding_window", 1, 1u << 26));
      return ReadWindows(file, config, window, 2);
    }};

}  // namespace hearth::model::arch
