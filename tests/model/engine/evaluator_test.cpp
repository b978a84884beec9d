#include "model/evaluator.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "tests/memory/temp_directory.h"
#include "tests/support/files.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

std::unique_ptr<Model> Load(BackendKind backend, int threads, const char* file) {
  auto loaded = Model::Load(test::Golden(std::string("inference/tiny/") + file).string(),
                            {.backend = backend, .threads = threads, .weights_only = true});
  REQUIRE(loaded.ok());
  return *std::move(loaded);
}

constexpr const char* kLlama = "llama-test-F16.gguf";
constexpr const char* kQwen = "qwen3-test256-Q4_1.gguf";

std::vector<TokenId> Tokens(uint32_t first, size_t n) {
  std::vector<TokenId> tokens(n);
  for (size_t i = 0; i < n; ++i) tokens[i] = static_cast<TokenId>((first + i * i * 7) % 250);
  return tokens;
}

using Logits = std::map<std::pair<size_t, uint32_t>, std::vector<float>>;

Evaluator::Visitor Into(Logits& logits) {
  return [&logits](size_t sequence, uint32_t position, std::span<const float> row) {
    const bool first = logits.try_emplace({sequence, position}, row.begin(), row.end()).second;
    REQUIRE(first);
  };
}

Logits Whole(Model& model, KvType kv, uint32_t chunk) {
  auto evaluator = Evaluator::Create(model, kv, 1024);
  REQUIRE(evaluator.ok());
  (*evaluator)->Reset(2);
  const auto a = Tokens(1, 150);
  const auto b = Tokens(9, 33);
  const Evaluator::Input inputs[] = {{0, a, Evaluator::Want::kAll}, {1, b, Evaluator::Want::kAll}};
  Logits logits;
  REQUIRE((*evaluator)->Append(inputs, Into(logits), chunk).ok());
  REQUIRE(logits.size() == 183);
  return logits;
}

TEST_CASE("logits do not depend on the chunks of a pass or on the number of threads") {
  for (const char* file : {kLlama, kQwen}) {
    const auto one = Load(BackendKind::kCpu, 1, file);
    const auto three = Load(BackendKind::kCpu, 3, file);
    const Logits expected = Whole(*one, KvType::kF16, 512);
    for (const uint32_t chunk : {1u, 5u, 64u}) {
      CAPTURE(file, chunk);
      CHECK(Whole(*one, KvType::kF16, chunk) == expected);
      CHECK(Whole(*three, KvType::kF16, chunk) == expected);
    }
  }
}

TEST_CASE("every type of the KV cache gives what f32 gives, within its rounding") {
  struct Bound {
    KvType type;
    double relative;  // to the largest logit
  };
  for (const char* file : {kLlama, kQwen}) {
    const auto model = Load(BackendKind::kCpu, 2, file);
    const Logits exact = Whole(*model, KvType::kF32, 512);
    double top = 0;
    for (const auto& [place, row] : exact) {
      for (const float v : row) top = std::max(top, static_cast<double>(std::fabs(v)));
    }
    for (const auto& [type, relative] :
         {Bound{KvType::kF16, 0x1.0p-6}, Bound{KvType::kBF16, 0x1.0p-4},
          Bound{KvType::kQ8_0, 0x1.0p-4}}) {
      CAPTURE(file, type);
      if (type == KvType::kQ8_0 && model->config().head_dim % 32 != 0) {
        const auto refused = Evaluator::Create(*model, type, 64);
        REQUIRE_FALSE(refused.ok());
        CHECK_THAT(refused.error().message, Catch::Contains("use f16 or bf16"));
        continue;
      }
      const Logits got = Whole(*model, type, 512);
      CHECK(Whole(*model, type, 7) == got);
      CHECK(got != exact);
      double worst = 0;
      for (const auto& [place, row] : exact) {
        for (size_t i = 0; i < row.size(); ++i) {
          worst = std::max(worst, static_cast<double>(std::fabs(row[i] - got.at(place)[i])));
        }
      }
      CHECK(worst < relative * top);
    }
  }
}

TEST_CASE("the CPU backend agrees with the reference in double precision") {
  for (const char* file : {kLlama, kQwen}) {
    const auto cpu = Load(BackendKind::kCpu, 2, file);
    const auto reference = Load(BackendKind::kReference, 1, file);
    const Logits got = Whole(*cpu, KvType::kF32, 512);
    const Logits expected = Whole(*reference, KvType::kF32, 512);
    double worst = 0;
    double top = 0;
    for (const auto& [place, row] : expected) {
      for (size_t i = 0; i < row.size(); ++i) {
        worst = std::max(worst, static_cast<double>(std::fabs(row[i] - got.at(place)[i])));
        top = std::max(top, static_cast<double>(std::fabs(row[i])));
      }
    }
    CAPTURE(file, worst, top);
    // Quantized weights meet activations of 8 bits, or 15 where it counts; floats meet floats. A
    // few layers carry the rounding of each product on.
    CHECK(worst < top * (file == std::string(kQwen) ? 0x1.0p-5 : 0x1.0p-10));
    CHECK(top > 0.1);
  }
}

// Token ids within the vocabulary of a SmallModel.
std::vector<TokenId> SmallTokens(size_t n) {
  std::vector<TokenId> tokens = Tokens(3, n);
  for (TokenId& token : tokens) token %= 40;
  return tokens;
}

std::vector<float> LastLogits(Model& model, std::span<const TokenId> tokens, uint32_t chunk) {
  auto evaluator = Evaluator::Create(model, KvType::kF32, 128);
  REQUIRE(evaluator.ok());
  (*evaluator)->Reset(1);
  const Evaluator::Input inputs[] = {{0, tokens, Evaluator::Want::kLast}};
  std::vector<float> last;
  const auto keep = [&](size_t, uint32_t, std::span<const float> row) {
    last.assign(row.begin(), row.end());
  };
  REQUIRE((*evaluator)->Append(inputs, keep, chunk).ok());
  return last;
}

TEST_CASE("a mixture of experts agrees with the reference, and with itself in any batch") {
  const TempDirectory directory;
  for (const TensorType type : {TensorType::kF32, TensorType::kQ8_0, TensorType::kQ4_0}) {
    for (const uint32_t used : {1u, 3u, 5u}) {
      test::SmallModel small;
      small.random = true;
      small.MixExperts(5, used, type);
      const std::string path = (directory / "experts.gguf").string();
      REQUIRE(small.Write(path).ok());
      CAPTURE(GetTensorType(type).name, used);
      const auto load = [&](BackendKind backend, int threads) {
        auto model =
            Model::Load(path, {.backend = backend, .threads = threads, .weights_only = true});
        if (!model.ok()) FAIL(model.error().message);
        return *std::move(model);
      };
      const auto tokens = SmallTokens(60);
      const auto one = load(BackendKind::kCpu, 1);
      const auto three = load(BackendKind::kCpu, 3);
      const std::vector<float> expected = LastLogits(*one, tokens, 512);
      for (const uint32_t chunk : {1u, 7u}) {
        CHECK(LastLogits(*one, tokens, chunk) == expected);
        CHECK(LastLogits(*three, tokens, chunk) == expected);
      }
      const auto exact = LastLogits(*load(BackendKind::kReference, 1), tokens, 512);
      double worst = 0;
      double top = 0;
      for (size_t i = 0; i < exact.size(); ++i) {
        worst = std::max(worst, static_cast<double>(std::fabs(exact[i] - expected[i])));
        top = std::max(top, static_cast<double>(std::fabs(exact[i])));
      }
      // As above: quantized weights meet activations of 8 bits, or 15 where it counts.
      CHECK(worst < top * (type == TensorType::kF32 ? 0x1.0p-10 : 0x1.0p-5));
      CHECK(top > 0.1);
    }
  }
}

TEST_CASE("sequences grow call by call, and only wanted logits are reported") {
  const auto model = Load(BackendKind::kCpu, 2, kLlama);
  auto evaluator = Evaluator::Create(*model, KvType::kF16, 256);
  REQUIRE(evaluator.ok());
  const auto tokens = Tokens(1, 40);
  Logits whole;
  (*evaluator)->Reset(1);
  const Evaluator::Input all[] = {{0, tokens, Evaluator::Want::kAll}};
  REQUIRE((*evaluator)->Append(all, Into(whole)).ok());
  (*evaluator)->Reset(1);
  CHECK((*evaluator)->length(0) == 0);
  Logits parts;
  const std::span<const TokenId> view(tokens);
  const Evaluator::Input first[] = {{0, view.subspan(0, 17), Evaluator::Want::kNothing}};
  const Evaluator::Input rest[] = {{0, view.subspan(17), Evaluator::Want::kLast}};
  REQUIRE((*evaluator)->Append(first, Into(parts)).ok());
  CHECK(parts.empty());
  CHECK((*evaluator)->length(0) == 17);
  REQUIRE((*evaluator)->Append(rest, Into(parts)).ok());
  REQUIRE(parts.size() == 1);
  CHECK(parts.at({0, 39}) == whole.at({0, 39}));
}

TEST_CASE("what does not fit is refused and changes nothing") {
  const auto model = Load(BackendKind::kCpu, 1, kLlama);
  auto evaluator = Evaluator::Create(*model, KvType::kF16, 64);
  REQUIRE(evaluator.ok());
  (*evaluator)->Reset(1);
  const auto nothing = [](size_t, uint32_t, std::span<const float>) {};
  const auto many = Tokens(1, 100000);
  const Evaluator::Input too_many[] = {{0, many, Evaluator::Want::kNothing}};
  const Status full = (*evaluator)->Append(too_many, nothing);
  REQUIRE_FALSE(full.ok());
  CHECK_THAT(full.error().message, Catch::Contains("6250"));  // blocks of 16
  const std::vector<TokenId> wrong = {1, 2, 512};
  const Evaluator::Input outside[] = {{0, wrong, Evaluator::Want::kNothing}};
  const Status id = (*evaluator)->Append(outside, nothing);
  REQUIRE_FALSE(id.ok());
  CHECK_THAT(id.error().message, Catch::Contains("512"));
  CHECK((*evaluator)->length(0) == 0);
}

}  // namespace
}  // namespace hearth::model
