// Mistral Small 3 and Ministral 3 (text): Llama, whose queries grow with the position where the
// context was stretched by YaRN. (Older Mistral files say llama.)
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kMistral3 = {
    "mistral3", [](const GgufFile& file, ModelConfig& config) -> Status {
      config.ropes[0].pairs = RopePairs::kInterleaved;
      if (file.Find("mistral3.attention.temperature_scale") == nullptr) return {};
      HEARTH_TRY(config.temperature,
                 OptionalFloat(file, config, "attention.temperature_scale", 0, 1e3, 0.0f));
      HEARTH_TRY(config.temperature_span,
                 RequireUint(file, config, "rope.scaling.original_context_length", 1, 1u << 26));
      return {};
    }};

}  // namespace hearth::model::arch
