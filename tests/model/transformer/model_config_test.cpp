#include "model/model_config.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "tests/memory/temp_directory.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

using test::SmallModel;

Result<ModelConfig> Read(const SmallModel& model) {
  const TempDirectory directory;
  const std::string path = (directory / "small.gguf").string();
  REQUIRE(model.Write(path).ok());
  const auto file = GgufFile::Open(path);
  REQUIRE(file.ok());
  return ReadModelConfig(**file);
}

TEST_CASE("a config is what the metadata says, with the format's own defaults") {
  const auto config = Read(SmallModel());
  REQUIRE(config.ok());
  CHECK(config->architecture == "llama");
  CHECK(config->n_layers == 1);
  CHECK(config->d_model == 32);
  CHECK(config->d_ff == 48);
  CHECK(config->n_heads == 2);
  CHECK(config->n_kv_heads == 1);
  CHECK(config->head_dim == 16);
  CHECK(config->vocab_size == 40);
  CHECK(config->context_length == 128);
  CHECK(config->norm_epsilon == 1e-5f);
  CHECK(config->attention_scale == 0.25f);
  CHECK(config->tied_head);
  CHECK(config->ropes.size() == 1);
  CHECK(config->ropes[0].base == 10000.0);
  CHECK(config->ropes[0].dims == 16);
  CHECK(config->layers[0].window == 0);

  SmallModel chosen;
  chosen.metadata["llama.rope.freq_base"] = 500000.0f;
  chosen.metadata["llama.rope.dimension_count"] = 8u;
  chosen.metadata["llama.attention.layer_norm_rms_epsilon"] = 0.5f;
  chosen.tensors["output.weight"] = {{32, 40}};
  const auto other = Read(chosen);
  REQUIRE(other.ok());
  CHECK(other->ropes[0].base == 500000.0);
  CHECK(other->ropes[0].dims == 8);
  CHECK(other->norm_epsilon == 0.5f);
  CHECK_FALSE(other->tied_head);
}

TEST_CASE("each family has its own rules") {
  const auto llama = Read(SmallModel("llama"));
  const auto qwen2 = Read(SmallModel("qwen2"));
  const auto qwen3 = Read(SmallModel("qwen3"));
  REQUIRE(llama.ok());
  REQUIRE(qwen2.ok());
  REQUIRE(qwen3.ok());
  CHECK(llama->ropes[0].pairs == RopePairs::kInterleaved);
  CHECK(qwen2->ropes[0].pairs == RopePairs::kHalves);
  CHECK(qwen3->ropes[0].pairs == RopePairs::kHalves);
  CHECK(llama->activation == Activation::kSilu);

  SmallModel small("gemma3");
  small.metadata["gemma3.block_count"] = 12u;
  small.metadata["gemma3.attention.sliding_window"] = 64u;
  const auto gemma = Read(small);
  REQUIRE(gemma.ok());
  CHECK(gemma->activation == Activation::kGeluTanh);
  CHECK(gemma->embedding_scale == Approx(std::sqrt(32.0f)));
  for (uint32_t i = 0; i < 12; ++i) {
    CHECK(gemma->layers[i].window == (i % 6 == 5 ? 0 : 64));
    CHECK(gemma->layers[i].rope == (i % 6 == 5 ? 0 : 1));
  }
}

TEST_CASE("windows, scales and caps of the families") {
  SmallModel gemma("gemma2");
  gemma.metadata["gemma2.block_count"] = 4u;
  gemma.metadata["gemma2.attention.sliding_window"] = 8u;
  gemma.metadata["gemma2.attn_logit_softcapping"] = 20.0f;
  const auto gemma2 = Read(gemma);
  REQUIRE(gemma2.ok());
  CHECK(gemma2->attention_softcap == 20.0f);
  CHECK(gemma2->logit_softcap == 30.0f);
  for (uint32_t i = 0; i < 4; ++i) CHECK(gemma2->layers[i].window == (i % 2 == 0 ? 8 : 0));
  // The 27B divides by sqrt(d_model / heads); its heads are not that wide.
  gemma.metadata["gemma2.block_count"] = 46u;
  gemma.metadata["gemma2.attention.key_length"] = 32u;
  const auto large = Read(gemma);
  REQUIRE(large.ok());
  CHECK(large->attention_scale == 0.25f);

  SmallModel granite("granite");
  granite.metadata["granite.logit_scale"] = 8.0f;
  granite.metadata["granite.residual_scale"] = 0.5f;
  const auto scaled = Read(granite);
  REQUIRE(scaled.ok());
  CHECK(scaled->logit_scale == 0.125f);
  CHECK(scaled->residual_scale == 0.5f);

  SmallModel smollm("smollm3");
  smollm.metadata["smollm3.block_count"] = 8u;
  const auto no_positions = Read(smollm);
  REQUIRE(no_positions.ok());
  for (uint32_t i = 0; i < 8; ++i) {
    CHECK((no_positions->layers[i].rope == LayerConfig::kNoRope) == (i == 3 || i == 7));
  }
}

TEST_CASE("queries grow with the position where the family says so") {
  ModelConfig config;
  config.attention_scale = 0.25f;
  CHECK(config.query_scale(1000) == 0.25f);
  config.temperature = 0.5f;
  config.temperature_span = 100;
  CHECK(config.query_scale(99) == 0.25f);
  CHECK(config.query_scale(250) == Approx(0.25 * (1 + 0.5 * std::log(3.0))));
}

TEST_CASE("a malformed model is refused by the name of what is wrong") {
  struct Case {
    std::string word;
    std::function<void(SmallModel&)> damage;
    std::string architecture = "llama";
  };
  const auto set = [](const char* key, auto value) {
    return [key = std::string(key), value](SmallModel& m) { m.metadata[key] = value; };
  };
  const auto drop = [](const char* key) {
    return [key = std::string(key)](SmallModel& m) { m.metadata.erase(key); };
  };
  const Case cases[] = {
      {"general.architecture", drop("general.architecture")},
      {"'mamba' is not supported (supported: llama, ",
       set("general.architecture", std::string("mamba"))},
      {"llama.block_count", drop("llama.block_count")},
      {"llama.block_count is 0", set("llama.block_count", 0u)},
      {"llama.block_count is 1025", set("llama.block_count", 1025u)},
      {"llama.block_count", set("llama.block_count", std::string("two"))},
      {"llama.embedding_length", drop("llama.embedding_length")},
      {"llama.feed_forward_length is 4294967295", set("llama.feed_forward_length", 4294967295u)},
      {"llama.attention.head_count is 0", set("llama.attention.head_count", 0u)},
      {"head_count 2 is no multiple of head_count_kv 3", set("llama.attention.head_count_kv", 3u)},
      {"llama.attention.head_count_kv is 0", set("llama.attention.head_count_kv", 0u)},
      {"llama.context_length", drop("llama.context_length")},
      {"heads of 24", set("llama.attention.key_length", 24u)},
      {"heads of 1024", set("llama.attention.key_length", 1024u)},
      {"heads of 0", set("llama.attention.head_count", 64u)},  // more heads than elements
      {"32 (values)", set("llama.attention.value_length", 32u)},
      {"rope.dimension_count 18", set("llama.rope.dimension_count", 18u)},
      {"rope.dimension_count 7", set("llama.rope.dimension_count", 7u)},
      {"rope.scaling.type 'ntk'", set("llama.rope.scaling.type", std::string("ntk"))},
      {"llama.rope.scaling.factor", set("llama.rope.scaling.factor", -2.0f)},
      {"rope_factors_long.weight and rope_factors_short.weight are missing",
       set("llama.rope.scaling.type", std::string("longrope"))},
      {"rope_factors_long.weight is missing",
       [](SmallModel& m) {
         m.tensors["rope_factors_short.weight"] = {{8}};
         m.metadata["llama.rope.scaling.original_context_length"] = 16u;
       }},
      {"llama.expert_used_count is 9, expected 1 to 8",
       [](SmallModel& m) {
         m.metadata["llama.expert_count"] = 8u;
         m.metadata["llama.expert_used_count"] = 9u;
       }},
      {"qwen3moe.expert_count", [](SmallModel&) {}, "qwen3moe"},
      {"granite.logit_scale", [](SmallModel& m) { m.metadata["granite.logit_scale"] = 0.0f; },
       "granite"},
      {"gemma2.attention.sliding_window_pattern",
       [](SmallModel& m) {
         m.metadata["gemma2.attention.sliding_window"] = 8u;
         m.metadata["gemma2.attention.sliding_window_pattern"] = 0u;
       },
       "gemma2"},
      {"layer_norm_rms_epsilon", set("llama.attention.layer_norm_rms_epsilon", 0.0f)},
      {"rope.freq_base", set("llama.rope.freq_base", 0.0f)},
      {"token_embd.weight", [](SmallModel& m) { m.tensors.erase("token_embd.weight"); }},
      {"token_embd.weight", [](SmallModel& m) { m.tensors["token_embd.weight"] = {{16, 40}}; }},
      {"rope_freqs.weight: expected 8",
       [](SmallModel& m) { m.tensors["rope_freqs.weight"] = {{4}}; }},
      {"gemma3.attention.sliding_window", [](SmallModel&) {}, "gemma3"},
  };
  for (const Case& c : cases) {
    SmallModel model(c.architecture);
    c.damage(model);
    CAPTURE(c.word);
    const auto config = Read(model);
    REQUIRE_FALSE(config.ok());
    CHECK_THAT(config.error().message, Catch::Contains(c.word));
    CHECK_THAT(config.error().message,
               Catch::Contains("small.gguf") || Catch::Contains("rope_freqs"));
  }
}

}  // namespace
}  // namespace hearth::model
