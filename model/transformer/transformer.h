// Transformer: a decoder's weights on a backend, and its forward pass, written once for all
// backends.
#pragma once

#include <functional>
#include <memory>

#include "model/backend/backend.h"
#include "model/gguf.h"
#include "model/model_config.h"

namespace hearth::model {

class Transformer {
 public:
  // Takes every weight of the file over to the backend. A tensor that is missing, has the wrong
  // shape, or is in the file without the architecture using it, is an Error that names it: nothing
  // is ignored. `progress` (may be null) hears the share of bytes taken over, 0 to 1.
  static Result<std::unique_ptr<Transformer>> Load(const GgufFile& file, const ModelConfig& config,
                                                   std::unique_ptr<Backend> backend,
                                                   const std::function<void(double)>& progress);

  // Runs one batch; see BatchView. The batch is well formed: the engine made it. Fails where the
  // backend's device is lost.
  Status Forward(KvStorage& kv, const BatchView& batch);

  const ModelConfig& config() const { return config_; }
  Backend& backend() { return *backend_; }
  // Bytes of weights that one decoded token reads.
  size_t bytes_per_token() const { return bytes_per_token_; }

 private:
  Transformer(const ModelConfig& config, std::unique_ptr<Backend> backend)
      : config_(config), backend_(std::move(backend)) {}

  ModelConfig config_;
  std::unique_ptr<Backend> backend_;
  NetworkWeights weights_;
  size_t bytes_per_token_ = 0;
};

}  // namespace hearth::model
