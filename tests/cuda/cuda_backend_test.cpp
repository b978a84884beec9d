// The CUDA backend whole, on the host (host/cuda_runtime.h) or on a GPU, beside the reference.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <random>

#include "model/backend/backend.h"
#include "model/backend/cuda/device_array.h"
#include "model/engine.h"
#include "model/evaluator.h"
#include "model/gguf_writer.h"
#include "model/lora.h"
#include "tests/cuda/on_device.h"
#include "tests/support/files.h"
#include "tests/support/small_model.h"
#include "tests/support/take_turns.h"
#ifndef HEARTH_CUDA_ON_DEVICE
#include "tests/cuda/host/cuda_runtime.h"
#endif

namespace hearth::model {
namespace {

constexpr const char* kLlama = "llama-test-F16.gguf";
constexpr const char* kQwen = "qwen3-test256-Q4_1.gguf";

std::unique_ptr<Model> Load(BackendKind backend, const char* file) {
  auto loaded = Model::Load(test::Golden(std::string("inference/tiny/") + file).string(),
                            {.backend = backend, .threads = 1, .weights_only = true});
  REQUIRE(loaded.ok());
  return *std::move(loaded);
}

using Logits = std::map<std::pair<size_t, uint32_t>, std::vector<float>>;

// Two sequences, all their logits.
Logits Run(Model& model, KvType kv, uint32_t chunk,
           std::shared_ptr<const LoraAdapter> adapter = nullptr) {
  auto evaluator = Evaluator::Create(model, kv, 512);
  REQUIRE(evaluator.ok());
  const test::OverlappingLaunches overlapping;
  (*evaluator)->SetAdapter(std::move(adapter));
  (*evaluator)->Reset(2);
  std::vector<TokenId> a(18);
  std::vector<TokenId> b(4);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<TokenId>((3 + i * i * 7) % 250);
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<TokenId>((90 + i * 31) % 250);
  const Evaluator::Input inputs[] = {{0, a, Evaluator::Want::kAll}, {1, b, Evaluator::Want::kAll}};
  Logits logits;
  const auto keep = [&](size_t sequence, uint32_t position, std::span<const float> row) {
    logits[{sequence, position}].assign(row.begin(), row.end());
  };
  REQUIRE((*evaluator)->Append(inputs, keep, chunk).ok());
  REQUIRE(logits.size() == a.size() + b.size());
  return logits;
}

double Distance(const Logits& a, const Logits& b) {
  double worst = 0;
  for (const auto& [place, row] : a) {
    for (size_t i = 0; i < row.size(); ++i) {
      const double distance = std::fabs(row[i] - b.at(place)[i]);
      worst = std::isnan(distance) ? INFINITY : std::max(worst, distance);
    }
  }
  return worst;
}

TEST_CASE("logits are those of the reference within the rounding of activations", "[whole]") {
  for (const char* file : {kLlama, kQwen}) {
    CAPTURE(file);
    const auto cuda = Load(BackendKind::kCuda, file);
    const auto reference = Load(BackendKind::kReference, file);
    const Logits exact = Run(*reference, KvType::kF32, 64);
    CHECK(Distance(Run(*cuda, KvType::kF32, 15), exact) < 0.02);
    // Many rows are rounded to halves, of 11 bits: these networks of random weights, whose logits
    // are up to 11, make 0.034 of that.
    CHECK(Distance(Run(*cuda, KvType::kF32, 64), exact) < 0.05);
  }
}

TEST_CASE("logits are the same bit by bit however a batch is cut", "[whole]") {
  const auto cuda = Load(BackendKind::kCuda, kQwen);
  // Few rows at a time: whole numbers.
  const Logits few = Run(*cuda, KvType::kF16, 1);
  for (const uint32_t chunk : {3u, 7u}) {
    CAPTURE(chunk);
    CHECK(Run(*cuda, KvType::kF16, chunk) == few);
  }
  // Many: halves. The two round differently, each keeps its bits.
  CHECK(Distance(Run(*cuda, KvType::kF16, 64), few) < 0.05);
}

#ifndef HEARTH_CUDA_ON_DEVICE  // a device does not count
TEST_CASE("a step of one row is nine launches a layer, and three") {
  const auto cuda = Load(BackendKind::kCuda, kQwen);
  auto evaluator = *Evaluator::Create(*cuda, KvType::kF16, 64);
  evaluator->Reset(1);
  const TokenId token[] = {5};
  const Evaluator::Input input[] = {{0, token, Evaluator::Want::kAll}};
  const size_t before = cuda_on_host::launches;
  REQUIRE(evaluator->Append(input, [](size_t, uint32_t, std::span<const float>) {}, 64).ok());
  CHECK(cuda_on_host::launches - before == 9 * cuda->config().n_layers + 3);
}
#endif

TEST_CASE("keys and values of every type are near those of f32", "[whole]") {
  const auto cuda = Load(BackendKind::kCuda, kQwen);
  const Logits exact = Run(*cuda, KvType::kF32, 64);
  for (const KvType type : {KvType::kF16, KvType::kBF16, KvType::kQ8_0, KvType::kF8E4M3}) {
    CAPTURE(static_cast<int>(type));
    const double distance = Distance(Run(*cuda, type, 64), exact);
    CHECK(distance > 0);
    // Of a number they keep 11 bits, 8, 7 of the largest of 32, and 4.
    CHECK(distance < (type == KvType::kF16 ? 0.1 : type == KvType::kF8E4M3 ? 2.0 : 1.0));
  }
  const auto llama = Load(BackendKind::kCuda, kLlama);  // heads of 16
  const auto refused = Evaluator::Create(*llama, KvType::kQ8_0, 64);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("use f16 or bf16"));
  const auto cpu = Load(BackendKind::kCpu, kLlama);
  const auto for_gpus = Evaluator::Create(*cpu, KvType::kF8E4M3, 64);
  REQUIRE_FALSE(for_gpus.ok());
  CHECK_THAT(for_gpus.error().message, Catch::Contains("q8_0"));
}

// An adapter of the first layer, random numbers.
std::string WriteAdapter(const ModelConfig& config) {
  constexpr uint64_t kRank = 5;
  const auto path = std::filesystem::temp_directory_path() /
                    ("hearth-cuda-" + std::to_string(::getpid()) + "-adapter.gguf");
  const struct {
    const char* name;
    uint64_t cols, rows;
  } matrices[] = {{"attn_q", config.d_model, config.q_size()},
                  {"attn_output", config.q_size(), config.d_model},
                  {"ffn_up", config.d_model, config.d_ff},
                  {"ffn_down", config.d_ff, config.d_model}};
  auto writer = *GgufWriter::Create(path.string());
  writer->AddString("general.type", "adapter");
  writer->AddString("adapter.type", "lora");
  writer->AddString("general.architecture", config.architecture);
  writer->AddFloat32("adapter.lora.alpha", 10);
  for (const auto& m : matrices) {
    const std::string name = std::string("blk.0.") + m.name + ".weight.lora_";
    writer->AddTensor(name + "a", TensorType::kF32, std::vector{m.cols, kRank});
    writer->AddTensor(name + "b", TensorType::kF32, std::vector{kRank, m.rows});
  }
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 0.05f);
  for (const auto& m : matrices) {
    for (const uint64_t n : {m.cols * kRank, kRank * m.rows}) {
      std::vector<float> values(n);
      for (float& x : values) x = normal(random);
      REQUIRE(writer->WriteData(std::as_bytes(std::span(values))).ok());
    }
  }
  REQUIRE(writer->Finish().ok());
  return path.string();
}

TEST_CASE("an adapter changes logits as on the reference", "[whole]") {
  const auto cuda = Load(BackendKind::kCuda, kQwen);
  const auto reference = Load(BackendKind::kReference, kQwen);
  const std::string path = WriteAdapter(cuda->config());
  const auto on_cuda = LoraAdapter::Load(path, *cuda);
  const auto on_reference = LoraAdapter::Load(path, *reference);
  REQUIRE(on_cuda.ok());
  REQUIRE(on_reference.ok());
  const Logits plain = Run(*reference, KvType::kF32, 64);
  const Logits adapted = Run(*reference, KvType::kF32, 64, *on_reference);
  REQUIRE(Distance(adapted, plain) > 0.1);
  CHECK(Distance(Run(*cuda, KvType::kF32, 15, *on_cuda), adapted) < 0.02);
  CHECK(Distance(Run(*cuda, KvType::kF32, 64, *on_cuda), adapted) < 0.05);
}

// A made-up network of one layer, its numbers random, in which 32 divides every width.
std::string WriteNetwork(const std::string& architecture) {
  test::SmallModel model(architecture);
  model.random = true;
  model.metadata[architecture + ".context_length"] = 1024u;
  model.metadata[architecture + ".feed_forward_length"] = 64u;
  const auto layer = [&](const char* name, std::vector<uint64_t> shape) {
    model.tensors[std::string("blk.0.") + name] = {std::move(shape)};
  };
  layer("ffn_gate.weight", {32, 64});
  layer("ffn_up.weight", {32, 64});
  layer("ffn_down.weight", {64, 32});
  if (architecture == "gemma2" || architecture == "olmo2") {
    layer("post_attention_norm.weight", {32});
    layer("post_ffw_norm.weight", {32});
  }
  if (architecture == "gemma2") {
    model.metadata["gemma2.attention.sliding_window"] = 70u;
    model.metadata["gemma2.attn_logit_softcapping"] = 2.0f;
    model.metadata["gemma2.final_logit_softcapping"] = 1.0f;
  }
  if (architecture == "olmo2") {
    layer("attn_q_norm.weight", {32});
    layer("attn_k_norm.weight", {16});
    model.tensors.erase("blk.0.attn_norm.weight");
    model.tensors.erase("blk.0.ffn_norm.weight");
  }
  if (architecture == "qwen2") {
    layer("attn_q.bias", {32});
    layer("attn_k.bias", {16});
    layer("attn_v.bias", {16});
  }
  if (architecture == "qwen3moe") model.MixExperts(5, 2, TensorType::kQ8_0);
  const auto path = std::filesystem::temp_directory_path() /
                    ("hearth-cuda-" + std::to_string(::getpid()) + architecture + ".gguf");
  REQUIRE(model.Write(path.string()).ok());
  return path.string();
}

TEST_CASE("windows, bounds, experts, biases and norms of every kind are those of the reference",
          "[whole]") {
  for (const char* architecture : {"gemma2", "olmo2", "qwen2", "qwen3moe"}) {
    CAPTURE(architecture);
    const std::string path = WriteNetwork(architecture);
    // Into a second chunk of attention.
    std::vector<TokenId> text(270);
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<TokenId>((7 + i * i * 3) % 40);
    Logits logits[2];
    const test::OverlappingLaunches overlapping;
    for (const BackendKind backend : {BackendKind::kReference, BackendKind::kCuda}) {
      auto model = Model::Load(path, {.backend = backend, .threads = 1, .weights_only = true});
      if (!model.ok()) FAIL(model.error().message);
      auto evaluator = *Evaluator::Create(**model, KvType::kF32, 512);
      evaluator->Reset(1);
      const auto keep = [&](size_t sequence, uint32_t position, std::span<const float> row) {
        logits[backend == BackendKind::kCuda][{sequence, position}].assign(row.begin(), row.end());
      };
      const auto all = std::span<const TokenId>(text);
      for (const auto part : {all.first(100), all.subspan(100, 168), all.subspan(268)}) {
        const Evaluator::Input input[] = {{0, {part.begin(), part.end()}, Evaluator::Want::kAll}};
        REQUIRE(evaluator->Append(input, keep, 512).ok());
      }
    }
    std::filesystem::remove(path);
    REQUIRE(logits[0].size() == text.size());
    float widest = 0;
    for (const auto& [place, row] : logits[0]) {
      for (const float x : row) widest = std::max(widest, std::abs(x));
    }
    CHECK(widest > 0.05f);
    CHECK(Distance(logits[1], logits[0]) < 0.01 * widest);
  }
}

TEST_CASE("sessions whose KV goes to the host and back get what they get with memory for all",
          "[whole]") {
  test::CheckTurns(*Load(BackendKind::kCuda, kLlama), 2);
}

#ifndef HEARTH_CUDA_ON_DEVICE
TEST_CASE("a device that fails while KV comes back ends the request with its words", "[whole]") {
  const auto model = Load(BackendKind::kCuda, kLlama);
  auto engine =
      Engine::Create(*model, {.context_tokens = 64, .kv_tokens = 64, .kv_host_bytes = 1 << 20});
  REQUIRE(engine.ok());
  std::vector<Event> events;
  const auto run = [&](TokenId first) {
    std::vector<TokenId> prompt(48);
    std::iota(prompt.begin(), prompt.end(), first);
    (void)*(*engine)->Submit({.prompt = prompt, .max_tokens = 2, .stop_tokens = {0}});
    Event last;
    while ((*engine)->Step(events)) last = std::exchange(events, {}).back();
    return last;
  };
  run(1);
  run(100);
  REQUIRE((*engine)->stats().kv_blocks_spilled > 0);
  cuda_on_host::answer = cudaErrorECCUncorrectable;
  const Event end = run(1);
  cuda_on_host::answer = cudaSuccess;
  CHECK((*engine)->stats().kv_blocks_restored > 0);
  CHECK(end.reason == FinishReason::kError);
  CHECK_THAT(end.error.message, Catch::Contains("ECC"));
  CHECK((*engine)->stats().device_lost);
}

TEST_CASE("a device that fails ends the requests with its words, and the program lives",
          "[whole]") {
  const auto model = Load(BackendKind::kCuda, kLlama);
  auto engine = Engine::Create(*model, {.context_tokens = 64});
  REQUIRE(engine.ok());
  const auto submit = [&] {
    return *(*engine)->Submit({.prompt = {1, 2, 3}, .max_tokens = 4, .stop_tokens = {0}});
  };
  submit();
  std::vector<Event> events;
  REQUIRE((*engine)->Step(events));
  submit();  // waits for its first pass
  cuda_on_host::answer = cudaErrorECCUncorrectable;
  for (const size_t n : {2u, 1u}) {
    events.clear();
    REQUIRE((*engine)->Step(events));
    CHECK((*engine)->running() + (*engine)->waiting() == 0);
    const auto ended = std::ranges::count_if(events, [](const Event& event) {
      return event.kind == Event::Kind::kFinished && event.reason == FinishReason::kError &&
             event.error.message.find("ECC") != std::string::npos &&
             event.error.message.find("--backend cpu") != std::string::npos;
    });
    CHECK(ended == static_cast<ptrdiff_t>(n));
    submit();  // one that comes later fares alike
  }
  cuda_on_host::answer = cudaSuccess;
}
#endif

// $HEARTH_CUDA_MODELS is a folder of model files; too much for kernels that run on the host.
TEST_CASE("real models give the logits of the CPU", "[whole]") {
  const char* const folder = std::getenv("HEARTH_CUDA_MODELS");
  if (!test::kOnDevice || folder == nullptr) {
    WARN("skipped: no GPU, or HEARTH_CUDA_MODELS names no folder of model files");
    return;
  }
  size_t models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    CAPTURE(entry.path());
    ++models;
    Logits logits[2];
    for (const BackendKind backend : {BackendKind::kCpu, BackendKind::kCuda}) {
      auto model = Model::Load(entry.path(), {.backend = backend, .weights_only = true});
      if (!model.ok()) FAIL(model.error().message);
      logits[backend == BackendKind::kCuda] = Run(**model, KvType::kF16, 64);
    }
    // Both round activations, each in its own way; llama.cpp's CPU is off by 0.2 to 2.1 itself.
    CHECK(Distance(logits[1], logits[0]) < 0.2);
  }
  CHECK(models > 0);
}

TEST_CASE("keys and values that do not fit are refused with the numbers, and smaller ones taken",
          "[whole]") {
  const auto model = Load(BackendKind::kCuda, kLlama);
  const auto refused = Evaluator::Create(*model, KvType::kF32, 1u << 31);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("MiB are free"));
  CHECK(Evaluator::Create(*model, KvType::kF32, 64).ok());
}

TEST_CASE("what the environment leaves out is left out, and misspellings are told", "[whole]") {
  const auto with = [](const char* names) {
    ::setenv("HEARTH_CUDA_WITHOUT", names, 1);
    auto opened = cuda::Device::Open();
    ::unsetenv("HEARTH_CUDA_WITHOUT");
    return opened;
  };
  const auto bare = with("graphs,wgmma,early");
  REQUIRE(bare.ok());
  CHECK_FALSE(bare->uses_graphs());
  CHECK_FALSE(bare->may_use_warpgroups());
  CHECK_FALSE(bare->starts_early());
  const auto some = with("wgmma");
  REQUIRE(some.ok());
  CHECK(some->uses_graphs());
  CHECK_FALSE(some->may_use_warpgroups());
  const auto refused = with("graphs,tensor");
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("'tensor'"));
}

TEST_CASE("heads that the kernels cannot take are refused with their limits") {
  ModelConfig config;
  config.n_heads = 32;
  config.n_kv_heads = 4;
  for (const uint32_t head_dim : {12u, 100u, 520u}) {
    config.head_dim = head_dim;
    CAPTURE(head_dim);
    const auto refused = CreateCudaBackend(config, {});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kUnsupported);
    CHECK_THAT(refused.error().message, Catch::Contains("a multiple of 8"));
  }
  config.head_dim = 128;
  CHECK(CreateCudaBackend(config, {}).ok());
}

}  // namespace
}  // namespace hearth::model
