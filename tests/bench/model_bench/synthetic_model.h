// SyntheticModel: a model of a known shape with random weights, made in memory, for measuring where
// no model file can be had. What it writes says nothing.
//
// Weights are valid blocks of random numbers, seeded, so that a run can be repeated. Tensors of one
// type share their bytes, so that a model of 16 GB takes no more of the host than its largest
// matrix; a backend that copies them has them as often as a file's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "runtime/base/core/result.h"

namespace hearth::bench {

class SyntheticModel : public model::GgufFile {
 public:
  // "SHAPE:TYPE", e.g. "qwen3-8b:Q8_0". A K type whose rows are no multiple of 256 falls back as
  // converters do (Q4_K: Q5_0). Fails with the shapes, or types, that there are.
  static Result<std::shared_ptr<const GgufFile>> Create(const std::string& name);
  // The names of the shapes, separated by commas.
  static std::string Shapes();

 private:
  struct Shape;
  SyntheticModel() = default;
  void Add(const std::string& name, model::TensorType type, uint64_t cols, uint64_t rows);
  void AddLayer(const Shape& shape, uint32_t index, model::TensorType type);
  void Fill(float deviation);

  static const Shape kShapes[];
  std::vector<std::vector<std::byte>> bytes_;  // one for each type
};

}  // namespace hearth::bench
