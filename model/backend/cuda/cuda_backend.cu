// The CUDA backend: one stream, one launch per step of the network.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "model/backend/backend.h"
#include "model/backend/cuda/attention.cuh"
#include "model/backend/cuda/attention_plan.h"
#include "model/backend/cuda/cuda_kv.h"
#include "model/backend/cuda/cuda_weight.h"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/expert_tables.h"
#include "model/backend/cuda/experts.cuh"
#include "model/backend/cuda/flash_attention.h"
#include "model/backend/cuda/packed_matrix.h"
#include "model/backend/cuda/products.cuh"
#include "model/backend/cuda/row_chooser.h"
#include "model/backend/cuda/rows.cuh"
#include "model/backend/cuda/step_graphs.h"
#include "model/backend/cuda/step_inputs.h"
#include "model/backend/cuda/tile_choice.h"
#include "model/backend/cuda/tile_products.h"
#include "model/backend/cuda/visit_types.h"
#include "model/backend/cuda/warpgroup_products.h"
#include "model/backend/cuda/weight_upload.h"
#include "model/backend/expert_picks.h"

namespace hearth::model::cuda {

namespace {

constexpr size_t kPartialFloats = size_t{16} << 20;  // of attention's chunks, at once

// What a warp takes of few rows: of the matrix, of activations.
struct FewTile {
  unsigned rows, tokens;
};
constexpr FewTile kOne{2, 1}, kFour{2, 4}, kEight{4, 8};

// Activation rows and the memory behind them.
class Rows {
 public:
  const ActivationRows& Resize(Device& device, size_t n, uint32_t cols) {
    const size_t units = (cols + kUnit - 1) / kUnit;
    floats_.Reserve(device, n * cols);
    high_.Reserve(device, n * cols);
    low_.Reserve(device, n * cols);
    scales_.Reserve(device, n * units);
    sums_.Reserve(device, n * units);
    halves_.Reserve(device, n * cols);
    row_scales_.Reserve(device, n);
    view_ = {cols,           floats_.data(), high_.data(),   low_.data(),
             scales_.data(), sums_.data(),   halves_.data(), row_scales_.data()};
    return view_;
  }
  const ActivationRows& view() const { return view_; }

 private:
  ActivationRows view_;
  DeviceArray<float> floats_;
  DeviceArray<int8_t> high_, low_;
  DeviceArray<float> scales_;
  DeviceArray<int2> sums_;
  DeviceArray<uint16_t> halves_;
  DeviceArray<float> row_scales_;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(const ModelConfig& config, const CudaOptions& options, Device device)
      : config_(config),
        options_(options),
        layers_(std::min(options.layers, config.n_layers)),
        device_(std::move(device)),
        inputs_(config_),
        graphs_(device_),
        chooser_(config_.vocab_size) {}

  std::string Describe() const override {
    const bool wrong = device_.warpgroups() == Device::Warpgroups::kWrong;
    return Concat("cuda, ", device_.properties().name,
                  wrong ? ", without wgmma, whose trial gave other sums than mma" : "");
  }

  Result<WeightPtr> Prepare(std::span<const TensorInfo* const> parts, Role role) override {
    if (!upload_) upload_.emplace(device_, options_.threads);
    return LoadWeight(device_, *upload_, parts, role);
  }

  Result<std::unique_ptr<KvStorage>> CreateKv(uint32_t n_blocks, uint32_t host_blocks,
                                              KvType type) override {
    if (type == KvType::kQ8_0 && config_.head_dim % kUnit != 0) {
      return MakeError(ErrorCode::kUnsupported, "a KV cache of q8_0 needs heads whose length ",
                       "32 divides, not ", config_.head_dim, "; use f16 or bf16");
    }
    upload_.reset();  // the weights are there
    HEARTH_TRY(auto kv, CudaKv::Create(device_, KvShape(type), n_blocks, host_blocks));
    return std::unique_ptr<KvStorage>(std::move(kv));
  }

  size_t KvBlockBytes(KvType type) const override { return KvShape(type).block_bytes(); }

  Status Run(const Pass& pass, const std::function<void(int)>& body) override {
    const StepShape shape = Begin(pass);
    if (IsStep(pass.batch)) {
      graphs_.Run(shape, [&] { body(0); });
    } else {
      body(0);
    }
    if (pass.batch.choose != nullptr && !pass.batch.heads.empty()) {
      chooser_.Begin();
      (*pass.batch.choose)(chooser_);
      chooser_.Run(device_, logits_.data(), pass.batch.chosen);
    } else {
      FetchLogits(pass.batch);
    }
    return Ended();
  }

  bool Chooses() const override { return RowChooser::Takes(config_.vocab_size); }
  Status ReadLogits(size_t head, std::span<float> to) override {
    Fetch(head * to.size(), to.size(), to.data());
    return Ended();
  }

  void Embed(int, const Pass& pass) override {
    const size_t n = pass.batch.tokens.size();
    hidden_.Reserve(device_, n * config_.d_model);
    const PackedMatrix& table = Cuda(pass.weights.embedding).parts[0].matrix;
    VisitHeld(table.type, [&]<TensorType kType>() {
      Launch(device_, &ReadRows<kType>, dim3(Count(n)), dim3(kRowThreads), table, inputs_.tokens(),
             config_.embedding_scale, hidden_.data());
    });
  }

  void ReadHidden(std::span<float> to) override {
    if (!device_.usable()) return;
    device_.Note(cudaMemcpyAsync(to.data(), hidden_.data(), to.size_bytes(), cudaMemcpyDeviceToHost,
                                 device_.stream()));
    device_.Wait();
  }
  void WriteHidden(int, const Pass&, std::span<const float> from) override {
    hidden_.Upload(device_, from);
  }

  void AttentionBlock(int, const Pass& pass, uint32_t layer) override {
    const LayerWeights& w = pass.weights.layers[layer];
    const size_t n = pass.batch.tokens.size();
    auto& kv = static_cast<CudaKv&>(pass.kv);
    const ActivationRows& normed =
        Normalize(w.attention_norm, hidden_.data(), nullptr, n, config_.d_model, Wanted(w.qkv, n));
    const unsigned all = config_.q_size() + 2 * config_.kv_size();
    qkv_.Reserve(device_, n * all);
    Multiply(Cuda(w.qkv), normed, n, qkv_.data(), all, false);
    Adapt(pass.batch, layer, InputSite::kQkv, normed, qkv_.data(), all);
    const bool whole = config_.qk_norm == QkNorm::kWhole;
    if (whole) NormalizeWholeQk(w, n);
    queries_.Reserve(device_, n * config_.q_size());
    const uint32_t rope = config_.layers[layer].rope;
    const RopeTable table = rope == LayerConfig::kNoRope ? RopeTable{} : inputs_.rope(rope);
    // Norms of whole rows take the bias along.
    const HeadNorms norms = {whole ? nullptr : VectorOf(w.qkv_bias),
                             whole ? nullptr : VectorOf(w.q_norm),
                             whole ? nullptr : VectorOf(w.k_norm), config_.norm_epsilon};
    const unsigned heads = config_.n_heads + 2 * config_.n_kv_heads;
    const ActivationRows& attended = attended_.Resize(device_, n, config_.q_size());
    const RowForms wanted = Wanted(w.attention_out, n);
    // What merges the chunks of a head can round it too.
    const bool round_heads = wanted.rounded && !wanted.halves && config_.head_dim % kUnit == 0;
    VisitKv(kv.type(), [&]<KvType kType>() {
      Launch(device_, &FinishHeads<kType>, dim3(Count(n), heads), dim3(kLanes), qkv_.data(),
             config_.n_heads, norms, table, inputs_.query_scales(), places_, kv.view(), layer,
             queries_.data());
    });
    for (const AttentionRun& run : runs_) {
      run.many ? AttendMany(kv, layer, run) : AttendFew(kv, layer, run, round_heads);
    }
    const bool few = runs_.size() == 1 && !runs_[0].many;
    const bool ready = few && (round_heads || !(wanted.rounded || wanted.halves));
    const ActivationRows& input =
        ready ? attended
              : Normalize(nullptr, attended.floats, nullptr, n, config_.q_size(), wanted);
    AddProduct(w.attention_out, input, pass.batch, layer, InputSite::kAttentionOut,
               w.attention_post_norm);
  }

  void FeedForwardBlock(int, const Pass& pass, uint32_t layer) override {
    const LayerWeights& w = pass.weights.layers[layer];
    const size_t n = pass.batch.tokens.size();
    if (!w.experts.empty()) return MixOfExperts(pass.batch, layer, w);
    const ActivationRows& normed = Normalize(w.feed_forward_norm, hidden_.data(), nullptr, n,
                                             config_.d_model, Wanted(w.gate_up, n));
    const RowForms wanted = Wanted(w.down, n);
    if (n == 1 && !adapted_ && MultiplyGatedRow(Cuda(w.gate_up), normed, wanted)) {
      return AddProduct(w.down, inner_.view(), pass.batch, layer, InputSite::kDown,
                        w.feed_forward_post_norm);
    }
    gate_up_.Reserve(device_, n * 2 * config_.d_ff);
    Multiply(Cuda(w.gate_up), normed, n, gate_up_.data(), 2 * config_.d_ff, false);
    Adapt(pass.batch, layer, InputSite::kGateUp, normed, gate_up_.data(), 2 * config_.d_ff);
    AddProduct(w.down, Gate(n, wanted), pass.batch, layer, InputSite::kDown,
               w.feed_forward_post_norm);
  }

  void Head(int, const Pass& pass) override {
    const size_t n = pass.batch.heads.size();
    if (n == 0) return;
    const WeightPtr& output = pass.weights.output ? pass.weights.output : pass.weights.embedding;
    const ActivationRows& normed =
        Normalize(pass.weights.output_norm, hidden_.data(), inputs_.heads(), n, config_.d_model,
                  FormsFor(Cuda(output), n, n));
    const size_t all = n * config_.vocab_size;
    logits_.Reserve(device_, all);
    Multiply(Cuda(output), normed, n, logits_.data(), config_.vocab_size, false);
    if (config_.logit_scale != 1.0f || config_.logit_softcap != 0.0f) {
      Launch(device_, &FinishLogits, dim3(256), dim3(kRowThreads), logits_.data(), all,
             config_.logit_scale, config_.logit_softcap);
    }
  }

 private:
  // Sends the inputs.
  StepShape Begin(const Pass& pass) {
    const BatchView& batch = pass.batch;
    adapted_ = std::ranges::any_of(batch.sequences,
                                   [](const BatchSequence& s) { return s.adapter != nullptr; });
    StepShape shape = {.heads = Count(batch.heads.size()), .kv = &pass.kv};
    longest_ = 0;
    for (const BatchSequence& sequence : batch.sequences) {
      shape.counts.push_back(sequence.count);
      longest_ = std::max(longest_, sequence.start + sequence.count);
    }
    runs_ = PlanAttention(batch.sequences);
    if (IsStep(batch)) longest_ = ContextBound(longest_, kChunk);
    shape.context = longest_;
    inputs_.Send(device_, batch);
    places_ = inputs_.places();
    for (const BatchSequence& sequence : batch.sequences) {
      static_cast<CudaKv&>(pass.kv).Await(sequence.blocks);
    }
    return shape;
  }

  // A step of decoding, worth a graph: launching takes as long as the rest. Adapters come and go,
  // tiles of attention follow each context, and of many tokens the host picks the experts.
  bool IsStep(const BatchView& batch) const {
    constexpr size_t kMostTokens = 64;
    const size_t n = batch.tokens.size();
    return device_.uses_graphs() && n <= kMostTokens && !adapted_ &&
           (config_.experts.n_experts == 0 || IsFew(n)) &&
           std::ranges::none_of(runs_, &AttentionRun::many);
  }
  // So few that all products are those of few rows.
  static bool IsFew(size_t n) { return !UsesTensorCores(TensorType::kQ8_0, n); }

  // Waits for the pass, too: what it cost is known when it ends.
  void FetchLogits(const BatchView& batch) {
    Fetch(0, batch.heads.size() * config_.vocab_size, batch.logits);
  }
  void Fetch(size_t first, size_t n, float* to) {
    if (n > host_logits_.size() && !host_logits_.TryReserve(n)) {
      device_.NoteShortage(n * sizeof(float));
    }
    if (n > 0 && device_.usable()) {
      device_.Note(cudaMemcpyAsync(host_logits_.data(), logits_.data() + first, n * sizeof(float),
                                   cudaMemcpyDeviceToHost, device_.stream()));
    }
    device_.Wait();
    if (device_.usable()) std::copy_n(host_logits_.data(), n, to);
  }

  // What `most` rows are wanted as that meet a weight some at a time, of which `least` are the
  // fewest.
  static RowForms FormsFor(const CudaWeight& weight, size_t least, size_t most) {
    return {weight.quantized && !UsesTensorCores(TensorType::kQ8_0, least),
            UsesTensorCores(TensorType::kQ8_0, most)};
  }
  // Adapters are Q8_0 and meet the rows of each sequence by themselves.
  RowForms Wanted(const WeightPtr& weight, size_t n) const {
    RowForms forms = FormsFor(Cuda(weight), n, n);
    forms.rounded = forms.rounded || adapted_;
    return forms;
  }

  CudaKv::Shape KvShape(KvType type) const {
    return {type, layers_, config_.n_kv_heads, config_.head_dim};
  }

  // How a pass ended: memory that it did not get is an error of this pass alone.
  Status Ended() {
    const size_t shortage = device_.TakeShortage();
    HEARTH_CHECK_OK(device_.Lost());
    if (shortage == 0) return {};
    return device_.TooLarge("a pass", shortage, "Send shorter prompts or use --backend cpu");
  }

  static unsigned Count(size_t n) { return static_cast<unsigned>(n); }

  Partials ReservePartials(size_t rows, unsigned chunks) {
    tops_.Reserve(device_, rows);
    totals_.Reserve(device_, rows);
    partial_values_.Reserve(device_, rows * config_.head_dim);
    return {tops_.data(), totals_.data(), partial_values_.data(), chunks};
  }

  // Rows of `from` (row_of says which; null: in order) through a norm, as products want them.
  const ActivationRows& Normalize(const WeightPtr& norm, const float* from, const int* row_of,
                                  size_t n, uint32_t cols, RowForms forms) {
    const ActivationRows& rows = input_.Resize(device_, n, cols);
    const NormedRow source = {from, VectorOf(norm), row_of, config_.norm_epsilon, 1.0f};
    Launch(device_, &PrepareRows<NormedRow>, dim3(Count(n)), dim3(kRowThreads), source, rows,
           forms);
    return rows;
  }

  const ActivationRows& Gate(size_t n, RowForms forms) {
    const ActivationRows& rows = inner_.Resize(device_, n, config_.d_ff);
    const auto launch = [&](auto kernel, auto source) {
      Launch(device_, kernel, dim3(Count(n)), dim3(kRowThreads), source, rows, forms);
    };
    if (config_.activation == Activation::kGeluTanh) {
      launch(&PrepareRows<GatedRow<true>>, GatedRow<true>{gate_up_.data(), 0});
    } else {
      launch(&PrepareRows<GatedRow<false>>, GatedRow<false>{gate_up_.data(), 0});
    }
    return rows;
  }

  // Some tokens of a run at a time, so that what their chunks give takes bounded memory.
  template <typename Attend>
  void AttendParts(const AttentionRun& run, unsigned chunks, bool rounded, Attend attend) {
    const size_t rows = static_cast<size_t>(config_.n_heads) * chunks;
    const size_t fit = kPartialFloats / (rows * config_.head_dim);
    const size_t together = run.many ? kFlashQueries : 1;  // of a block: its tiles are full
    const unsigned at_once = Count(std::clamp<size_t>(
        fit / together * together, std::min<size_t>(together, run.count), run.count));
    const Partials partials = ReservePartials(at_once * rows, chunks);
    const unsigned end = run.first + run.count;
    for (unsigned first = run.first; first < end; first += at_once) {
      const unsigned count = std::min(at_once, end - first);
      attend(first, count, partials);
      const unsigned units = (config_.head_dim + kLanes - 1) / kLanes;
      Launch(device_, &MergeChunks, dim3(count, config_.n_heads, units), dim3(kLanes), partials,
             first, config_.n_heads, config_.head_dim, attended_.view(), rounded);
    }
  }

  void AttendFew(const CudaKv& kv, uint32_t layer, const AttentionRun& run, bool rounded) {
    const unsigned chunks = (longest_ + kChunk - 1) / kChunk;
    const unsigned group = config_.n_heads / config_.n_kv_heads;
    AttendParts(
        run, chunks, rounded, [&](unsigned first, unsigned count, const Partials& partials) {
          VisitKv(kv.type(), [&]<KvType kType>() {
            Launch(device_, &AttendChunks<kType>, dim3(count, config_.n_kv_heads, chunks),
                   dim3(kLanes, group), queries_.data(), first, config_.n_heads, places_, kv.view(),
                   layer, config_.layers[layer].window, config_.attention_softcap, partials);
          });
        });
  }

  void AttendMany(const CudaKv& kv, uint32_t layer, const AttentionRun& run) {
    const FlashMasks masks = {config_.layers[layer].window, config_.attention_softcap};
    const auto attend = [&](unsigned first, unsigned count, const Partials& partials) {
      LaunchFlash(device_, kv.type(), queries_.data(), {first, count}, config_.n_heads, places_,
                  kv.view(), layer, masks, partials, attended_.view().floats);
    };
    const unsigned parts = FlashParts(run.longest);
    if (parts == 1) return attend(run.first, run.count, {nullptr, nullptr, nullptr, 1});
    AttendParts(run, parts, false, attend);
  }

  // Bias and norms of all heads of q, and of k, together.
  void NormalizeWholeQk(const LayerWeights& w, size_t n) {
    const unsigned all = config_.q_size() + 2 * config_.kv_size();
    Launch(device_, &NormalizeWhole, dim3(Count(n)), dim3(kRowThreads), qkv_.data(), all,
           VectorOf(w.qkv_bias), config_.q_size(), VectorOf(w.q_norm), config_.kv_size(),
           VectorOf(w.k_norm), config_.norm_epsilon);
  }

  // Parts that follow each other and are held alike go together.
  void Multiply(const CudaWeight& w, const ActivationRows& x, size_t n, float* out, size_t stride,
                bool add) {
    for (size_t i = 0; i < w.parts.size();) {
      const TensorType type = w.parts[i].matrix.type;
      MatrixParts parts{};
      for (; i < w.parts.size() && w.parts[i].matrix.type == type && parts.n < kMostParts; ++i) {
        parts.part[parts.n] = w.parts[i].matrix;
        parts.first_row[parts.n++] = w.parts[i].first_row;
      }
      if (UsesTensorCores(type, n)) {
        LaunchTiles(device_, split_memory_, parts, x, n, out, stride, add);
      } else {
        MultiplyFew(parts, x, n, out, stride, add);
      }
    }
  }

  void MultiplyFew(const MatrixParts& parts, const ActivationRows& x, size_t n, float* out,
                   size_t stride, bool add) {
    VisitHeld(parts.part[0].type, [&]<TensorType kType>() {
      const auto launch = [&](auto kernel, const FewTile& tile) {
        const unsigned per_block = kProductWarps * tile.rows;
        Launch(device_, kernel,
               dim3(Count(BlocksOf(parts, per_block)), (Count(n) + tile.tokens - 1) / tile.tokens),
               dim3(kProductWarps * kLanes), parts, x, Count(n), out, stride, add);
      };
      if (n == 1) return launch(&MultiplyRows<kType, kOne.rows, kOne.tokens>, kOne);
      if (n <= kFour.tokens) return launch(&MultiplyRows<kType, kFour.rows, kFour.tokens>, kFour);
      launch(&MultiplyRows<kType, kEight.rows, kEight.tokens>, kEight);
    });
  }

  // Gate, up and activation of one row in one launch; false where the weights do not lend
  // themselves to that.
  bool MultiplyGatedRow(const CudaWeight& w, const ActivationRows& x, RowForms forms) {
    const uint32_t d_ff = config_.d_ff;
    const PackedMatrix& first = w.parts[0].matrix;
    if (forms.halves || w.parts.size() > 2 || w.parts.back().matrix.type != first.type) {
      return false;
    }
    const PackedMatrix gate = w.parts.size() == 2 ? first : RowsOf(first, 0, d_ff);
    const PackedMatrix up = w.parts.size() == 2 ? w.parts[1].matrix : RowsOf(first, d_ff, d_ff);
    const ActivationRows& out = inner_.Resize(device_, 1, d_ff);
    VisitHeld(first.type, [&]<TensorType kType>() {
      const auto launch = [&](auto kernel) {
        Launch(device_, kernel, dim3(d_ff / kUnit), dim3(kGatedWarps * kLanes), gate, up, x, out,
               forms.rounded);
      };
      config_.activation == Activation::kGeluTanh ? launch(&MultiplyGated<kType, true>)
                                                  : launch(&MultiplyGated<kType, false>);
    });
    return true;
  }

  // What the sequences' adapters add to a product of the pass that was made from x.
  void Adapt(const BatchView& batch, uint32_t layer, InputSite site, const ActivationRows& x,
             float* out, size_t stride) {
    for (const BatchSequence& sequence : batch.sequences) {
      if (sequence.adapter == nullptr) continue;
      const AdapterProduct& product = sequence.adapter->layers[layer][static_cast<size_t>(site)];
      if (product.parts.empty()) continue;
      const size_t n = sequence.count;
      low_rank_.Reserve(device_, n * product.ranks);
      Multiply(Cuda(product.down), x.From(sequence.first), n, low_rank_.data(), product.ranks,
               false);
      const float* columns = low_rank_.data();
      for (const AdapterProduct::Part& part : product.parts) {
        const CudaWeight& up = Cuda(part.up);
        const ActivationRows& rows = adapter_input_.Resize(device_, n, up.parts[0].matrix.cols);
        const ScaledColumns source = {columns, product.ranks, part.rank,
                                      part.scale * sequence.adapter_scale};
        Launch(device_, &PrepareRows<ScaledColumns>, dim3(Count(n)), dim3(kRowThreads), source,
               rows, FormsFor(up, n, n));
        Multiply(up, rows, n, out + sequence.first * stride + part.first_row, stride, true);
        columns += part.rank;
      }
    }
  }

  // hidden += residual_scale * norm(rows)
  void AddToHidden(const float* rows, size_t n, const WeightPtr& norm) {
    const NormedRow added = {rows, VectorOf(norm), nullptr, config_.norm_epsilon, 1.0f};
    Launch(device_, &AddRows, dim3(Count(n)), dim3(kRowThreads), hidden_.data(), added,
           config_.d_model, config_.residual_scale);
  }

  // hidden += residual_scale * norm(weight * x + what adapters add)
  void AddProduct(const WeightPtr& weight, const ActivationRows& x, const BatchView& batch,
                  uint32_t layer, InputSite site, const WeightPtr& post_norm) {
    const size_t n = batch.tokens.size();
    const uint32_t width = config_.d_model;
    if (!post_norm && config_.residual_scale == 1.0f) {
      Multiply(Cuda(weight), x, n, hidden_.data(), width, true);
      return Adapt(batch, layer, site, x, hidden_.data(), width);
    }
    projected_.Reserve(device_, n * width);
    Multiply(Cuda(weight), x, n, projected_.data(), width, false);
    Adapt(batch, layer, site, x, projected_.data(), width);
    AddToHidden(projected_.data(), n, post_norm);
  }

  void MixOfExperts(const BatchView& batch, uint32_t layer, const LayerWeights& w) {
    const size_t n = batch.tokens.size();
    if (IsFew(n) && expert_tables_.Of(device_, layer, w).possible) {
      return MixFewExperts(batch, layer, w);
    }
    MixManyExperts(batch, layer, w);
  }

  // Few tokens: each pick is a row by itself, and the device alone knows of which expert.
  void MixFewExperts(const BatchView& batch, uint32_t layer, const LayerWeights& w) {
    const size_t n = batch.tokens.size();
    const auto [n_experts, n_used] = std::pair(config_.experts.n_experts, config_.experts.n_used);
    const ExpertTables::Layer& tables = expert_tables_.Of(device_, layer, w);
    RowForms forms = Wanted(w.router, n);
    forms.rounded = forms.rounded || Cuda(w.experts[0].gate_up).quantized;
    const ActivationRows& normed =
        Normalize(w.feed_forward_norm, hidden_.data(), nullptr, n, config_.d_model, forms);
    router_.Reserve(device_, n * n_experts);
    Multiply(Cuda(w.router), normed, n, router_.data(), n_experts, false);
    Adapt(batch, layer, InputSite::kRouter, normed, router_.data(), n_experts);
    const size_t rows = n * n_used;
    device_experts_.Reserve(device_, rows);
    device_pick_rows_.Reserve(device_, rows);
    device_pick_weights_.Reserve(device_, rows);
    Launch(device_, &PickExperts, dim3(Count(n)), dim3(kLanes), router_.data(), n_experts, n_used,
           Picks{device_experts_.data(), device_pick_rows_.data(), device_pick_weights_.data()});
    const auto multiply = [&](const MatrixParts& shape, const DeviceArray<MatrixParts>& table,
                              const ActivationRows& x, unsigned sharing, float* out,
                              size_t stride) {
      VisitHeld(shape.part[0].type, [&]<TensorType kType>() {
        Launch(device_, &MultiplyPicked<kType>,
               dim3(Count(BlocksOf(shape, kPickedRowsPerBlock)), Count(rows)),
               dim3(kProductWarps * kLanes), table.data(), device_experts_.data(), x, sharing, out,
               stride);
      });
    };
    gate_up_.Reserve(device_, rows * 2 * config_.d_ff);
    multiply(tables.gate_up, tables.gate_ups, normed, n_used, gate_up_.data(), 2 * config_.d_ff);
    const ActivationRows& inner = Gate(rows, {Cuda(w.experts[0].down).quantized, false});
    projected_.Reserve(device_, rows * config_.d_model);
    multiply(tables.down, tables.downs, inner, 1, projected_.data(), config_.d_model);
    AddMixed(n, w);
  }

  // hidden += what the tokens' picks gave, weighed.
  void AddMixed(size_t n, const LayerWeights& w) {
    mixed_.Reserve(device_, n * config_.d_model);
    Launch(device_, &MixExperts, dim3(Count(n)), dim3(kRowThreads), projected_.data(),
           device_pick_rows_.data(), device_pick_weights_.data(), config_.experts.n_used,
           config_.d_model, mixed_.data());
    AddToHidden(mixed_.data(), n, w.feed_forward_post_norm);
  }

  // Many: the picks are made on the host, which waits for the router's scores, and the tokens that
  // picked an expert lie together.
  void MixManyExperts(const BatchView& batch, uint32_t layer, const LayerWeights& w) {
    if (device_.Spoil()) return;  // what waits is no part of a graph
    const size_t n = batch.tokens.size();
    const ActivationRows& routed = Normalize(w.feed_forward_norm, hidden_.data(), nullptr, n,
                                             config_.d_model, Wanted(w.router, n));
    const size_t n_experts = config_.experts.n_experts;
    router_.Reserve(device_, n * n_experts);
    Multiply(Cuda(w.router), routed, n, router_.data(), n_experts, false);
    Adapt(batch, layer, InputSite::kRouter, routed, router_.data(), n_experts);
    scores_.assign(n * n_experts, 0.0f);
    if (device_.usable()) {
      device_.Note(cudaMemcpyAsync(scores_.data(), router_.data(), scores_.size() * sizeof(float),
                                   cudaMemcpyDeviceToHost, device_.stream()));
    }
    device_.Wait();
    picks_.Choose(config_.experts, n, [&](size_t t) { return scores_.data() + t * n_experts; });
    const size_t rows = n * config_.experts.n_used;
    token_rows_.assign(picks_.token_of_row.begin(), picks_.token_of_row.end());
    pick_rows_.resize(rows);
    pick_weights_.resize(rows);
    for (size_t i = 0; i < rows; ++i) {
      pick_rows_[i] = static_cast<int>(picks_.picks[i].row);
      pick_weights_[i] = picks_.picks[i].weight;
    }
    device_token_rows_.Upload(device_, token_rows_);
    device_pick_rows_.Upload(device_, pick_rows_);
    device_pick_weights_.Upload(device_, pick_weights_);
    const ActivationRows& normed =
        Normalize(w.feed_forward_norm, hidden_.data(), device_token_rows_.data(), rows,
                  config_.d_model, FormsFor(Cuda(w.experts[0].gate_up), 1, rows));
    gate_up_.Reserve(device_, rows * 2 * config_.d_ff);
    projected_.Reserve(device_, rows * config_.d_model);
    for (const ExpertPicks::Group& group : picks_.groups) {
      Multiply(Cuda(w.experts[group.expert].gate_up), normed.From(group.first), group.count,
               gate_up_.data() + group.first * 2 * config_.d_ff, 2 * config_.d_ff, false);
    }
    const ActivationRows& inner = Gate(rows, FormsFor(Cuda(w.experts[0].down), 1, rows));
    for (const ExpertPicks::Group& group : picks_.groups) {
      Multiply(Cuda(w.experts[group.expert].down), inner.From(group.first), group.count,
               projected_.data() + group.first * config_.d_model, config_.d_model, false);
    }
    AddMixed(n, w);
  }

  ModelConfig config_;
  const CudaOptions options_;
  const uint32_t layers_;  // that are computed here
  Device device_;
  std::optional<WeightUpload> upload_;  // while weights come
  StepInputs inputs_;
  StepGraphs graphs_;
  RowChooser chooser_;
  ExpertTables expert_tables_;
  bool adapted_ = false;  // a sequence of the pass has an adapter
  std::vector<AttentionRun> runs_;
  uint32_t longest_ = 0;  // bound of the contexts of the pass
  TokenPlaces places_{};
  PinnedArray<float> host_logits_;

  // Experts: what the host sends, kept until the stream has been waited for.
  std::vector<int> token_rows_, pick_rows_;
  std::vector<float> scores_, pick_weights_;
  ExpertPicks picks_;
  DeviceArray<int> device_token_rows_, device_pick_rows_, device_experts_;
  DeviceArray<float> device_pick_weights_;

  DeviceArray<float> hidden_, qkv_, queries_, gate_up_, projected_, router_, logits_;
  DeviceArray<float> low_rank_, mixed_;
  DeviceArray<float> tops_, totals_, partial_values_;
  SplitMemory split_memory_;
  Rows input_, attended_, inner_, adapter_input_;
};

}  // namespace
}  // namespace hearth::model::cuda

namespace hearth::model {

Result<std::unique_ptr<Backend>> CreateCudaBackend(const ModelConfig& config,
                                                   const CudaOptions& options) {
  if (config.head_dim > cuda::kMostHeadDim || config.head_dim % 8 != 0 ||
      config.n_heads / config.n_kv_heads > cuda::kMostGroup) {
    return MakeError(ErrorCode::kUnsupported, "heads of ", config.head_dim, " elements, ",
                     config.n_heads / config.n_kv_heads, " to a key: the CUDA backend takes up to ",
                     cuda::kMostHeadDim, ", a multiple of 8, and ", cuda::kMostGroup,
                     ". Use --backend cpu");
  }
  HEARTH_TRY(cuda::Device device, cuda::Device::Open());
  if (device.may_use_warpgroups()) cuda::TryWarpgroups(device);
  HEARTH_CHECK_OK(device.Lost());
  return std::unique_ptr<Backend>(new cuda::CudaBackend(config, options, std::move(device)));
}

}  // namespace hearth::model
