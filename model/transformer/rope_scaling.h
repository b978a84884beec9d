// How a file stretches its context: what rope.scaling.* and the factor tensors make of a RoPE.
//
// linear: Chen et al., "Extending Context Window of Large Language Models via Positional
// Interpolation", 2023. yarn: Peng et al., "YaRN: Efficient Context Window Extension of Large
// Language Models", 2023. longrope: Ding et al., "LongRoPE", 2024. Llama 3 stores its factors as
// the tensor rope_freqs.weight.
#pragma once

#include <cstdint>

#include "model/gguf.h"
#include "model/model_config.h"

namespace hearth::model {

// Fills frequency_factors and magnitude of `rope`, whose base and dims are set. May shorten
// config.context_length (ReadModelConfig says when).
Status ReadRopeScaling(const GgufFile& file, uint32_t context, ModelConfig& config,
                       RopeConfig& rope);

// True for the tensors that ReadRopeScaling reads.
bool IsRopeTensor(std::string_view name);

}  // namespace hearth::model
