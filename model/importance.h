// ImportanceMatrix: for each weight matrix of a model the mean square of every input, over a
// calibration text. An encoder that knows which inputs are large spends its precision there.
//
// Files are GGUF as llama.cpp's tools write and read them: general.type "imatrix" and for each
// matrix the tensors NAME.in_sum2 [cols, experts] and NAME.counts [1, experts].
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

class ImportanceMatrix {
 public:
  static Result<ImportanceMatrix> Read(const std::string& path);
  // Runs the model over the tokens in sequences of `chunk`; what is left over is not used. Fewer
  // tokens than one chunk are an Error. `progress` (may be null) hears the share done, 0 to 1.
  static Result<ImportanceMatrix> Collect(Model& model, std::span<const TokenId> tokens,
                                          uint32_t chunk,
                                          const std::function<void(double)>& progress);
  // `dataset` names the calibration text.
  Status Write(const std::string& path, const std::string& dataset) const;

  // Mean squares [experts][cols] of a matrix of that name, or null. Experts that no token came to
  // count all inputs alike.
  const std::vector<float>* Find(const std::string& tensor) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::vector<double> sums;    // [experts][cols]
    std::vector<double> counts;  // [experts]
    std::vector<float> means;    // [experts][cols]
    void ComputeMeans();
  };
  std::map<std::string, Entry, std::less<>> entries_;
  uint32_t chunk_ = 0;
  uint32_t chunks_ = 0;

  class Collector;
};

}  // namespace hearth::model
