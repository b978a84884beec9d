#include "model/importance.h"

#include <cmath>
#include <cstring>

#include "model/backend/backend.h"
#include "model/evaluator.h"
#include "model/gguf.h"
#include "model/gguf_writer.h"
#include "model/transformer/transformer.h"

namespace hearth::model {
namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

std::vector<double> ReadFloats(const TensorInfo& tensor) {
  std::vector<float> values(tensor.elements());
  std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(float));
  return std::vector<double>(values.begin(), values.end());
}

// What the matrices of a layer that read one site may be called.
std::vector<const char*> Readers(InputSite site, bool experts) {
  switch (site) {
    case InputSite::kQkv:
      return {"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_qkv.weight"};
    case InputSite::kAttentionOut:
      return {"attn_output.weight"};
    case InputSite::kRouter:
      return {"ffn_gate_inp.weight"};
    case InputSite::kGateUp:
      return experts ? std::vector{"ffn_gate_exps.weight", "ffn_up_exps.weight"}
                     : std::vector{"ffn_gate.weight", "ffn_up.weight"};
    case InputSite::kDown:
      return {experts ? "ffn_down_exps.weight" : "ffn_down.weight"};
  }
  return {};
}

}  // namespace

class ImportanceMatrix::Collector : public InputObserver {
 public:
  explicit Collector(uint32_t n_experts) : n_experts_(n_experts) {}

  void Hear(InputSite site, uint32_t layer, uint32_t expert, std::span<const float> row) override {
    Entry& entry = entries_[{site, layer}];
    if (entry.counts.empty()) {
      const bool mixed = site == InputSite::kGateUp || site == InputSite::kDown;
      entry.counts.resize(mixed && n_experts_ != 0 ? n_experts_ : 1);
      entry.sums.resize(entry.counts.size() * row.size());
    }
    double* const sums = entry.sums.data() + expert * row.size();
    for (size_t i = 0; i < row.size(); ++i) sums[i] += static_cast<double>(row[i]) * row[i];
    entry.counts[expert] += 1;
  }

  // Under the names of the matrices that the file has.
  void CopyInto(ImportanceMatrix& matrix, const GgufFile& file) {
    for (auto& [place, entry] : entries_) {
      entry.ComputeMeans();
      for (const char* reader : Readers(place.first, n_experts_ != 0)) {
        const std::string name = Concat("blk.", place.second, ".", reader);
        if (file.FindTensor(name) != nullptr) matrix.entries_[name] = entry;
      }
    }
  }

 private:
  const uint32_t n_experts_;
  std::map<std::pair<InputSite, uint32_t>, Entry> entries_;
};

void ImportanceMatrix::Entry::ComputeMeans() {
  const size_t cols = sums.size() / counts.size();
  means.assign(sums.size(), 1.0f);
  for (size_t i = 0; i < sums.size(); ++i) {
    const double count = counts[i / cols];
    if (count > 0) means[i] = static_cast<float>(sums[i] / count);
  }
}

Result<ImportanceMatrix> ImportanceMatrix::Collect(Model& model, std::span<const TokenId> tokens,
                                                   uint32_t chunk,
                                                   const std::function<void(double)>& progress) {
  ImportanceMatrix matrix;
  matrix.chunk_ = chunk;
  matrix.chunks_ = static_cast<uint32_t>(tokens.size() / chunk);
  if (matrix.chunks_ == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "the calibration text has ", tokens.size(),
                     " tokens, a chunk ", chunk, "; take a longer text or shorter chunks");
  }
  HEARTH_TRY(const auto file, GgufFile::Open(model.path()));
  HEARTH_TRY(const auto evaluator, Evaluator::Create(model, KvType::kF16, chunk));
  Collector collector(model.config().experts.n_experts);
  Backend& backend = model.transformer().backend();
  if (!backend.Observe(&collector)) {
    return MakeError(ErrorCode::kUnsupported, "the ", backend.Describe(),
                     " backend cannot be observed; use the CPU backend");
  }
  Status status;
  for (uint32_t i = 0; i < matrix.chunks_ && status.ok(); ++i) {
    evaluator->Reset(1);
    const Evaluator::Input input[] = {
        {0, tokens.subspan(size_t{i} * chunk, chunk), Evaluator::Want::kNothing}};
    status = evaluator->Append(input, [](size_t, uint32_t, std::span<const float>) {});
    if (progress) progress((i + 1.0) / matrix.chunks_);
  }
  backend.Observe(nullptr);
  HEARTH_CHECK_OK(status);
  collector.CopyInto(matrix, *file);
  return matrix;
}

Status ImportanceMatrix::Write(const std::string& path, const std::string& dataset) const {
  HEARTH_TRY(const auto writer, GgufWriter::Create(path));
  writer->AddString("general.type", "imatrix");
  writer->AddStrings("imatrix.datasets", std::vector{dataset});
  writer->AddUint32("imatrix.chunk_count", chunks_);
  writer->AddUint32("imatrix.chunk_size", chunk_);
  for (const auto& [name, entry] : entries_) {
    const uint64_t experts = entry.counts.size();
    writer->AddTensor(Concat(name, kSums), TensorType::kF32,
                      std::vector<uint64_t>{entry.sums.size() / experts, experts});
    writer->AddTensor(Concat(name, kCounts), TensorType::kF32, std::vector<uint64_t>{1, experts});
  }
  for (const auto& [name, entry] : entries_) {
    for (const auto* numbers : {&entry.sums, &entry.counts}) {
      const std::vector<float> values(numbers->begin(), numbers->end());
      HEARTH_CHECK_OK(writer->WriteData(std::as_bytes(std::span(values))));
    }
  }
  return writer->Finish();
}

Result<ImportanceMatrix> ImportanceMatrix::Read(const std::string& path) {
  HEARTH_TRY(const auto file, GgufFile::Open(path));
  const std::string* const type = file->GetString("general.type");
  if (type == nullptr || *type != "imatrix") {
    return MakeError(ErrorCode::kInvalidArgument, path,
                     ": is not an importance matrix (general.type is not 'imatrix'); hearth "
                     "imatrix makes one");
  }
  ImportanceMatrix matrix;
  matrix.chunk_ = static_cast<uint32_t>(file->GetUint("imatrix.chunk_size").value_or(0));
  matrix.chunks_ = static_cast<uint32_t>(file->GetUint("imatrix.chunk_count").value_or(0));
  for (const TensorInfo& sums : file->tensors()) {
    if (!sums.name.ends_with(kSums)) continue;
    const std::string name = sums.name.substr(0, sums.name.size() - kSums.size());
    const TensorInfo* const counts = file->FindTensor(name + std::string(kCounts));
    if (counts == nullptr || counts->type != TensorType::kF32 || sums.type != TensorType::kF32 ||
        counts->elements() != sums.rows()) {
      return MakeError(ErrorCode::kInvalidArgument, path, ": ", name,
                       ": sums and counts do not belong together");
    }
    Entry entry = {.sums = ReadFloats(sums), .counts = ReadFloats(*counts)};
    for (const auto* numbers : {&entry.sums, &entry.counts}) {
      for (const double x : *numbers) {
        if (!(x >= 0 && std::isfinite(x))) {
          return MakeError(ErrorCode::kInvalidArgument, path, ": ", name, ": holds the number ", x);
        }
      }
    }
    entry.ComputeMeans();
    matrix.entries_.emplace(name, std::move(entry));
  }
  return matrix;
}

const std::vector<float>* ImportanceMatrix::Find(const std::string& tensor) const {
  const auto found = entries_.find(tensor);
  return found == entries_.end() ? nullptr : &found->second.means;
}

}  // namespace hearth::model
