// The engine on a small model with random weights: what a request gets must not depend, bit by bit,
// on what runs beside it, on how its prompt is cut or on what the KV cache held.
#include "model/engine.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "tests/support/files.h"
#include "tests/support/take_turns.h"

namespace hearth::model {
namespace {

Model& TinyModel() {
  static const std::unique_ptr<Model> model = [] {
    auto loaded =
        Model::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(), {.threads = 2});
    REQUIRE(loaded.ok());
    return *std::move(loaded);
  }();
  return *model;
}

struct Outcome {
  std::vector<TokenId> tokens;
  std::vector<float> logprobs;
  std::vector<std::vector<TokenLogprob>> top;
  std::vector<bool> forced;
  std::vector<uint32_t> prefilled;
  std::optional<Event> finished;
};

// A pass takes no time, whatever the machine does: chunks are as large as they may be, and no guess
// pays.
double NoTime() { return 0; }
// Each look at the clock takes a millisecond, so passes of all sizes cost the same and guesses
// always pay.
double EqualTime() {
  static double now = 0;
  return now += 1e-3;
}

class Harness {
 public:
  explicit Harness(EngineOptions options = {}) {
    if (!options.now) options.now = NoTime;
    auto created = Engine::Create(TinyModel(), options);
    REQUIRE(created.ok());
    engine_ = *std::move(created);
  }
  Engine& engine() { return *engine_; }

  RequestId Submit(GenerationRequest request) {
    const auto id = engine_->Submit(std::move(request));
    REQUIRE(id.ok());
    return *id;
  }
  bool Step() {
    std::vector<Event> events;
    const bool more = engine_->Step(events);
    ++steps;
    for (const Event& event : events) {
      Outcome& outcome = outcomes[event.request];
      REQUIRE_FALSE(outcome.finished);
      switch (event.kind) {
        case Event::Kind::kPrefill:
          outcome.prefilled.push_back(event.prefilled);
          break;
        case Event::Kind::kToken:
          outcome.tokens.push_back(event.token);
          outcome.logprobs.push_back(event.logprob);
          outcome.top.push_back(event.top);
          outcome.forced.push_back(event.forced);
          break;
        case Event::Kind::kFinished:
          outcome.finished = event;
          break;
      }
    }
    return more;
  }
  // Steps until nothing is left to do.
  void Drain() {
    constexpr int kMost = 20000;
    for (int i = 0; Step(); ++i) REQUIRE(i < kMost);
  }
  Outcome Answer(GenerationRequest request) {
    const RequestId id = Submit(std::move(request));
    Drain();
    REQUIRE(outcomes[id].finished);
    return outcomes[id];
  }

  std::map<RequestId, Outcome> outcomes;
  int steps = 0;

 private:
  std::unique_ptr<Engine> engine_;
};

constexpr TokenId kNever = -1;  // a stop token that no draw can give

std::vector<TokenId> Tokens(uint32_t seed, size_t n) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& t : tokens) t = static_cast<TokenId>(random() % 400);
  return tokens;
}

GenerationRequest Request(std::vector<TokenId> prompt, uint32_t max_tokens, uint64_t seed = 1) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling.seed = seed;
  request.stop_tokens = {kNever};
  request.logprobs = true;
  return request;
}

void CheckSame(const Outcome& a, const Outcome& b) {
  CHECK(a.tokens == b.tokens);
  CHECK(a.logprobs == b.logprobs);  // as floats: bit by bit
}

TEST_CASE("a sequence in a batch gets what it gets alone") {
  Harness together;
  std::vector<RequestId> ids;
  for (uint32_t i = 0; i < 7; ++i)
    ids.push_back(together.Submit(Request(Tokens(i, 3 + 31 * i), 20, i)));
  together.Drain();
  for (uint32_t i = 0; i < 7; ++i) {
    Harness alone;
    CheckSame(together.outcomes[ids[i]], alone.Answer(Request(Tokens(i, 3 + 31 * i), 20, i)));
  }
}

TEST_CASE("a prompt read in chunks gives what it gives whole") {
  Harness whole;
  const Outcome expected = whole.Answer(Request(Tokens(1, 150), 10));
  for (const uint32_t chunk : {1u, 7u, 16u, 149u}) {
    Harness cut({.max_batch_tokens = chunk});
    const Outcome outcome = cut.Answer(Request(Tokens(1, 150), 10));
    CheckSame(outcome, expected);
    CHECK(outcome.prefilled.size() >= 1 + (150 + chunk - 1) / chunk);
    CHECK(outcome.prefilled.back() == 150);
  }
}

TEST_CASE("more sequences than the batch holds take turns") {
  Harness small({.max_sequences = 2, .max_batch_tokens = 5});
  std::vector<RequestId> ids;
  for (uint32_t i = 0; i < 6; ++i) ids.push_back(small.Submit(Request(Tokens(i, 12), 8, i)));
  small.Drain();
  for (uint32_t i = 0; i < 6; ++i) {
    Harness alone;
    CheckSame(small.outcomes[ids[i]], alone.Answer(Request(Tokens(i, 12), 8, i)));
  }
}

TEST_CASE("a prompt found in the KV cache gives what it gives anew") {
  Harness engine;
  const Outcome first = engine.Answer(Request(Tokens(1, 40), 9));
  std::vector<TokenId> longer = Tokens(1, 40);
  longer.insert(longer.end(), first.tokens.begin(), first.tokens.end());
  for (const TokenId t : Tokens(2, 5)) longer.push_back(t);
  std::vector<TokenId> other = Tokens(1, 40);
  other[35] = 401;
  struct Case {
    std::vector<TokenId> prompt;
    uint32_t shared;  // in full blocks, at once
    uint32_t cached;
  };
  // The same prompt gets all but its last token, whose logits are wanted; a changed one what comes
  // before the change; a longer one all but what was never computed (the answer's last token).
  for (const Case& c : {Case{Tokens(1, 40), 32, 39}, Case{other, 32, 35}, Case{longer, 48, 48}}) {
    const Outcome cached = engine.Answer(Request(c.prompt, 6, 3));
    CHECK(cached.finished->usage.cached_tokens == c.cached);
    CHECK(cached.prefilled.front() == c.shared);
    Harness fresh;
    const Outcome anew = fresh.Answer(Request(c.prompt, 6, 3));
    CHECK(anew.finished->usage.cached_tokens == 0);
    CheckSame(cached, anew);
  }
}

TEST_CASE("generation ends at max_tokens, at the context's end or at a stop token") {
  Harness engine({.context_tokens = 64});
  Outcome outcome = engine.Answer(Request(Tokens(1, 10), 5));
  CHECK(outcome.tokens.size() == 5);
  CHECK(outcome.finished->reason == FinishReason::kLength);
  CHECK(outcome.finished->usage.completion_tokens == 5);
  CHECK(outcome.finished->usage.prompt_tokens == 10);
  outcome = engine.Answer(Request(Tokens(1, 60), 100));
  CHECK(outcome.tokens.size() == 4);
  CHECK(outcome.finished->reason == FinishReason::kLength);

  GenerationRequest request = Request(Tokens(1, 10), 50);
  const Outcome all = engine.Answer(Request(Tokens(1, 10), 50));
  request.stop_tokens = {all.tokens[3]};
  outcome = engine.Answer(std::move(request));
  const auto first = std::find(all.tokens.begin(), all.tokens.end(), all.tokens[3]);
  CHECK(outcome.tokens == std::vector<TokenId>(all.tokens.begin(), first));
  CHECK(outcome.finished->reason == FinishReason::kStop);
  CHECK(outcome.finished->stop_token == all.tokens[3]);
}

TEST_CASE("without stop tokens of its own a request ends with the model's turn") {
  Harness engine;
  GenerationRequest request = Request(Tokens(1, 4), 50);
  const TokenId end = TinyModel().tokenizer().end_of_turn().front();
  request.stop_tokens.clear();
  request.sampling.logit_bias = {{end, 1000.0f}};
  const Outcome outcome = engine.Answer(std::move(request));
  CHECK(outcome.tokens.empty());
  CHECK(outcome.finished->stop_token == end);
}

TEST_CASE("what cannot be run is refused with the numbers") {
  Harness engine({.context_tokens = 64});
  struct Case {
    GenerationRequest request;
    ErrorCode code;
    std::vector<std::string> words;
  };
  std::vector<Case> cases;
  cases.push_back({Request({}, 5), ErrorCode::kInvalidArgument, {"prompt is empty"}});
  cases.push_back(
      {Request(Tokens(1, 64), 5), ErrorCode::kResourceExhausted, {"64 tokens", "holds 64"}});
  cases.push_back({Request(Tokens(1, 900), 5), ErrorCode::kResourceExhausted, {"900", "64"}});
  cases.push_back({Request({3, 512}, 5), ErrorCode::kInvalidArgument, {"512"}});
  cases.push_back({Request({-7}, 5), ErrorCode::kInvalidArgument, {"-7", "512"}});
  cases.push_back({Request({1}, 0), ErrorCode::kInvalidArgument, {"max_tokens"}});
  cases.push_back({Request({1}, 5), ErrorCode::kInvalidArgument, {"top_p"}});
  cases.back().request.sampling.top_p = 2;
  for (Case& c : cases) {
    const auto id = engine.engine().Submit(std::move(c.request));
    REQUIRE_FALSE(id.ok());
    CHECK(id.error().code == c.code);
    for (const std::string& word : c.words) CHECK_THAT(id.error().message, Catch::Contains(word));
  }
  CHECK_FALSE(engine.Step());  // nothing of them is left

  struct BadOptions {
    EngineOptions options;
    std::string word;
  };
  for (const BadOptions& bad : {BadOptions{{.context_tokens = 1 << 20}, "2048"},
                                BadOptions{{.max_sequences = 0}, "max_sequences"},
                                BadOptions{{.max_batch_tokens = 0}, "max_batch_tokens"}}) {
    const auto created = Engine::Create(TinyModel(), bad.options);
    REQUIRE_FALSE(created.ok());
    CHECK_THAT(created.error().message, Catch::Contains(bad.word));
  }
}

TEST_CASE("a cancelled request ends at the next step, and alone") {
  Harness engine({.max_sequences = 2});
  const RequestId running = engine.Submit(Request(Tokens(1, 20), 400));
  const RequestId other = engine.Submit(Request(Tokens(2, 20), 12));
  const RequestId waiting = engine.Submit(Request(Tokens(3, 20), 400));
  for (int i = 0; i < 5; ++i) engine.Step();
  engine.engine().Cancel(running);
  engine.engine().Cancel(waiting);
  engine.engine().Cancel(12345);
  const size_t written = engine.outcomes[running].tokens.size();
  CHECK(written > 0);
  engine.Step();
  REQUIRE(engine.outcomes[running].finished);
  CHECK(engine.outcomes[running].finished->reason == FinishReason::kCancelled);
  CHECK(engine.outcomes[running].tokens.size() == written);
  CHECK(engine.outcomes[running].finished->usage.completion_tokens == written);
  REQUIRE(engine.outcomes[waiting].finished);
  CHECK(engine.outcomes[waiting].tokens.empty());
  engine.Drain();
  Harness alone;
  CheckSame(engine.outcomes[other], alone.Answer(Request(Tokens(2, 20), 12)));
}

TEST_CASE("equal seeds write equal texts, other seeds others") {
  Harness engine;
  const auto answer = [&](uint64_t seed) {
    return engine.Answer(Request(Tokens(1, 10), 30, seed)).tokens;
  };
  CHECK(answer(5) == answer(5));
  CHECK(answer(5) != answer(6));
}

TEST_CASE("log probabilities are the model's own, before bias and penalties") {
  Harness plain;
  Harness biased;
  GenerationRequest request = Request(Tokens(1, 10), 1);
  request.sampling.temperature = 0;
  const Outcome expected = plain.Answer(std::move(request));
  request = Request(Tokens(1, 10), 1);
  request.sampling.temperature = 0;
  request.sampling.logit_bias = {{expected.tokens[0], 50.0f}};
  request.sampling.repetition_penalty = 2;
  const Outcome outcome = biased.Answer(std::move(request));
  CHECK(outcome.tokens == expected.tokens);
  CHECK(outcome.logprobs == expected.logprobs);
  CHECK(expected.logprobs[0] < 0);
  CHECK(expected.logprobs[0] > -std::log(512.0f));  // the most likely is likelier than the average
}

// Allows one list of tokens at each place, and forces runs.
class FakeConstraint : public TokenConstraint {
 public:
  struct Place {
    std::vector<TokenId> allowed;  // empty: Fill fails
    std::vector<TokenId> forced;   // dictated once this place is filled
  };
  FakeConstraint(std::vector<Place> places, bool refuses = false)
      : places_(std::move(places)), refuses_(refuses) {}

  bool IsFree() const override { return at_ >= places_.size(); }
  Status Fill(TokenSet& out) override {
    if (places_[at_].allowed.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "nothing fits at place ", at_);
    }
    out = {.kind = TokenSet::Kind::kList, .list = places_[at_].allowed};
    return {};
  }
  bool Accept(TokenId id) override {
    if (refuses_) return false;
    if (left_ > 0) {
      const auto& forced = places_[at_].forced;
      if (forced[forced.size() - left_] != id) return false;
      if (--left_ == 0) ++at_;
      return true;
    }
    if (IsFree()) return true;
    const auto& allowed = places_[at_].allowed;
    if (std::find(allowed.begin(), allowed.end(), id) == allowed.end()) return false;
    left_ = places_[at_].forced.size();
    if (left_ == 0) ++at_;
    return true;
  }
  void Rollback(int) override {}
  int AllowedPrefix(std::span<const TokenId>) override { return 0; }
  void ForcedRun(std::vector<TokenId>& out) override {
    if (left_ == 0) return;
    const auto& forced = places_[at_].forced;
    out.insert(out.end(), forced.end() - static_cast<std::ptrdiff_t>(left_), forced.end());
  }
  bool CanEnd() const override { return IsFree(); }

 private:
  std::vector<Place> places_;
  bool refuses_;
  size_t at_ = 0;
  size_t left_ = 0;  // of the forced run at hand
};

TEST_CASE("a constraint decides which tokens may come, and forced ones need no pass") {
  const std::vector<TokenId> run = {10, 11, 12, 13, 14, 15, 16, 17};
  GenerationRequest request = Request(Tokens(1, 20), 12);
  request.constraint = std::make_unique<FakeConstraint>(
      std::vector<FakeConstraint::Place>{{{7, 8}, run}, {{9}, {}}});
  Harness engine;
  const Outcome outcome = engine.Answer(std::move(request));
  REQUIRE(outcome.tokens.size() == 12);
  CHECK((outcome.tokens[0] == 7 || outcome.tokens[0] == 8));
  CHECK(std::vector<TokenId>(outcome.tokens.begin() + 1, outcome.tokens.begin() + 9) == run);
  CHECK(outcome.tokens[9] == 9);
  for (size_t i = 0; i < 12; ++i) CHECK(outcome.forced[i] == (i >= 1 && i <= 8));
  CHECK(outcome.finished->usage.forced_tokens == 8);
  CHECK(outcome.finished->usage.completion_tokens == 12);
  CHECK(outcome.logprobs[3] == 0);
  // A pass for the prompt (which draws the first token) and for each drawn one after it, and a last
  // step that finds nothing to do.
  CHECK(engine.steps == 1 + 3 + 1);

  // What follows is what the same text as a prompt gives.
  std::vector<TokenId> prompt = Tokens(1, 20);
  prompt.insert(prompt.end(), outcome.tokens.begin(), outcome.tokens.begin() + 10);
  GenerationRequest next = Request(prompt, 1);
  next.sampling.temperature = 0;
  next.sampling.logit_bias = {{outcome.tokens[10], 500.0f}};
  Harness fresh;
  const Outcome anew = fresh.Answer(std::move(next));
  CHECK(anew.logprobs[0] == outcome.logprobs[10]);
}

TEST_CASE("forced tokens end with max_tokens like others") {
  GenerationRequest request = Request(Tokens(1, 20), 3);
  request.constraint =
      std::make_unique<FakeConstraint>(std::vector<FakeConstraint::Place>{{{7}, {1, 2, 3, 4, 5}}});
  Harness engine;
  const Outcome outcome = engine.Answer(std::move(request));
  CHECK(outcome.tokens == std::vector<TokenId>{7, 1, 2});
  CHECK(outcome.finished->reason == FinishReason::kLength);
}

TEST_CASE("a constraint that fails ends its own sequence alone") {
  Harness engine;
  GenerationRequest failing = Request(Tokens(1, 20), 10);
  failing.constraint =
      std::make_unique<FakeConstraint>(std::vector<FakeConstraint::Place>{{{7}, {}}, {}});
  GenerationRequest refusing = Request(Tokens(2, 20), 10);
  refusing.constraint =
      std::make_unique<FakeConstraint>(std::vector<FakeConstraint::Place>{{{7, 8, 9}, {}}}, true);
  const RequestId bad = engine.Submit(std::move(failing));
  const RequestId refused = engine.Submit(std::move(refusing));
  const RequestId good = engine.Submit(Request(Tokens(3, 20), 10));
  engine.Drain();
  const Outcome& failed = engine.outcomes[bad];
  CHECK(failed.finished->reason == FinishReason::kError);
  CHECK(failed.finished->error.message == "nothing fits at place 1");
  CHECK(failed.tokens == std::vector<TokenId>{7});
  CHECK(engine.outcomes[refused].finished->reason == FinishReason::kError);
  CHECK(engine.outcomes[refused].tokens.empty());
  Harness alone;
  CheckSame(engine.outcomes[good], alone.Answer(Request(Tokens(3, 20), 10)));
}

TEST_CASE("a paused request stands still, others go on, and it loses nothing") {
  Harness engine;
  const RequestId slow = engine.Submit(Request(Tokens(1, 20), 10, 1));
  const RequestId quick = engine.Submit(Request(Tokens(2, 20), 10, 2));
  engine.Step();
  engine.Step();
  const size_t written = engine.outcomes[slow].tokens.size();
  engine.engine().SetPaused(slow, true);
  engine.Drain();  // ends although a request is left
  CHECK(engine.outcomes[slow].tokens.size() == written);
  CHECK(engine.outcomes[quick].finished);
  CHECK(engine.engine().running() == 1);
  engine.engine().SetPaused(slow, false);
  engine.Drain();
  Harness alone;
  CheckSame(engine.outcomes[slow], alone.Answer(Request(Tokens(1, 20), 10, 1)));
  CHECK(engine.engine().running() == 0);
}

TEST_CASE("the likeliest tokens of each place hold the one that greedy search takes") {
  Harness engine;
  GenerationRequest request = Request(Tokens(1, 20), 5);
  request.sampling.temperature = 0;
  request.top_logprobs = 3;
  const Outcome outcome = engine.Answer(std::move(request));
  REQUIRE(outcome.top.size() == 5);
  for (size_t i = 0; i < outcome.top.size(); ++i) {
    REQUIRE(outcome.top[i].size() == 3);
    CHECK(outcome.top[i][0].token == outcome.tokens[i]);
    CHECK(outcome.top[i][0].logprob == outcome.logprobs[i]);
    CHECK(outcome.top[i][0].logprob >= outcome.top[i][1].logprob);
  }
}

TEST_CASE("many requests, cancels and evictions lose no memory and change no result") {
  Harness engine(
      {.context_tokens = 96, .kv_tokens = 224, .max_sequences = 3, .max_batch_tokens = 24});
  std::mt19937 random(3);
  const auto below = [&](size_t n) { return static_cast<uint32_t>(random() % n); };
  struct Sent {
    std::vector<TokenId> prompt;
    uint32_t max_tokens;
    uint64_t seed;
  };
  std::map<RequestId, Sent> sent;
  for (int round = 0; round < 400; ++round) {
    if (below(3) != 0) {
      // Beginnings of three texts, so that sequences share and continue each other.
      std::vector<TokenId> prompt = Tokens(below(3), 1 + below(80));
      if (below(3) == 0) prompt.back() = static_cast<TokenId>(below(400));
      const Sent s = {prompt, 1 + below(20), random()};
      sent[engine.Submit(Request(s.prompt, s.max_tokens, s.seed))] = s;
    }
    if (below(5) == 0 && !sent.empty()) engine.engine().Cancel(1 + below(sent.size()));
    engine.Step();
  }
  engine.Drain();
  uint32_t cached = 0;
  size_t compared = 0;
  for (const auto& [id, s] : sent) {
    const Outcome& outcome = engine.outcomes[id];
    REQUIRE(outcome.finished);
    cached += outcome.finished->usage.cached_tokens;
    if (id % 4 != 0) continue;
    Harness alone({.context_tokens = 96});
    Outcome expected = alone.Answer(Request(s.prompt, s.max_tokens, s.seed));
    if (outcome.finished->reason == FinishReason::kCancelled) {
      REQUIRE(outcome.tokens.size() <= expected.tokens.size());
      expected.tokens.resize(outcome.tokens.size());
      expected.logprobs.resize(outcome.tokens.size());
    }
    CheckSame(outcome, expected);
    compared += outcome.tokens.size();
  }
  CHECK(cached > 1000);
  CHECK(compared > 100);
  // Every block is there still: what is not free, the cache could give back.
  const EngineStats stats = engine.engine().stats();
  CHECK(stats.kv_blocks_free + stats.kv_blocks_cached == stats.kv_blocks);
  CHECK(stats.kv_blocks_held == 0);
  const RequestId a = engine.Submit(Request(Tokens(50, 90), 6));
  const RequestId b = engine.Submit(Request(Tokens(51, 90), 6));
  engine.Step();
  CHECK(engine.engine().running() == 2);
  engine.Drain();
  CHECK(engine.outcomes[a].tokens.size() == 6);
  CHECK(engine.outcomes[b].tokens.size() == 6);
}

TEST_CASE("requests that start together share what they begin with, and get what they get alone") {
  Harness engine({.max_batch_tokens = 48});
  std::vector<RequestId> ids;
  const auto prompt = [](uint32_t i) {
    std::vector<TokenId> tokens = Tokens(1, 200);
    for (const TokenId t : Tokens(100 + i, 9 + i)) tokens.push_back(t);
    return tokens;
  };
  for (uint32_t i = 0; i < 5; ++i) ids.push_back(engine.Submit(Request(prompt(i), 12, i)));
  engine.Drain();
  for (uint32_t i = 0; i < 5; ++i) {
    Harness alone;
    CheckSame(engine.outcomes[ids[i]], alone.Answer(Request(prompt(i), 12, i)));
    const Usage& usage = engine.outcomes[ids[i]].finished->usage;
    if (i > 0) CHECK(usage.cached_tokens >= 192);
  }
}

TEST_CASE("a sequence that lost its place goes on as if it had not") {
  // Two sequences of 90 tokens do not fit; what is computed again gives the same bits.
  Harness engine({.context_tokens = 96, .kv_tokens = 112, .max_sequences = 3});
  const RequestId a = engine.Submit(Request(Tokens(1, 30), 60, 1));
  const RequestId b = engine.Submit(Request(Tokens(2, 30), 60, 2));
  engine.Drain();
  CHECK(engine.engine().stats().preemptions > 0);
  for (const auto& [id, seed] : {std::pair(a, 1u), std::pair(b, 2u)}) {
    Harness alone;
    CheckSame(engine.outcomes[id], alone.Answer(Request(Tokens(seed, 30), 60, seed)));
  }
}

TEST_CASE("who has a higher priority goes first and takes a place that is needed") {
  Harness engine({.max_sequences = 1});
  const RequestId low = engine.Submit(Request(Tokens(1, 30), 30, 1));
  for (int i = 0; i < 5; ++i) engine.Step();
  GenerationRequest request = Request(Tokens(2, 30), 5, 2);
  request.priority = 1;
  const RequestId high = engine.Submit(std::move(request));
  while (!engine.outcomes[high].finished) engine.Step();
  CHECK_FALSE(engine.outcomes[low].finished);
  engine.Drain();
  Harness alone;
  CheckSame(engine.outcomes[low], alone.Answer(Request(Tokens(1, 30), 30, 1)));
}

TEST_CASE("sessions whose KV goes to the host and back get what they get with memory for all") {
  test::CheckTurns(TinyModel(), 4);
  const EngineStats without = test::TakeTurns(TinyModel(), {.kv_tokens = 144}, 4).stats;
  CHECK(without.kv_blocks_lost > 0);
  CHECK(without.kv_blocks_spilled + without.kv_host_blocks + without.kv_blocks_on_host == 0);
}

TEST_CASE("a KV memory is counted in bytes, and too little is refused with the numbers") {
  const auto created = Engine::Create(TinyModel(), {.context_tokens = 2048, .kv_bytes = 100000});
  REQUIRE_FALSE(created.ok());
  CHECK(created.error().code == ErrorCode::kResourceExhausted);
  for (const char* word : {"2048 tokens", "MiB", "bytes each", "q8_0"}) {
    CHECK_THAT(created.error().message, Catch::Contains(word));
  }
  // Without a wish the context is what fits.
  Harness small({.kv_bytes = 100000});
  const EngineStats stats = small.engine().stats();
  CHECK(stats.kv_blocks * stats.kv_bytes_per_block <= 100000);
  CHECK(small.engine().context_tokens() == stats.kv_blocks * 16);
}

// A text that repeats itself, which a lookup finds much in.
std::vector<TokenId> Refrain(size_t n) {
  std::vector<TokenId> tokens;
  while (tokens.size() < n) {
    for (const TokenId t : Tokens(7, 12)) tokens.push_back(t);
  }
  return tokens;
}

TEST_CASE("guesses change how fast a text is written, never which") {
  for (const float temperature : {0.0f, 0.4f, 1.0f}) {
    CAPTURE(temperature);
    Harness plain({.prompt_lookup = false, .now = EqualTime});
    Harness guessing({.now = EqualTime});
    std::map<RequestId, RequestId> ids;
    for (uint32_t i = 0; i < 4; ++i) {
      const auto request = [&] {
        GenerationRequest r = Request(i % 2 == 0 ? Refrain(60 + i) : Tokens(i, 40), 60 + 17 * i, i);
        r.sampling.temperature = temperature;
        r.sampling.repetition_penalty = i == 3 ? 1.1f : 1.0f;
        // A text of few words goes on as it went on before.
        for (TokenId t = 5; t < 8; ++t) r.sampling.logit_bias.emplace_back(t, 100.0f);
        r.top_logprobs = i;
        return r;
      };
      ids[plain.Submit(request())] = guessing.Submit(request());
    }
    plain.Drain();
    guessing.Drain();
    for (const auto& [a, b] : ids) CheckSame(plain.outcomes[a], guessing.outcomes[b]);
    CHECK(plain.engine().stats().guessed_tokens == 0);
    CHECK(guessing.engine().stats().guessed_tokens > 50);
    if (temperature == 0) {
      CHECK(guessing.engine().stats().accepted_tokens > 50);
      CHECK(guessing.engine().stats().steps < plain.engine().stats().steps);
    }
  }
}

// Guesses what a script says, by the length of the text.
class ScriptedDrafter : public Drafter {
 public:
  Status Draft(uint64_t id, std::span<const TokenId> tokens, const Sampler&, uint32_t most,
               std::vector<TokenId>& out) override {
    for (uint32_t i = 0; i < most; ++i) out.push_back(guess(tokens.size() + i));
    asked.insert(id);
    if (tokens.size() < fails_at) return {};
    ++failures;
    return MakeError(ErrorCode::kIo, "the device is lost");
  }
  void Forget(uint64_t id) override { asked.erase(id); }

  std::function<TokenId(size_t place)> guess;
  std::set<uint64_t> asked;
  size_t fails_at = SIZE_MAX;  // tokens of the text
  int failures = 0;
};

TEST_CASE("a drafter's guesses are taken as far as they are right") {
  Harness plain;
  const Outcome expected = plain.Answer(Request(Tokens(1, 20), 100, 5));
  for (const uint32_t wrong_each : {1u, 2u, 5u, 1000u}) {
    CAPTURE(wrong_each);
    const auto drafter = std::make_shared<ScriptedDrafter>();
    drafter->guess = [&](size_t place) {
      const size_t i = place - 20;
      const TokenId right = i < expected.tokens.size() ? expected.tokens[i] : 0;
      return i % wrong_each == wrong_each - 1 ? (right + 1) % 400 : right;
    };
    Harness guessing({.prompt_lookup = false, .drafter = drafter, .now = EqualTime});
    CheckSame(guessing.Answer(Request(Tokens(1, 20), 100, 5)), expected);
    CHECK(drafter->asked.empty());  // forgotten when the request ended
    const EngineStats stats = guessing.engine().stats();
    if (wrong_each == 1) {
      CHECK(stats.accepted_tokens == 0);
      CHECK(stats.guessed_tokens < 60);  // it learned
    }
    if (wrong_each == 1000) CHECK(stats.steps < 20);
  }
}

TEST_CASE("a drafter that fails is not asked again, and the text goes on") {
  Harness plain;
  const Outcome expected = plain.Answer(Request(Tokens(1, 20), 100, 5));
  const auto drafter = std::make_shared<ScriptedDrafter>();
  drafter->guess = [&](size_t place) { return expected.tokens[std::min<size_t>(place - 20, 99)]; };
  drafter->fails_at = 60;
  Harness guessing({.prompt_lookup = false, .drafter = drafter, .now = EqualTime});
  CHECK(guessing.engine().drafter_status().ok());
  CheckSame(guessing.Answer(Request(Tokens(1, 20), 100, 5)), expected);
  CHECK(drafter->failures == 1);
  CHECK(drafter->asked.empty());
  REQUIRE_FALSE(guessing.engine().drafter_status().ok());
  CHECK(guessing.engine().drafter_status().error().message == "the device is lost");
  // The next one is written without it.
  CheckSame(guessing.Answer(Request(Tokens(1, 20), 100, 5)), expected);
  CHECK(drafter->failures == 1);
}

TEST_CASE("guesses and a constraint that forces runs get along") {
  const auto request = [] {
    GenerationRequest r = Request(Refrain(40), 60);
    r.sampling.temperature = 0.5f;
    std::vector<TokenId> run = Refrain(24);
    run.resize(8);
    r.constraint = std::make_unique<FakeConstraint>(
        std::vector<FakeConstraint::Place>{{{7, 8}, run}, {{9}, {}}, {{10, 11}, {1, 2, 3}}});
    return r;
  };
  Harness plain({.prompt_lookup = false});
  Harness guessing({.now = EqualTime});
  const Outcome expected = plain.Answer(request());
  const Outcome outcome = guessing.Answer(request());
  CheckSame(outcome, expected);
  CHECK(outcome.forced == expected.forced);
}

// Chi square over many seeds: guesses that are drawn at random leave the distribution of the token
// that they stand for what the model says it is.
TEST_CASE("sampled tokens keep their distribution where they were guessed") {
  constexpr uint32_t kKept = 4;
  constexpr int kDraws = 3000;
  const std::vector<TokenId> prompt = Tokens(3, 20);
  Harness probing({.prompt_lookup = false});
  GenerationRequest probe = Request(prompt, 2, 0);
  probe.top_logprobs = 20;
  probe.constraint =
      std::make_unique<FakeConstraint>(std::vector<FakeConstraint::Place>{{{7}, {}}});
  const Outcome seen = probing.Answer(std::move(probe));
  std::vector<double> expected;
  std::vector<TokenId> likely;
  double sum = 0;
  for (uint32_t i = 0; i < kKept; ++i) {
    likely.push_back(seen.top[1][i].token);
    expected.push_back(std::exp(static_cast<double>(seen.top[1][i].logprob)));
    sum += expected.back();
  }
  const auto drafter = std::make_shared<ScriptedDrafter>();
  std::mt19937 random(1);
  drafter->guess = [&](size_t) { return likely[random() % kKept]; };
  Harness guessing({.max_sequences = 64,
                    .max_batch_tokens = 1024,
                    .prompt_lookup = false,
                    .drafter = drafter,
                    .now = EqualTime});
  for (int i = 0; i < kDraws; ++i) {
    GenerationRequest request = Request(prompt, 3, static_cast<uint64_t>(i));
    request.logprobs = false;
    request.sampling.top_k = kKept;
    request.constraint =
        std::make_unique<FakeConstraint>(std::vector<FakeConstraint::Place>{{{7}, {}}});
    guessing.Submit(std::move(request));
  }
  guessing.Drain();
  std::map<TokenId, int> counts;
  for (const auto& [id, outcome] : guessing.outcomes) ++counts[outcome.tokens[1]];
  CHECK(guessing.engine().stats().guessed_tokens > kDraws / 4);
  double chi_square = 0;
  int counted = 0;
  for (uint32_t i = 0; i < kKept; ++i) {
    const double mean = kDraws * expected[i] / sum;
    chi_square += (counts[likely[i]] - mean) * (counts[likely[i]] - mean) / mean;
    counted += counts[likely[i]];
  }
  CHECK(counted == kDraws);
  CHECK(chi_square < 16.3);  // one in a thousand, with three degrees of freedom
}

}  // namespace
}  // namespace hearth::model
