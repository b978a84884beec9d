#include "model/transformer/transformer.h"

#include <set>
#include <string>

#include "model/transformer/rope_scaling.h"

namespace hearth::model {
namespace {

// Fetches tensors by name, checks their shapes and remembers which were used.
class WeightLoader {
 public:
  WeightLoader(const GgufFile& file, Backend& backend, const std::function<void(double)>& progress)
      : file_(file), backend_(backend), progress_(progress) {
    for (const TensorInfo& tensor : file.tensors()) {
      if (!IsRopeTensor(tensor.name)) total_bytes_ += tensor.data.size();
    }
  }

  // Rows [first_row, first_row + rows) of a tensor of `all_rows` (0: of `rows`).
  struct Part {
    std::string name;
    uint64_t cols;
    uint64_t rows;
    uint64_t first_row = 0;
    uint64_t all_rows = 0;
  };

  bool Has(const std::string& name) const { return file_.FindTensor(name) != nullptr; }

  // Joins the parts; where `optional` and none of them is in the file, leaves `out` null.
  Status Load(WeightPtr& out, const std::vector<Part>& parts, Role role, bool optional = false) {
    std::vector<TensorInfo> slices;
    for (const Part& part : parts) {
      const TensorInfo* tensor = file_.FindTensor(part.name);
      if (tensor == nullptr) {
        if (optional && slices.empty()) continue;
        return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", part.name,
                         " is missing");
      }
      if (optional && slices.empty() && &part != &parts.front()) {
        return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", parts.front().name,
                         " is missing, though ", part.name, " is there");
      }
      const uint64_t all_rows = part.all_rows == 0 ? part.rows : part.all_rows;
      if (tensor->cols() != part.cols || tensor->rows() != all_rows) {
        return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", part.name, " is ",
                         tensor->cols(), " x ", tensor->rows(), ", expected ", part.cols, " x ",
                         all_rows);
      }
      slices.push_back(SliceRows(*tensor, part.first_row, part.rows));
    }
    if (slices.empty()) return {};
    std::vector<const TensorInfo*> tensors;
    for (const TensorInfo& slice : slices) tensors.push_back(&slice);
    HEARTH_TRY(out, backend_.Prepare(tensors, role));
    for (const TensorInfo& slice : slices) {
      used_.insert(slice.name);
      done_bytes_ += slice.data.size();
    }
    if (progress_) progress_(static_cast<double>(done_bytes_) / static_cast<double>(total_bytes_));
    return {};
  }

  Status CheckAllUsed() {
    for (const TensorInfo& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name) && !IsRopeTensor(tensor.name)) {
        return MakeError(ErrorCode::kUnsupported, file_.path(), ": tensor ", tensor.name,
                         " is not part of this architecture as hearth knows it; running without it "
                         "would give wrong answers");
      }
    }
    return {};
  }

 private:
  // A row is whole blocks, so rows of a tensor are a piece of its bytes.
  static TensorInfo SliceRows(const TensorInfo& tensor, uint64_t first, uint64_t rows) {
    const size_t row_bytes = tensor.data.size() / tensor.rows();
    TensorInfo slice = tensor;
    slice.n_dims = 2;
    slice.shape = {tensor.cols(), rows, 1, 1};
    slice.data = tensor.data.subspan(first * row_bytes, rows * row_bytes);
    return slice;
  }

  const GgufFile& file_;
  Backend& backend_;
  const std::function<void(double)>& progress_;
  std::set<std::string, std::less<>> used_;
  uint64_t total_bytes_ = 0;
  uint64_t done_bytes_ = 0;
};

// Gate and up are two tensors, or the halves of one.
Status LoadFeedForward(WeightLoader& loader, const ModelConfig& c, uint32_t index,
                       LayerWeights& w) {
  const auto name = [&](const char* suffix) { return Concat("blk.", index, ".", suffix); };
  const uint64_t ff = c.d_ff;
  if (c.experts.n_experts != 0) {
    HEARTH_CHECK_OK(loader.Load(
        w.router, {{name("ffn_gate_inp.weight"), c.d_model, c.experts.n_experts}}, Role::kMatrix));
    w.experts.resize(c.experts.n_experts);
    const uint64_t all_inner = ff * c.experts.n_experts;
    const uint64_t all_outer = static_cast<uint64_t>(c.d_model) * c.experts.n_experts;
    for (uint64_t e = 0; e < c.experts.n_experts; ++e) {
      HEARTH_CHECK_OK(loader.Load(w.experts[e].gate_up,
                                  {{name("ffn_gate_exps.weight"), c.d_model, ff, e * ff, all_inner},
                                   {name("ffn_up_exps.weight"), c.d_model, ff, e * ff, all_inner}},
                                  Role::kMatrix));
      HEARTH_CHECK_OK(
          loader.Load(w.experts[e].down,
                      {{name("ffn_down_exps.weight"), ff, c.d_model, e * c.d_model, all_outer}},
                      Role::kMatrix));
    }
    return {};
  }
  const bool joined = !loader.Has(name("ffn_gate.weight")) && c.architecture == "phi3";
  const std::string up = name("ffn_up.weight");
  HEARTH_CHECK_OK(
      joined
          ? loader.Load(w.gate_up,
                        {{up, c.d_model, ff, 0, 2 * ff}, {up, c.d_model, ff, ff, 2 * ff}},
                        Role::kMatrix)
          : loader.Load(w.gate_up, {{name("ffn_gate.weight"), c.d_model, ff}, {up, c.d_model, ff}},
                        Role::kMatrix));
  return loader.Load(w.down, {{name("ffn_down.weight"), ff, c.d_model}}, Role::kMatrix);
}

Status LoadLayer(WeightLoader& loader, const ModelConfig& c, uint32_t index, LayerWeights& w) {
  const auto name = [&](const char* suffix) { return Concat("blk.", index, ".", suffix); };
  const auto vector = [&](WeightPtr& out, const char* suffix, uint64_t n, bool optional = false) {
    return loader.Load(out, {{name(suffix), n, 1}}, Role::kVector, optional);
  };
  if (c.pre_norm) HEARTH_CHECK_OK(vector(w.attention_norm, "attn_norm.weight", c.d_model));
  if (loader.Has(name("attn_qkv.weight"))) {
    HEARTH_CHECK_OK(loader.Load(
        w.qkv, {{name("attn_qkv.weight"), c.d_model, c.q_size() + 2 * uint64_t{c.kv_size()}}},
        Role::kMatrix));
  } else {
    HEARTH_CHECK_OK(loader.Load(w.qkv,
                                {{name("attn_q.weight"), c.d_model, c.q_size()},
                                 {name("attn_k.weight"), c.d_model, c.kv_size()},
                                 {name("attn_v.weight"), c.d_model, c.kv_size()}},
                                Role::kMatrix));
  }
  const bool whole = c.qk_norm == QkNorm::kWhole;
  if (!whole) {
    HEARTH_CHECK_OK(loader.Load(w.qkv_bias,
                                {{name("attn_q.bias"), c.q_size(), 1},
                                 {name("attn_k.bias"), c.kv_size(), 1},
                                 {name("attn_v.bias"), c.kv_size(), 1}},
                                Role::kVector, true));
  }
  HEARTH_CHECK_OK(vector(w.q_norm, "attn_q_norm.weight", whole ? c.q_size() : c.head_dim, !whole));
  HEARTH_CHECK_OK(vector(w.k_norm, "attn_k_norm.weight", whole ? c.kv_size() : c.head_dim, !whole));
  HEARTH_CHECK_OK(loader.Load(
      w.attention_out, {{name("attn_output.weight"), c.q_size(), c.d_model}}, Role::kMatrix));
  // A family without norms before the half-layers must have those behind.
  HEARTH_CHECK_OK(
      vector(w.attention_post_norm, "post_attention_norm.weight", c.d_model, c.pre_norm));
  if (c.pre_norm) HEARTH_CHECK_OK(vector(w.feed_forward_norm, "ffn_norm.weight", c.d_model));
  HEARTH_CHECK_OK(LoadFeedForward(loader, c, index, w));
  return vector(w.feed_forward_post_norm, "post_ffw_norm.weight", c.d_model, c.pre_norm);
}

}  // namespace

Result<std::unique_ptr<Transformer>> Transformer::Load(
    const GgufFile& file, const ModelConfig& config, std::unique_ptr<Backend> backend,
    const std::function<void(double)>& progress) {
  std::unique_ptr<Transformer> self(new Transformer(config, std::move(backend)));
  WeightLoader loader(file, *self->backend_, progress);
  NetworkWeights& w = self->weights_;
  HEARTH_CHECK_OK(loader.Load(
      w.embedding, {{"token_embd.weight", config.d_model, config.vocab_size}}, Role::kEmbedding));
  if (!config.tied_head) {
    HEARTH_CHECK_OK(loader.Load(w.output, {{"output.weight", config.d_model, config.vocab_size}},
                                Role::kMatrix));
  }
  HEARTH_CHECK_OK(
      loader.Load(w.output_norm, {{"output_norm.weight", config.d_model, 1}}, Role::kVector));
  w.layers.resize(config.n_layers);
  for (uint32_t i = 0; i < config.n_layers; ++i) {
    HEARTH_CHECK_OK(LoadLayer(loader, config, i, w.layers[i]));
    const LayerWeights& l = w.layers[i];
    self->bytes_per_token_ += l.qkv->bytes() + l.attention_out->bytes();
    if (l.experts.empty()) {
      self->bytes_per_token_ += l.gate_up->bytes() + l.down->bytes();
    } else {
      const size_t expert = l.experts[0].gate_up->bytes() + l.experts[0].down->bytes();
      self->bytes_per_token_ += l.router->bytes() + config.experts.n_used * expert;
    }
  }
  HEARTH_CHECK_OK(loader.CheckAllUsed());
  self->bytes_per_token_ += w.output ? w.output->bytes() : w.embedding->bytes();
  return self;
}

Status Transformer::Forward(KvStorage& kv, const BatchView& batch) {
  const Backend::Pass pass = {.weights = weights_, .kv = kv, .batch = batch};
  return backend_->Run(pass, [&](int lane) {
    backend_->Embed(lane, pass);
    for (uint32_t layer = 0; layer < config_.n_layers; ++layer) {
      backend_->AttentionBlock(lane, pass, layer);
      backend_->FeedForwardBlock(lane, pass, layer);
    }
    backend_->Head(lane, pass);
  });
}

}  // namespace hearth::model
