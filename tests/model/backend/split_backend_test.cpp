// Two backends as one are the same as one, bit by bit where both are alike.
#include <catch2/catch.hpp>
#include <vector>

#include "model/backend/backend.h"
#include "model/cache/block_table.h"
#include "model/transformer/transformer.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

std::vector<float> Logits(Transformer& transformer) {
  const std::vector<TokenId> tokens = {3, 10, 31, 66, 115, 178, 255};
  auto kv = *transformer.backend().CreateKv(4, 0, KvType::kF16);
  // The last two tokens come in a pass of their own, after the blocks were copied.
  const BlockId before[] = {0};
  const BlockId after[] = {2};
  const uint32_t heads[] = {4};
  std::vector<float> logits(2 * transformer.config().vocab_size);
  const auto run = [&](uint32_t start, uint32_t count, std::span<const BlockId> blocks,
                       std::span<const uint32_t> wanted, float* out) {
    const BatchSequence sequence[] = {{.count = count, .start = start, .blocks = blocks}};
    REQUIRE(transformer
                .Forward(*kv, {.tokens = std::span(tokens).subspan(start, count),
                               .sequences = sequence,
                               .heads = wanted,
                               .logits = out})
                .ok());
  };
  run(0, 5, before, heads, logits.data());
  kv->CopyBlock(0, 2);
  const uint32_t last[] = {1};
  run(5, 2, after, last, logits.data() + transformer.config().vocab_size);
  return logits;
}

TEST_CASE("layers on two backends of a kind give the bits of one") {
  const auto file = GgufFile::Open(test::Golden("inference/tiny/llama-test-F16.gguf").string());
  REQUIRE(file.ok());
  const ModelConfig config = *ReadModelConfig(**file);
  const auto cpu = [&](int threads) { return *CreateCpuBackend(config, {.threads = threads}); };
  auto whole = *Transformer::Load(**file, config, cpu(1), nullptr);
  const auto expected = Logits(*whole);
  for (const uint32_t layers : {1u, 3u, 5u}) {
    CAPTURE(layers);
    auto split = *Transformer::Load(**file, config,
                                    CreateSplitBackend(config, layers, cpu(1), cpu(2)), nullptr);
    CHECK(Logits(*split) == expected);
  }
}

TEST_CASE("on the reference too, and a block of the cache is as large as its parts") {
  const auto file = GgufFile::Open(test::Golden("inference/tiny/llama-test-F16.gguf").string());
  REQUIRE(file.ok());
  const ModelConfig config = *ReadModelConfig(**file);
  auto whole = *Transformer::Load(**file, config, CreateReferenceBackend(config), nullptr);
  auto split = *Transformer::Load(
      **file, config,
      CreateSplitBackend(config, 2, CreateReferenceBackend(config), CreateReferenceBackend(config)),
      nullptr);
  // Between the parts numbers are rounded to floats.
  const auto exact = Logits(*whole);
  const auto rounded = Logits(*split);
  for (size_t i = 0; i < exact.size(); ++i) CHECK(rounded[i] == Approx(exact[i]).margin(1e-4));
  const auto on_cpu = [&] { return *CreateCpuBackend(config, {.threads = 1}); };
  const auto parts = CreateSplitBackend(config, 2, on_cpu(), on_cpu());
  const size_t block = on_cpu()->KvBlockBytes(KvType::kF16);
  CHECK(parts->KvBlockBytes(KvType::kF16) == block + block / 6 * 4);
}

}  // namespace
}  // namespace hearth::model
