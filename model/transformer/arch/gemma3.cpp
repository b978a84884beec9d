// Gemma 3 (text): norms after each half-layer, GELU, a scaled embedding, and five layers with a
// sliding window (and a RoPE base of their own) for each one that sees everything.
#include <cmath>

#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kGemma3 = {
    "gemma3", [](const GgufFile& file, ModelConfig& config) -> Status {
      constexpr uint32_t kGlobalEvery = 6;
      config.activation = Activation::kGeluTanh;
      config.embedding_scale = std::sqrt(static_cast<float>(config.d_model));
      config.ropes[0].pairs = RopePairs::kHalves;
      RopeConfig local = config.ropes[0];
      local.base = file.GetFloat("gemma3.rope.freq_base_swa").value_or(10000.0);
      config.ropes.push_back(local);
      HEARTH_TRY(const uint32_t window,
                 RequireUint(file, config, "attention.sliding_window", 1, 1u << 20));
      for (uint32_t i = 0; i < config.n_layers; ++i) {
        if (i % kGlobalEvery != kGlobalEvery - 1) config.layers[i] = {.window = window, .rope = 1};
      }
      return {};
    }};

}  // namespace hearth::model::arch
