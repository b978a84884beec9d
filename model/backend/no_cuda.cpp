// What a build without CUDA links in place of cuda/.
#include "model/backend/backend.h"
#include "model/device_speed.h"

namespace hearth::model {

namespace {
Error WithoutCuda() {
  return MakeError(ErrorCode::kUnsupported,
                   "this hearth was built without CUDA (see model/backend/cuda/README.md); "
                   "use --backend cpu");
}
}  // namespace

Result<std::unique_ptr<Backend>> CreateCudaBackend(const ModelConfig&, const CudaOptions&) {
  return WithoutCuda();
}
Result<DeviceSpeed> MeasureCudaSpeed(size_t) { return WithoutCuda(); }

}  // namespace hearth::model
