// Requests whose tokens the device draws give what the host draws from the same logits.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "model/engine.h"
#include "tests/cuda/on_device.h"
#include "tests/support/small_model.h"

namespace hearth::model {
namespace {

constexpr TokenId kVocab = 128;
constexpr uint32_t kTokens = 26;

// Passes of all sizes cost the same, so guesses always pay.
double EqualTime() {
  static double now = 0;
  return now += 1e-3;
}

// What may come follows from how many tokens have come: sets of every form, tokens that are in the
// set and then refused, forced runs, free stretches.
class Rules : public TokenConstraint {
 public:
  bool IsFree() const override { return n_ % 11 >= 8; }
  Status Fill(TokenSet& out) override {
    list_.clear();
    bits_.assign(kVocab / 32, 0);
    for (TokenId id = 0; id < kVocab; ++id) {
      if (id % 7 == static_cast<TokenId>(n_ % 11 % 3)) list_.push_back(id);
      if (id % 5 == 1) bits_[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
    }
    switch (n_ % 11) {
      case 3:
        out = {.kind = TokenSet::Kind::kOne, .one = 77};
        break;
      case 4:
        out = {.kind = TokenSet::Kind::kBitmask, .bits = bits_};
        break;
      case 5:
        out = {.kind = TokenSet::Kind::kBaseAndList, .list = list_, .bits = bits_};
        break;
      default:
        out = {.kind = TokenSet::Kind::kList, .list = list_};
    }
    return {};
  }
  bool Accept(TokenId id) override {
    const bool wanted = Forced() < 0 ? !Refuses(id) : id == Forced();
    n_ += wanted;
    return wanted;
  }
  void Rollback(int n) override { n_ -= static_cast<size_t>(n); }
  int AllowedPrefix(std::span<const TokenId> draft) override {
    int accepted = 0;
    while (static_cast<size_t>(accepted) < draft.size() &&
           Accept(draft[static_cast<size_t>(accepted)])) {
      ++accepted;
    }
    Rollback(accepted);
    return accepted;
  }
  void ForcedRun(std::vector<TokenId>& out) override {
    const size_t before = n_;
    for (; Forced() >= 0; ++n_) out.push_back(Forced());
    n_ = before;
  }
  bool CanEnd() const override { return true; }
  static size_t refusals;

 private:
  TokenId Forced() const { return n_ % 11 == 6 ? 100 : n_ % 11 == 7 ? 101 : -1; }
  // Of the sets' tokens, half where the place is the first of a round.
  bool Refuses(TokenId id) {
    if (IsFree()) return false;
    TokenSet allowed;
    (void)Fill(allowed);
    if (!allowed.Contains(id)) return true;
    const bool refuses = n_ % 11 == 0 && id % 2 == 1;
    refusals += refuses;
    return refuses;
  }

  size_t n_ = 0;
  std::vector<TokenId> list_;
  std::vector<uint32_t> bits_;
};
size_t Rules::refusals = 0;

struct Answer {
  std::vector<TokenId> tokens;
  std::vector<bool> forced;
  FinishReason reason = FinishReason::kError;
  bool operator==(const Answer&) const = default;
};

struct Kind {
  SamplingParams sampling;
  bool constrained = false;
  bool repeats = false;  // a text in which guesses are found
};

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds(14);
  kinds[0].sampling.temperature = 0;
  kinds[0].repeats = true;
  kinds[1].sampling = {.temperature = 0.7f, .top_k = 20, .top_p = 0.9f, .seed = 1};
  kinds[2].sampling = {.min_p = 0.02f, .seed = 2};
  kinds[3] = {.sampling = {.logit_bias = {{9, 3.0f}, {9, 0.5f}, {400, 1.0f}},
                           .repetition_penalty = 1.3f,
                           .presence_penalty = 0.4f,
                           .frequency_penalty = 0.2f,
                           .dry_multiplier = 0.8f,
                           .temperature = 0.4f,
                           .seed = 3},
              .repeats = true};
  kinds[4] = {.sampling = {.temperature = 0}, .constrained = true};
  kinds[5] = {.sampling = {.temperature = 0.5f, .top_p = 0.8f, .seed = 5}, .constrained = true};
  kinds[6] = {.sampling = {.repetition_penalty = 1.1f, .temperature = 0.01f, .seed = 6},
              .constrained = true,
              .repeats = true};
  kinds[7].sampling = {.temperature = 0.9f, .typical_p = 0.8f, .seed = 7};
  kinds[8].sampling = {.xtc_probability = 0.5f, .seed = 8};
  for (size_t i : {0u, 4u}) {
    kinds[i].sampling.barred = std::make_shared<const std::vector<TokenId>>(1, TokenId{4});
  }
  // Of two tokens that are about as likely a guess is often true.
  kinds[9] = {.sampling = {.logit_bias = {{10, 30.0f}, {11, 30.0f}}, .seed = 9}, .repeats = true};
  // Rounds that are alike but for draws of one of two; of those of the first place one is refused.
  for (size_t i = 10; i < 14; ++i) {
    kinds[i] = {.sampling = {.seed = i}, .constrained = true, .repeats = true};
    for (const TokenId id : {8, 9, 14, 15, 16, 21}) {
      kinds[i].sampling.logit_bias.emplace_back(id, 30.0f);
    }
    kinds[i].sampling.logit_bias.emplace_back(10, 60.0f);
  }
  for (TokenId id = 0; id < kVocab; ++id) {
    kinds[5].sampling.logit_bias.emplace_back(id, static_cast<float>(id % 5));
  }
  // Few tokens, again and again.
  for (const size_t i : {0u, 3u, 4u, 6u}) {
    for (TokenId id = 10; id < 14; ++id) kinds[i].sampling.logit_bias.emplace_back(id, 30.0f);
  }
  return kinds;
}

GenerationRequest RequestOf(const Kind& kind, bool by_host) {
  GenerationRequest request;
  for (TokenId i = 0; i < 15; ++i) {
    request.prompt.push_back(kind.repeats ? 10 + i % 5 : (i * i * 7 + 3) % 120);
  }
  request.sampling = kind.sampling;
  request.max_tokens = kTokens;
  request.stop_tokens = {-1};
  if (kind.constrained) request.constraint = std::make_unique<Rules>();
  request.logprobs = by_host;  // those of the model's own logits: the host needs the row
  return request;
}

// Three requests at a time.
std::map<RequestId, Answer> Answers(Model& model, bool by_host, uint64_t& guesses_come_true) {
  EngineOptions options;
  options.context_tokens = 128;
  options.max_sequences = 3;
  options.now = EqualTime;
  auto engine = *Engine::Create(model, options);
  std::map<RequestId, Answer> answers;
  for (const Kind& kind : Kinds()) REQUIRE(engine->Submit(RequestOf(kind, by_host)).ok());
  std::vector<Event> events;
  while (engine->Step(events)) {
    for (const Event& event : events) {
      Answer& answer = answers[event.request];
      if (event.kind == Event::Kind::kToken) {
        answer.tokens.push_back(event.token);
        answer.forced.push_back(event.forced);
      } else if (event.kind == Event::Kind::kFinished) {
        answer.reason = event.reason;
      }
    }
    events.clear();
  }
  guesses_come_true = engine->stats().accepted_tokens;
  return answers;
}

#ifdef HEARTH_CUDA_ON_DEVICE
size_t Launches() { return 0; }
#else
size_t Launches() { return cuda_on_host::launches; }
#endif

TEST_CASE("what the device draws for requests of all kinds is what the host draws", "[whole]") {
  test::SmallModel network;
  network.random = true;
  network.metadata["llama.feed_forward_length"] = 64u;
  network.tensors["token_embd.weight"] = {{32, kVocab}};
  network.tensors["blk.0.ffn_gate.weight"] = {{32, 64}};
  network.tensors["blk.0.ffn_up.weight"] = {{32, 64}};
  network.tensors["blk.0.ffn_down.weight"] = {{64, 32}};
  const auto path = std::filesystem::temp_directory_path() /
                    ("hearth-chosen-" + std::to_string(::getpid()) + ".gguf");
  REQUIRE(network.Write(path.string()).ok());
  const auto loaded =
      Model::Load(path.string(), {.backend = BackendKind::kCuda, .weights_only = true});
  std::filesystem::remove(path);
  REQUIRE(loaded.ok());
  uint64_t guesses[2];
  size_t launches[2];
  size_t refusals[2];
  std::map<RequestId, Answer> answers[2];
  for (const bool by_host : {false, true}) {
    const size_t before = Launches();
    Rules::refusals = 0;
    answers[by_host] = Answers(**loaded, by_host, guesses[by_host]);
    launches[by_host] = Launches() - before;
    refusals[by_host] = Rules::refusals;
  }
  REQUIRE(answers[0].size() == Kinds().size());
  for (const auto& [id, answer] : answers[0]) {
    CAPTURE(id);
    CHECK(answer.reason == FinishReason::kLength);
    CHECK(answer.tokens.size() == kTokens);
    CHECK(answer == answers[1][id]);
  }
  CHECK(guesses[0] == guesses[1]);
  CHECK(guesses[0] > 10);
  CHECK(refusals[1] > 0);
  if (!test::kOnDevice) CHECK(launches[0] > launches[1] + 100);  // it was the device indeed
}

}  // namespace
}  // namespace hearth::model
