// Which storage type each tensor of a model gets.
//
// The rules follow the customs of GGUF files, so that a file of a name holds what people expect of
// it: the output matrix, the values and half of the down projections keep more bits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/gguf.h"
#include "model/tensor_type.h"

namespace hearth::model {

struct Mix {
  std::string_view name;
  TensorType base = TensorType::kF32;
  // Some tensors get Q6_K: the mixes called _M.
  bool more_bits = false;
  uint32_t file_type = 0;  // general.file_type
};

const Mix* FindMix(std::string_view name);  // in any case; null where there is none
std::string MixNames();

struct TensorChoice {
  TensorType type = TensorType::kF32;
  bool fell_back = false;  // the rows do not fit the format that the mix asks for
};

class MixRules {
 public:
  // The file outlives the rules.
  MixRules(const GgufFile& file, const Mix& mix, bool has_importance);
  // nullopt: the tensor stays as it is.
  std::optional<TensorChoice> Choose(const TensorInfo& tensor) const;

 private:
  TensorType Wanted(const TensorInfo& tensor) const;

  const Mix& mix_;
  const bool has_importance_;
  uint32_t n_layers_ = 0;
  uint32_t n_experts_ = 0;
  bool tied_ = false;
  // Models of 70 billion weights, where the values are a small share and one more bit costs little.
  bool narrow_values_ = false;
};

}  // namespace hearth::model
