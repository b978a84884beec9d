// SmallModel: a whole model file of a few kilobytes, to be damaged by tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "model/gguf_writer.h"

namespace hearth::test {

// One layer, two heads over one kv head, all weights 0.01.
struct SmallModel {
  struct Tensor {
    std::vector<uint64_t> shape;
    model::TensorType type = model::TensorType::kF32;
  };
  std::map<std::string, std::variant<uint32_t, float, std::string>> metadata;
  std::map<std::string, Tensor> tensors;

  explicit SmallModel(const std::string& architecture = "llama") {
    metadata["general.architecture"] = architecture;
    const auto set = [&](const char* key, uint32_t value) {
      metadata[architecture + "." + key] = value;
    };
    set("block_count", 1);
    set("context_length", 128);
    set("embedding_length", 32);
    set("feed_forward_length", 48);
    set("attention.head_count", 2);
    set("attention.head_count_kv", 1);
    tensors["token_embd.weight"] = {{32, 40}};
    tensors["output_norm.weight"] = {{32}};
    const auto layer = [&](const char* name, std::vector<uint64_t> shape) {
      tensors[std::string("blk.0.") + name] = {std::move(shape)};
    };
    layer("attn_norm.weight", {32});
    layer("attn_q.weight", {32, 32});
    layer("attn_k.weight", {32, 16});
    layer("attn_v.weight", {32, 16});
    layer("attn_output.weight", {32, 32});
    layer("ffn_norm.weight", {32});
    layer("ffn_gate.weight", {32, 48});
    layer("ffn_up.weight", {32, 48});
    layer("ffn_down.weight", {48, 32});
  }

  Status Write(const std::string& path) const {
    HEARTH_TRY(const auto writer, model::GgufWriter::Create(path));
    for (const auto& [key, value] : metadata) {
      if (const auto* number = std::get_if<uint32_t>(&value)) writer->AddUint32(key, *number);
      if (const auto* real = std::get_if<float>(&value)) writer->AddFloat32(key, *real);
      if (const auto* text = std::get_if<std::string>(&value)) writer->AddString(key, *text);
    }
    for (const auto& [name, tensor] : tensors) writer->AddTensor(name, tensor.type, tensor.shape);
    for (const auto& [name, tensor] : tensors) {
      size_t elements = 1;
      for (const uint64_t n : tensor.shape) elements *= n;
      const auto& info = model::GetTensorType(tensor.type);
      std::vector<std::byte> data(elements / info.block_elements * info.block_bytes);
      if (tensor.type == model::TensorType::kF32) {
        for (size_t i = 0; i < elements; ++i) {
          const float value = 0.01f;
          std::memcpy(data.data() + 4 * i, &value, 4);
        }
      }
      HEARTH_CHECK_OK(writer->WriteData(data));
    }
    return writer->Finish();
  }
};

}  // namespace hearth::test
