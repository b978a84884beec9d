// Gemma 3 (text): norms after each half-layer, GELU, a scaled embedding, and five layers with a
// sliding window (and a RoPE base of their own) for each one that sees everything.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kGemma3 = {
    "gemma3", [](const GgufFile& file, ModelConfig& config) -> Status {
      constexpr uint32_t kGlobalEvery = 6;
      constexpr uint32_t kLayersOf27B = 62;
      UseGemma(config, kLayersOf27B);
      // Where the context is stretched, only the layers that see all of it are.
      HEARTH_TRY(const float base,
                 OptionalFloat(file, config, "rope.freq_base_swa", 1, 1e12, 1e4f));
      config.ropes.push_back(
          {.base = base, .dims = config.ropes[0].dims, .pairs = RopePairs::kHalves});
      HEARTH_TRY(const uint32_t window,
                 RequireUint(file, config, "attention.sliding_window", 1, 1u << 26));
      HEARTH_CHECK_OK(ReadWindows(file, config, window, kGlobalEvery));
      for (LayerConfig& layer : config.layers) layer.rope = layer.window != 0 ? 1 : 0;
      return {};
    }};

}  // namespace hearth::model::arch
