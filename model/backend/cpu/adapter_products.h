// AdapterProducts: adds low-rank changes to the products of a pass, for the rows of the sequences
// that have an adapter; others are not touched.
//
// A lane adds to exactly those rows of the product that it computed itself, so no barrier is needed
// behind. A token gives the same bits whatever else is in the batch.
#pragma once

#include <vector>

#include "model/backend/backend.h"
#include "model/backend/cpu/cpu_weight.h"
#include "model/backend/cpu/lanes.h"
#include "model/backend/cpu/rows.h"

namespace hearth::model::cpu {

class AdapterProducts {
 public:
  AdapterProducts(const Kernels& kernels, Lanes& lanes);

  // Before a pass; takes the memory that it needs.
  void Begin(const BatchView& batch);
  // Some sequence of the pass has an adapter.
  bool any() const { return any_; }
  // out[t] += scale * B (A x[t]) for the tokens of the pass, where x are the rows that went into
  // the product at this site. All lanes call it, each with scratch memory of its own (kernels.h).
  void Add(int lane, const BatchView& batch, uint32_t layer, InputSite site, const Activations& x,
           float* out, size_t stride, uint8_t* scratch);

 private:
  // A x, by token: as it was multiplied, and part by part, scaled and quantized.
  struct Inner {
    Rows product;
    std::vector<ActivationRows> parts;
  };
  static const AdapterProduct* Find(const BatchSequence& sequence, uint32_t layer, InputSite site);
  // For tokens [begin, end) of the pass.
  void MultiplyDown(const BatchView& batch, uint32_t layer, InputSite site, const Activations& x,
                    size_t begin, size_t end, Inner& inner, uint8_t* scratch);

  const Kernels& kernels_;
  Lanes& lanes_;
  bool any_ = false;
  std::vector<Inner> private_;  // by lane: for a pass of one token, which each lane computes alone
  Inner shared_;
};

}  // namespace hearth::model::cpu
