// An architecture: how a family of GGUF files says what its ModelConfig is. One file per family.
#pragma once

#include <string_view>

#include "model/model_config.h"

namespace hearth::model::arch {

struct Architecture {
  std::string_view name;  // general.architecture
  // Changes what ReadModelConfig filled in, and refuses what the family does not allow.
  Status (*configure)(const GgufFile& file, ModelConfig& config);
};

extern const Architecture kGemma2;
extern const Architecture kGemma3;
extern const Architecture kGranite;
extern const Architecture kLlama;
extern const Architecture kMistral3;
extern const Architecture kOlmo2;
extern const Architecture kPhi3;
extern const Architecture kQwen2;
extern const Architecture kQwen3;
extern const Architecture kQwen3Moe;
extern const Architecture kSmolLm3;

// An integer of the file under "<architecture>.<key>" that must be there and lie in [low, high].
Result<uint32_t> RequireUint(const GgufFile& file, const ModelConfig& config, std::string_view key,
                             uint64_t low, uint64_t high);
// A number under "<architecture>.<key>" in (low, high], or `otherwise` where the file has none.
Result<float> OptionalFloat(const GgufFile& file, const ModelConfig& config, std::string_view key,
                            double low, double high, float otherwise);
// Reads expert_count and expert_used_count; d_ff becomes an expert's where the file gives one.
Status ReadExperts(const GgufFile& file, ModelConfig& config);
// Gives a window to layers as attention.sliding_window_pattern says, where the file has one: a
// boolean a layer, or a whole number n (all but each n-th layer). Otherwise n = `every`.
Status ReadWindows(const GgufFile& file, ModelConfig& config, uint32_t window, uint32_t every);
// What Gemma 2 and 3 share: GELU, an embedding scaled by sqrt(d_model), and the scale of attention.
// The largest of a family, which no key tells from the others but its number of layers, divides by
// the width that heads would have, not by their own.
void UseGemma(ModelConfig& config, uint32_t layers_of_27b);

}  // namespace hearth::model::arch
