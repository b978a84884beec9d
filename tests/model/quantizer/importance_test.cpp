#include "model/importance.h"

#include <catch2/catch.hpp>

#include "model/gguf.h"
#include "model/gguf_writer.h"
#include "model/quantizer.h"
#include "tests/memory/temp_directory.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

using test::SmallModel;

std::vector<TokenId> Tokens(size_t n) {
  std::vector<TokenId> tokens(n);
  for (size_t i = 0; i < n; ++i) tokens[i] = static_cast<TokenId>(i * 7 % 40);
  return tokens;
}

std::unique_ptr<Model> Load(const SmallModel& small, const std::string& path,
                            BackendKind backend = BackendKind::kCpu) {
  REQUIRE(small.Write(path).ok());
  auto model = Model::Load(path, {.backend = backend, .threads = 2, .weights_only = true});
  if (!model.ok()) FAIL(model.error().message);
  return *std::move(model);
}

TEST_CASE("what goes into each matrix is measured, written and read again") {
  const TempDirectory directory;
  const std::string path = (directory / "model.gguf").string();
  const std::string file = (directory / "imatrix.gguf").string();
  SmallModel small;
  small.random = true;
  const auto model = Load(small, path);
  const auto matrix = ImportanceMatrix::Collect(*model, Tokens(70), 32, nullptr);
  REQUIRE(matrix.ok());
  CHECK(matrix->size() == 7);
  const auto* q = matrix->Find("blk.0.attn_q.weight");
  REQUIRE(q != nullptr);
  CHECK(q->size() == 32);
  CHECK(*q == *matrix->Find("blk.0.attn_v.weight"));
  CHECK(matrix->Find("blk.0.ffn_down.weight")->size() == 48);
  CHECK(matrix->Find("output.weight") == nullptr);
  REQUIRE(matrix->Write(file, "text.txt").ok());
  const auto read = ImportanceMatrix::Read(file);
  if (!read.ok()) FAIL(read.error().message);
  CHECK(read->size() == matrix->size());
  const auto* again = read->Find("blk.0.attn_q.weight");
  REQUIRE(again != nullptr);
  for (size_t i = 0; i < q->size(); ++i) CHECK((*again)[i] == Approx((*q)[i]));
  const auto stored = GgufFile::Open(file);
  REQUIRE(stored.ok());
  CHECK(*(*stored)->GetString("general.type") == "imatrix");
  CHECK((*stored)->GetUint("imatrix.chunk_count") == 2);
  CHECK((*stored)->FindTensor("blk.0.attn_q.weight.counts")->elements() == 1);

  const std::string out = (directory / "out.gguf").string();
  const auto report = QuantizeModel(path, out, {.type = "Q4_0", .importance = &*read});
  if (!report.ok()) FAIL(report.error().message);
  CHECK(report->without_importance == std::vector<std::string>{"token_embd.weight"});
}

TEST_CASE("experts are measured each for itself") {
  const TempDirectory directory;
  SmallModel small;
  small.random = true;
  small.MixExperts(4, 2, TensorType::kF32);
  const auto model = Load(small, (directory / "model.gguf").string());
  const auto matrix = ImportanceMatrix::Collect(*model, Tokens(64), 64, nullptr);
  REQUIRE(matrix.ok());
  const auto* gate = matrix->Find("blk.0.ffn_gate_exps.weight");
  REQUIRE(gate != nullptr);
  REQUIRE(gate->size() == 4 * 32);
  CHECK(std::vector(gate->begin(), gate->begin() + 32) !=
        std::vector(gate->begin() + 32, gate->begin() + 64));
  CHECK(matrix->Find("blk.0.ffn_gate_inp.weight")->size() == 32);
}

TEST_CASE("what cannot be measured or read is refused") {
  const TempDirectory directory;
  const std::string path = (directory / "model.gguf").string();
  SmallModel small;
  const auto model = Load(small, path);
  const auto few = ImportanceMatrix::Collect(*model, Tokens(31), 32, nullptr);
  REQUIRE_FALSE(few.ok());
  CHECK_THAT(few.error().message, Catch::Contains("31 tokens"));
  const auto reference = Load(small, path, BackendKind::kReference);
  const auto blind = ImportanceMatrix::Collect(*reference, Tokens(64), 32, nullptr);
  REQUIRE_FALSE(blind.ok());
  CHECK_THAT(blind.error().message, Catch::Contains("reference"));
  const auto wrong = ImportanceMatrix::Read(path);
  REQUIRE_FALSE(wrong.ok());
  CHECK_THAT(wrong.error().message, Catch::Contains("not an importance matrix"));

  // Of another model.
  SmallModel other;
  other.MixExperts(4, 2, TensorType::kF32);
  const auto matrix = ImportanceMatrix::Collect(*Load(other, path), Tokens(64), 32, nullptr);
  REQUIRE(matrix.ok());
  SmallModel wide;
  wide.MixExperts(6, 2, TensorType::kF32);
  REQUIRE(wide.Write(path).ok());
  const auto report = QuantizeModel(path, (directory / "out.gguf").string(),
                                    {.type = "Q8_0", .importance = &*matrix});
  REQUIRE_FALSE(report.ok());
  CHECK_THAT(report.error().message, Catch::Contains("another model"));

  // Sums without counts, and numbers that are none.
  const auto write = [&](bool counts, float sum) {
    const std::string file = (directory / "damaged.gguf").string();
    const auto writer = GgufWriter::Create(file);
    REQUIRE(writer.ok());
    (*writer)->AddString("general.type", "imatrix");
    const std::vector<uint64_t> shape = {1, 1};
    (*writer)->AddTensor("a.in_sum2", TensorType::kF32, shape);
    if (counts) (*writer)->AddTensor("a.counts", TensorType::kF32, shape);
    for (int i = 0; i < (counts ? 2 : 1); ++i) {
      REQUIRE((*writer)->WriteData(std::as_bytes(std::span(&sum, 1))).ok());
    }
    REQUIRE((*writer)->Finish().ok());
    const auto read = ImportanceMatrix::Read(file);
    return read.ok() ? std::string() : read.error().message;
  };
  CHECK(write(true, 2.0f).empty());
  CHECK_THAT(write(false, 2.0f), Catch::Contains("do not belong together"));
  CHECK_THAT(write(true, -2.0f), Catch::Contains("-2"));
}

}  // namespace
}  // namespace hearth::model
