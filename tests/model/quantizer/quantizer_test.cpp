#include "model/quantizer.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "model/gguf_writer.h"
#include "model/quant.h"
#include "model/quantizer/mix.h"
#include "tests/memory/temp_directory.h"
#include "tests/support/files.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

using test::SmallModel;

struct Folder {
  TempDirectory directory;
  std::string in = (directory / "in.gguf").string();
  std::string out = (directory / "out.gguf").string();
};

// 24 layers would take long to write out; names and shapes are what the rules read.
TensorInfo Tensor(const std::string& name, uint64_t cols, uint64_t rows = 256) {
  return {.name = name, .type = TensorType::kF16, .n_dims = 2, .shape = {cols, rows, 1, 1}};
}

std::shared_ptr<const GgufFile> Open(const SmallModel& model, Folder& folder) {
  REQUIRE(model.Write(folder.in).ok());
  const auto file = GgufFile::Open(folder.in);
  REQUIRE(file.ok());
  return *file;
}

TEST_CASE("a mix gives each tensor its type") {
  Folder folder;
  SmallModel small;
  small.metadata["llama.block_count"] = 24u;
  small.tensors["output.weight"] = {{32, 40}};
  const auto file = Open(small, folder);
  struct Case {
    const char* mix;
    const char* tensor;
    uint64_t cols;
    TensorType type;
    bool importance = false;
  };
  using enum TensorType;
  const Case cases[] = {
      {"Q4_K_M", "blk.4.attn_q.weight", 256, kQ4_K},
      {"Q4_K_M", "output.weight", 256, kQ6_K},
      {"Q4_K_M", "token_embd.weight", 256, kQ4_K},
      // The first and last eighth of the layers, and every third between.
      {"Q4_K_M", "blk.2.ffn_down.weight", 256, kQ6_K},
      {"Q4_K_M", "blk.3.ffn_down.weight", 256, kQ4_K},
      {"Q4_K_M", "blk.5.ffn_down.weight", 256, kQ6_K},
      {"Q4_K_M", "blk.21.attn_v.weight", 256, kQ6_K},
      {"Q4_K_M", "blk.20.attn_v.weight", 256, kQ6_K},
      {"Q4_K_M", "blk.19.attn_v.weight", 256, kQ4_K},
      {"q5_k_m", "blk.3.ffn_down.weight", 256, kQ5_K},
      // Rows that 256 does not divide.
      {"Q4_K_M", "blk.3.attn_q.weight", 96, kQ5_0},
      {"Q5_K_M", "blk.3.attn_q.weight", 96, kQ5_1},
      {"Q6_K", "blk.3.attn_q.weight", 96, kQ8_0},
      {"Q4_K_M", "blk.3.attn_q.weight", 80, kF16},
      {"Q8_0", "blk.3.attn_q.weight", 80, kF16},
      {"Q8_0", "output.weight", 256, kQ8_0},
      {"Q4_0", "blk.0.ffn_down.weight", 256, kQ4_0},
      {"Q4_0", "blk.0.ffn_down.weight", 256, kQ4_1, true},
      {"Q4_0", "blk.3.ffn_down.weight", 256, kQ4_0, true},
      {"F16", "output.weight", 80, kF16},
  };
  for (const Case& c : cases) {
    const Mix* const mix = FindMix(c.mix);
    REQUIRE(mix != nullptr);
    const auto choice = MixRules(*file, *mix, c.importance).Choose(Tensor(c.tensor, c.cols));
    CAPTURE(c.mix, c.tensor, c.cols);
    REQUIRE(choice.has_value());
    CHECK(GetTensorType(choice->type).name == GetTensorType(c.type).name);
    CHECK(choice->fell_back == (c.cols == 96 || (c.cols == 80 && c.type == kF16 && *c.mix == 'Q')));
  }
  const MixRules rules(*file, *FindMix("Q4_K_M"), false);
  for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ffn_gate_inp.weight",
                           "rope_factors_long.weight", "blk.0.attn_q.bias"}) {
    CHECK_FALSE(rules.Choose(Tensor(name, 256)).has_value());
  }
  CHECK(FindMix("Q9_Z") == nullptr);

  small.tensors.erase("output.weight");
  const auto tied = Open(small, folder);
  CHECK(MixRules(*tied, *FindMix("Q4_K_M"), false).Choose(Tensor("token_embd.weight", 256))->type ==
        kQ6_K);
}

// tests/golden/README.md
TEST_CASE("each tensor gets the type that llama.cpp gives it") {
  const auto golden = nlohmann::json::parse(test::ReadFile(test::Golden("quant/mixes.json")));
  size_t right = 0;
  size_t total = 0;
  Folder folder;
  for (const auto& c : golden["cases"]) {
    const std::string architecture = c["architecture"];
    const auto writer = GgufWriter::Create(folder.in);
    REQUIRE(writer.ok());
    (*writer)->AddString("general.architecture", architecture);
    for (const auto& [key, name] :
         {std::pair("block_count", "layers"), std::pair("expert_count", "experts"),
          std::pair("attention.head_count", "heads"),
          std::pair("attention.head_count_kv", "kv_heads")}) {
      (*writer)->AddUint32(architecture + "." + key, c[name]);
    }
    const char* const last = c["tied"] ? "output_norm.weight" : "output.weight";
    (*writer)->AddTensor(last, TensorType::kF32, std::vector<uint64_t>{1});
    const float one = 1;
    REQUIRE((*writer)->WriteData(std::as_bytes(std::span(&one, 1))).ok());
    REQUIRE((*writer)->Finish().ok());
    const auto file = GgufFile::Open(folder.in);
    REQUIRE(file.ok());
    std::vector<TensorInfo> tensors = {Tensor("token_embd.weight", c["width"])};
    if (!c["tied"]) tensors.push_back(Tensor("output.weight", c["width"]));
    for (int layer = 0; layer < c["layers"]; ++layer) {
      for (const std::string stem : c["stems"]) {
        const char* const cols = stem.find("down") == std::string::npos ? "width" : "inner";
        tensors.push_back(Tensor(Concat("blk.", layer, ".", stem, ".weight"), c[cols]));
      }
    }
    for (const auto& [mix, types] : c["types"].items()) {
      const MixRules rules(**file, *FindMix(mix), false);
      const std::string letters = types;
      REQUIRE(letters.size() == tensors.size());
      for (size_t i = 0; i < tensors.size(); ++i) {
        const auto choice = rules.Choose(tensors[i]);
        const std::string expected = golden["letters"][letters.substr(i, 1)];
        const std::string got(GetTensorType(choice ? choice->type : TensorType::kF16).name);
        ++total;
        right += got == expected ? 1 : 0;
        if (got != expected) {
          UNSCOPED_INFO(architecture << " of " << c["layers"] << ", " << mix << ": "
                                     << tensors[i].name << ": " << got << ", not " << expected);
        }
      }
    }
  }
  CHECK(total > 10000);
  CHECK(right == total);
}

TEST_CASE("a quantized file holds the encoded rows and the same metadata") {
  Folder folder;
  SmallModel small;
  small.random = true;
  small.metadata["general.file_type"] = 0u;
  small.metadata["llama.rope.freq_base"] = 12345.0f;
  const auto in = Open(small, folder);
  double last = 0;
  const auto report = QuantizeModel(folder.in, folder.out,
                                    {.type = "Q8_0", .threads = 3, .progress = [&](double share) {
                                       CHECK(share >= last);
                                       last = share;
                                     }});
  if (!report.ok()) FAIL(report.error().message);
  CHECK(last == 1.0);
  const auto out = GgufFile::Open(folder.out);
  REQUIRE(out.ok());
  CHECK((*out)->GetUint("general.file_type") == 7);
  CHECK((*out)->GetUint("general.quantization_version") == 2);
  for (const auto& [key, value] : in->metadata()) {
    if (key == "general.file_type") continue;
    const auto before = in->RawValue(key);
    const auto after = (*out)->RawValue(key);
    CAPTURE(key);
    CHECK(std::ranges::equal(before, after));
  }
  REQUIRE((*out)->tensors().size() == in->tensors().size());
  for (const TensorInfo& before : in->tensors()) {
    const TensorInfo* const after = (*out)->FindTensor(before.name);
    CAPTURE(before.name);
    REQUIRE(after != nullptr);
    CHECK(after->shape == before.shape);
    CHECK(after->n_dims == before.n_dims);
    const bool is_matrix = before.n_dims == 2 && before.cols() % 32 == 0;
    REQUIRE((after->type == TensorType::kQ8_0) == is_matrix);
    if (!is_matrix) continue;
    std::vector<float> values(before.elements());
    std::memcpy(values.data(), before.data.data(), before.data.size());
    std::vector<std::byte> expected(after->data.size());
    Quantize(TensorType::kQ8_0, values, expected);
    CHECK(std::ranges::equal(expected, after->data));
  }
  CHECK(report->types.at(TensorType::kQ8_0).tensors == 7);
  CHECK(report->bytes_out == std::filesystem::file_size(folder.out));
  CHECK(report->fallbacks == std::vector<std::string>{"blk.0.ffn_down.weight"});
}

TEST_CASE("what cannot be quantized is refused, and no file is left") {
  Folder folder;
  SmallModel small;
  small.random = true;
  Open(small, folder);
  const auto error = [&](const std::string& in, const std::string& out, QuantizeOptions options) {
    const auto report = QuantizeModel(in, out, options);
    CHECK_FALSE(report.ok());
    CHECK((out == folder.in || !std::filesystem::exists(out)));
    CHECK_FALSE(std::filesystem::exists(out + ".part"));
    return report.ok() ? std::string() : report.error().message;
  };
  CHECK_THAT(error(folder.in, folder.out, {.type = "Q3_K_XL"}),
             Catch::Contains("Q3_K_XL") && Catch::Contains("Q4_K_M"));
  CHECK_THAT(error(folder.in, folder.in, {.type = "Q8_0"}), Catch::Contains("input file itself"));
  CHECK_THAT(error(folder.in + "x", folder.out, {.type = "Q8_0"}), Catch::Contains("in.ggufx"));

  const std::string once = (folder.directory / "once.gguf").string();
  REQUIRE(QuantizeModel(folder.in, once, {.type = "Q8_0"}).ok());
  CHECK_THAT(error(once, folder.out, {.type = "Q4_0"}),
             Catch::Contains("quantized already") && Catch::Contains("--requantize"));
  CHECK(QuantizeModel(once, folder.out, {.type = "Q4_0", .requantize = true}).ok());
  // To plain numbers nothing is lost.
  CHECK(QuantizeModel(once, folder.out, {.type = "F32"}).ok());
  std::filesystem::remove(folder.out);

  small.infinite = "blk.0.attn_q.weight";
  Open(small, folder);
  CHECK_THAT(error(folder.in, folder.out, {.type = "Q8_0"}),
             Catch::Contains("blk.0.attn_q.weight") && Catch::Contains("not finite"));
}

}  // namespace
}  // namespace hearth::model
