#include <atomic>
#include <cmath>
#include <set>

#include "model/backend/backend.h"
#include "model/lora.h"
#include "model/quant.h"
#include "model/transformer/transformer.h"

namespace hearth::model {
namespace {

constexpr uint64_t kMostRank = 1024;
constexpr double kMostAlpha = 1e6;
constexpr uint64_t kRankStep = 32;  // blocks of Q8_0 are so long: rows of B are filled up to it

// Rows of a tensor of the base model that a part of a joined matrix has.
struct BasePart {
  std::string name;
  uint64_t first_row = 0;  // in that tensor
  uint64_t rows = 0;
};

// A matrix made here, with the memory of its blocks.
class Matrix {
 public:
  // Rows of `cols` floats. Rows that do not divide into blocks of 8 bits stay 16 bits.
  Matrix(std::string name, const std::vector<float>& values, uint64_t cols) {
    const TensorType type = cols % kRankStep == 0 ? TensorType::kQ8_0 : TensorType::kF16;
    const auto& format = GetTensorType(type);
    bytes_.resize(values.size() / format.block_elements * format.block_bytes);
    Quantize(type, values, bytes_);
    info_.name = std::move(name);
    info_.type = type;
    info_.n_dims = 2;
    info_.shape = {cols, values.size() / cols, 1, 1};
  }
  const TensorInfo* tensor() {
    info_.data = bytes_;
    return &info_;
  }

 private:
  TensorInfo info_;
  std::vector<std::byte> bytes_;
};

std::vector<float> Floats(const TensorInfo& tensor) {
  std::vector<float> values(tensor.elements());
  Dequantize(tensor.type, tensor.data, values);
  return values;
}

class AdapterLoader {
 public:
  AdapterLoader(const GgufFile& file, Model& model) : file_(file), model_(model) {}

  Status Load(AdapterWeights& out);

 private:
  Status CheckKind();
  Status LoadLayer(uint32_t index, AdapterLayer& out);
  Status LoadProduct(const std::vector<BasePart>& parts, uint64_t cols, AdapterProduct& out);
  Result<const TensorInfo*> FindHalf(const std::string& base, const char* half);
  Status CheckAllUsed();

  const GgufFile& file_;
  Model& model_;
  double alpha_ = 0;
  std::set<std::string, std::less<>> used_;
};

Result<const TensorInfo*> AdapterLoader::FindHalf(const std::string& base, const char* half) {
  const std::string name = base + half;
  const TensorInfo* tensor = file_.FindTensor(name);
  if (tensor == nullptr) return tensor;
  if (!CanDequantize(tensor->type)) {
    return MakeError(ErrorCode::kUnsupported, file_.path(), ": tensor ", name, ": type ",
                     GetTensorType(tensor->type).name, " is not supported");
  }
  used_.insert(name);
  return tensor;
}

Status AdapterLoader::LoadProduct(const std::vector<BasePart>& parts, uint64_t cols,
                                  AdapterProduct& out) {
  Backend& backend = model_.transformer().backend();
  std::vector<Matrix> downs;
  uint64_t first_row = 0;
  for (const BasePart& part : parts) {
    const uint64_t at = first_row;
    first_row += part.rows;
    HEARTH_TRY(const TensorInfo* a, FindHalf(part.name, ".lora_a"));
    HEARTH_TRY(const TensorInfo* b, FindHalf(part.name, ".lora_b"));
    if (a == nullptr && b == nullptr) continue;
    if (a == nullptr || b == nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", part.name, ".lora_",
                       a == nullptr ? "a" : "b", " is missing, though the other half is there");
    }
    const uint64_t rank = a->rows();
    if (a->cols() != cols || b->cols() != rank || b->rows() < part.first_row + part.rows ||
        rank == 0 || rank > kMostRank) {
      return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensors ", part.name,
                       ".lora_a of ", a->cols(), " x ", a->rows(), " and .lora_b of ", b->cols(),
                       " x ", b->rows(), " do not fit a matrix of ", cols, " x ", part.rows,
                       " (ranks may be up to ", kMostRank, ")");
    }
    downs.emplace_back(a->name, Floats(*a), cols);
    const uint64_t padded = (rank + kRankStep - 1) / kRankStep * kRankStep;
    const std::vector<float> all = Floats(*b);
    std::vector<float> up(part.rows * padded);
    for (uint64_t r = 0; r < part.rows; ++r) {
      std::copy_n(all.data() + (part.first_row + r) * rank, rank, up.data() + r * padded);
    }
    Matrix matrix(b->name, up, padded);
    const TensorInfo* tensor = matrix.tensor();
    HEARTH_TRY(WeightPtr weight, backend.Prepare(std::span(&tensor, 1), Role::kMatrix));
    const double scale = alpha_ == 0 ? 1 : alpha_ / static_cast<double>(rank);
    out.parts.push_back({.first_row = static_cast<uint32_t>(at),
                         .rank = static_cast<uint32_t>(rank),
                         .scale = static_cast<float>(scale),
                         .up = std::move(weight)});
    out.ranks += static_cast<uint32_t>(rank);
  }
  if (downs.empty()) return {};
  std::vector<const TensorInfo*> tensors;
  for (Matrix& down : downs) tensors.push_back(down.tensor());
  HEARTH_TRY(out.down, backend.Prepare(tensors, Role::kMatrix));
  return {};
}

Status AdapterLoader::CheckKind() {
  const auto is = [&](const char* key, std::string_view wanted) -> Status {
    const std::string* value = file_.GetString(key);
    if (value != nullptr && *value == wanted) return {};
    return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": ", key, " is ",
                     value == nullptr ? std::string("missing") : "'" + *value + "'", ", expected '",
                     wanted, "': this is no LoRA adapter of the model");
  };
  HEARTH_CHECK_OK(is("general.type", "adapter"));
  HEARTH_CHECK_OK(is("adapter.type", "lora"));
  HEARTH_CHECK_OK(is("general.architecture", model_.config().architecture));
  alpha_ = file_.GetFloat("adapter.lora.alpha").value_or(0);
  if (std::abs(alpha_) <= kMostAlpha) return {};
  return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": adapter.lora.alpha is ", alpha_);
}

// The parts are those that the joined matrices of a layer have: a lane of a backend that adds to
// its own rows finds the same rows here.
Status AdapterLoader::LoadLayer(uint32_t index, AdapterLayer& out) {
  const ModelConfig& c = model_.config();
  const auto name = [&](const char* base) { return Concat("blk.", index, ".", base, ".weight"); };
  const auto at = [&](InputSite site) -> AdapterProduct& { return out[static_cast<size_t>(site)]; };
  const uint64_t q = c.q_size(), kv = c.kv_size(), ff = c.d_ff;
  std::vector<BasePart> qkv = {
      {name("attn_q"), 0, q}, {name("attn_k"), 0, kv}, {name("attn_v"), 0, kv}};
  if (file_.FindTensor(name("attn_qkv") + ".lora_a") != nullptr) {
    qkv = {{name("attn_qkv"), 0, q + 2 * kv}};
  }
  HEARTH_CHECK_OK(LoadProduct(qkv, c.d_model, at(InputSite::kQkv)));
  HEARTH_CHECK_OK(
      LoadProduct({{name("attn_output"), 0, c.d_model}}, q, at(InputSite::kAttentionOut)));
  if (c.experts.n_experts != 0) return {};
  const TensorInfo* up = file_.FindTensor(name("ffn_up") + ".lora_b");
  const bool joined = up != nullptr && up->rows() == 2 * ff;
  const std::vector<BasePart> gate_up = {{name(joined ? "ffn_up" : "ffn_gate"), 0, ff},
                                         {name("ffn_up"), joined ? ff : 0, ff}};
  HEARTH_CHECK_OK(LoadProduct(gate_up, c.d_model, at(InputSite::kGateUp)));
  return LoadProduct({{name("ffn_down"), 0, c.d_model}}, ff, at(InputSite::kDown));
}

Status AdapterLoader::CheckAllUsed() {
  for (const TensorInfo& tensor : file_.tensors()) {
    if (used_.contains(tensor.name)) continue;
    return MakeError(ErrorCode::kUnsupported, file_.path(), ": tensor ", tensor.name,
                     " changes nothing that can be adapted in this model (the matrices of "
                     "attention and of a dense feed-forward); leaving it out would give other "
                     "answers than the adapter's");
  }
  if (!used_.empty()) return {};
  return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": the adapter has no tensors");
}

Status AdapterLoader::Load(AdapterWeights& out) {
  HEARTH_CHECK_OK(CheckKind());
  out.layers.resize(model_.config().n_layers);
  for (uint32_t i = 0; i < out.layers.size(); ++i) HEARTH_CHECK_OK(LoadLayer(i, out.layers[i]));
  return CheckAllUsed();
}

}  // namespace

LoraAdapter::LoraAdapter() : weights_(std::make_unique<AdapterWeights>()) {
  static std::atomic<uint64_t> last{0};
  id_ = ++last;
}
LoraAdapter::~LoraAdapter() = default;

Result<std::shared_ptr<const LoraAdapter>> LoraAdapter::Load(const std::string& path,
                                                             Model& model) {
  HEARTH_TRY(const std::shared_ptr<const GgufFile> file, GgufFile::Open(path));
  std::shared_ptr<LoraAdapter> adapter(new LoraAdapter());
  HEARTH_CHECK_OK(AdapterLoader(*file, model).Load(*adapter->weights_));
  return std::shared_ptr<const LoraAdapter>(std::move(adapter));
}

}  // namespace hearth::model
