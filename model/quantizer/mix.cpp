#include "model/quantizer/mix.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/transformer/rope_scaling.h"
#include "runtime/base/core/result.h"

namespace hearth::model {
namespace {

using enum TensorType;

constexpr auto kMixes = std::to_array<Mix>({
    {"F32", kF32, false, 0},
    {"F16", kF16, false, 1},
    {"BF16", kBF16, false, 32},
    {"Q8_0", kQ8_0, false, 7},
    {"Q6_K", kQ6_K, false, 18},
    {"Q5_K_M", kQ5_K, true, 17},
    {"Q5_1", kQ5_1, false, 9},
    {"Q5_0", kQ5_0, false, 8},
    {"Q4_K_M", kQ4_K, true, 15},
    {"Q4_1", kQ4_1, false, 3},
    {"Q4_0", kQ4_0, false, 2},
});

bool IsFloat(TensorType type) { return type == kF32 || type == kF16 || type == kBF16; }

// The layer of "blk.12.ffn_down.weight".
uint32_t LayerOf(std::string_view name) {
  uint32_t layer = 0;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return layer;
}

// The layers where an error costs most: the first and the last eighth, and every third between.
bool NeedsMoreBits(uint32_t layer, uint32_t n_layers) {
  const uint32_t eighth = n_layers / 8;
  return layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
}

TensorType SmallerBlocks(TensorType type) {
  switch (type) {
    case kQ4_K:
      return kQ5_0;
    case kQ5_K:
      return kQ5_1;
    case kQ6_K:
      return kQ8_0;
    default:
      return kF16;
  }
}

}  // namespace

const Mix* FindMix(std::string_view name) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  for (const Mix& mix : kMixes) {
    if (std::ranges::equal(mix.name, name, {}, upper, upper)) return &mix;
  }
  return nullptr;
}

std::string MixNames() {
  std::string names;
  for (const Mix& mix : kMixes) names += (names.empty() ? "" : ", ") + std::string(mix.name);
  return names;
}

MixRules::MixRules(const GgufFile& file, const Mix& mix, bool has_importance)
    : mix_(mix), has_importance_(has_importance) {
  const std::string* const name = file.GetString("general.architecture");
  const std::string architecture = name == nullptr ? "" : *name;
  n_layers_ = static_cast<uint32_t>(file.GetUint(architecture + ".block_count").value_or(0));
  n_experts_ = static_cast<uint32_t>(file.GetUint(architecture + ".expert_count").value_or(0));
  tied_ = file.FindTensor("output.weight") == nullptr;
  const uint64_t heads = file.GetUint(architecture + ".attention.head_count").value_or(0);
  narrow_values_ =
      n_layers_ == 80 &&
      (architecture == "qwen2" ||
       (architecture == "llama" &&
        file.GetUint(architecture + ".attention.head_count_kv").value_or(heads) != heads));
}

std::optional<TensorChoice> MixRules::Choose(const TensorInfo& tensor) const {
  const std::string_view name = tensor.name;
  if (tensor.n_dims < 2 || !name.ends_with("weight") || name.ends_with("_norm.weight") ||
      name.ends_with("ffn_gate_inp.weight") || IsRopeTensor(name)) {
    return std::nullopt;
  }
  TensorChoice choice = {.type = Wanted(tensor)};
  for (int i = 0; i < 2; ++i) {
    if (tensor.cols() % GetTensorType(choice.type).block_elements == 0) break;
    choice = {.type = SmallerBlocks(choice.type), .fell_back = true};
  }
  return choice;
}

TensorType MixRules::Wanted(const TensorInfo& tensor) const {
  if (IsFloat(mix_.base)) return mix_.base;
  const std::string_view name = tensor.name;
  const auto is = [&](std::string_view suffix) { return name.ends_with(suffix); };
  const uint32_t layer = LayerOf(name);
  const bool few_experts = n_experts_ == 8;
  if (name == "output.weight" || (tied_ && name == "token_embd.weight")) {
    return mix_.base == kQ8_0 ? kQ8_0 : kQ6_K;
  }
  if (is("attn_v.weight") || is("attn_qkv.weight")) {
    if (few_experts) return kQ8_0;
    if (mix_.more_bits && NeedsMoreBits(layer, n_layers_)) return kQ6_K;
    return narrow_values_ && mix_.base == kQ4_K ? kQ5_K : mix_.base;
  }
  if (is("attn_k.weight") && few_experts) return kQ8_0;
  if (is("attn_output.weight") && few_experts && mix_.base == kQ4_K) return kQ5_K;
  if (is("ffn_down.weight") || is("ffn_down_exps.weight")) {
    if (mix_.more_bits && NeedsMoreBits(layer, n_layers_)) return kQ6_K;
    // With an importance matrix the first layers' fits can run away where levels have no minimum.
    if (has_importance_ && layer < n_layers_ / 8) {
      if (mix_.base == kQ4_0) return kQ4_1;
      if (mix_.base == kQ5_0) return kQ5_1;
    }
  }
  return mix_.base;
}

}  // namespace hearth::model
