// room: model
// Any bytes as a GGUF file: refused, or every tensor and the tokenizer can be used.
#include <cstdlib>
#include <span>
#include <vector>

#include "model/gguf.h"
#include "model/quant.h"
#include "model/tokenizer.h"

using namespace hearth::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes(data, data + size);  // aligned as GgufFile::Parse wants it
  const auto file = GgufFile::Parse(std::as_bytes(std::span(bytes)), "fuzz.gguf");
  if (!file.ok()) return 0;
  for (const TensorInfo& tensor : (*file)->tensors()) {
    if (!CanDequantize(tensor.type) || tensor.elements() > (1 << 20)) continue;
    std::vector<float> values(tensor.elements());
    Dequantize(tensor.type, tensor.data, values);
  }
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
