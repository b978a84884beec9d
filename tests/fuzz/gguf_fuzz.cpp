// room: model
// Any bytes as a GGUF file: refused, or its tensors, its tokenizer and its network can be used.
#include <cstdlib>
#include <span>
#include <vector>

#include "model/backend/backend.h"
#include "model/gguf.h"
#include "model/model_config.h"
#include "model/quant.h"
#include "model/tokenizer.h"
#include "model/transformer/transformer.h"

using namespace hearth::model;

namespace {

// A token through the network of a small file; what the numbers are is of no matter.
void RunNetwork(const GgufFile& file) {
  const auto config = ReadModelConfig(file);
  if (!config.ok()) return;
  uint64_t elements = 0;
  for (const TensorInfo& tensor : file.tensors()) elements += tensor.elements();
  if (elements > (1 << 20) || config->n_layers > 8) return;
  auto backend = CreateCpuBackend(*config, {.threads = 1});
  if (!backend.ok()) return;
  const auto network = Transformer::Load(file, *config, *std::move(backend), nullptr);
  if (!network.ok()) return;
  const auto kv = (*network)->backend().CreateKv(1, 0, KvType::kF16);
  if (!kv.ok()) return;
  const hearth::TokenId tokens[] = {0, static_cast<hearth::TokenId>(config->vocab_size - 1)};
  const BlockId blocks[] = {0};
  const BatchSequence sequences[] = {{.first = 0, .count = 2, .start = 0, .blocks = blocks}};
  const uint32_t heads[] = {1};
  std::vector<float> logits(config->vocab_size);
  (void)(*network)->Forward(**kv, {tokens, sequences, heads, logits.data()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes(data, data + size);  // aligned as GgufFile::Parse wants it
  const auto file = GgufFile::Parse(std::as_bytes(std::span(bytes)), "fuzz.gguf");
  if (!file.ok()) return 0;
  for (const TensorInfo& tensor : (*file)->tensors()) {
    if (!CanDequantize(tensor.type) || tensor.elements() > (1 << 20)) continue;
    std::vector<float> values(tensor.elements());
    Dequantize(tensor.type, tensor.data, values);
  }
  RunNetwork(**file);
  const auto tokenizer = Tokenizer::Create(**file);
  if (!tokenizer.ok()) return 0;
  const auto ids =
      (*tokenizer)
          ->Encode("Hello, 世界! <s>\n\t12", {.parse_special = true, .add_bos = std::nullopt});
  for (const hearth::TokenId id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= (*tokenizer)->size()) std::abort();
  }
  (void)(*tokenizer)->Decode(ids, true);
  return 0;
}
