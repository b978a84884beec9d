// Phi-3, Phi-3.5 and Phi-4: q, k and v in one tensor, gate and up in another, LongRoPE in the
// versions with long contexts, a sliding window in the short ones.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kPhi3 = {
    "phi3", [](const GgufFile& file, ModelConfig& config) -> Status {
      config.ropes[0].pairs = RopePairs::kHalves;
      if (file.Find("phi3.attention.sliding_window") == nullptr) return {};
      HEARTH_TRY(const uint32_t window,
                 RequireUint(file, config, "attention.sliding_window", 0, 1u << 30));
      for (LayerConfig& layer : config.layers) layer.window = window;
      return {};
    }};

}  // namespace hearth::model::arch
