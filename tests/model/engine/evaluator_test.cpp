#include "model/evaluator.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "tests/support/files.h"

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
    // Quantized weights meet activations of 8 bits, or 15 where it counts; floats meet floats. A few
    // layers carry the rounding of each product on.
    CHECK(worst < top * (file == std::string(kQwen) ? 0x1.0p-5 : 0x1.0p-10));
    CHECK(top > 0.1);
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
