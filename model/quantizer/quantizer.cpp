#include "model/quantizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <optional>
#include <thread>

#include "model/gguf.h"
#include "model/gguf_writer.h"
#include "model/quant.h"
#include "model/quantizer/mix.h"

namespace hearth::model {
namespace {

// Rows that are in memory at once hold about this many elements.
constexpr uint64_t kChunkElements = 1u << 22;

bool IsFloat(TensorType type) {
  return type == TensorType::kF32 || type == TensorType::kF16 || type == TensorType::kBF16;
}

// One tensor on its way from one type to another.
class TensorConverter {
 public:
  TensorConverter(const TensorInfo& tensor, TensorType type, const std::vector<float>* importance,
                  size_t threads)
      : tensor_(tensor),
        from_(GetTensorType(tensor.type)),
        to_(GetTensorType(type)),
        importance_(importance),
        threads_(threads) {}

  Status Run(GgufWriter& writer, const std::function<void(uint64_t rows)>& done) {
    const uint64_t chunk = std::max<uint64_t>(1, kChunkElements / tensor_.cols());
    std::vector<std::byte> out;
    for (uint64_t first = 0; first < tensor_.rows(); first += chunk) {
      const uint64_t rows = std::min(chunk, tensor_.rows() - first);
      out.resize(rows * RowBytes(to_));
      Convert(first, rows, out);
      if (not_finite_) {
        return MakeError(ErrorCode::kInvalidArgument, "tensor ", tensor_.name,
                         " holds a number that is not finite; it cannot be quantized");
      }
      HEARTH_CHECK_OK(writer.WriteData(out));
      done(rows);
    }
    return {};
  }

 private:
  size_t RowBytes(const TensorTypeInfo& type) const {
    return tensor_.cols() / type.block_elements * type.block_bytes;
  }

  void Convert(uint64_t first, uint64_t rows, std::span<std::byte> out) {
    const size_t n = std::min<size_t>(threads_, rows);
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < n; ++i) {
      workers.emplace_back(
          [=, this] { ConvertRows(first, rows * i / n, rows * (i + 1) / n, out); });
    }
  }

  void ConvertRows(uint64_t first, uint64_t begin, uint64_t end, std::span<std::byte> out) {
    std::vector<float> values(tensor_.cols());
    const size_t in_bytes = RowBytes(from_);
    const size_t out_bytes = RowBytes(to_);
    const uint64_t rows_per_expert = tensor_.shape[1];
    for (uint64_t r = begin; r < end; ++r) {
      Dequantize(from_.type, tensor_.data.subspan((first + r) * in_bytes, in_bytes), values);
      if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) {
        not_finite_ = true;
        return;
      }
      std::span<const float> importance;
      if (importance_ != nullptr) {
        const uint64_t expert = (first + r) / rows_per_expert;
        importance = std::span(*importance_).subspan(expert * values.size(), values.size());
      }
      Quantize(to_.type, values, out.subspan(r * out_bytes, out_bytes), importance);
    }
  }

  const TensorInfo& tensor_;
  const TensorTypeInfo& from_;
  const TensorTypeInfo& to_;
  const std::vector<float>* const importance_;
  const size_t threads_;
  std::atomic<bool> not_finite_{false};
};

void CopyMetadata(const GgufFile& file, const Mix& mix, GgufWriter& writer) {
  for (const auto& [key, value] : file.metadata()) {
    // Parts join into one file.
    if (key == "general.file_type" || key == "general.quantization_version" ||
        key.starts_with("split.")) {
      continue;
    }
    writer.AddRaw(key, file.RawValue(key));
  }
  writer.AddUint32("general.file_type", mix.file_type);
  writer.AddUint32("general.quantization_version", 2);
}

struct Step {
  const TensorInfo* tensor;
  TensorType type;
  const std::vector<float>* importance;
};

Result<std::vector<Step>> Plan(const GgufFile& file, const Mix& mix, const QuantizeOptions& options,
                               QuantizeReport& report) {
  const MixRules rules(file, mix, options.importance != nullptr);
  std::vector<Step> steps;
  for (const TensorInfo& tensor : file.tensors()) {
    const std::optional<TensorChoice> choice = rules.Choose(tensor);
    Step step = {&tensor, choice ? choice->type : tensor.type, nullptr};
    if (step.type != tensor.type) {
      if (!CanDequantize(tensor.type)) {
        return MakeError(ErrorCode::kUnsupported, file.path(), ": tensor ", tensor.name, " is ",
                         GetTensorType(tensor.type).name, ", which cannot be read");
      }
      if (!IsFloat(tensor.type) && !IsFloat(step.type) && !options.requantize) {
        return MakeError(ErrorCode::kInvalidArgument, file.path(), ": tensor ", tensor.name,
                         " is quantized already (", GetTensorType(tensor.type).name,
                         "); start from a file in F16, BF16 or F32, or add --requantize and lose "
                         "precision twice");
      }
      if (choice->fell_back) report.fallbacks.push_back(tensor.name);
      if (options.importance != nullptr) {
        step.importance = options.importance->Find(tensor.name);
        const uint64_t wanted = tensor.cols() * tensor.shape[2] * tensor.shape[3];
        if (step.importance == nullptr) {
          report.without_importance.push_back(tensor.name);
        } else if (step.importance->size() != wanted) {
          return MakeError(ErrorCode::kInvalidArgument, "the importance matrix has ",
                           step.importance->size(), " numbers for ", tensor.name, ", which needs ",
                           wanted, "; it was made from another model");
        }
      }
    }
    steps.push_back(step);
  }
  return steps;
}

}  // namespace

std::string QuantizationNames() { return MixNames(); }

Result<QuantizeReport> QuantizeModel(const std::string& in, const std::string& out,
                                     const QuantizeOptions& options) {
  const Mix* const mix = FindMix(options.type);
  if (mix == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "'", options.type,
                     "' is not a type to quantize to; the types are ", MixNames());
  }
  HEARTH_TRY(const auto file, GgufFile::Open(in));
  std::error_code error;
  if (std::filesystem::equivalent(in, out, error)) {
    return MakeError(ErrorCode::kInvalidArgument, out, ": is the input file itself");
  }
  if (file->GetString("general.architecture") == nullptr || file->tensors().empty()) {
    return MakeError(ErrorCode::kInvalidArgument, in, ": is not a model with weights");
  }
  QuantizeReport report;
  HEARTH_TRY(const std::vector<Step> steps, Plan(*file, *mix, options, report));
  HEARTH_TRY(const auto writer, GgufWriter::Create(out));
  CopyMetadata(*file, *mix, *writer);
  uint64_t total = 0;
  for (const Step& step : steps) {
    const TensorInfo& tensor = *step.tensor;
    writer->AddTensor(tensor.name, step.type,
                      std::span(tensor.shape).first(std::max(1u, tensor.n_dims)));
    const TensorTypeInfo& type = GetTensorType(step.type);
    QuantizeReport::PerType& sum = report.types[step.type];
    ++sum.tensors;
    sum.elements += tensor.elements();
    sum.bytes += tensor.elements() / type.block_elements * type.block_bytes;
    total += tensor.elements();
  }
  const size_t threads = options.threads > 0 ? static_cast<size_t>(options.threads)
                                             : std::max(1u, std::thread::hardware_concurrency());
  uint64_t done = 0;
  const auto advance = [&](uint64_t elements) {
    done += elements;
    if (options.progress) options.progress(static_cast<double>(done) / static_cast<double>(total));
  };
  for (const Step& step : steps) {
    const TensorInfo& tensor = *step.tensor;
    if (step.type == tensor.type) {
      HEARTH_CHECK_OK(writer->WriteData(tensor.data));
      advance(tensor.elements());
      continue;
    }
    TensorConverter converter(tensor, step.type, step.importance, threads);
    HEARTH_CHECK_OK(converter.Run(*writer, [&](uint64_t rows) { advance(rows * tensor.cols()); }));
  }
  HEARTH_CHECK_OK(writer->Finish());
  report.bytes_in = file->file_bytes();
  report.bytes_out = std::filesystem::file_size(out, error);
  return report;
}

}  // namespace hearth::model
