// The oracle and the explanation: each step of the network alone, scalar, in double precision, over
// weights dequantized to float. Slow on purpose.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "model/backend/backend.h"
#include "model/backend/rope.h"
#include "model/quant.h"

namespace hearth::model {
namespace {

using Vector = std::vector<double>;

struct ReferenceWeight : Weight {
  size_t cols = 0;
  std::vector<float> values;  // [rows][cols]
  size_t bytes() const override { return values.size() * sizeof(float); }
  std::span<const float> row(size_t i) const { return {values.data() + i * cols, cols}; }
};

const ReferenceWeight& Ref(const WeightPtr& weight) {
  return static_cast<const ReferenceWeight&>(*weight);
}

// [block][layer][k or v][kv_head][position in block][head_dim]
struct ReferenceKv : OneMemoryKvStorage {
  using OneMemoryKvStorage::OneMemoryKvStorage;
  Vector values;
  size_t block_size = 0;  // doubles
  void CopyBlock(BlockId from, BlockId to) override {
    const auto at = [&](BlockId block) { return static_cast<size_t>(block) * block_size; };
    std::copy_n(values.data() + at(from), block_size, values.data() + at(to));
  }
};

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(const ModelConfig& config) : config_(config) {
    for (const RopeConfig& rope : config_.ropes) ropes_.emplace_back(rope);
  }

  std::string Describe() const override { return "reference, 1 thread"; }

  Result<WeightPtr> Prepare(std::span<const TensorInfo* const> parts, Role) override {
    auto weight = std::make_unique<ReferenceWeight>();
    weight->cols = parts[0]->cols();
    for (const TensorInfo* part : parts) {
      if (!CanDequantize(part->type)) {
        return MakeError(ErrorCode::kUnsupported, part->name, ": type ",
                         GetTensorType(part->type).name, " is not supported");
      }
      const size_t old = weight->values.size();
      weight->values.resize(old + part->elements());
      Dequantize(part->type, part->data, std::span(weight->values).subspan(old));
    }
    return WeightPtr(std::move(weight));
  }

  Result<std::unique_ptr<KvStorage>> CreateKv(uint32_t n_blocks, uint32_t host_blocks,
                                              KvType) override {
    auto kv = std::make_unique<ReferenceKv>(n_blocks, host_blocks);
    kv->block_size = KvBlockBytes(KvType::kF32) / sizeof(double);
    kv->values.resize((size_t{n_blocks} + host_blocks) * kv->block_size);
    return std::unique_ptr<KvStorage>(std::move(kv));
  }
  size_t KvBlockBytes(KvType) const override {
    return size_t{2} * config_.n_layers * config_.kv_size() * kBlockTokens * sizeof(double);
  }

  Status Run(const Pass& pass, const std::function<void(int)>& body) override {
    adapted_by_.assign(pass.batch.tokens.size(), nullptr);
    for (const BatchSequence& sequence : pass.batch.sequences) {
      if (sequence.adapter == nullptr) continue;
      std::fill_n(adapted_by_.begin() + sequence.first, sequence.count, &sequence);
    }
    body(0);
    return {};
  }

  void Embed(int, const Pass& pass) override {
    const auto& table = Ref(pass.weights.embedding);
    hidden_.assign(pass.batch.tokens.size(), Vector(config_.d_model));
    for (size_t t = 0; t < hidden_.size(); ++t) {
      const auto row = table.row(static_cast<size_t>(pass.batch.tokens[t]));
      for (size_t i = 0; i < row.size(); ++i) {
        hidden_[t][i] = static_cast<double>(row[i]) * config_.embedding_scale;
      }
    }
  }

  void ReadHidden(std::span<float> to) override {
    for (size_t i = 0; i < to.size(); ++i) {
      to[i] = static_cast<float>(hidden_[i / config_.d_model][i % config_.d_model]);
    }
  }
  void WriteHidden(int, const Pass& pass, std::span<const float> from) override {
    hidden_.assign(pass.batch.tokens.size(), Vector(config_.d_model));
    for (size_t i = 0; i < from.size(); ++i) {
      hidden_[i / config_.d_model][i % config_.d_model] = from[i];
    }
  }

  void AttentionBlock(int, const Pass& pass, uint32_t layer) override {
    const LayerWeights& w = pass.weights.layers[layer];
    auto& kv = static_cast<ReferenceKv&>(pass.kv);
    const uint32_t hd = config_.head_dim;
    std::vector<Vector> queries(hidden_.size());
    ForEachToken(pass.batch, [&](const BatchSequence& sequence, uint32_t t, uint32_t position) {
      const Vector normed = Normalize(w.attention_norm, hidden_[t]);
      Vector qkv = Multiply(w.qkv, normed);
      Adapt(t, layer, InputSite::kQkv, normed, qkv);
      if (w.qkv_bias) {
        for (size_t i = 0; i < qkv.size(); ++i) qkv[i] += Ref(w.qkv_bias).values[i];
      }
      NormalizeQk(w, qkv);
      for (uint32_t h = 0; h < config_.n_heads + config_.n_kv_heads; ++h) {
        RotateHead({qkv.data() + h * hd, hd}, config_.layers[layer].rope, position);
      }
      queries[t].assign(qkv.begin(), qkv.begin() + config_.q_size());
      for (uint32_t i = 0; i < config_.kv_size(); ++i) {
        At(kv, sequence, layer, 0, position)[i] = qkv[config_.q_size() + i];
        At(kv, sequence, layer, 1, position)[i] = qkv[config_.q_size() + config_.kv_size() + i];
      }
    });
    ForEachToken(pass.batch, [&](const BatchSequence& sequence, uint32_t t, uint32_t position) {
      Vector attended(config_.q_size());
      for (uint32_t h = 0; h < config_.n_heads; ++h) {
        AttendHead(kv, sequence, layer, h, position, {queries[t].data() + h * hd, hd},
                   {attended.data() + h * hd, hd});
      }
      Vector out = Multiply(w.attention_out, attended);
      Adapt(t, layer, InputSite::kAttentionOut, attended, out);
      AddTo(hidden_[t], out, w.attention_post_norm);
    });
  }

  void FeedForwardBlock(int, const Pass& pass, uint32_t layer) override {
    const LayerWeights& w = pass.weights.layers[layer];
    for (size_t t = 0; t < hidden_.size(); ++t) {
      const Vector normed = Normalize(w.feed_forward_norm, hidden_[t]);
      const Vector out = w.experts.empty() ? FeedForward(w.gate_up, w.down, normed, t, layer)
                                           : MixExperts(w, normed);
      AddTo(hidden_[t], out, w.feed_forward_post_norm);
    }
  }

  void Head(int, const Pass& pass) override {
    const WeightPtr& output = pass.weights.output ? pass.weights.output : pass.weights.embedding;
    for (size_t i = 0; i < pass.batch.heads.size(); ++i) {
      Vector logits =
          Multiply(output, Normalize(pass.weights.output_norm, hidden_[pass.batch.heads[i]]));
      for (double& x : logits) x = Softcap(x * config_.logit_scale, config_.logit_softcap);
      std::ranges::copy(logits, pass.batch.logits + i * config_.vocab_size);
    }
  }

 private:
  template <typename Body>
  static void ForEachToken(const BatchView& batch, Body body) {
    for (const BatchSequence& sequence : batch.sequences) {
      for (uint32_t i = 0; i < sequence.count; ++i) {
        body(sequence, sequence.first + i, sequence.start + i);
      }
    }
  }

  // Without a weight, x itself: the family has no norm there.
  Vector Normalize(const WeightPtr& weight, std::span<const double> x) const {
    if (!weight) return Vector(x.begin(), x.end());
    double squares = 0;
    for (double v : x) squares += v * v;
    const double scale =
        1.0 / std::sqrt(squares / static_cast<double>(x.size()) + config_.norm_epsilon);
    Vector out(x.size());
    for (size_t i = 0; i < x.size(); ++i) out[i] = x[i] * scale * Ref(weight).values[i];
    return out;
  }

  void NormalizeQk(const LayerWeights& w, Vector& qkv) const {
    const bool whole = config_.qk_norm == QkNorm::kWhole;
    for (size_t at = 0; at < config_.q_size() + config_.kv_size();) {
      const bool query = at < config_.q_size();
      const size_t all = query ? config_.q_size() : config_.kv_size();
      const std::span<double> part(qkv.data() + at, whole ? all : config_.head_dim);
      std::ranges::copy(Normalize(query ? w.q_norm : w.k_norm, part), part.begin());
      at += part.size();
    }
  }

  // What the adapter of token t's sequence adds to a product of x.
  void Adapt(size_t t, uint32_t layer, InputSite site, const Vector& x, Vector& out) const {
    if (adapted_by_[t] == nullptr) return;
    const AdapterProduct& product =
        adapted_by_[t]->adapter->layers[layer][static_cast<size_t>(site)];
    if (product.parts.empty()) return;
    const Vector ranks = Multiply(product.down, x);
    size_t at = 0;
    for (const AdapterProduct::Part& part : product.parts) {
      Vector inner(Ref(part.up).cols);
      std::copy_n(ranks.begin() + static_cast<std::ptrdiff_t>(at), part.rank, inner.begin());
      at += part.rank;
      const Vector added = Multiply(part.up, inner);
      const double scale = static_cast<double>(part.scale) * adapted_by_[t]->adapter_scale;
      for (size_t i = 0; i < added.size(); ++i) out[part.first_row + i] += scale * added[i];
    }
  }

  Vector Gated(const Vector& gate_up) const {
    Vector inner(config_.d_ff);
    for (uint32_t i = 0; i < config_.d_ff; ++i) {
      inner[i] = Activate(gate_up[i]) * gate_up[config_.d_ff + i];
    }
    return inner;
  }

  Vector FeedForward(const WeightPtr& gate_up_weight, const WeightPtr& down, const Vector& x,
                     size_t t, uint32_t layer) const {
    Vector gate_up = Multiply(gate_up_weight, x);
    Adapt(t, layer, InputSite::kGateUp, x, gate_up);
    const Vector inner = Gated(gate_up);
    Vector out = Multiply(down, inner);
    Adapt(t, layer, InputSite::kDown, inner, out);
    return out;
  }

  Vector MixExperts(const LayerWeights& w, const Vector& x) const {
    const Vector scores = Multiply(w.router, x);
    std::vector<uint32_t> order(scores.size());
    for (uint32_t e = 0; e < order.size(); ++e) order[e] = e;
    std::ranges::stable_sort(order, std::greater(), [&](uint32_t e) { return scores[e]; });
    order.resize(config_.experts.n_used);
    double sum = 0;
    for (const uint32_t e : order) sum += std::exp(scores[e] - scores[order[0]]);
    Vector mixed(config_.d_model);
    for (const uint32_t e : order) {
      const double share = std::exp(scores[e] - scores[order[0]]) / sum;
      const Vector out = Multiply(w.experts[e].down, Gated(Multiply(w.experts[e].gate_up, x)));
      for (size_t i = 0; i < mixed.size(); ++i) mixed[i] += share * out[i];
    }
    return mixed;
  }

  static double Softcap(double x, double cap) { return cap == 0 ? x : cap * std::tanh(x / cap); }

  static Vector Multiply(const WeightPtr& weight, std::span<const double> x) {
    const auto& matrix = Ref(weight);
    Vector out(matrix.values.size() / matrix.cols);
    for (size_t r = 0; r < out.size(); ++r) {
      const auto row = matrix.row(r);
      for (size_t i = 0; i < row.size(); ++i) out[r] += row[i] * x[i];
    }
    return out;
  }

  void AddTo(Vector& x, const Vector& h, const WeightPtr& post_norm) const {
    const Vector& added = post_norm ? Normalize(post_norm, h) : h;
    for (size_t i = 0; i < x.size(); ++i) x[i] += config_.residual_scale * added[i];
  }

  double Activate(double x) const {
    if (config_.activation == Activation::kSilu) return x / (1.0 + std::exp(-x));
    constexpr double kSqrt2OverPi = 0.79788456080286535588;
    return 0.5 * x * (1.0 + std::tanh(kSqrt2OverPi * (x + 0.044715 * x * x * x)));
  }

  void RotateHead(std::span<double> head, uint32_t rope, uint32_t position) const {
    if (rope == LayerConfig::kNoRope) return;
    const RopeFrequencies& frequencies = ropes_[rope];
    Vector cosines(frequencies.pairs());
    Vector sines(frequencies.pairs());
    for (size_t i = 0; i < cosines.size(); ++i) {
      cosines[i] = frequencies.cosine(i, position);
      sines[i] = frequencies.sine(i, position);
    }
    Rotate(head.data(), config_.ropes[rope].pairs, cosines.data(), sines.data(), cosines.size());
  }

  // All kv heads of one position: kind 0 keys, kind 1 values.
  double* At(ReferenceKv& kv, const BatchSequence& sequence, uint32_t layer, uint32_t kind,
             uint32_t position) const {
    const auto block = static_cast<size_t>(sequence.blocks[position / kBlockTokens]);
    const size_t row = ((block * config_.n_layers + layer) * 2 + kind) * kBlockTokens;
    return kv.values.data() + (row + position % kBlockTokens) * config_.kv_size();
  }

  void AttendHead(ReferenceKv& kv, const BatchSequence& sequence, uint32_t layer, uint32_t head,
                  uint32_t position, std::span<const double> query, std::span<double> out) const {
    const uint32_t offset = head / (config_.n_heads / config_.n_kv_heads) * config_.head_dim;
    const uint32_t window = config_.layers[layer].window;
    const uint32_t begin = window != 0 && position >= window ? position - window + 1 : 0;
    Vector scores;
    for (uint32_t p = begin; p <= position; ++p) {
      const double* key = At(kv, sequence, layer, 0, p) + offset;
      double dot = 0;
      for (size_t i = 0; i < query.size(); ++i) dot += query[i] * key[i];
      scores.push_back(Softcap(dot * config_.query_scale(position), config_.attention_softcap));
    }
    const double top = *std::ranges::max_element(scores);
    double sum = 0;
    for (double& s : scores) sum += s = std::exp(s - top);
    for (uint32_t p = begin; p <= position; ++p) {
      const double* value = At(kv, sequence, layer, 1, p) + offset;
      for (size_t i = 0; i < out.size(); ++i) out[i] += scores[p - begin] / sum * value[i];
    }
  }

  ModelConfig config_;
  std::vector<RopeFrequencies> ropes_;
  std::vector<Vector> hidden_;                    // [tokens][d_model]
  std::vector<const BatchSequence*> adapted_by_;  // [tokens]: whose adapter, or null
};

}  // namespace

std::unique_ptr<Backend> CreateReferenceBackend(const ModelConfig& config) {
  return std::make_unique<ReferenceBackend>(config);
}

}  // namespace hearth::model
