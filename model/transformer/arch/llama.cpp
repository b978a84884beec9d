// Llama 1–3 and everything that is laid out like it (SmolLM2, TinyLlama, older Mistral and Mixtral
// files).
#include "model/transformer/arch/arch.h"

namespace hearth::model::arch {

const Architecture kLlama = {"llama", [](const GgufFile& file, ModelConfig& config) -> Status {
                               // Converters permute the rows of q and k so that pairs lie side by
                               // side.
                               config.ropes[0].pairs = RopePairs::kInterleaved;
                               if (file.GetUint("llama.expert_count").value_or(0) != 0)
                                 return ReadExperts(file, config);
                               return {};
                             }};

}  // namespace hearth::model::arch
