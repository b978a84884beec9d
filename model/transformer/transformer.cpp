#include "model/transformer/transformer.h"

#include <set>
#include <string>

namespace hearth::model {
namespace {

// Fetches tensors by name, checks their shapes and remembers which were used.
class WeightLoader {
 public:
  WeightLoader(const GgufFile& file, Backend& backend, const std::function<void(double)>& progress)
      : file_(file), backend_(backend), progress_(progress) {
    for (const TensorInfo& tensor : file.tensors()) total_bytes_ += tensor.data.size();
  }

  struct Part {
    std::string name;
    uint64_t cols;
    uint64_t rows;
  };

  // Joins the parts; where `optional` and none of them is in the file, leaves `out` null.
  Status Load(WeightPtr& out, const std::vector<Part>& parts, Role role, bool optional = false) {
    std::vector<const TensorInfo*> tensors;
    for (const Part& part : parts) {
      const TensorInfo* tensor = file_.FindTensor(part.name);
      if (tensor == nullptr) {
        if (optional && tensors.empty()) continue;
        return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", part.name,
                         " is missing");
      }
      if (optional && tensors.empty() && &part != &parts.front()) {
        return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", parts.front().name,
                         " is missing, though ", part.name, " is there");
      }
      if (tensor->cols() != part.cols || tensor->rows() != part.rows) {
        return MakeError(ErrorCode::kInvalidArgument, file_.path(), ": tensor ", part.name, " is ",
                         tensor->cols(), " x ", tensor->rows(), ", expected ", part.cols, " x ",
                         part.rows);
      }
      tensors.push_back(tensor);
    }
    if (tensors.empty()) return {};
    HEARTH_TRY(out, backend_.Prepare(tensors, role));
    for (const TensorInfo* tensor : tensors) {
      used_.insert(tensor->name);
      done_bytes_ += tensor->data.size();
    }
    if (progress_) progress_(static_cast<double>(done_bytes_) / static_cast<double>(total_bytes_));
    return {};
  }

  Status CheckAllUsed() {
    used_.insert("rope_freqs.weight");  // read by the architecture's config
    for (const TensorInfo& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name)) {
        return MakeError(ErrorCode::kUnsupported, file_.path(), ": tensor ", tensor.name,
                         " is not part of this architecture as hearth knows it; running without it "
                         "would give wrong answers");
      }
    }
    return {};
  }

 private:
  const GgufFile& file_;
  Backend& backend_;
  const std::function<void(double)>& progress_;
  std::set<std::string, std::less<>> used_;
  uint64_t total_bytes_ = 0;
  uint64_t done_bytes_ = 0;
};

Status LoadLayer(WeightLoader& loader, const ModelConfig& c, uint32_t index, LayerWeights& w) {
  const auto name = [&](const char* suffix) { return Concat("blk.", index, ".", suffix); };
  const auto vector = [&](WeightPtr& out, const char* suffix, uint64_t n, bool optional = false) {
    return loader.Load(out, {{name(suffix), n, 1}}, Role::kVector, optional);
  };
  HEARTH_CHECK_OK(vector(w.attention_norm, "attn_norm.weight", c.d_model));
  HEARTH_CHECK_OK(loader.Load(w.qkv,
                              {{name("attn_q.weight"), c.d_model, c.q_size()},
                               {name("attn_k.weight"), c.d_model, c.kv_size()},
                               {name("attn_v.weight"), c.d_model, c.kv_size()}},
                              Role::kMatrix));
  HEARTH_CHECK_OK(loader.Load(w.qkv_bias,
                              {{name("attn_q.bias"), c.q_size(), 1},
                               {name("attn_k.bias"), c.kv_size(), 1},
                               {name("attn_v.bias"), c.kv_size(), 1}},
                              Role::kVector, true));
  HEARTH_CHECK_OK(vector(w.q_norm, "attn_q_norm.weight", c.head_dim, true));
  HEARTH_CHECK_OK(vector(w.k_norm, "attn_k_norm.weight", c.head_dim, true));
  HEARTH_CHECK_OK(loader.Load(
      w.attention_out, {{name("attn_output.weight"), c.q_size(), c.d_model}}, Role::kMatrix));
  HEARTH_CHECK_OK(vector(w.attention_post_norm, "post_attention_norm.weight", c.d_model, true));
  HEARTH_CHECK_OK(vector(w.feed_forward_norm, "ffn_norm.weight", c.d_model));
  HEARTH_CHECK_OK(loader.Load(
      w.gate_up,
      {{name("ffn_gate.weight"), c.d_model, c.d_ff}, {name("ffn_up.weight"), c.d_model, c.d_ff}},
      Role::kMatrix));
  HEARTH_CHECK_OK(
      loader.Load(w.down, {{name("ffn_down.weight"), c.d_ff, c.d_model}}, Role::kMatrix));
  return vector(w.feed_forward_post_norm, "post_ffw_norm.weight", c.d_model, true);
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
    self->bytes_per_token_ +=
        l.qkv->bytes() + l.attention_out->bytes() + l.gate_up->bytes() + l.down->bytes();
  }
  HEARTH_CHECK_OK(loader.CheckAllUsed());
  self->bytes_per_token_ += w.output ? w.output->bytes() : w.embedding->bytes();
  return self;
}

void Transformer::Forward(KvStorage& kv, const BatchView& batch) {
  const Backend::Pass pass = {.weights = weights_, .kv = kv, .batch = batch};
  backend_->Run(pass, [&](int lane) {
    backend_->Embed(lane, pass);
    for (uint32_t layer = 0; layer < config_.n_layers; ++layer) {
      backend_->AttentionBlock(lane, pass, layer);
      backend_->FeedForwardBlock(lane, pass, layer);
    }
    backend_->Head(lane, pass);
  });
}

}  // namespace hearth::model
