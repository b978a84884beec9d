// Qwen3 with a mixture of experts in each layer.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kQwen3Moe = {"qwen3moe",
                                [](const GgufFile& file, ModelConfig& config) -> Status {
                                  config.ropes[0].pairs = RopePairs::kHalves;
                                  return ReadExperts(file, config);
                                }};

}  // namespace hearth::model::arch
