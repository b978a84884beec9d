// QuantizeModel: a model file with its matrices in other storage types.
//
// Metadata is kept byte for byte but for general.file_type and general.quantization_version. Norms,
// biases, routers and factors stay as they are. Rows that a format's block does not divide fall
// back to a format whose block does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/importance.h"
#include "model/tensor_type.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

// What `type` may be: "F32, F16, … Q4_K_M, …".
std::string QuantizationNames();

struct QuantizeOptions {
  std::string type;  // one of QuantizationNames(), in any case
  const ImportanceMatrix* importance = nullptr;
  // Whether matrices that are quantized already may be quantized again: what the first time took
  // away does not come back.
  bool requantize = false;
  int threads = 0;                       // 0: one per processor
  std::function<void(double)> progress;  // hears the share done, 0 to 1; may be null
};

struct QuantizeReport {
  struct PerType {
    uint32_t tensors = 0;
    uint64_t elements = 0;
    uint64_t bytes = 0;
  };
  std::map<TensorType, PerType> types;
  std::vector<std::string> fallbacks;           // tensors whose rows did not fit the format
  std::vector<std::string> without_importance;  // quantized tensors that the matrix does not know
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
};

// Writes OUT (whole or not at all). Not IN itself. Errors name the tensor.
Result<QuantizeReport> QuantizeModel(const std::string& in, const std::string& out,
                                     const QuantizeOptions& options);

}  // namespace hearth::model
