// SmolLM3: Llama where every fourth layer has no positions.
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kSmolLm3 = {"smollm3", [](const GgufFile&, ModelConfig& config) -> Status {
                                 constexpr uint32_t kNoRopeEvery = 4;
                                 config.ropes[0].pairs = RopePairs::kInterleaved;
                                 for (uint32_t i = kNoRopeEvery - 1; i < config.n_layers;
                                      i += kNoRopeEvery) {
                                   config.layers[i].rope = LayerConfig::kNoRope;
                                 }
                                 return {};
                               }};

}  // namespace hearth::model::arch
