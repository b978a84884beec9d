#include "model/transformer/transformer.h"

#include <catch2/catch.hpp>
#include <functional>

#include "model/model.h"
#include "tests/memory/temp_directory.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

using test::SmallModel;

Result<std::unique_ptr<Model>> Load(const SmallModel& model, BackendKind backend) {
  const TempDirectory directory;
  const std::string path = (directory / "small.gguf").string();
  REQUIRE(model.Write(path).ok());
  // The file is gone when Load returns: a model keeps nothing of it.
  return Model::Load(path, {.backend = backend, .threads = 2, .weights_only = true});
}

std::string ErrorOf(const SmallModel& model, BackendKind backend) {
  const auto loaded = Load(model, backend);
  return loaded.ok() ? "" : loaded.error().message;
}

TEST_CASE("a whole model loads on every backend, and progress ends at 1") {
  for (const BackendKind backend : {BackendKind::kCpu, BackendKind::kReference}) {
    CHECK(ErrorOf(SmallModel(), backend).empty());
  }
  const TempDirectory directory;
  const std::string path = (directory / "small.gguf").string();
  REQUIRE(SmallModel().Write(path).ok());
  double last = 0;
  const auto loaded =
      Model::Load(path, {.threads = 1, .weights_only = true, .progress = [&](double share) {
                           CHECK(share >= last);
                           last = share;
                         }});
  REQUIRE(loaded.ok());
  CHECK(last == 1.0);
}

TEST_CASE("tensors that are missing, misshapen or unknown are named") {
  struct Case {
    std::vector<std::string> words;
    std::function<void(SmallModel&)> damage;
  };
  const auto erase = [](const char* name) {
    return [name = std::string(name)](SmallModel& m) { m.tensors.erase(name); };
  };
  const auto add = [](const char* name, std::vector<uint64_t> shape) {
    return [=](SmallModel& m) { m.tensors[name] = {shape}; };
  };
  std::vector<Case> cases = {
      {{"blk.0.attn_q.weight", "32 x 48", "32 x 32"}, add("blk.0.attn_q.weight", {32, 48})},
      {{"blk.0.attn_norm.weight", "16 x 1"}, add("blk.0.attn_norm.weight", {16})},
      {{"blk.0.ffn_down.weight"}, add("blk.0.ffn_down.weight", {32, 48})},
      {{"output.weight", "32 x 41", "32 x 40"}, add("output.weight", {32, 41})},
      {{"blk.1.attn_q.weight", "not part of"}, add("blk.1.attn_q.weight", {32, 32})},
      {{"blk.0.ffn_gate_inp.weight", "not part of"}, add("blk.0.ffn_gate_inp.weight", {32, 8})},
      {{"blk.0.attn_k.bias", "missing"}, add("blk.0.attn_q.bias", {32})},
      {{"blk.0.attn_q.bias", "missing", "blk.0.attn_v.bias"}, add("blk.0.attn_v.bias", {16})},
      {{"blk.1.attn_norm.weight", "missing"},
       [](SmallModel& m) { m.metadata["llama.block_count"] = 2u; }},
  };
  for (const auto& [name, tensor] : SmallModel().tensors) {
    if (name != "token_embd.weight") cases.push_back({{name, "missing"}, erase(name.c_str())});
  }
  for (const Case& c : cases) {
    SmallModel model;
    c.damage(model);
    for (const BackendKind backend : {BackendKind::kCpu, BackendKind::kReference}) {
      const std::string error = ErrorOf(model, backend);
      for (const std::string& word : c.words) CHECK_THAT(error, Catch::Contains(word));
    }
  }
}

TEST_CASE("what a backend cannot compute is refused by name") {
  SmallModel integers;
  integers.tensors["blk.0.ffn_up.weight"].type = TensorType::kI32;
  for (const BackendKind backend : {BackendKind::kCpu, BackendKind::kReference}) {
    const std::string error = ErrorOf(integers, backend);
    CHECK_THAT(error, Catch::Contains("blk.0.ffn_up.weight") && Catch::Contains("I32"));
  }
  SmallModel odd;
  odd.metadata["llama.feed_forward_length"] = 40u;
  odd.tensors["blk.0.ffn_gate.weight"] = {{32, 40}};
  odd.tensors["blk.0.ffn_up.weight"] = {{32, 40}};
  odd.tensors["blk.0.ffn_down.weight"] = {{40, 32}};
  CHECK_THAT(ErrorOf(odd, BackendKind::kCpu), Catch::Contains("feed_forward_length is 40"));
  CHECK(ErrorOf(odd, BackendKind::kReference).empty());
}

TEST_CASE("HEARTH_CPU chooses the instruction set, or says what there is") {
  ::setenv("HEARTH_CPU", "scalar", 1);
  const auto scalar = Load(SmallModel(), BackendKind::kCpu);
  ::setenv("HEARTH_CPU", "abacus", 1);
  const std::string error = ErrorOf(SmallModel(), BackendKind::kCpu);
  ::unsetenv("HEARTH_CPU");
  REQUIRE(scalar.ok());
  CHECK((*scalar)->DescribeBackend() == "cpu scalar, 2 threads");
  CHECK_THAT(error, Catch::Contains("abacus") && Catch::Contains("scalar"));
}

}  // namespace
}  // namespace hearth::model
