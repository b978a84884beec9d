// Rows of a batch as the CPU backend keeps them between the steps of a pass, and the lanes' shares
// of them.
#pragma once

#include <cstddef>
#include <vector>

#include "model/backend/cpu/kernels.h"

namespace hearth::model::cpu {

// The share of `lane` in n items.
struct Share {
  size_t begin;
  size_t end;
  Share(size_t n, int lane, int lanes)
      : begin(n * static_cast<size_t>(lane) / static_cast<size_t>(lanes)),
        end(n * (static_cast<size_t>(lane) + 1) / static_cast<size_t>(lanes)) {}
};

// A growing array of rows: memory is taken when a batch is larger than any before, never in a step
// of ordinary decoding.
class Rows {
 public:
  void Resize(size_t rows, size_t width) {
    width_ = width;
    if (rows * width > values_.size()) values_.resize(rows * width);
  }
  void Reserve(size_t rows, size_t width) { values_.reserve(rows * width); }
  float* row(size_t i) { return values_.data() + i * width_; }
  size_t width() const { return width_; }

 private:
  std::vector<float> values_;
  size_t width_ = 0;
};

// Activations with their memory.
class ActivationRows {
 public:
  void Resize(size_t rows, size_t cols) {
    view_.cols = cols;
    if (rows * cols > floats_.size()) floats_.resize(rows * cols);
    const size_t blocks = rows * view_.n_blocks();
    if (blocks > blocks_.size()) blocks_.resize(blocks);
    const size_t words = rows * view_.words();
    if (words > fine_blocks_.size()) fine_blocks_.resize(words);
    view_.floats = floats_.data();
    view_.blocks = blocks_.data();
    view_.fine_blocks = fine_blocks_.data();
  }
  // The memory as rows of `cols`, at most as many as it was made for.
  Activations WithCols(size_t cols) const {
    Activations narrow = view_;
    narrow.cols = cols;
    return narrow;
  }

 private:
  Activations view_;
  std::vector<float> floats_;
  std::vector<QuantBlock> blocks_;
  std::vector<uint64_t> fine_blocks_;
};

}  // namespace hearth::model::cpu
