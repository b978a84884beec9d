// Adapters against the oracle that needs none of their code: a model whose matrices were changed in
// the file. Numbers are whole 128ths, with 127 of them in each block, so that Q8_0 holds them
// exactly and rounding does not blur the comparison.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <random>

#include "model/engine.h"
#include "model/evaluator.h"
#include "model/gguf_writer.h"
#include "model/lora.h"
#include "tests/support/files.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

using test::SmallModel;

constexpr uint32_t kRank = 4;
constexpr float kAlpha = 2;  // scale 0.5

struct Adapted {
  const char* name;
  uint64_t cols, rows;
};
const Adapted kMatrices[] = {{"attn_q", 32, 32},      {"attn_k", 32, 16},   {"attn_v", 32, 16},
                             {"attn_output", 32, 32}, {"ffn_gate", 32, 48}, {"ffn_up", 32, 48},
                             {"ffn_down", 48, 32}};

using Values = std::map<std::string, std::vector<float>>;

std::vector<float> Exact(std::mt19937& random, size_t n, size_t block) {
  std::vector<float> values(n);
  for (float& x : values) x = static_cast<float>(static_cast<int>(random() % 21) - 10) / 128;
  for (size_t i = 0; i < n; i += block) values[i] = 127.0f / 128;
  return values;
}

// Writes a model (or adapter) file of the tensors.
Status Write(const std::string& path, const SmallModel& model, const Values& values,
             const std::function<void(GgufWriter&)>& head) {
  HEARTH_TRY(const auto writer, GgufWriter::Create(path));
  head(*writer);
  for (const auto& [name, tensor] : model.tensors) {
    writer->AddTensor(name, TensorType::kF32, tensor.shape);
  }
  for (const auto& [name, tensor] : model.tensors) {
    HEARTH_CHECK_OK(writer->WriteData(std::as_bytes(std::span(values.at(name)))));
  }
  return writer->Finish();
}

struct Files {
  std::string base, adapter, merged;
};

const Files& MakeFiles() {
  static const Files files = [] {
    std::mt19937 random(5);
    SmallModel model;
    Values weights;
    for (const auto& [name, tensor] : model.tensors) {
      size_t n = 1;
      for (const uint64_t d : tensor.shape) n *= d;
      std::vector<float>& values = weights[name];
      for (size_t i = 0; i < n; ++i) {
        const float x = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
        values.push_back(name.find("norm") != name.npos ? 1 + 0.1f * x : 0.3f * x);
      }
    }
    SmallModel adapter;
    adapter.tensors.clear();
    Values halves;
    Values merged = weights;
    for (const Adapted& m : kMatrices) {
      const std::string name = std::string("blk.0.") + m.name + ".weight";
      adapter.tensors[name + ".lora_a"] = {{m.cols, kRank}};
      adapter.tensors[name + ".lora_b"] = {{kRank, m.rows}};
      const auto& a = halves[name + ".lora_a"] = Exact(random, m.cols * kRank, 16);
      const auto& b = halves[name + ".lora_b"] = Exact(random, kRank * m.rows, kRank);
      for (uint64_t r = 0; r < m.rows; ++r) {
        for (uint64_t c = 0; c < m.cols; ++c) {
          double sum = 0;
          for (uint64_t k = 0; k < kRank; ++k) {
            sum += static_cast<double>(b[r * kRank + k]) * a[k * m.cols + c];
          }
          merged[name][r * m.cols + c] += static_cast<float>(sum * kAlpha / kRank);
        }
      }
    }
    const auto model_head = [&](GgufWriter& writer) {
      for (const auto& [key, value] : model.metadata) {
        if (const auto* number = std::get_if<uint32_t>(&value)) writer.AddUint32(key, *number);
        if (const auto* text = std::get_if<std::string>(&value)) writer.AddString(key, *text);
      }
    };
    const auto adapter_head = [&](GgufWriter& writer) {
      writer.AddString("general.type", "adapter");
      writer.AddString("adapter.type", "lora");
      writer.AddString("general.architecture", "llama");
      writer.AddFloat32("adapter.lora.alpha", kAlpha);
    };
    const auto folder = std::filesystem::temp_directory_path() / "hearth-lora-test";
    std::filesystem::create_directories(folder);
    const std::string id = std::to_string(::getpid());
    Files made = {folder / (id + "-base.gguf"), folder / (id + "-adapter.gguf"),
                  folder / (id + "-merged.gguf")};
    REQUIRE(Write(made.base, model, weights, model_head).ok());
    REQUIRE(Write(made.merged, model, merged, model_head).ok());
    REQUIRE(Write(made.adapter, adapter, halves, adapter_head).ok());
    return made;
  }();
  return files;
}

std::unique_ptr<Model> Load(const std::string& path, BackendKind backend, int threads = 2) {
  auto model = Model::Load(path, {.backend = backend, .threads = threads, .weights_only = true});
  if (!model.ok()) FAIL(model.error().message);
  return *std::move(model);
}

std::vector<TokenId> Tokens(uint32_t seed, size_t n) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& t : tokens) t = static_cast<TokenId>(random() % 40);
  return tokens;
}

std::vector<float> Logits(Model& model, std::shared_ptr<const LoraAdapter> adapter,
                          const std::vector<TokenId>& tokens, uint32_t chunk = 512) {
  auto evaluator = Evaluator::Create(model, KvType::kF32, 256);
  REQUIRE(evaluator.ok());
  (*evaluator)->SetAdapter(std::move(adapter));
  (*evaluator)->Reset(1);
  std::vector<float> all;
  const Evaluator::Input input[] = {{0, tokens, Evaluator::Want::kAll}};
  REQUIRE((*evaluator)
              ->Append(
                  input,
                  [&](size_t, uint32_t, std::span<const float> l) {
                    all.insert(all.end(), l.begin(), l.end());
                  },
                  chunk)
              .ok());
  return all;
}

float Farthest(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  float farthest = 0;
  for (size_t i = 0; i < a.size(); ++i) farthest = std::max(farthest, std::abs(a[i] - b[i]));
  return farthest;
}

TEST_CASE("an adapter gives what a model with changed matrices gives") {
  const Files& files = MakeFiles();
  const std::vector<TokenId> tokens = Tokens(1, 40);
  for (const BackendKind kind : {BackendKind::kReference, BackendKind::kCpu}) {
    const auto base = Load(files.base, kind);
    const auto merged = Load(files.merged, kind);
    const auto adapter = LoraAdapter::Load(files.adapter, *base);
    if (!adapter.ok()) FAIL(adapter.error().message);
    const std::vector<float> with = Logits(*base, *adapter, tokens);
    const std::vector<float> expected = Logits(*merged, nullptr, tokens);
    const std::vector<float> without = Logits(*base, nullptr, tokens);
    // On the CPU activations reach an adapter's feed-forward matrices in 8 bits, one part in 254;
    // here the changed matrices are floats and see them whole.
    const float change = Farthest(without, expected);
    CHECK(change > 0.1f);
    CHECK(Farthest(with, expected) < (kind == BackendKind::kCpu ? change / 100 : 1e-4f));
  }
}

TEST_CASE("on any number of threads and in any chunks an adapter gives the same bits") {
  const Files& files = MakeFiles();
  const std::vector<TokenId> tokens = Tokens(2, 33);
  std::vector<float> expected;
  for (const int threads : {1, 2, 3}) {
    const auto base = Load(files.base, BackendKind::kCpu, threads);
    const auto adapter = LoraAdapter::Load(files.adapter, *base);
    REQUIRE(adapter.ok());
    for (const uint32_t chunk : {512u, 1u, 7u}) {
      const std::vector<float> logits = Logits(*base, *adapter, tokens, chunk);
      if (expected.empty()) expected = logits;
      CHECK(logits == expected);
    }
  }
}

TEST_CASE("sequences with different adapters share a batch and nothing else") {
  const Files& files = MakeFiles();
  const auto base = Load(files.base, BackendKind::kCpu);
  const auto one = *LoraAdapter::Load(files.adapter, *base);
  const auto two = *LoraAdapter::Load(files.adapter, *base);
  struct Case {
    std::shared_ptr<const LoraAdapter> adapter;
    float scale;
  };
  const Case cases[] = {{nullptr, 1}, {one, 1}, {one, -0.5f}, {two, 1}, {nullptr, 1}, {one, 0}};
  const auto request = [&](const Case& c) {
    GenerationRequest r;
    r.prompt = Tokens(3, 30);
    r.max_tokens = 20;
    r.stop_tokens = {-1};
    r.logprobs = true;
    r.sampling.temperature = 0;
    r.adapter = c.adapter;
    r.adapter_scale = c.scale;
    return r;
  };
  struct Outcome {
    std::vector<float> logprobs;
    uint32_t cached = 0;
  };
  const auto run = [&](std::span<const Case> all) {
    auto engine = Engine::Create(*base, {});
    REQUIRE(engine.ok());
    std::map<RequestId, size_t> places;
    for (size_t i = 0; i < all.size(); ++i) places[*(*engine)->Submit(request(all[i]))] = i;
    std::vector<Outcome> outcomes(all.size());
    std::vector<Event> events;
    while ((*engine)->Step(events)) {
      for (const Event& event : events) {
        Outcome& outcome = outcomes[places[event.request]];
        if (event.kind == Event::Kind::kToken) outcome.logprobs.push_back(event.logprob);
        if (event.kind == Event::Kind::kFinished) outcome.cached = event.usage.cached_tokens;
      }
      events.clear();
    }
    return outcomes;
  };
  const std::vector<Outcome> together = run(cases);
  for (size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(i);
    CHECK(together[i].logprobs.size() == 20);
    CHECK(together[i].logprobs == run(std::span(cases + i, 1))[0].logprobs);
  }
  CHECK(together[0].logprobs != together[1].logprobs);
  CHECK(together[1].logprobs != together[2].logprobs);
  CHECK(together[1].logprobs == together[3].logprobs);  // equal weights
  // KV is shared by equal adapters with equal scales alone; a scale of 0 is no adapter.
  CHECK(together[1].cached + together[2].cached + together[3].cached == 0);
  CHECK(together[4].cached > 0);
  CHECK(together[5].cached > 0);
}

TEST_CASE("what is no adapter of the model is refused by name") {
  const Files& files = MakeFiles();
  const auto base = Load(files.base, BackendKind::kCpu);
  struct Case {
    std::string word;
    std::function<void(SmallModel&)> change;
  };
  const Case cases[] = {
      {"general.type", [](SmallModel& m) { m.metadata.erase("general.type"); }},
      {"adapter.type", [](SmallModel& m) { m.metadata["adapter.type"] = std::string("other"); }},
      {"general.architecture",
       [](SmallModel& m) { m.metadata["general.architecture"] = std::string("gemma3"); }},
      {"adapter.lora.alpha", [](SmallModel& m) { m.metadata["adapter.lora.alpha"] = 1e30f; }},
      {"attn_q.weight.lora_b is missing",
       [](SmallModel& m) { m.tensors.erase("blk.0.attn_q.weight.lora_b"); }},
      {"do not fit", [](SmallModel& m) { m.tensors["blk.0.attn_q.weight.lora_b"] = {{4, 31}}; }},
      {"do not fit", [](SmallModel& m) { m.tensors["blk.0.attn_q.weight.lora_a"] = {{31, 4}}; }},
      {"token_embd", [](SmallModel& m) { m.tensors["token_embd.weight.lora_a"] = {{32, 4}}; }},
      {"blk.1", [](SmallModel& m) { m.tensors["blk.1.attn_q.weight.lora_a"] = {{32, 4}}; }},
      {"no tensors", [](SmallModel& m) { m.tensors.clear(); }},
  };
  for (const Case& c : cases) {
    SmallModel adapter;
    adapter.metadata = {{"general.type", std::string("adapter")},
                        {"adapter.type", std::string("lora")},
                        {"general.architecture", std::string("llama")},
                        {"adapter.lora.alpha", 1.0f}};
    adapter.tensors = {{"blk.0.attn_q.weight.lora_a", {{32, 4}}},
                       {"blk.0.attn_q.weight.lora_b", {{4, 32}}}};
    c.change(adapter);
    const std::string path = files.adapter + ".bad";
    REQUIRE(adapter.Write(path).ok());
    const auto loaded = LoraAdapter::Load(path, *base);
    CAPTURE(c.word);
    REQUIRE_FALSE(loaded.ok());
    CHECK_THAT(loaded.error().message, Catch::Contains(c.word));
  }
}

}  // namespace
}  // namespace hearth::model
