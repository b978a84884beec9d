#include "model/model.h"

#include <algorithm>
#include <future>

#include "model/backend/backend.h"
#include "model/transformer/transformer.h"

namespace hearth::model {

namespace {

Result<std::unique_ptr<Backend>> CreateBackend(const ModelConfig& config,
                                               const ModelOptions& options) {
  if (options.backend == BackendKind::kReference) return CreateReferenceBackend(config);
  const CpuOptions on_cpu = {.threads = options.threads, .pin = options.pin};
  if (options.backend == BackendKind::kCpu || options.gpu_layers == 0) {
    return CreateCpuBackend(config, on_cpu);
  }
  const uint32_t layers = std::min(options.gpu_layers, config.n_layers);
  HEARTH_TRY(auto cuda, CreateCudaBackend(config, {options.threads, layers}));
  if (layers == config.n_layers) return cuda;
  HEARTH_TRY(auto rest, CreateCpuBackend(config, on_cpu));
  return CreateSplitBackend(config, layers, std::move(cuda), std::move(rest));
}

}  // namespace

Model::Model() = default;
Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::Load(const std::string& path, const ModelOptions& options) {
  HEARTH_TRY(const std::shared_ptr<const GgufFile> file, GgufFile::Open(path));
  return Load(*file, options);
}

Result<std::unique_ptr<Model>> Model::Load(const GgufFile& file, const ModelOptions& options) {
  if (options.backend == BackendKind::kAuto) {
    ModelOptions chosen = options;
    chosen.backend = BackendKind::kCuda;
    if (auto on_gpu = Load(file, chosen); on_gpu.ok()) return on_gpu;
    chosen.backend = BackendKind::kCpu;
    return Load(file, chosen);
  }
  HEARTH_TRY(const ModelConfig config, ReadModelConfig(file, options.context_tokens));
  std::unique_ptr<Model> model(new Model());
  model->path_ = file.path();
  if (const std::string* source = file.GetString("tokenizer.chat_template")) {
    model->chat_template_ = *source;
  }
  // Beside the weights, whose packing leaves processors waiting at each matrix.
  std::future<Result<std::shared_ptr<const Tokenizer>>> tokenizer;
  if (!options.weights_only) {
    tokenizer = std::async(std::launch::async, [&] { return Tokenizer::Create(file); });
  }
  HEARTH_TRY(std::unique_ptr<Backend> backend, CreateBackend(config, options));
  HEARTH_TRY(model->transformer_,
             Transformer::Load(file, config, std::move(backend), options.progress));
  if (tokenizer.valid()) {
    HEARTH_TRY(model->tokenizer_, tokenizer.get());
    if (model->tokenizer_->size() > config.vocab_size) {
      return MakeError(ErrorCode::kInvalidArgument, file.path(), ": the tokenizer has ",
                       model->tokenizer_->size(), " tokens, the embedding only ", config.vocab_size,
                       " rows");
    }
  }
  return model;
}

const ModelConfig& Model::config() const { return transformer_->config(); }
std::string Model::DescribeBackend() const { return transformer_->backend().Describe(); }
size_t Model::bytes_per_token() const { return transformer_->bytes_per_token(); }

}  // namespace hearth::model
