#include "model/model_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/transformer/arch/arch.h"
#include "model/transformer/rope_scaling.h"

namespace hearth::model {
namespace {

constexpr std::array kArchitectures = {&arch::kLlama,    &arch::kQwen2,   &arch::kQwen3,
                                       &arch::kQwen3Moe, &arch::kGemma2,  &arch::kGemma3,
                                       &arch::kMistral3, &arch::kGranite, &arch::kPhi3,
                                       &arch::kSmolLm3,  &arch::kOlmo2};
constexpr uint64_t kMaxDimension = 1u << 20;

Result<const arch::Architecture*> FindArchitecture(const GgufFile& file) {
  const std::string* name = file.GetString("general.architecture");
  if (name == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": general.architecture is missing; this is not a model file");
  }
  std::string known;
  for (const auto* architecture : kArchitectures) {
    if (architecture->name == *name) return architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture->name);
  }
  return MakeError(ErrorCode::kUnsupported, file.path(), ": architecture '", *name,
                   "' is not supported (supported: ", known, ")");
}

}  // namespace

namespace arch {

Result<uint32_t> RequireUint(const GgufFile& file, const ModelConfig& config, std::string_view key,
                             uint64_t low, uint64_t high) {
  const std::string full = Concat(config.architecture, ".", key);
  const auto value = file.GetUint(full);
  if (!value) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", full,
                     " is missing or not a whole number");
  }
  if (*value < low || *value > high) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", full, " is ", *value,
                     ", expected ", low, " to ", high);
  }
  return static_cast<uint32_t>(*value);
}

Result<float> OptionalFloat(const GgufFile& file, const ModelConfig& config, std::string_view key,
                            double low, double high, float otherwise) {
  const std::string full = Concat(config.architecture, ".", key);
  if (file.Find(full) == nullptr) return otherwise;
  const auto value = file.GetFloat(full);
  if (!value || !(*value > low && *value <= high)) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", full,
                     " is not a number above ", low, " and up to ", high);
  }
  return static_cast<float>(*value);
}

Status ReadExperts(const GgufFile& file, ModelConfig& config) {
  constexpr uint64_t kMaxExperts = 1024;
  HEARTH_TRY(config.experts.n_experts, RequireUint(file, config, "expert_count", 1, kMaxExperts));
  HEARTH_TRY(config.experts.n_used,
             RequireUint(file, config, "expert_used_count", 1, config.experts.n_experts));
  constexpr std::string_view kWidth = "expert_feed_forward_length";
  if (file.Find(Concat(config.architecture, ".", kWidth)) != nullptr) {
    HEARTH_TRY(config.d_ff, RequireUint(file, config, kWidth, 1, kMaxDimension));
  }
  return {};
}

Status ReadWindows(const GgufFile& file, ModelConfig& config, uint32_t window, uint32_t every) {
  const std::string key = Concat(config.architecture, ".attention.sliding_window_pattern");
  const GgufValue* const value = file.Find(key);
  std::vector<bool> has_window(config.n_layers);
  const auto* const array = value == nullptr ? nullptr : std::get_if<GgufArray>(value);
  if (array != nullptr) {
    const auto* const pattern = std::get_if<std::vector<bool>>(&array->items);
    if (pattern == nullptr || pattern->size() < config.n_layers) {
      return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", key,
                       " is not a boolean for each of the ", config.n_layers, " layers");
    }
    std::copy_n(pattern->begin(), config.n_layers, has_window.begin());
  } else {
    if (value != nullptr) {
      HEARTH_TRY(every, RequireUint(file, config, "attention.sliding_window_pattern", 1, 1024));
    }
    for (uint32_t i = 0; i < config.n_layers; ++i) has_window[i] = i % every != every - 1;
  }
  for (uint32_t i = 0; i < config.n_layers; ++i) {
    if (has_window[i]) config.layers[i].window = window;
  }
  return {};
}

}  // namespace arch

float ModelConfig::query_scale(uint32_t position) const {
  if (temperature_span == 0) return attention_scale;
  return attention_scale *
         (1.0f + temperature * std::log(1.0f + static_cast<float>(position / temperature_span)));
}

Result<ModelConfig> ReadModelConfig(const GgufFile& file, uint32_t context) {
  HEARTH_TRY(const arch::Architecture* architecture, FindArchitecture(file));
  ModelConfig config;
  config.architecture = architecture->name;
  const auto require = [&](std::string_view key, uint64_t high) {
    return arch::RequireUint(file, config, key, 1, high);
  };
  const auto optional = [&](std::string_view key, uint32_t otherwise) -> Result<uint32_t> {
    if (file.Find(Concat(config.architecture, ".", key)) == nullptr) return otherwise;
    return arch::RequireUint(file, config, key, 1, kMaxDimension);
  };
  HEARTH_TRY(config.n_layers, require("block_count", 1024));
  HEARTH_TRY(config.d_model, require("embedding_length", kMaxDimension));
  HEARTH_TRY(config.d_ff, require("feed_forward_length", kMaxDimension));
  HEARTH_TRY(config.n_heads, require("attention.head_count", 4096));
  HEARTH_TRY(config.n_kv_heads, optional("attention.head_count_kv", config.n_heads));
  HEARTH_TRY(config.context_length, require("context_length", 1u << 26));
  HEARTH_TRY(config.head_dim, optional("attention.key_length", config.d_model / config.n_heads));
  HEARTH_TRY(const uint32_t value_dim, optional("attention.value_length", config.head_dim));
  HEARTH_TRY(const uint32_t rope_dims, optional("rope.dimension_count", config.head_dim));
  const auto refuse = [&](auto&&... what) {
    return MakeError(ErrorCode::kUnsupported, file.path(), ": ", what...);
  };
  if (config.n_heads % config.n_kv_heads != 0) {
    return refuse("attention.head_count ", config.n_heads, " is no multiple of head_count_kv ",
                  config.n_kv_heads);
  }
  if (value_dim != config.head_dim || config.head_dim == 0 || config.head_dim % 16 != 0 ||
      config.head_dim > 512) {
    return refuse("heads of ", config.head_dim, " (keys) and ", value_dim,
                  " (values) elements; supported are equal multiples of 16 up to 512");
  }
  if (rope_dims % 2 != 0 || rope_dims > config.head_dim) {
    return refuse("rope.dimension_count ", rope_dims, " does not fit heads of ", config.head_dim);
  }
  const double epsilon =
      file.GetFloat(Concat(config.architecture, ".attention.layer_norm_rms_epsilon"))
          .value_or(1e-5);
  const double base =
      file.GetFloat(Concat(config.architecture, ".rope.freq_base")).value_or(10000.0);
  if (!(epsilon > 0 && epsilon < 1)) return refuse("layer_norm_rms_epsilon is ", epsilon);
  if (!(base > 1 && base < 1e12)) return refuse("rope.freq_base is ", base);
  config.norm_epsilon = static_cast<float>(epsilon);
  config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  config.ropes = {{.base = base, .dims = rope_dims}};
  HEARTH_CHECK_OK(ReadRopeScaling(file, context, config, config.ropes[0]));
  config.layers.resize(config.n_layers);

  const TensorInfo* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr || embedding->cols() != config.d_model) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(),
                     ": token_embd.weight is missing or not ", config.d_model, " wide");
  }
  if (embedding->rows() > (1u << 24))
    return refuse("a vocabulary of ", embedding->rows(), " tokens");
  config.vocab_size = static_cast<uint32_t>(embedding->rows());
  config.tied_head = file.FindTensor("output.weight") == nullptr;
  HEARTH_CHECK_OK(architecture->configure(file, config));
  return config;
}

}  // namespace hearth::model
