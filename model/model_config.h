// ModelConfig: what an architecture's forward pass needs to know, read from a GGUF file's metadata.
//
// One decoder layer computes, in the notation of the config (norms are RMS norms, each where the
// family has it):
//   h = attention(norm(x));      x += residual_scale * norm(h)
//   h = feed_forward(norm(x));   x += residual_scale * norm(h)
// and the logits are softcap(logit_scale * head(norm(x))), softcap(y) = cap * tanh(y / cap).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/gguf.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

enum class Activation : uint8_t { kSilu, kGeluTanh };
enum class RopePairs : uint8_t {
  kInterleaved,  // rotates elements (2i, 2i + 1)
  kHalves,       // rotates elements (i, i + dims / 2)
};

struct RopeConfig {
  double base = 10000.0;
  uint32_t dims = 0;  // how many elements of a head are rotated; the rest pass through
  RopePairs pairs = RopePairs::kInterleaved;
  // Divides the frequency of each pair (dims / 2 values), or is empty: every way of stretching a
  // context (linear, YaRN, Llama 3, LongRoPE) comes down to these and to the magnitude.
  std::vector<double> frequency_factors;
  double magnitude = 1.0;  // multiplies the rotated elements
};

struct LayerConfig {
  static constexpr uint32_t kNoRope = UINT32_MAX;
  uint32_t window = 0;  // attention sees this many last positions; 0: all
  uint32_t rope = 0;    // index into ModelConfig::ropes, or kNoRope: positions leave no trace
};

// A mixture of experts: a router picks n_used of n_experts feed-forwards for each token and adds
// their outputs up, weighted by its softmax over the picked ones. After: Shazeer et al.,
// "Outrageously Large Neural Networks", 2017, and Jiang et al., "Mixtral of Experts", 2024.
struct ExpertConfig {
  uint32_t n_experts = 0;  // 0: one feed-forward for all tokens
  uint32_t n_used = 0;
};

enum class QkNorm : uint8_t {
  kPerHead,  // each head of q and k alone
  kWhole,    // all heads of q together, and those of k
};

struct ModelConfig {
  std::string architecture;
  uint32_t n_layers = 0;
  uint32_t d_model = 0;
  uint32_t n_heads = 0;
  uint32_t n_kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t d_ff = 0;  // inner width of a feed-forward, or of one expert
  uint32_t vocab_size = 0;
  uint32_t context_length = 0;
  float norm_epsilon = 1e-5f;
  Activation activation = Activation::kSilu;
  float embedding_scale = 1.0f;
  float attention_scale = 0.0f;    // multiplies q·k
  float attention_softcap = 0.0f;  // bounds scores; 0: none
  // From position `temperature_span` on, queries grow by 1 + temperature ln(1 + floor(p / span)).
  float temperature = 0.0f;
  uint32_t temperature_span = 0;
  float residual_scale = 1.0f;
  float logit_scale = 1.0f;
  float logit_softcap = 0.0f;  // 0: none
  bool pre_norm = true;        // half-layers begin with a norm
  QkNorm qk_norm = QkNorm::kPerHead;
  ExpertConfig experts;
  bool tied_head = false;  // the embedding is the output matrix too
  std::vector<RopeConfig> ropes;
  std::vector<LayerConfig> layers;

  uint32_t q_size() const { return n_heads * head_dim; }
  uint32_t kv_size() const { return n_kv_heads * head_dim; }
  // What multiplies the query at a position.
  float query_scale(uint32_t position) const;
};

// Reads and checks the metadata; an unknown architecture or a value out of range is an Error that
// names the key.
//
// A LongRoPE file holds two sets of frequencies, one for contexts up to the length that it was
// trained on first and one for longer ones. `context` (0: as long as the file allows) says which is
// taken; with the first set context_length ends there.
Result<ModelConfig> ReadModelConfig(const GgufFile& file, uint32_t context = 0);

}  // namespace hearth::model
