// What rope.scaling.* makes of frequencies; whole models are held to transformers by
// oracle_architectures_test.py.
#include "model/transformer/rope_scaling.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/memory/temp_directory.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

using test::SmallModel;

ModelConfig Read(const SmallModel& model, uint32_t context = 0) {
  const TempDirectory directory;
  const std::string path = (directory / "small.gguf").string();
  REQUIRE(model.Write(path).ok());
  const auto file = GgufFile::Open(path);
  REQUIRE(file.ok());
  const auto config = ReadModelConfig(**file, context);
  if (!config.ok()) FAIL(config.error().message);
  return *config;
}

TEST_CASE("linear scaling divides every frequency, under its new key and its old one") {
  CHECK(Read(SmallModel()).ropes[0].frequency_factors.empty());
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    SmallModel model;
    model.metadata[key] = 4.0f;
    const RopeConfig rope = Read(model).ropes[0];
    CHECK(rope.frequency_factors == std::vector<double>(8, 4.0));
    CHECK(rope.magnitude == 1.0);
  }
  SmallModel none;
  none.metadata["llama.rope.scaling.factor"] = 4.0f;
  none.metadata["llama.rope.scaling.type"] = std::string("none");
  CHECK(Read(none).ropes[0].frequency_factors.empty());
}

TEST_CASE("YaRN keeps fast pairs, stretches slow ones, and makes up for the length") {
  SmallModel model;
  model.metadata["llama.rope.scaling.type"] = std::string("yarn");
  model.metadata["llama.rope.scaling.factor"] = 16.0f;
  model.metadata["llama.rope.scaling.original_context_length"] = 2048u;
  const RopeConfig rope = Read(model).ropes[0];
  REQUIRE(rope.frequency_factors.size() == 8);
  CHECK(rope.frequency_factors.front() == Approx(1));
  CHECK(rope.frequency_factors.back() == Approx(16));
  for (size_t i = 1; i < 8; ++i) {
    CHECK(rope.frequency_factors[i] >= rope.frequency_factors[i - 1]);
  }
  CHECK(rope.magnitude == Approx(1 + 0.1 * std::log(16.0)));
  model.metadata["llama.rope.scaling.yarn_log_multiplier"] = 1.0f;
  CHECK(Read(model).ropes[0].magnitude == Approx(1));
}

TEST_CASE("LongRoPE takes the factors for the context that is wanted") {
  SmallModel model("phi3");
  model.metadata["phi3.rope.scaling.original_context_length"] = 32u;
  model.metadata["phi3.rope.scaling.attn_factor"] = 1.25f;
  model.tensors["rope_factors_long.weight"] = {{8}};
  model.tensors["rope_factors_short.weight"] = {{8}};
  const ModelConfig longer = Read(model);
  CHECK(longer.context_length == 128);
  CHECK(longer.ropes[0].magnitude == 1.25);
  CHECK(longer.ropes[0].frequency_factors == std::vector<double>(8, 0.01f));
  CHECK(Read(model, 33).context_length == 128);
  // The other factors would be wrong beyond the first context, so it ends there.
  CHECK(Read(model, 32).context_length == 32);
}

}  // namespace
}  // namespace hearth::model
