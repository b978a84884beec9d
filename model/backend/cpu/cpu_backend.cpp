// The CPU backend: every lane walks the same steps, each over its share of rows, tokens or heads,
// with five barriers a layer where the batch is one token (each lane then repeats the small work, a
// norm and a quantization, for itself rather than wait for another to do it) and more where it is
// larger.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "model/backend/backend.h"
#include "model/backend/cpu/adapter_products.h"
#include "model/backend/cpu/cpu_weight.h"
#include "model/backend/cpu/kernels.h"
#include "model/backend/cpu/lanes.h"
#include "model/backend/cpu/rows.h"
#include "model/backend/expert_picks.h"
#include "model/backend/rope.h"

namespace hearth::model {
namespace cpu {
namespace {

const CpuWeight& Cpu(const WeightPtr& weight) { return static_cast<const CpuWeight&>(*weight); }

// Attention of one position, cut into chunks that different lanes compute: what each chunk gave.
struct Partials {
  std::vector<AttentionState> states;  // [chunk][n_heads]
  Rows values;                         // the same, [head_dim] each
  // Address space for the longest context, so that no step has to take memory.
  void Reserve(const ModelConfig& config) {
    const size_t n = (config.context_length / kChunkPositions + 1) * config.n_heads;
    values.Reserve(n, config.head_dim);
    states.reserve(n);
  }
  void Resize(size_t chunks, const ModelConfig& config) {
    const size_t n = chunks * config.n_heads;
    values.Resize(n, config.head_dim);
    if (states.size() < n) states.resize(n);
    for (size_t i = 0; i < n; ++i) states[i].values = values.row(i);
  }
};

constexpr size_t kQueryTileRows = 32;

// Which blocks of activations are fine (kernels.h, README.md): all of what attention compares and
// the head ranks; of the feed-forward block's those that stand out, by multiples of the mean
// square.
constexpr float kAllFine = 0;
constexpr float kGateFineAbove = 2;
constexpr float kDownFineAbove = 8;

class CpuBackend final : public Backend {
 public:
  CpuBackend(const ModelConfig& config, const Kernels& kernels, int threads, bool pin)
      : config_(config),
        kernels_(kernels),
        lanes_(threads, pin),
        adapters_(kernels_, lanes_),
        private_(static_cast<size_t>(threads)),
        next_item_(config.n_layers) {
    for (const RopeConfig& rope : config_.ropes) frequencies_.emplace_back(rope);
    partials_.Reserve(config_);
    for (Private& mine : private_) {
      mine.input.Resize(1, std::max({config.d_model, config.q_size(), config.d_ff}));
      mine.query.Resize(1, config.q_size());
      mine.key.Resize(1, config.head_dim);
      mine.tile_values.Resize(kQueryTileRows, config.head_dim);
      mine.merged_values.Resize(std::max<size_t>(kQueryTileRows, config.n_heads), config.head_dim);
    }
  }

  std::string Describe() const override {
    return Concat("cpu ", kernels_.name, ", ", lanes_.count(),
                  lanes_.count() == 1 ? " thread" : " threads");
  }

  Result<WeightPtr> Prepare(std::span<const TensorInfo* const> parts, Role role) override {
    if (role == Role::kVector) return CpuWeight::FromVectors(parts);
    HEARTH_TRY(WeightPtr weight, CpuWeight::FromMatrices(parts, kernels_, lanes_));
    HEARTH_CHECK_OK(ReserveScratch(kernels_.scratch_bytes(Cpu(weight).parts[0].panels.cols)));
    return weight;
  }

  Result<std::unique_ptr<KvStorage>> CreateKv(uint32_t n_blocks, uint32_t host_blocks,
                                              KvType type) override {
    HEARTH_TRY(auto kv, CpuKv::Create(config_, n_blocks, host_blocks, type));
    return std::unique_ptr<KvStorage>(std::move(kv));
  }

  size_t KvBlockBytes(KvType type) const override { return CpuKv::BlockBytes(config_, type); }

  bool Observe(InputObserver* observer) override {
    observer_ = observer;
    return true;
  }

  Status Run(const Pass& pass, const std::function<void(int)>& body) override {
    const size_t n = pass.batch.tokens.size();
    const size_t widest_input = std::max({config_.d_model, config_.q_size(), config_.d_ff});
    const size_t inner_rows = n * std::max(1u, config_.experts.n_used);
    hidden_.Resize(n, config_.d_model);
    projected_.Resize(inner_rows, config_.d_model);
    qkv_.Resize(n, config_.q_size() + 2 * config_.kv_size());
    attended_.Resize(n, config_.q_size());
    gate_up_.Resize(inner_rows, 2 * config_.d_ff);
    inner_.Resize(inner_rows, config_.d_ff);
    if (inner_rows > 1) input_.Resize(inner_rows, widest_input);
    router_.Resize(n, config_.experts.n_experts);
    positions_.resize(n);
    sequence_of_.resize(n);
    for (uint32_t s = 0; s < pass.batch.sequences.size(); ++s) {
      const BatchSequence& sequence = pass.batch.sequences[s];
      for (uint32_t i = 0; i < sequence.count; ++i) {
        positions_[sequence.first + i] = sequence.start + i;
        sequence_of_[sequence.first + i] = s;
      }
    }
    ComputeAngles(n);
    adapters_.Begin(pass.batch);
    if (n == 1) {
      partials_.Resize(positions_[0] / kChunkPositions + 1, config_);
    } else {
      CutQueries(pass.batch);
      for (auto& next : next_item_) next.value.store(0, std::memory_order_relaxed);
    }
    lanes_.Run(body);
    return {};
  }

  void Embed(int lane, const Pass& pass) override {
    const CpuWeight& table = Cpu(pass.weights.embedding);
    const Share share(pass.batch.tokens.size(), lane, lanes_.count());
    for (size_t t = share.begin; t < share.end; ++t) {
      float* x = hidden_.row(t);
      kernels_.read_row(table.parts[0].panels, static_cast<size_t>(pass.batch.tokens[t]), x);
      if (config_.embedding_scale != 1.0f) {
        for (size_t i = 0; i < config_.d_model; ++i) x[i] *= config_.embedding_scale;
      }
    }
    lanes_.Sync();
  }

  void ReadHidden(std::span<float> to) override {
    std::copy_n(hidden_.row(0), to.size(), to.data());
  }
  void WriteHidden(int lane, const Pass& pass, std::span<const float> from) override {
    const Share share(pass.batch.tokens.size(), lane, lanes_.count());
    const size_t width = config_.d_model;
    std::copy_n(from.data() + share.begin * width, (share.end - share.begin) * width,
                hidden_.row(share.begin));
    lanes_.Sync();
  }

  void AttentionBlock(int lane, const Pass& pass, uint32_t layer) override {
    const LayerWeights& w = pass.weights.layers[layer];
    const size_t n = pass.batch.tokens.size();
    const Activations normed = Normalize(lane, n, w.attention_norm, Cpu(w.qkv), kAllFine,
                                         [&](size_t t) { return hidden_.row(t); });
    Report(lane, InputSite::kQkv, layer, 0, normed, n);
    Multiply(lane, Cpu(w.qkv), normed, n, qkv_.row(0), qkv_.width(), false);
    adapters_.Add(lane, pass.batch, layer, InputSite::kQkv, normed, qkv_.row(0), qkv_.width(),
                  Scratch(lane));
    lanes_.Sync();
    if (config_.qk_norm == QkNorm::kWhole) NormalizeWholeQk(lane, n, w);
    if (n == 1) {
      AttendOneToken(lane, pass, layer);
    } else {
      AttendBatch(lane, pass, layer);
    }
    const Activations attended =
        n == 1 ? MergeOneToken(lane, Cpu(w.attention_out))
               : Collect(lane, n, config_.q_size(), Cpu(w.attention_out), kAllFine,
                         [&](size_t t) { return attended_.row(t); });
    Report(lane, InputSite::kAttentionOut, layer, 0, attended, n);
    AddProduct(lane, pass, layer, InputSite::kAttentionOut, Cpu(w.attention_out), attended,
               w.attention_post_norm);
  }

  void FeedForwardBlock(int lane, const Pass& pass, uint32_t layer) override {
    const LayerWeights& w = pass.weights.layers[layer];
    const size_t n = pass.batch.tokens.size();
    if (!w.experts.empty()) return MixExperts(lane, n, w, layer);
    const Activations normed = Normalize(lane, n, w.feed_forward_norm, Cpu(w.gate_up),
                                         kGateFineAbove, [&](size_t t) { return hidden_.row(t); });
    Report(lane, InputSite::kGateUp, layer, 0, normed, n);
    Multiply(lane, Cpu(w.gate_up), normed, n, gate_up_.row(0), gate_up_.width(), false);
    adapters_.Add(lane, pass.batch, layer, InputSite::kGateUp, normed, gate_up_.row(0),
                  gate_up_.width(), Scratch(lane));
    Activate(lane, Cpu(w.gate_up), 0, n);
    lanes_.Sync();
    const Activations inner = Collect(lane, n, config_.d_ff, Cpu(w.down), kDownFineAbove,
                                      [&](size_t t) { return inner_.row(t); });
    Report(lane, InputSite::kDown, layer, 0, inner, n);
    AddProduct(lane, pass, layer, InputSite::kDown, Cpu(w.down), inner, w.feed_forward_post_norm);
  }

  void Head(int lane, const Pass& pass) override {
    const size_t n = pass.batch.heads.size();
    if (n == 0) return;
    const CpuWeight& output =
        Cpu(pass.weights.output ? pass.weights.output : pass.weights.embedding);
    const Activations normed =
        Normalize(lane, n, pass.weights.output_norm, output, kAllFine,
                  [&](size_t i) { return hidden_.row(pass.batch.heads[i]); });
    Multiply(lane, output, normed, n, pass.batch.logits, config_.vocab_size, false);
    FinishLogits(lane, output.parts[0].panels, n, pass.batch.logits);
    lanes_.Sync();
  }

 private:
  // What a lane keeps for itself.
  struct Private {
    ActivationRows input;
    Rows query;
    Rows key;
    Rows tile_values;
    Rows merged_values;
    AlignedBuffer scratch;  // of products; as large as the widest matrix wants
  };
  struct alignas(64) Counter {
    std::atomic<uint32_t> value{0};
  };
  // Queries [first, first + count) of one sequence.
  struct QueryTile {
    uint32_t sequence;
    uint32_t first;
    uint32_t count;
  };

  uint8_t* Scratch(int lane) { return private_[static_cast<size_t>(lane)].scratch.data(); }
  Status ReserveScratch(size_t bytes) {
    for (Private& mine : private_) {
      if (mine.scratch.bytes() >= bytes) continue;
      mine.scratch = AlignedBuffer(bytes);
      if (mine.scratch.data() == nullptr) {
        return MakeError(ErrorCode::kResourceExhausted, "no memory for ", bytes,
                         " bytes of scratch");
      }
    }
    return {};
  }

  void ComputeAngles(size_t n) {
    const size_t pairs = config_.head_dim / 2;
    cosines_.Resize(n * config_.ropes.size(), pairs);
    sines_.Resize(n * config_.ropes.size(), pairs);
    for (size_t rope = 0; rope < frequencies_.size(); ++rope) {
      for (size_t t = 0; t < n; ++t) {
        float* cosines = cosines_.row(rope * n + t);
        float* sines = sines_.row(rope * n + t);
        for (size_t i = 0; i < frequencies_[rope].pairs(); ++i) {
          cosines[i] = static_cast<float>(frequencies_[rope].cosine(i, positions_[t]));
          sines[i] = static_cast<float>(frequencies_[rope].sine(i, positions_[t]));
        }
      }
    }
  }

  void CutQueries(const BatchView& batch) {
    tiles_.clear();
    const auto group = config_.n_heads / config_.n_kv_heads;
    const auto per_tile = static_cast<uint32_t>(std::max<size_t>(1, kQueryTileRows / group));
    for (uint32_t s = 0; s < batch.sequences.size(); ++s) {
      for (uint32_t i = 0; i < batch.sequences[s].count; i += per_tile) {
        tiles_.push_back({s, i, std::min(per_tile, batch.sequences[s].count - i)});
      }
    }
    // The longest contexts first: a long item started last would keep the other lanes waiting.
    std::ranges::sort(tiles_, std::greater(), [&](const QueryTile& tile) {
      return std::pair(batch.sequences[tile.sequence].start + tile.first, tile.sequence);
    });
  }

  // Rows of input in the forms that `reader` wants: for one token each lane makes its own, for more
  // the lanes share the work and wait for each other. fill(t, out) writes row t as floats. A
  // barrier lies before: what `fill` reads is there, and the last product has read its input.
  template <typename Fill>
  Activations Prepare(int lane, size_t n, size_t cols, const CpuWeight& reader, float fine_above,
                      Fill fill) {
    const ActivationRows& memory = n == 1 ? private_[static_cast<size_t>(lane)].input : input_;
    const Activations rows = memory.WithCols(cols);
    const Share share = n == 1 ? Share(1, 0, 1) : Share(n, lane, lanes_.count());
    for (size_t t = share.begin; t < share.end; ++t) {
      const Activations row = rows.Row(t);
      fill(t, row.floats);
      // An adapter's matrices are read as blocks, unless rows do not divide into them.
      const bool adapts = adapters_.any() && cols % kQuantBlock == 0;
      if (reader.wants_quantized || adapts) kernels_.quantize(row.floats, fine_above, row);
    }
    if (n > 1) lanes_.Sync();
    return rows;
  }

  template <typename Source>
  Activations Normalize(int lane, size_t n, const WeightPtr& norm, const CpuWeight& reader,
                        float fine_above, Source source) {
    if (!norm) return Collect(lane, n, config_.d_model, reader, fine_above, source);
    return Prepare(lane, n, config_.d_model, reader, fine_above, [&](size_t t, float* out) {
      kernels_.rms_norm(source(t), Cpu(norm).vector.data(), config_.d_model, config_.norm_epsilon,
                        out);
    });
  }

  template <typename Source>
  Activations Collect(int lane, size_t n, size_t cols, const CpuWeight& reader, float fine_above,
                      Source source) {
    return Prepare(lane, n, cols, reader, fine_above, [&](size_t t, float* out) {
      std::memcpy(out, source(t), cols * sizeof(float));
    });
  }

  // This lane's rows of each part.
  void Multiply(int lane, const CpuWeight& w, const Activations& x, size_t n, float* out,
                size_t stride, bool add) {
    for (const CpuWeight::Part& part : w.parts) {
      const Share share(part.panels.count(), lane, lanes_.count());
      kernels_.multiply(part.panels, share.begin, share.end, x, n, out + part.first_row, stride,
                        add, Scratch(lane));
    }
  }

  // Rows [first, first + n) of inner: activation(gate) * up, this lane's columns. A lane computed
  // the same rows of gate and of up: no barrier is needed to combine them.
  void Activate(int lane, const CpuWeight& gate_up, size_t first, size_t n) {
    const Share share(gate_up.parts[0].panels.count(), lane, lanes_.count());
    const size_t begin = share.begin * kPanelRows;
    const size_t end = std::min<size_t>(share.end * kPanelRows, config_.d_ff);
    const auto activate =
        config_.activation == Activation::kSilu ? kernels_.gate_silu : kernels_.gate_gelu;
    for (size_t t = first; t < first + n && begin < end; ++t) {
      const float* row = gate_up_.row(t);
      activate(row + begin, row + config_.d_ff + begin, end - begin, inner_.row(t) + begin);
    }
  }

  // Every (token, pick) is a row; rows lie by expert, so that an expert's weights are read once for
  // all tokens that picked it. A token adds its rows up in the order of its picks, whatever else is
  // in the batch.
  void MixExperts(int lane, size_t n, const LayerWeights& w, uint32_t layer) {
    const size_t rows = n * config_.experts.n_used;
    const Activations routed = Normalize(lane, n, w.feed_forward_norm, Cpu(w.router), kAllFine,
                                         [&](size_t t) { return hidden_.row(t); });
    Report(lane, InputSite::kRouter, layer, 0, routed, n);
    Multiply(lane, Cpu(w.router), routed, n, router_.row(0), router_.width(), false);
    lanes_.Sync();
    if (lane == 0) picks_.Choose(config_.experts, n, [&](size_t t) { return router_.row(t); });
    lanes_.Sync();
    const Activations normed =
        Normalize(lane, rows, w.feed_forward_norm, Cpu(w.experts[0].gate_up), kGateFineAbove,
                  [&](size_t row) { return hidden_.row(picks_.token_of_row[row]); });
    for (const ExpertPicks::Group& group : picks_.groups) {
      const LayerWeights::Expert& expert = w.experts[group.expert];
      Report(lane, InputSite::kGateUp, layer, group.expert, normed.Row(group.first), group.count);
      Multiply(lane, Cpu(expert.gate_up), normed.Row(group.first), group.count,
               gate_up_.row(group.first), gate_up_.width(), false);
      Activate(lane, Cpu(expert.gate_up), group.first, group.count);
    }
    lanes_.Sync();
    const Activations inner = Collect(lane, rows, config_.d_ff, Cpu(w.experts[0].down),
                                      kDownFineAbove, [&](size_t row) { return inner_.row(row); });
    for (const ExpertPicks::Group& group : picks_.groups) {
      Report(lane, InputSite::kDown, layer, group.expert, inner.Row(group.first), group.count);
      Multiply(lane, Cpu(w.experts[group.expert].down), inner.Row(group.first), group.count,
               projected_.row(group.first), projected_.width(), false);
    }
    lanes_.Sync();
    const Share share(n, lane, lanes_.count());
    for (size_t t = share.begin; t < share.end; ++t) {
      float* mixed = projected_.row(picks_.of(t, 0).row);
      for (uint32_t i = 0; i < config_.d_model; ++i) mixed[i] *= picks_.of(t, 0).weight;
      for (uint32_t p = 1; p < config_.experts.n_used; ++p) {
        const ExpertPicks::Pick& pick = picks_.of(t, p);
        const float* out = projected_.row(pick.row);
        for (uint32_t i = 0; i < config_.d_model; ++i) mixed[i] += pick.weight * out[i];
      }
      AddRow(mixed, w.feed_forward_post_norm, hidden_.row(t));
    }
    lanes_.Sync();
  }

  void Report(int lane, InputSite site, uint32_t layer, uint32_t expert, const Activations& x,
              size_t n) {
    if (observer_ == nullptr || lane != 0) return;
    for (size_t t = 0; t < n; ++t) observer_->Hear(site, layer, expert, {x.Row(t).floats, x.cols});
  }

  // Norms over all heads of q and all of k.
  void NormalizeWholeQk(int lane, size_t n, const LayerWeights& w) {
    const Share share(n, lane, lanes_.count());
    for (size_t t = share.begin; t < share.end; ++t) {
      float* q = qkv_.row(t);
      float* k = q + config_.q_size();
      kernels_.rms_norm(q, Cpu(w.q_norm).vector.data(), config_.q_size(), config_.norm_epsilon, q);
      kernels_.rms_norm(k, Cpu(w.k_norm).vector.data(), config_.kv_size(), config_.norm_epsilon, k);
    }
    lanes_.Sync();
  }

  // This lane's logits, scaled and bounded.
  void FinishLogits(int lane, const Panels& panels, size_t n, float* logits) {
    const Share share(panels.count(), lane, lanes_.count());
    const size_t begin = share.begin * kPanelRows;
    const size_t end = std::min<size_t>(share.end * kPanelRows, config_.vocab_size);
    for (size_t t = 0; t < n; ++t) {
      float* row = logits + t * config_.vocab_size;
      if (config_.logit_scale != 1.0f) {
        for (size_t i = begin; i < end; ++i) row[i] *= config_.logit_scale;
      }
      if (config_.logit_softcap != 0 && begin < end) {
        kernels_.softcap(row + begin, end - begin, config_.logit_softcap);
      }
    }
  }

  // x += h, through the norm where there is one; h is overwritten.
  void AddRow(float* h, const WeightPtr& post_norm, float* x) {
    if (post_norm) {
      kernels_.rms_norm(h, Cpu(post_norm).vector.data(), config_.d_model, config_.norm_epsilon, h);
    }
    const float scale = config_.residual_scale;
    for (size_t i = 0; i < config_.d_model; ++i) x[i] += scale * h[i];
  }

  // hidden += w x, through the norm where there is one.
  void AddProduct(int lane, const Pass& pass, uint32_t layer, InputSite site, const CpuWeight& w,
                  const Activations& x, const WeightPtr& post_norm) {
    const size_t n = pass.batch.tokens.size();
    const bool direct = !post_norm && config_.residual_scale == 1.0f;
    Rows& out = direct ? hidden_ : projected_;
    Multiply(lane, w, x, n, out.row(0), out.width(), direct);
    adapters_.Add(lane, pass.batch, layer, site, x, out.row(0), out.width(), Scratch(lane));
    lanes_.Sync();
    if (direct) return;
    const Share share(n, lane, lanes_.count());
    for (size_t t = share.begin; t < share.end; ++t) {
      AddRow(projected_.row(t), post_norm, hidden_.row(t));
    }
    lanes_.Sync();
  }

  // One head of q or k of token t: bias (added before), norm, rotation.
  void FinishHead(size_t t, uint32_t layer, const WeightPtr& norm, float* head) {
    if (norm && config_.qk_norm == QkNorm::kPerHead) {
      kernels_.rms_norm(head, Cpu(norm).vector.data(), config_.head_dim, config_.norm_epsilon,
                        head);
    }
    const uint32_t rope = config_.layers[layer].rope;
    if (rope == LayerConfig::kNoRope) return;
    const size_t row = rope * positions_.size() + t;
    Rotate(head, config_.ropes[rope].pairs, cosines_.row(row), sines_.row(row),
           frequencies_[rope].pairs());
  }

  void FinishQuery(size_t t, uint32_t layer, const LayerWeights& w, uint32_t head, float* query) {
    AddBias(w, head * config_.head_dim, query);
    FinishHead(t, layer, w.q_norm, query);
    const float scale = config_.query_scale(positions_[t]);
    for (size_t i = 0; i < config_.head_dim; ++i) query[i] *= scale;
  }

  void AddBias(const LayerWeights& w, size_t offset, float* head) const {
    if (!w.qkv_bias) return;
    const float* bias = Cpu(w.qkv_bias).vector.data() + offset;
    for (size_t i = 0; i < config_.head_dim; ++i) head[i] += bias[i];
  }

  // Finishes key and value of one head and writes them to the sequence's block. `scratch` holds one
  // head; the value is finished in place.
  void StoreKv(const Pass& pass, size_t t, uint32_t layer, uint32_t kv_head, float* scratch) {
    const LayerWeights& w = pass.weights.layers[layer];
    const auto& kv = static_cast<const CpuKv&>(pass.kv);
    const size_t hd = config_.head_dim;
    const size_t key_at = config_.q_size() + kv_head * hd;
    const size_t value_at = key_at + config_.kv_size();
    std::memcpy(scratch, qkv_.row(t) + key_at, hd * sizeof(float));
    AddBias(w, key_at, scratch);
    FinishHead(t, layer, w.k_norm, scratch);
    float* value = qkv_.row(t) + value_at;
    AddBias(w, value_at, value);
    const BatchSequence& sequence = pass.batch.sequences[sequence_of_[t]];
    const BlockId block = sequence.blocks[positions_[t] / kBlockTokens];
    kernels_.store_kv(kv.type(), scratch, value, hd, positions_[t] % kBlockTokens,
                      kv.keys(block, layer, kv_head), kv.values(block, layer, kv_head));
  }

  uint32_t FirstSeen(uint32_t layer, uint32_t position) const {
    const uint32_t window = config_.layers[layer].window;
    return window != 0 && position >= window ? position - window + 1 : 0;
  }

  // Attention of rows over one chunk, into states (overwritten).
  void AttendChunk(const Pass& pass, const BatchSequence& sequence, uint32_t layer,
                   uint32_t kv_head, uint32_t begin, uint32_t end, std::span<const QueryRow> rows,
                   AttentionState* states) {
    const auto& kv = static_cast<const CpuKv&>(pass.kv);
    constexpr uint32_t kBlocks = kChunkPositions / kBlockTokens;
    const uint8_t* keys[kBlocks];
    const uint8_t* values[kBlocks];
    const uint8_t* next_keys[kBlocks];
    const uint32_t first = begin / kBlockTokens;
    const uint32_t last = rows.back().to / kBlockTokens;
    for (uint32_t b = 0; b < kBlocks; ++b) {
      const auto at = [&](uint32_t i) { return sequence.blocks[std::min(i, last)]; };
      keys[b] = kv.keys(at(first + b), layer, kv_head);
      values[b] = kv.values(at(first + b), layer, kv_head);
      next_keys[b] = kv.keys(at(first + kBlocks + b), layer, kv_head);
    }
    const AttentionChunk chunk = {.type = kv.type(),
                                  .head_dim = config_.head_dim,
                                  .keys = keys,
                                  .values = values,
                                  .begin = begin,
                                  .end = end,
                                  .softcap = config_.attention_softcap,
                                  .next_keys = next_keys};
    kernels_.attend(chunk, rows.data(), rows.size(), states);
  }

  // The one token's attention, cut into (kv head, chunk) items. Each lane rotates all queries for
  // itself; the lane with a head's last chunk is the one that writes the head's new key and value.
  void AttendOneToken(int lane, const Pass& pass, uint32_t layer) {
    Private& mine = private_[static_cast<size_t>(lane)];
    const LayerWeights& w = pass.weights.layers[layer];
    const uint32_t hd = config_.head_dim;
    const uint32_t group = config_.n_heads / config_.n_kv_heads;
    const uint32_t position = positions_[0];
    const uint32_t from = FirstSeen(layer, position);
    const uint32_t chunks = position / kChunkPositions + 1;
    float* queries = mine.query.row(0);
    std::memcpy(queries, qkv_.row(0), config_.q_size() * sizeof(float));
    const Share share(static_cast<size_t>(config_.n_kv_heads) * chunks, lane, lanes_.count());
    QueryRow rows[kQueryTileRows];
    uint32_t finished = 0;  // query heads below this one are rotated (items come in order of heads)
    for (size_t item = share.begin; item < share.end; ++item) {
      const auto kv_head = static_cast<uint32_t>(item / chunks);
      const auto chunk = static_cast<uint32_t>(item % chunks);
      const uint32_t begin = chunk * kChunkPositions;
      const uint32_t end = std::min(begin + kChunkPositions, position + 1);
      if (chunk == chunks - 1) StoreKv(pass, 0, layer, kv_head, mine.key.row(0));
      AttentionState* states = partials_.states.data() + chunk * config_.n_heads + kv_head * group;
      if (end <= from) {
        for (uint32_t i = 0; i < group; ++i) states[i].total = 0;
        continue;
      }
      finished = std::max(finished, kv_head * group);
      for (; finished < (kv_head + 1) * group; ++finished) {
        FinishQuery(0, layer, w, finished, queries + finished * hd);
      }
      for (uint32_t first = 0; first < group; first += kQueryTileRows) {
        const uint32_t count = std::min<uint32_t>(kQueryTileRows, group - first);
        for (uint32_t i = 0; i < count; ++i) {
          rows[i] = {queries + (kv_head * group + first + i) * hd, from, position};
        }
        AttendChunk(pass, pass.batch.sequences[0], layer, kv_head, begin, end, {rows, count},
                    states + first);
      }
    }
    lanes_.Sync();
  }

  Activations MergeOneToken(int lane, const CpuWeight& reader) {
    const uint32_t hd = config_.head_dim;
    const uint32_t chunks = positions_[0] / kChunkPositions + 1;
    return Prepare(lane, 1, config_.q_size(), reader, kAllFine, [&](size_t, float* out) {
      for (uint32_t head = 0; head < config_.n_heads; ++head) {
        AttentionState merged = {.top = 0, .total = 0, .values = out + head * hd};
        std::fill_n(merged.values, hd, 0.0f);
        for (uint32_t c = 0; c < chunks; ++c) {
          kernels_.merge(partials_.states[c * config_.n_heads + head], hd, merged);
        }
        const float scale = 1.0f / merged.total;
        for (uint32_t i = 0; i < hd; ++i) merged.values[i] *= scale;
      }
    });
  }

  void AttendBatch(int lane, const Pass& pass, uint32_t layer) {
    const LayerWeights& w = pass.weights.layers[layer];
    Private& mine = private_[static_cast<size_t>(lane)];
    const Share share(positions_.size(), lane, lanes_.count());
    for (size_t t = share.begin; t < share.end; ++t) {
      for (uint32_t h = 0; h < config_.n_heads; ++h) {
        FinishQuery(t, layer, w, h, qkv_.row(t) + h * config_.head_dim);
      }
      for (uint32_t h = 0; h < config_.n_kv_heads; ++h) {
        StoreKv(pass, t, layer, h, mine.key.row(0));
      }
    }
    lanes_.Sync();
    const uint32_t items = static_cast<uint32_t>(tiles_.size()) * config_.n_kv_heads;
    auto& next = next_item_[layer].value;
    for (uint32_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) {
      AttendTile(lane, pass, layer, item % config_.n_kv_heads, tiles_[item / config_.n_kv_heads]);
    }
    lanes_.Sync();
  }

  // All chunks of a tile of queries, one kv head, merged in order.
  void AttendTile(int lane, const Pass& pass, uint32_t layer, uint32_t kv_head,
                  const QueryTile& tile) {
    Private& mine = private_[static_cast<size_t>(lane)];
    const BatchSequence& sequence = pass.batch.sequences[tile.sequence];
    const uint32_t hd = config_.head_dim;
    const uint32_t group = config_.n_heads / config_.n_kv_heads;
    QueryRow rows[kQueryTileRows];
    AttentionState part[kQueryTileRows];
    AttentionState merged[kQueryTileRows];
    float* out[kQueryTileRows];
    // A group of more query heads than a tile has rows (then the tile is one token) takes several
    // turns.
    for (uint32_t head = 0; head < group; head += kQueryTileRows) {
      const uint32_t heads = std::min<uint32_t>(kQueryTileRows, group - head);
      size_t n = 0;
      for (uint32_t i = 0; i < tile.count; ++i) {
        const uint32_t token = sequence.first + tile.first + i;
        for (uint32_t h = 0; h < heads; ++h, ++n) {
          const size_t at = static_cast<size_t>(kv_head * group + head + h) * hd;
          rows[n] = {qkv_.row(token) + at, FirstSeen(layer, positions_[token]), positions_[token]};
          part[n].values = mine.tile_values.row(n);
          merged[n] = {.top = 0, .total = 0, .values = mine.merged_values.row(n)};
          std::fill_n(merged[n].values, hd, 0.0f);
          out[n] = attended_.row(token) + at;
        }
      }
      const uint32_t last = rows[n - 1].to;
      for (uint32_t begin = rows[0].from / kChunkPositions * kChunkPositions; begin <= last;
           begin += kChunkPositions) {
        AttendChunk(pass, sequence, layer, kv_head, begin,
                    std::min(begin + kChunkPositions, last + 1), {rows, n}, part);
        for (size_t r = 0; r < n; ++r) kernels_.merge(part[r], hd, merged[r]);
      }
      for (size_t r = 0; r < n; ++r) {
        const float scale = 1.0f / merged[r].total;
        for (uint32_t i = 0; i < hd; ++i) out[r][i] = merged[r].values[i] * scale;
      }
    }
  }

  const ModelConfig config_;
  const Kernels& kernels_;
  Lanes lanes_;
  AdapterProducts adapters_;
  std::vector<RopeFrequencies> frequencies_;
  std::vector<Private> private_;
  std::vector<Counter> next_item_;  // per layer: the next attention item that a lane may take

  InputObserver* observer_ = nullptr;

  // The batch in flight.
  std::vector<uint32_t> positions_;    // [tokens]
  std::vector<uint32_t> sequence_of_;  // [tokens]
  std::vector<QueryTile> tiles_;
  Rows cosines_, sines_;     // [rope][tokens][head_dim / 2]
  Rows hidden_, projected_;  // [tokens][d_model]; projected of experts: [picks][d_model]
  Rows qkv_;                 // [tokens][q_size + 2 kv_size]
  Rows attended_;            // [tokens][q_size]
  Rows gate_up_, inner_;     // [tokens][2 d_ff], [tokens][d_ff]; of experts: [picks]
  Rows router_;              // [tokens][n_experts]
  ExpertPicks picks_;
  ActivationRows input_;  // of the product at hand, shared by all lanes
  Partials partials_;
};

Result<const Kernels*> ChooseKernels() {
  std::vector<const Kernels*> usable = {&kScalarKernels};
  std::string names = "scalar";
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  if (avx2) usable.push_back(&kAvx2Kernels);
  if (avx512) usable.push_back(&kAvx512Kernels);
#endif
  const char* wanted = std::getenv("HEARTH_CPU");
  if (wanted == nullptr || *wanted == '\0') return usable.back();
  for (const Kernels* kernels : usable) {
    if (std::strcmp(kernels->name, wanted) == 0) return kernels;
    if (kernels != &kScalarKernels) names += Concat(", ", kernels->name);
  }
  return MakeError(ErrorCode::kInvalidArgument, "HEARTH_CPU=", wanted,
                   ": this processor has no such instruction set (it has: ", names, ")");
}

}  // namespace
}  // namespace cpu

Result<std::unique_ptr<Backend>> CreateCpuBackend(const ModelConfig& config,
                                                  const CpuOptions& options) {
  HEARTH_TRY(const cpu::Kernels* kernels, cpu::ChooseKernels());
  constexpr int kMaxThreads = 256;
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return MakeError(ErrorCode::kInvalidArgument, "threads: ", options.threads,
                     " is not between 0 (one per core) and ", kMaxThreads);
  }
  const int threads = options.threads == 0 ? cpu::Lanes::PhysicalCores() : options.threads;
  for (const auto& [name, value] :
       {std::pair("embedding_length", config.d_model),
        std::pair("feed_forward_length", config.d_ff),
        std::pair("attention.head_count * key_length", config.q_size())}) {
    if (value % cpu::kPanelRows != 0) {
      return MakeError(ErrorCode::kUnsupported, name, " is ", value,
                       "; the CPU backend needs a multiple of ", cpu::kPanelRows);
    }
  }
  return std::unique_ptr<Backend>(
      std::make_unique<cpu::CpuBackend>(config, *kernels, threads, options.pin));
}

}  // namespace hearth::model
