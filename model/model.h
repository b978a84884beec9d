// Model: a GGUF file loaded onto a backend: configuration, tokenizer and weights.
//
// Thread-safety: one thread runs it (through an Engine or an Evaluator); config() and tokenizer()
// are const and may be read by all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/gguf.h"
#include "model/model_config.h"
#include "model/tokenizer.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

class Transformer;

enum class BackendKind : uint8_t {
  kCpu,
  kCuda,
  kReference,
  kAuto,  // CUDA where it can be had, else the CPU
};

struct ModelOptions {
  BackendKind backend = BackendKind::kCpu;
  int threads = 0;   // 0: one per physical core
  bool pin = false;  // pin kernel threads to processors
  // With kCuda: so many layers, the first ones, are computed there and the rest on the CPU.
  uint32_t gpu_layers = UINT32_MAX;
  // The longest context that is wanted (see ReadModelConfig); 0: as long as the file allows.
  uint32_t context_tokens = 0;
  bool weights_only = false;  // leave the tokenizer out (comparisons, benches)
  // Hears the share of weights taken over, 0 to 1. May be null.
  std::function<void(double)> progress;
};

class Model {
 public:
  static Result<std::unique_ptr<Model>> Load(const std::string& path, const ModelOptions& options);
  // The same of a file that is open, or of one that was made up. It is not needed afterwards.
  static Result<std::unique_ptr<Model>> Load(const GgufFile& file, const ModelOptions& options);
  ~Model();

  const ModelConfig& config() const;
  // Not for a model that was loaded weights_only.
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  std::shared_ptr<const Tokenizer> shared_tokenizer() const { return tokenizer_; }
  const std::string& path() const { return path_; }
  // The chat template of the file, or empty.
  const std::string& chat_template() const { return chat_template_; }
  std::string DescribeBackend() const;
  size_t bytes_per_token() const;  // weights read to decode one token
  Transformer& transformer() { return *transformer_; }

 private:
  Model();
  std::string path_;
  std::string chat_template_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<Transformer> transformer_;
};

// Bytes of memory that the CPU backend holds a file's weights in. More than the file has where a
// format has no kernels of its own and is held as F16. The weights are not read.
uint64_t WeightBytes(const GgufFile& file);

}  // namespace hearth::model
