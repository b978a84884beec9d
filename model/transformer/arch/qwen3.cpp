// Qwen3 (dense): Qwen2 without biases and with a norm over each head of q and k.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kQwen3 = {"qwen3", [](const GgufFile&, ModelConfig& config) -> Status {
                               config.ropes[0].pairs = RopePairs::kHalves;
                               return {};
                             }};

}  // namespace hearth::model::arch
