// An architecture: how a family of GGUF files says what its ModelConfig is. One file per family.
#pragma once

#include <string_view>

#include "model/model_config.h"

namespace hearth::model::arch {

struct Architecture {
  std::string_view name;  // general.architecture
  // Changes what CommonConfig filled in, and refuses what the family does not allow.
  Status (*configure)(const GgufFile& file, ModelConfig& config);
};

extern const Architecture kLlama;
extern const Architecture kQwen2;
extern const Architecture kQwen3;
extern const Architecture kGemma3;

// An integer of the file under "<architecture>.<key>" that must be there and lie in [low, high].
Result<uint32_t> RequireUint(const GgufFile& file, const ModelConfig& config, std::string_view key,
                             uint64_t low, uint64_t high);

}  // namespace hearth::model::arch
