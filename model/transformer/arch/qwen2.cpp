// Qwen2 and Qwen2.5 (dense): Llama with biases on q, k and v, which are loaded because they are
// there.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kQwen2 = {"qwen2", [](const GgufFile&, ModelConfig& config) -> Status {
                               config.ropes[0].pairs = RopePairs::kHalves;
                               return {};
                             }};

}  // namespace hearth::model::arch
