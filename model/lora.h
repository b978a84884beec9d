// LoraAdapter: a low-rank change of a model's matrices, y = W x + scale * B (A x), from a GGUF file
// as llama.cpp writes them (general.type "adapter", adapter.type "lora"). After: Hu et al., "LoRA",
// 2021.
//
// Sequences of one batch may have different adapters, or none. Matrices are held as Q8_0. Immutable
// after Load; belongs to the backend of the model that it was loaded for, which must outlive it.
#pragma once

#include <memory>
#include <string>

#include "model/model.h"

namespace hearth::model {

struct AdapterWeights;

class LoraAdapter {
 public:
  // Errors name what does not fit: another architecture, a tensor that this model does not have or
  // whose shape differs, one that cannot be adapted (embedding, output, experts, norms). To be
  // called while the model runs nothing.
  static Result<std::shared_ptr<const LoraAdapter>> Load(const std::string& path, Model& model);
  ~LoraAdapter();

  const AdapterWeights& weights() const { return *weights_; }
  // Unique in this process: KV computed with an adapter is kept apart by it.
  uint64_t id() const { return id_; }

 private:
  LoraAdapter();
  std::unique_ptr<AdapterWeights> weights_;
  uint64_t id_;
};

}  // namespace hearth::model
