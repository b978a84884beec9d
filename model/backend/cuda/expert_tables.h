// ExpertTables: where the matrices of a layer's experts lie, for kernels that learn on the device
// which of them are wanted. Made by the first pass that asks, and kept.
//
// Not thread-safe; the device outlives it.
#pragma once

#include <algorithm>
#include <vector>

#include "model/backend/cuda/cuda_weight.h"
#include "model/backend/cuda/matrix_parts.h"

namespace hearth::model::cuda {

class ExpertTables {
 public:
  struct Layer {
    bool possible = false;                     // each kind of weight is held as one type
    MatrixParts gate_up{}, down{};             // of the first expert: all are shaped alike
    DeviceArray<MatrixParts> gate_ups, downs;  // by expert
  };

  const Layer& Of(Device& device, uint32_t layer, const LayerWeights& weights) {
    if (layers_.size() <= layer) layers_.resize(layer + 1);
    Made& made = layers_[layer];
    if (made.gate_ups.empty()) Make(weights, made);
    // Again where there was no memory before.
    if (made.layer.possible) {
      if (made.layer.gate_ups.size() == 0) made.layer.gate_ups.Upload(device, made.gate_ups);
      if (made.layer.downs.size() == 0) made.layer.downs.Upload(device, made.downs);
    }
    return made.layer;
  }

 private:
  struct Made {
    Layer layer;
    std::vector<MatrixParts> gate_ups, downs;  // by expert
  };

  static MatrixParts PartsOf(const CudaWeight& weight, bool& possible) {
    MatrixParts parts{};
    possible &= weight.parts.size() <= kMostParts;
    for (size_t i = 0; possible && i < weight.parts.size(); ++i) {
      possible &= weight.parts[i].matrix.type == weight.parts[0].matrix.type;
      parts.part[parts.n] = weight.parts[i].matrix;
      parts.first_row[parts.n++] = weight.parts[i].first_row;
    }
    return parts;
  }
  static void Make(const LayerWeights& weights, Made& made) {
    Layer& layer = made.layer;
    layer.possible = true;
    for (const LayerWeights::Expert& expert : weights.experts) {
      made.gate_ups.push_back(PartsOf(Cuda(expert.gate_up), layer.possible));
      made.downs.push_back(PartsOf(Cuda(expert.down), layer.possible));
    }
    layer.gate_up = made.gate_ups[0];
    layer.down = made.downs[0];
    for (size_t e = 0; e < weights.experts.size(); ++e) {
      layer.possible &= made.gate_ups[e].part[0].type == layer.gate_up.part[0].type &&
                        made.downs[e].part[0].type == layer.down.part[0].type;
    }
  }

  std::vector<Made> layers_;
};

}  // namespace hearth::model::cuda
