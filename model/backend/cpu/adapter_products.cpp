#include "model/backend/cpu/adapter_products.h"

#include <algorithm>

namespace hearth::model::cpu {
namespace {

const CpuWeight& Cpu(const WeightPtr& weight) { return static_cast<const CpuWeight&>(*weight); }

size_t Padded(size_t rank) { return (rank + kQuantBlock - 1) / kQuantBlock * kQuantBlock; }

}  // namespace

AdapterProducts::AdapterProducts(const Kernels& kernels, Lanes& lanes)
    : kernels_(kernels), lanes_(lanes), private_(static_cast<size_t>(lanes.count())) {}

const AdapterProduct* AdapterProducts::Find(const BatchSequence& sequence, uint32_t layer,
                                            InputSite site) {
  if (sequence.adapter == nullptr) return nullptr;
  const AdapterProduct& product = sequence.adapter->layers[layer][static_cast<size_t>(site)];
  return product.parts.empty() ? nullptr : &product;
}

void AdapterProducts::Begin(const BatchView& batch) {
  size_t ranks = 0, widest = 0, parts = 0;
  any_ = false;
  for (const BatchSequence& sequence : batch.sequences) {
    if (sequence.adapter == nullptr) continue;
    any_ = true;
    for (const AdapterLayer& layer : sequence.adapter->layers) {
      for (const AdapterProduct& product : layer) {
        ranks = std::max<size_t>(ranks, product.ranks);
        parts = std::max(parts, product.parts.size());
        for (const auto& part : product.parts) widest = std::max(widest, Padded(part.rank));
      }
    }
  }
  if (!any_) return;
  const size_t n = batch.tokens.size();
  const auto resize = [&](Inner& inner) {
    inner.product.Resize(n, ranks);
    if (inner.parts.size() < parts) inner.parts.resize(parts);
    for (ActivationRows& part : inner.parts) part.Resize(n, widest);
  };
  if (n > 1) return resize(shared_);
  for (Inner& inner : private_) resize(inner);
}

void AdapterProducts::MultiplyDown(const BatchView& batch, uint32_t layer, InputSite site,
                                   const Activations& x, size_t begin, size_t end, Inner& inner,
                                   uint8_t* scratch) {
  for (const BatchSequence& sequence : batch.sequences) {
    const size_t first = std::max<size_t>(sequence.first, begin);
    const size_t last = std::min<size_t>(sequence.first + sequence.count, end);
    const AdapterProduct* product = Find(sequence, layer, site);
    if (product == nullptr || first >= last) continue;
    for (const CpuWeight::Part& part : Cpu(product->down).parts) {
      kernels_.multiply(part.panels, 0, part.panels.count(), x.Row(first), last - first,
                        inner.product.row(first) + part.first_row, inner.product.width(), false,
                        scratch);
    }
    for (size_t t = first; t < last; ++t) {
      const float* all = inner.product.row(t);
      for (size_t p = 0; p < product->parts.size(); ++p) {
        constexpr float kAllFine = 0;
        const AdapterProduct::Part& part = product->parts[p];
        const Activations row = inner.parts[p].WithCols(Padded(part.rank)).Row(t);
        const float scale = part.scale * sequence.adapter_scale;
        for (size_t i = 0; i < part.rank; ++i) row.floats[i] = scale * all[i];
        std::fill(row.floats + part.rank, row.floats + row.cols, 0.0f);
        kernels_.quantize(row.floats, kAllFine, row);
        all += part.rank;
      }
    }
  }
}

void AdapterProducts::Add(int lane, const BatchView& batch, uint32_t layer, InputSite site,
                          const Activations& x, float* out, size_t stride, uint8_t* scratch) {
  if (!any_) return;
  const size_t n = batch.tokens.size();
  Inner& inner = n == 1 ? private_[static_cast<size_t>(lane)] : shared_;
  const Share tokens = n == 1 ? Share(1, 0, 1) : Share(n, lane, lanes_.count());
  MultiplyDown(batch, layer, site, x, tokens.begin, tokens.end, inner, scratch);
  if (n > 1) lanes_.Sync();
  for (const BatchSequence& sequence : batch.sequences) {
    const AdapterProduct* product = Find(sequence, layer, site);
    if (product == nullptr) continue;
    for (size_t p = 0; p < product->parts.size(); ++p) {
      const AdapterProduct::Part& part = product->parts[p];
      const Panels& up = Cpu(part.up).parts[0].panels;
      const Share share(up.count(), lane, lanes_.count());
      kernels_.multiply(up, share.begin, share.end,
                        inner.parts[p].WithCols(up.cols).Row(sequence.first), sequence.count,
                        out + sequence.first * stride + part.first_row, stride, true, scratch);
    }
  }
}

}  // namespace hearth::model::cpu
