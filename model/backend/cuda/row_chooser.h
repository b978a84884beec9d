// RowChooser: draws the tokens of a pass where its logits lie (token_choice.cuh).
//
// How each is drawn is written down while the pass runs, goes up by one copy, and the tokens come
// back by another. What cannot be decided here (the front of top-k or top-p is too long, no
// candidate has a chance) is left to the host; its row then has its changes applied.
//
// Not thread-safe; the device outlives it.
#pragma once

#include <vector>

#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/pinned_array.h"
#include "model/backend/cuda/token_choice.cuh"
#include "model/sampling/token_choice.h"

namespace hearth::model::cuda {

class RowChooser final : public TokenChooser {
 public:
  explicit RowChooser(uint32_t vocab) : vocab_(vocab) {}
  // Larger vocabularies are left to the host.
  static bool Takes(uint32_t vocab) { return vocab <= kChoiceChunk * kChoiceChunk; }

  void Begin() {
    rows_.clear();
    words_.clear();
  }
  void Choose(size_t head, const TokenChoice& choice) override;
  // After the pass that left `logits` ([chosen.size()][vocab]): waits, and gives each head its
  // token, or -1.
  void Run(Device& device, float* logits, std::span<TokenId> chosen);

 private:
  // The words of the set; gives how many tokens it allows.
  size_t AddSet(const TokenSet& allowed, ChoiceRow& row);
  bool Send(Device& device);
  ChoiceStage Stage(Device& device, float* logits);

  const uint32_t vocab_;
  std::vector<ChoiceRow> rows_;
  std::vector<uint32_t> words_;  // changes, ids, bits
  PinnedArray<uint8_t> host_;
  PinnedArray<int> host_tokens_;
  DeviceArray<uint8_t> inputs_;  // rows, then words
  DeviceArray<OrderKey> tops_, front_;
  DeviceArray<double> sums_;
  DeviceArray<unsigned> bins_, counts_;
  DeviceArray<int> tokens_;
};

}  // namespace hearth::model::cuda
