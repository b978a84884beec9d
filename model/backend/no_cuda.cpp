// What a build without CUDA links in place of cuda/.
#include "model/backend/backend.h"

namespace hearth::model {

Result<std::unique_ptr<Backend>> CreateCudaBackend(const ModelConfig&) {
  return MakeError(ErrorCode::kUnsupported,
                   "this hearth was built without CUDA (see model/backend/cuda/README.md); use --backend cpu");
}

}  // namespace hearth::model
