#include "model/draft_model.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "model/engine.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

std::unique_ptr<Model> Load(const char* name = "llama-test-F16.gguf") {
  auto model =
      Model::Load(test::Golden(std::string("inference/tiny/") + name).string(), {.threads = 1});
  REQUIRE(model.ok());
  return *std::move(model);
}

std::vector<TokenId> Tokens(uint32_t seed, size_t n) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& t : tokens) t = static_cast<TokenId>(random() % 400);
  return tokens;
}

struct Outcome {
  std::map<RequestId, std::vector<TokenId>> texts;
  EngineStats stats;
};

// Passes of all sizes cost a millisecond, since each look at the clock does; guesses nothing.
double seconds = 0;
class FreeDrafter : public Drafter {
 public:
  explicit FreeDrafter(std::shared_ptr<Drafter> inner) : inner_(std::move(inner)) {}
  Status Draft(uint64_t id, std::span<const TokenId> tokens, const Sampler& sampler, uint32_t most,
               std::vector<TokenId>& out) override {
    seconds -= 1e-3;
    return inner_->Draft(id, tokens, sampler, most, out);
  }
  void Forget(uint64_t id) override { inner_->Forget(id); }

 private:
  std::shared_ptr<Drafter> inner_;
};

Outcome Run(Model& model, std::shared_ptr<Drafter> drafter, float temperature) {
  const auto now = [] { return seconds += 1e-3; };
  if (drafter != nullptr) drafter = std::make_shared<FreeDrafter>(std::move(drafter));
  auto engine =
      Engine::Create(model, {.prompt_lookup = false, .drafter = std::move(drafter), .now = now});
  REQUIRE(engine.ok());
  for (uint32_t i = 0; i < 3; ++i) {
    GenerationRequest request;
    request.prompt = Tokens(i, 20 + 300 * i);
    request.max_tokens = 60;
    request.stop_tokens = {-1};
    request.sampling.temperature = temperature;
    request.sampling.seed = i;
    REQUIRE((*engine)->Submit(std::move(request)).ok());
  }
  Outcome outcome;
  std::vector<Event> events;
  for (; (*engine)->Step(events); events.clear()) {
    for (const Event& event : events) {
      if (event.kind == Event::Kind::kToken) outcome.texts[event.request].push_back(event.token);
    }
  }
  outcome.stats = (*engine)->stats();
  return outcome;
}

// A model guesses perfectly for itself, sampled text included: it draws by the same numbers.
TEST_CASE("a model that guesses for itself is always right") {
  const auto model = Load();
  for (const float temperature : {0.0f, 1.0f}) {
    CAPTURE(temperature);
    auto drafter = CreateDraftModel(Load(), *model, KvType::kF16, 1024);
    REQUIRE(drafter.ok());
    const Outcome plain = Run(*model, nullptr, temperature);
    const Outcome guessed = Run(*model, *drafter, temperature);
    CHECK(plain.texts == guessed.texts);
    CHECK(guessed.stats.guessed_tokens > 100);
    CHECK(guessed.stats.accepted_tokens == guessed.stats.guessed_tokens);
    CHECK(guessed.stats.steps < plain.stats.steps / 2);
  }
}

TEST_CASE("a text longer than the draft model's context is written without guesses") {
  const auto model = Load();
  auto drafter = CreateDraftModel(Load(), *model, KvType::kF16, 64);
  REQUIRE(drafter.ok());
  const Outcome plain = Run(*model, nullptr, 0);
  CHECK(plain.texts == Run(*model, *drafter, 0).texts);
}

}  // namespace
}  // namespace hearth::model
