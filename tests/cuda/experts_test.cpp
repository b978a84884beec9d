// Experts that the device picks.
#include "model/backend/cuda/experts.cuh"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <random>

#include "model/backend/cuda/device_array.h"
#include "model/backend/expert_picks.h"
#include "model/evaluator.h"
#include "tests/cuda/on_device.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

template <typename T>
std::vector<T> Fetch(cuda::Device& device, const cuda::DeviceArray<T>& from, size_t n) {
  std::vector<T> to(n);
  device.Note(cudaMemcpyAsync(to.data(), from.data(), n * sizeof(T), cudaMemcpyDeviceToHost,
                              device.stream()));
  device.Wait();
  return to;
}

TEST_CASE("the device picks the experts that the host picks") {
  cuda::Device device = *cuda::Device::Open();
  std::mt19937 random(7);
  constexpr size_t kTokens = 9;
  for (const uint32_t n_experts : {1u, 8u, 33u, 128u}) {
    for (const uint32_t n_used : {1u, 2u, 8u}) {
      if (n_used > n_experts) continue;
      CAPTURE(n_experts, n_used);
      std::vector<float> scores(kTokens * n_experts);
      // Many of them equal, and both zeros.
      for (float& x : scores) x = (static_cast<float>(random() % 9) - 4) * 0.5f;
      for (size_t i = 0; i < scores.size(); i += 5) scores[i] = -0.0f;
      cuda::DeviceArray<float> on_device, weights;
      cuda::DeviceArray<int> experts, rows;
      on_device.Upload(device, scores);
      const size_t n = kTokens * n_used;
      experts.Reserve(device, n);
      rows.Reserve(device, n);
      weights.Reserve(device, n);
      cuda::Launch(device, &cuda::PickExperts, dim3(kTokens), dim3(cuda::kLanes), on_device.data(),
                   n_experts, n_used, cuda::Picks{experts.data(), rows.data(), weights.data()});
      ExpertPicks expected;
      ExpertConfig config;
      config.n_experts = n_experts;
      config.n_used = n_used;
      expected.Choose(config, kTokens, [&](size_t t) { return scores.data() + t * n_experts; });
      const auto got = Fetch(device, experts, n);
      const auto weight = Fetch(device, weights, n);
      const auto row = Fetch(device, rows, n);
      REQUIRE(device.Lost().ok());
      for (size_t i = 0; i < n; ++i) {
        CAPTURE(i);
        CHECK(got[i] == static_cast<int>(expected.picks[i].expert));
        CHECK(weight[i] == Approx(expected.picks[i].weight).epsilon(1e-6));
        CHECK(row[i] == static_cast<int>(i));
      }
    }
  }
}

using Logits = std::map<uint32_t, std::vector<float>>;

// All logits of a text that is read in such pieces.
Logits Read(Evaluator& evaluator, std::span<const size_t> pieces) {
  evaluator.Reset(1);
  Logits logits;
  std::vector<TokenId> text;
  for (const size_t count : pieces) {
    std::vector<TokenId> piece(count);
    for (TokenId& token : piece) {
      token = static_cast<TokenId>((7 + text.size() * text.size() * 3) % 40);
      text.push_back(token);
    }
    const Evaluator::Input input[] = {{0, piece, Evaluator::Want::kAll}};
    const auto keep = [&](size_t, uint32_t position, std::span<const float> row) {
      logits[position].assign(row.begin(), row.end());
    };
    REQUIRE(evaluator.Append(input, keep).ok());
  }
  return logits;
}

TEST_CASE("a mixture of experts is a graph, and the same bits however few tokens are cut",
          "[whole]") {
  for (const TensorType type : {TensorType::kQ8_0, TensorType::kF16}) {
    test::SmallModel network("qwen3moe");
    network.random = true;
    network.MixExperts(5, 2, type);
    const auto path = std::filesystem::temp_directory_path() /
                      ("hearth-experts-" + std::to_string(::getpid()) + ".gguf");
    REQUIRE(network.Write(path.string()).ok());
    const auto loaded =
        Model::Load(path.string(), {.backend = BackendKind::kCuda, .weights_only = true});
    std::filesystem::remove(path);
    REQUIRE(loaded.ok());
    const auto evaluator = *Evaluator::Create(**loaded, KvType::kF16, 64);
#ifndef HEARTH_CUDA_ON_DEVICE
    const int before = cuda_on_host::graph_launches;
#endif
    const std::vector<size_t> steps(18, 1);
    const Logits one_by_one = Read(*evaluator, steps);
#ifndef HEARTH_CUDA_ON_DEVICE
    // The first is run as it is, the second captured and launched.
    CHECK(cuda_on_host::graph_launches - before == 17);
#endif
    const size_t some[] = {2, 9, 7};
    CHECK(Read(*evaluator, some) == one_by_one);
    // At once the host picks; tensor cores round elsewhere.
    const size_t all[] = {18};
    const Logits at_once = Read(*evaluator, all);
    float widest = 0;
    double worst = 0;
    for (const auto& [position, row] : one_by_one) {
      for (size_t i = 0; i < row.size(); ++i) {
        widest = std::max(widest, std::abs(row[i]));
        worst = std::max<double>(worst, std::abs(row[i] - at_once.at(position)[i]));
      }
    }
    CHECK(widest > 0.05f);
    CHECK(worst < 0.01 * widest);
    CHECK(worst > 0);
  }
}

TEST_CASE("experts held as several types are picked by the host, step after step", "[whole]") {
  test::SmallModel network("qwen3moe");
  network.random = true;
  network.MixExperts(5, 2, TensorType::kQ8_0);
  network.tensors["blk.0.ffn_up_exps.weight"].type = TensorType::kF16;
  const auto path = std::filesystem::temp_directory_path() /
                    ("hearth-experts-" + std::to_string(::getpid()) + ".gguf");
  REQUIRE(network.Write(path.string()).ok());
  Logits logits[2];
  for (const BackendKind backend : {BackendKind::kReference, BackendKind::kCuda}) {
    const auto loaded = Model::Load(path.string(), {.backend = backend, .weights_only = true});
    REQUIRE(loaded.ok());
    const auto evaluator = *Evaluator::Create(**loaded, KvType::kF32, 64);
    logits[backend == BackendKind::kCuda] = Read(*evaluator, std::vector<size_t>(5, 1));
  }
  std::filesystem::remove(path);
  for (const auto& [position, row] : logits[0]) {
    for (size_t i = 0; i < row.size(); ++i) {
      CHECK(logits[1].at(position)[i] == Approx(row[i]).margin(0.02));
    }
  }
}

}  // namespace
}  // namespace hearth::model
