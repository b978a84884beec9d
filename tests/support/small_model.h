// SmallModel: a whole model file of a few kilobytes, to be damaged by tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "model/gguf_writer.h"
#include "model/quant.h"

namespace hearth::test {

// One layer, two heads over one kv head, all weights 0.01, or each another where `random`.
struct SmallModel {
  struct Tensor {
    std::vector<uint64_t> shape;
    model::TensorType type = model::TensorType::kF32;
  };
  std::map<std::string, std::variant<uint32_t, float, std::string>> metadata;
  std::map<std::string, Tensor> tensors;
  bool random = false;
  std::string infinite;  // a tensor with a number that is not finite

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

  // Makes the feed-forward a mixture of experts of the type.
  void MixExperts(uint32_t n_experts, uint32_t n_used, model::TensorType type) {
    const std::string architecture = std::get<std::string>(metadata["general.architecture"]);
    metadata[architecture + ".expert_count"] = n_experts;
    metadata[architecture + ".expert_used_count"] = n_used;
    metadata[architecture + ".feed_forward_length"] = 64u;
    for (const char* name : {"gate", "up", "down"}) {
      tensors.erase(std::string("blk.0.ffn_") + name + ".weight");
    }
    tensors["blk.0.ffn_gate_inp.weight"] = {{32, n_experts}};
    tensors["blk.0.ffn_gate_exps.weight"] = {{32, 64, n_experts}, type};
    tensors["blk.0.ffn_up_exps.weight"] = {{32, 64, n_experts}, type};
    tensors["blk.0.ffn_down_exps.weight"] = {{64, 32, n_experts}, type};
  }

  Status Write(const std::string& path) const {
    HEARTH_TRY(const auto writer, model::GgufWriter::Create(path));
    for (const auto& [key, value] : metadata) {
      if (const auto* number = std::get_if<uint32_t>(&value)) writer->AddUint32(key, *number);
      if (const auto* real = std::get_if<float>(&value)) writer->AddFloat32(key, *real);
      if (const auto* text = std::get_if<std::string>(&value)) writer->AddString(key, *text);
    }
    for (const auto& [name, tensor] : tensors) writer->AddTensor(name, tensor.type, tensor.shape);
    uint64_t state = 1;
    for (const auto& [name, tensor] : tensors) {
      size_t elements = 1;
      for (const uint64_t n : tensor.shape) elements *= n;
      const auto& info = model::GetTensorType(tensor.type);
      std::vector<std::byte> data(elements / info.block_elements * info.block_bytes);
      if (model::CanQuantize(tensor.type)) {
        std::vector<float> values(elements, 0.01f);
        for (size_t i = 0; random && i < elements; ++i) {
          state = state * 6364136223846793005u + 1442695040888963407u;
          values[i] = static_cast<float>(state >> 40) * 0x1p-23f - 1.0f;
        }
        if (name == infinite) values[elements / 2] = std::numeric_limits<float>::infinity();
        model::Quantize(tensor.type, values, data);
      }
      HEARTH_CHECK_OK(writer->WriteData(data));
    }
    return writer->Finish();
  }
};

}  // namespace hearth::test
