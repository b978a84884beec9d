#include "model/transformer/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

namespace hearth::model {
namespace {

constexpr std::string_view kFrequencies = "rope_freqs.weight";
constexpr std::string_view kLongFactors = "rope_factors_long.weight";
constexpr std::string_view kShortFactors = "rope_factors_short.weight";

// The factor of a key in the file, or `otherwise`; a value out of range is an Error.
Result<double> Number(const GgufFile& file, const ModelConfig& config, std::string_view key,
                      double low, double high, double otherwise) {
  const std::string full = Concat(config.architecture, ".rope.", key);
  if (file.Find(full) == nullptr) return otherwise;
  const auto value = file.GetFloat(full);
  if (!value || !(*value >= low && *value <= high)) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", full, " is not a number from ",
                     low, " to ", high);
  }
  return *value;
}

Status ReadFactors(const GgufFile& file, std::string_view name, RopeConfig& rope) {
  const TensorInfo* const tensor = file.FindTensor(name);
  const size_t pairs = rope.dims / 2;
  if (tensor == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": tensor ", name, " is missing");
  }
  if (tensor->type != TensorType::kF32 || tensor->elements() != pairs) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", name, ": expected ", pairs,
                     " F32 values, found ", tensor->elements(), " ",
                     GetTensorType(tensor->type).name);
  }
  std::vector<float> values(pairs);
  std::memcpy(values.data(), tensor->data.data(), pairs * sizeof(float));
  if (std::ranges::any_of(values, [](float v) { return !(v > 0 && v < 1e9f); })) {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": ", name,
                     ": a factor is not a positive number");
  }
  rope.frequency_factors.assign(values.begin(), values.end());
  return {};
}

// Pairs that turn often within the original context keep their frequency, pairs that turn less than
// once are stretched, those between are mixed.
Status ReadYarn(const GgufFile& file, const ModelConfig& config, double factor, double original,
                RopeConfig& rope) {
  HEARTH_TRY(const double fast, Number(file, config, "scaling.yarn_beta_fast", 1e-3, 1e6, 32));
  HEARTH_TRY(const double slow, Number(file, config, "scaling.yarn_beta_slow", 1e-3, 1e6, 1));
  HEARTH_TRY(const double logs, Number(file, config, "scaling.yarn_log_multiplier", 0, 1e3, 0));
  const double dims = rope.dims;
  const auto pair_of_turns = [&](double turns) {
    return dims * std::log(original / (turns * 2 * std::numbers::pi)) / (2 * std::log(rope.base));
  };
  const double first = std::max(0.0, std::floor(pair_of_turns(fast)));
  const double last = std::min(dims - 1, std::ceil(pair_of_turns(slow)));
  rope.frequency_factors.resize(rope.dims / 2);
  for (size_t i = 0; i < rope.frequency_factors.size(); ++i) {
    const double ramp = (static_cast<double>(i) - first) / std::max(0.001, last - first);
    const double stretched = std::clamp(ramp, 0.0, 1.0);
    rope.frequency_factors[i] = 1 / (stretched / factor + (1 - stretched));
  }
  // The longer the context, the flatter attention would become; longer q and k make up for it. A
  // file whose attention does so already says by how much.
  const auto magnitude = [&](double times) {
    return factor <= 1 ? 1.0 : 0.1 * times * std::log(factor) + 1.0;
  };
  rope.magnitude = magnitude(1) / (logs == 0 ? 1 : magnitude(logs));
  return {};
}

}  // namespace

bool IsRopeTensor(std::string_view name) {
  return name == kFrequencies || name == kLongFactors || name == kShortFactors;
}

Status ReadRopeScaling(const GgufFile& file, uint32_t context, ModelConfig& config,
                       RopeConfig& rope) {
  const std::string* const named =
      file.GetString(Concat(config.architecture, ".rope.scaling.type"));
  const std::string type = named == nullptr ? "linear" : *named;
  HEARTH_TRY(const double older, Number(file, config, "scale_linear", 0, 1e6, 0));
  HEARTH_TRY(const double given, Number(file, config, "scaling.factor", 0, 1e6, older));
  const double factor = given == 0 ? 1 : given;
  HEARTH_TRY(const double original, Number(file, config, "scaling.original_context_length", 1,
                                           1u << 26, config.context_length));
  HEARTH_TRY(const double attention, Number(file, config, "scaling.attn_factor", 1e-3, 1e3, 1));
  if (file.FindTensor(kFrequencies) != nullptr) {
    HEARTH_CHECK_OK(ReadFactors(file, kFrequencies, rope));
  } else if (file.FindTensor(kLongFactors) != nullptr ||
             file.FindTensor(kShortFactors) != nullptr) {
    const bool stretched = (context == 0 ? config.context_length : context) > original;
    HEARTH_CHECK_OK(ReadFactors(file, stretched ? kLongFactors : kShortFactors, rope));
    if (!stretched) {
      config.context_length = std::min(config.context_length, static_cast<uint32_t>(original));
    }
  } else if (type == "yarn") {
    HEARTH_CHECK_OK(ReadYarn(file, config, factor, original, rope));
  } else if (type == "linear") {
    if (factor != 1) rope.frequency_factors.assign(rope.dims / 2, factor);
  } else if (type == "longrope") {
    return MakeError(ErrorCode::kInvalidArgument, file.path(), ": rope.scaling.type is longrope, ",
                     "but the tensors ", kLongFactors, " and ", kShortFactors, " are missing");
  } else if (type != "none") {
    return MakeError(ErrorCode::kUnsupported, file.path(), ": rope.scaling.type '", type,
                     "' is not supported (supported: none, linear, yarn, longrope)");
  }
  rope.magnitude *= attention;
  return {};
}

}  // namespace hearth::model
