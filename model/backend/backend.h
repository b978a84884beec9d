// Backend: where a forward pass runs.
//
// A backend speaks in blocks of the network, not in element-wise operations, so that it may fuse as
// far as it likes. `reference/` computes each step alone in double precision and is the oracle for
// the rest.
//
// A pass is SPMD: Run calls its argument once on every lane of the backend (a CPU backend: on each
// kernel thread; others: once), and inside it every lane makes the same calls in the same order. A
// call returns on each lane when that lane's share is done; the backend itself puts barriers where
// the next step needs the others' work.
//
// Thread-safety: one thread owns a backend and everything made by it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/cache/kv_storage.h"
#include "model/gguf.h"
#include "model/kv_type.h"
#include "model/model_config.h"
#include "model/sampling/token_choice.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

// A weight as its backend holds it (copied and rearranged: the file may go away).
class Weight {
 public:
  virtual ~Weight() = default;
  virtual size_t bytes() const = 0;
};
using WeightPtr = std::unique_ptr<Weight>;

enum class Role : uint8_t {
  kVector,     // norms and biases
  kMatrix,     // rows are outputs; several parts with equal inputs join into one
  kEmbedding,  // a matrix whose single rows are read too (it may be the output matrix as well)
};

// Weights of one decoder layer. Pointers that a model does not have are null.
struct LayerWeights {
  WeightPtr attention_norm;       // [d_model]
  WeightPtr qkv;                  // [q_size + 2 kv_size, d_model]
  WeightPtr qkv_bias;             // [q_size + 2 kv_size]
  WeightPtr q_norm, k_norm;       // [head_dim], or [q_size], [kv_size] for QkNorm::kWhole
  WeightPtr attention_out;        // [d_model, q_size]
  WeightPtr attention_post_norm;  // [d_model]
  WeightPtr feed_forward_norm;    // [d_model]
  WeightPtr gate_up;              // [2 d_ff, d_model], gate first
  WeightPtr down;                 // [d_model, d_ff]
  WeightPtr feed_forward_post_norm;
  // A mixture of experts has these and no gate_up and down of its own.
  WeightPtr router;  // [n_experts, d_model]
  struct Expert {
    WeightPtr gate_up;  // [2 d_ff, d_model], gate first
    WeightPtr down;     // [d_model, d_ff]
  };
  std::vector<Expert> experts;
};

struct NetworkWeights {
  WeightPtr embedding;    // [vocab_size, d_model]
  WeightPtr output;       // null where tied to the embedding
  WeightPtr output_norm;  // [d_model]
  std::vector<LayerWeights> layers;
};

// The products of a layer.
enum class InputSite : uint8_t { kQkv, kAttentionOut, kRouter, kGateUp, kDown };
constexpr size_t kInputSites = 5;

// What a low-rank adapter adds to one product: scale * B (A x), for some parts of a joined matrix
// (see model/lora.h). Without parts: nothing.
struct AdapterProduct {
  struct Part {
    uint32_t first_row = 0;  // of the joined matrix
    uint32_t rank = 0;
    float scale = 1;
    WeightPtr up;  // B: [rows of the part, rank rounded up to a multiple of 32]; the rest is zero
  };
  WeightPtr down;  // A: [ranks, inputs]; the parts' rows follow each other
  uint32_t ranks = 0;
  std::vector<Part> parts;
};
using AdapterLayer = std::array<AdapterProduct, kInputSites>;  // by InputSite
struct AdapterWeights {
  std::vector<AdapterLayer> layers;
};

// One sequence's share of a batch: tokens [first, first + count) stand at positions [start, start +
// count) of the sequence whose KV lies in `blocks` (enough of them for start + count positions).
struct BatchSequence {
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t start = 0;
  std::span<const BlockId> blocks;
  const AdapterWeights* adapter = nullptr;  // null: the model as it is
  float adapter_scale = 1;
};

// The input of one pass. All spans live until Run returns.
struct BatchView {
  std::span<const TokenId> tokens;
  std::span<const BatchSequence> sequences;
  std::span<const uint32_t> heads;  // ascending indices of tokens whose logits are wanted
  float* logits = nullptr;          // [heads.size()][vocab_size]
  // In place of logits, where the backend chooses: called once by Run, while the device works, to
  // hear how the tokens are drawn. `chosen` ([heads.size()]) gets them, or -1 where the host must
  // draw: no choice was heard, or it could not be made.
  const std::function<void(TokenChooser&)>* choose = nullptr;
  std::span<TokenId> chosen;
};

// Hears the rows that go into the products of a pass, for importance matrices. Called on lane 0.
class InputObserver {
 public:
  virtual ~InputObserver() = default;
  // `expert` is 0 where the layer has only one feed-forward.
  virtual void Hear(InputSite site, uint32_t layer, uint32_t expert,
                    std::span<const float> row) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string Describe() const = 0;  // "cpu avx512, 2 threads"

  // Takes weights over as they lie in the file. Parts of a matrix have equal cols and join by rows;
  // parts of a vector join end to end.
  virtual Result<WeightPtr> Prepare(std::span<const TensorInfo* const> parts, Role role) = 0;
  // `host_blocks` of the second tier may be none.
  virtual Result<std::unique_ptr<KvStorage>> CreateKv(uint32_t n_blocks, uint32_t host_blocks,
                                                      KvType type) = 0;
  // Bytes that one block of such a storage takes once it is used, on either tier.
  virtual size_t KvBlockBytes(KvType type) const = 0;

  // Null ends it. False where the backend cannot be observed. The observer outlives its passes.
  virtual bool Observe(InputObserver*) { return false; }

  // One pass of batch through the network; see the head of this file.
  struct Pass {
    const NetworkWeights& weights;
    KvStorage& kv;
    const BatchView& batch;
  };
  // An error: the device is lost, the pass gave nothing, and later ones fail alike.
  virtual Status Run(const Pass& pass, const std::function<void(int lane)>& body) = 0;
  // Whether it draws tokens itself (BatchView::choose).
  virtual bool Chooses() const { return false; }
  // Logits of a head of the last pass, which chose; with the changes of its choice applied, where
  // one was heard. Like Run it fails where the device is lost.
  virtual Status ReadLogits(size_t, std::span<float>) {
    return MakeError(ErrorCode::kUnsupported, "this backend does not choose tokens");
  }
  // The steps. Hidden states stay inside the backend between them.
  virtual void Embed(int lane, const Pass& pass) = 0;
  virtual void AttentionBlock(int lane, const Pass& pass, uint32_t layer) = 0;
  virtual void FeedForwardBlock(int lane, const Pass& pass, uint32_t layer) = 0;
  virtual void Head(int lane, const Pass& pass) = 0;

  // For a backend that computes some layers of a pass alone: what the last layer left, after a
  // pass, and, as the first step of one, what the layers before left. [tokens][d_model]; `from`
  // lives until Run returns.
  virtual void ReadHidden(std::span<float> to) = 0;
  virtual void WriteHidden(int lane, const Pass& pass, std::span<const float> from) = 0;
};

struct CpuOptions {
  int threads = 0;   // 0: one per physical core
  bool pin = false;  // pin lane i to the i-th allowed processor (benches)
};

// The slow oracle: scalar, double precision, one thread.
std::unique_ptr<Backend> CreateReferenceBackend(const ModelConfig& config);
// Fails where HEARTH_CPU asks for an instruction set that is unknown or that this CPU lacks.
Result<std::unique_ptr<Backend>> CreateCpuBackend(const ModelConfig& config,
                                                  const CpuOptions& options);
struct CudaOptions {
  int threads = 0;  // that pack weights; 0: one per physical core
  uint32_t layers =
      UINT32_MAX;  // computes the first ones alone: there are keys and values of these
};

// The first GPU. Fails where there is none, it is too old, or the program was built without CUDA.
Result<std::unique_ptr<Backend>> CreateCudaBackend(const ModelConfig& config,
                                                   const CudaOptions& options);
// The first `layers` layers on one backend, the embedding, the others and the head on the other.
// Both are of the whole config.
std::unique_ptr<Backend> CreateSplitBackend(const ModelConfig& config, uint32_t layers,
                                            std::unique_ptr<Backend> first,
                                            std::unique_ptr<Backend> rest);

}  // namespace hearth::model
