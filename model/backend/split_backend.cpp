// Two backends as one: the first layers of a pass on one of them, the rest on the other.
//
// A pass is three passes of the parts: the embedding on the second, some layers on the first, the
// others and the head on the second. Between them the host copies what the layers left.
#include <algorithm>
#include <charconv>
#include <string_view>

#include "model/backend/backend.h"

namespace hearth::model {

namespace {

struct SplitKv : KvStorage {
  void CopyBlock(BlockId from, BlockId to) override {
    first->CopyBlock(from, to);
    rest->CopyBlock(from, to);
  }
  uint32_t host_blocks() const override { return first->host_blocks(); }
  bool Save(BlockId from, HostBlock to) override {
    return first->Save(from, to) && rest->Save(from, to);
  }
  void Restore(HostBlock from, BlockId to) override {
    first->Restore(from, to);
    rest->Restore(from, to);
  }
  uint64_t copies() const override { return std::max(first->copies(), rest->copies()); }
  bool Done(uint64_t n) override { return first->Done(n) && rest->Done(n); }
  std::unique_ptr<KvStorage> first, rest;
};

// The layer that a tensor belongs to, by its name "blk.N.…"; no layer's: `otherwise`.
uint32_t LayerOf(std::string_view name, uint32_t otherwise) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return otherwise;
  name.remove_prefix(kPrefix.size());
  uint32_t layer = otherwise;
  std::from_chars(name.data(), name.data() + name.size(), layer);
  return layer;
}

class SplitBackend final : public Backend {
 public:
  SplitBackend(const ModelConfig& config, uint32_t layers, std::unique_ptr<Backend> first,
               std::unique_ptr<Backend> rest)
      : d_model_(config.d_model),
        layers_(layers),
        all_layers_(config.n_layers),
        first_(std::move(first)),
        rest_(std::move(rest)) {}

  std::string Describe() const override {
    return Concat(layers_, " of ", all_layers_, " layers: ", first_->Describe(),
                  "; the rest: ", rest_->Describe());
  }

  Result<WeightPtr> Prepare(std::span<const TensorInfo* const> parts, Role role) override {
    Backend& owner = LayerOf(parts[0]->name, all_layers_) < layers_ ? *first_ : *rest_;
    return owner.Prepare(parts, role);
  }

  Result<std::unique_ptr<KvStorage>> CreateKv(uint32_t n_blocks, uint32_t host_blocks,
                                              KvType type) override {
    auto kv = std::make_unique<SplitKv>();
    HEARTH_TRY(kv->first, first_->CreateKv(n_blocks, host_blocks, type));
    HEARTH_TRY(kv->rest, rest_->CreateKv(n_blocks, host_blocks, type));
    return std::unique_ptr<KvStorage>(std::move(kv));
  }

  // The second one takes memory as it is used, and uses that of its layers.
  size_t KvBlockBytes(KvType type) const override {
    return first_->KvBlockBytes(type) +
           rest_->KvBlockBytes(type) / all_layers_ * (all_layers_ - layers_);
  }

  Status Run(const Pass& pass, const std::function<void(int)>& body) override {
    auto& kv = static_cast<SplitKv&>(pass.kv);
    hidden_.resize(pass.batch.tokens.size() * d_model_);
    BatchView headless = pass.batch;
    headless.heads = {};
    const Pass on_first = {pass.weights, *kv.first, headless};
    const Pass embedding = {pass.weights, *kv.rest, headless};
    const Pass on_rest = {pass.weights, *kv.rest, pass.batch};
    HEARTH_CHECK_OK(RunPart(Part::kEmbedding, *rest_, embedding, body));
    rest_->ReadHidden(hidden_);
    HEARTH_CHECK_OK(RunPart(Part::kFirst, *first_, on_first, body));
    first_->ReadHidden(hidden_);
    return RunPart(Part::kRest, *rest_, on_rest, body);
  }

  // The steps of the whole pass, of which those of the part that runs are done.
  void Embed(int lane, const Pass&) override {
    if (part_ == Part::kEmbedding) {
      rest_->Embed(lane, *pass_);
    } else {
      Running().WriteHidden(lane, *pass_, hidden_);
    }
  }
  void AttentionBlock(int lane, const Pass&, uint32_t layer) override {
    if (IsOfPart(layer)) Running().AttentionBlock(lane, *pass_, layer);
  }
  void FeedForwardBlock(int lane, const Pass&, uint32_t layer) override {
    if (IsOfPart(layer)) Running().FeedForwardBlock(lane, *pass_, layer);
  }
  void Head(int lane, const Pass&) override {
    if (part_ == Part::kRest) rest_->Head(lane, *pass_);
  }
  void ReadHidden(std::span<float> to) override { rest_->ReadHidden(to); }
  void WriteHidden(int lane, const Pass&, std::span<const float> from) override {
    if (part_ == Part::kEmbedding) rest_->WriteHidden(lane, *pass_, from);
  }

 private:
  enum class Part : uint8_t { kEmbedding, kFirst, kRest };

  Status RunPart(Part part, Backend& backend, const Pass& pass,
                 const std::function<void(int)>& body) {
    part_ = part;
    pass_ = &pass;
    return backend.Run(pass, body);
  }
  Backend& Running() { return part_ == Part::kFirst ? *first_ : *rest_; }
  bool IsOfPart(uint32_t layer) const {
    return part_ != Part::kEmbedding && (layer < layers_) == (part_ == Part::kFirst);
  }

  const uint32_t d_model_, layers_, all_layers_;
  std::unique_ptr<Backend> first_, rest_;
  std::vector<float> hidden_;  // [tokens][d_model], between the parts
  // Of the part that runs; lanes only read them.
  Part part_ = Part::kEmbedding;
  const Pass* pass_ = nullptr;
};

}  // namespace

std::unique_ptr<Backend> CreateSplitBackend(const ModelConfig& config, uint32_t layers,
                                            std::unique_ptr<Backend> first,
                                            std::unique_ptr<Backend> rest) {
  return std::make_unique<SplitBackend>(config, layers, std::move(first), std::move(rest));
}

}  // namespace hearth::model
