// OLMo 2 and 3: norms only after half-layers, and over all heads of q and of k together. OLMo 3
// adds sliding windows, whose layers stay as they are where YaRN stretches the others.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kOlmo2 = {
    "olmo2", [](const GgufFile& file, ModelConfig& config) -> Status {
      constexpr uint32_t kGlobalEvery = 4;
      config.ropes[0].pairs = RopePairs::kHalves;
      config.pre_norm = false;
      config.qk_norm = QkNorm::kWhole;
      if (file.GetUint("olmo2.attention.sliding_window").value_or(0) == 0) return {};
      HEARTH_TRY(const uint32_t window,
                 RequireUint(file, config, "attention.sliding_window", 1, 1u << 26));
      HEARTH_CHECK_OK(ReadWindows(file, config, window, kGlobalEvery));
      const float base = static_cast<float>(config.ropes[0].base);
      HEARTH_TRY(const float local,
                 OptionalFloat(file, config, "rope.freq_base_swa", 1, 1e12, base));
      config.ropes.push_back(
          {.base = local, .dims = config.ropes[0].dims, .pairs = RopePairs::kHalves});
      for (LayerConfig& layer : config.layers) layer.rope = layer.window != 0 ? 1 : 0;
      return {};
    }};

}  // namespace hearth::model::arch
