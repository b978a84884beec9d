#include "tests/bench/model_bench/synthetic_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "model/quant.h"

namespace hearth::bench {

using model::TensorType;

struct SyntheticModel::Shape {
  const char* name;
  const char* architecture;
  uint32_t d_model, layers, heads, kv_heads, head_dim, d_ff, vocab, context;
  bool tied;
  float rope_base;
};

// The published shapes of these models, and one for tests.
const SyntheticModel::Shape SyntheticModel::kShapes[] = {
    {"test256", "qwen3", 256, 2, 4, 2, 64, 512, 512, 2048, false, 1e4f},
    {"smollm2-135m", "llama", 576, 30, 9, 3, 64, 1536, 49152, 8192, true, 1e5f},
    {"qwen3-0.6b", "qwen3", 1024, 28, 16, 8, 128, 3072, 151936, 40960, true, 1e6f},
    {"qwen3-1.7b", "qwen3", 2048, 28, 16, 8, 128, 6144, 151936, 40960, true, 1e6f},
    {"qwen3-4b", "qwen3", 2560, 36, 32, 8, 128, 9728, 151936, 40960, true, 1e6f},
    {"qwen3-8b", "qwen3", 4096, 36, 32, 8, 128, 12288, 151936, 40960, false, 1e6f},
    {"llama3.1-8b", "llama", 4096, 32, 32, 8, 128, 14336, 128256, 131072, false, 5e5f},
};

namespace {

TensorType ForRows(TensorType type, uint64_t cols) {
  if (cols % 256 == 0) return type;
  switch (type) {
    case TensorType::kQ4_K:
      return TensorType::kQ5_0;
    case TensorType::kQ5_K:
      return TensorType::kQ5_1;
    case TensorType::kQ6_K:
      return TensorType::kQ8_0;
    default:
      return type;
  }
}

// Random blocks, repeated: a prime number of them, so that rows differ.
std::vector<std::byte> RandomBlocks(TensorType type, size_t bytes, float mean, float deviation) {
  constexpr size_t kBlocks = 1021;
  constexpr size_t kElements = 256;
  const model::TensorTypeInfo& info = model::GetTensorType(type);
  std::mt19937 random(static_cast<uint32_t>(type) + 1);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(kBlocks * kElements);
  for (float& value : values) value = normal(random);
  std::vector<std::byte> pattern(values.size() / info.block_elements * info.block_bytes);
  model::Quantize(type, values, pattern);
  std::vector<std::byte> out(bytes);
  for (size_t at = 0; at < bytes; at += pattern.size()) {
    std::copy_n(pattern.begin(), std::min(pattern.size(), bytes - at),
                out.begin() + static_cast<ptrdiff_t>(at));
  }
  return out;
}

}  // namespace

std::string SyntheticModel::Shapes() {
  std::string names;
  for (const Shape& shape : kShapes) names += (names.empty() ? "" : ", ") + std::string(shape.name);
  return names;
}

void SyntheticModel::Add(const std::string& name, TensorType type, uint64_t cols, uint64_t rows) {
  model::TensorInfo tensor;
  tensor.name = name;
  tensor.type = ForRows(type, cols);
  tensor.n_dims = rows == 1 ? 1 : 2;
  tensor.shape = {cols, rows, 1, 1};
  tensor_index_.emplace(name, tensors_.size());
  tensors_.push_back(std::move(tensor));
}

void SyntheticModel::AddLayer(const Shape& s, uint32_t index, TensorType type) {
  const auto add = [&](const char* suffix, TensorType as, uint64_t cols, uint64_t rows) {
    Add(Concat("blk.", index, ".", suffix, ".weight"), as, cols, rows);
  };
  const uint64_t q = uint64_t{s.heads} * s.head_dim;
  const uint64_t kv = uint64_t{s.kv_heads} * s.head_dim;
  add("attn_norm", TensorType::kF32, s.d_model, 1);
  add("attn_q", type, s.d_model, q);
  add("attn_k", type, s.d_model, kv);
  add("attn_v", type, s.d_model, kv);
  if (std::string_view(s.architecture) == "qwen3") {
    add("attn_q_norm", TensorType::kF32, s.head_dim, 1);
    add("attn_k_norm", TensorType::kF32, s.head_dim, 1);
  }
  add("attn_output", type, q, s.d_model);
  add("ffn_norm", TensorType::kF32, s.d_model, 1);
  add("ffn_gate", type, s.d_model, s.d_ff);
  add("ffn_up", type, s.d_model, s.d_ff);
  add("ffn_down", type, s.d_ff, s.d_model);
}

// Matrices get numbers of the deviation; vectors, all of them norms, numbers near one.
void SyntheticModel::Fill(float deviation) {
  const auto size_of = [](const model::TensorInfo& tensor) {
    const model::TensorTypeInfo& info = model::GetTensorType(tensor.type);
    return tensor.elements() / info.block_elements * info.block_bytes;
  };
  const auto is_vector = [](const model::TensorInfo& tensor) { return tensor.rows() == 1; };
  std::map<std::pair<TensorType, bool>, size_t> largest;
  for (const model::TensorInfo& tensor : tensors_) {
    size_t& bytes = largest[{tensor.type, is_vector(tensor)}];
    bytes = std::max(bytes, size_of(tensor));
  }
  std::map<std::pair<TensorType, bool>, size_t> index;
  for (const auto& [kind, bytes] : largest) {
    index[kind] = bytes_.size();
    bytes_.push_back(kind.second ? RandomBlocks(kind.first, bytes, 1.0f, 0.1f)
                                 : RandomBlocks(kind.first, bytes, 0.0f, deviation));
  }
  for (model::TensorInfo& tensor : tensors_) {
    tensor.data = std::span(bytes_[index[{tensor.type, is_vector(tensor)}]]).first(size_of(tensor));
    file_bytes_ += tensor.data.size();
  }
}

Result<std::shared_ptr<const model::GgufFile>> SyntheticModel::Create(const std::string& name) {
  const size_t colon = name.find(':');
  const std::string shape_name = name.substr(0, colon);
  const std::string type_name = colon == std::string::npos ? "" : name.substr(colon + 1);
  const auto shape =
      std::ranges::find_if(kShapes, [&](const Shape& s) { return s.name == shape_name; });
  if (shape == std::end(kShapes)) {
    return MakeError(ErrorCode::kInvalidArgument, "'", shape_name, "' is none of ", Shapes());
  }
  const model::TensorTypeInfo* type = model::FindTensorType(std::string_view(type_name));
  if (type == nullptr || !model::CanQuantize(type->type)) {
    return MakeError(ErrorCode::kInvalidArgument, "'", name, "': '", type_name,
                     "' is no type that weights can be made in; name one after a colon, e.g. ",
                     shape_name, ":Q8_0");
  }
  const std::shared_ptr<SyntheticModel> made(new SyntheticModel());
  made->path_ = name;
  made->version_ = 3;
  const std::string prefix = std::string(shape->architecture) + ".";
  made->metadata_["general.architecture"] = std::string(shape->architecture);
  const auto set = [&](const char* key, uint64_t value) { made->metadata_[prefix + key] = value; };
  set("context_length", shape->context);
  set("embedding_length", shape->d_model);
  set("block_count", shape->layers);
  set("feed_forward_length", shape->d_ff);
  set("attention.head_count", shape->heads);
  set("attention.head_count_kv", shape->kv_heads);
  set("attention.key_length", shape->head_dim);
  set("attention.value_length", shape->head_dim);
  made->metadata_[prefix + "attention.layer_norm_rms_epsilon"] = 1e-6;
  made->metadata_[prefix + "rope.freq_base"] = double{shape->rope_base};
  made->Add("token_embd.weight", type->type, shape->d_model, shape->vocab);
  made->Add("output_norm.weight", TensorType::kF32, shape->d_model, 1);
  if (!shape->tied) made->Add("output.weight", type->type, shape->d_model, shape->vocab);
  for (uint32_t layer = 0; layer < shape->layers; ++layer) {
    made->AddLayer(*shape, layer, type->type);
  }
  made->Fill(1.0f / std::sqrt(static_cast<float>(shape->d_model)));
  return std::shared_ptr<const GgufFile>(made);
}

}  // namespace hearth::bench
