// ModelConfig: what an architecture's forward pass needs to know, read from a GGUF file's metadata.
//
// One decoder layer computes, in the notation of the config (norms are RMS norms):
//   h = attention(norm(x));      x += post_norm ? norm(h) : h
//   h = feed_forward(norm(x));   x += post_norm ? norm(h) : h
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
  // Divides the frequency of each pair (dims / 2 values), or is empty.
  std::vector<float> frequency_factors;
};

struct LayerConfig {
  uint32_t window = 0;  // attention sees this many last positions; 0: all
  uint32_t rope = 0;    // index into ModelConfig::ropes
};

struct ModelConfig {
  std::string architecture;
  uint32_t n_layers = 0;
  uint32_t d_model = 0;
  uint32_t n_heads = 0;
  uint32_t n_kv_heads = 0;
  uint32_t head_dim = 0;
  uint32_t d_ff = 0;
  uint32_t vocab_size = 0;
  uint32_t context_length = 0;
  float norm_epsilon = 1e-5f;
  Activation activation = Activation::kSilu;
  float embedding_scale = 1.0f;
  float attention_scale = 0.0f;  // multiplies q·k
  bool tied_head = false;        // the embedding is the output matrix too
  std::vector<RopeConfig> ropes;
  std::vector<LayerConfig> layers;

  uint32_t q_size() const { return n_heads * head_dim; }
  uint32_t kv_size() const { return n_kv_heads * head_dim; }
};

// Reads and checks the metadata; an unknown architecture or a value out of range is an Error that
// names the key.
Result<ModelConfig> ReadModelConfig(const GgufFile& file);

}  // namespace hearth::model
