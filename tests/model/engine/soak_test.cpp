// Random work for a long time: half an hour in ./test --slow, seconds otherwise.
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <random>

#include "model/engine.h"
#include "tests/support/files.h"

namespace hearth::model {
namespace {

std::vector<TokenId> Tokens(uint32_t seed, size_t n) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& t : tokens) t = static_cast<TokenId>(random() % 400);
  return tokens;
}

struct Sent {
  std::vector<TokenId> prompt;
  uint32_t max_tokens = 0;
  uint64_t seed = 0;
  std::vector<TokenId> text;
  bool finished = false;
  bool cancelled = false;
};

GenerationRequest Request(const Sent& sent) {
  GenerationRequest request;
  request.prompt = sent.prompt;
  request.max_tokens = sent.max_tokens;
  request.stop_tokens = {-1};
  request.sampling.seed = sent.seed;
  request.sampling.temperature = static_cast<float>(sent.seed % 3) / 2;
  for (TokenId t = 5; sent.seed % 2 == 0 && t < 9; ++t) {
    request.sampling.logit_bias.emplace_back(t, 20.0f);  // such texts repeat themselves
  }
  return request;
}

void Take(const std::vector<Event>& events, std::map<RequestId, Sent>& all) {
  for (const Event& event : events) {
    Sent& sent = all.at(event.request);
    REQUIRE_FALSE(sent.finished);
    if (event.kind == Event::Kind::kToken) sent.text.push_back(event.token);
    if (event.kind != Event::Kind::kFinished) continue;
    sent.finished = true;
    sent.cancelled = event.reason == FinishReason::kCancelled;
    REQUIRE((sent.cancelled || event.reason == FinishReason::kLength));
  }
}

TEST_CASE("a long time of random requests, cancels and pauses loses no block and no token") {
  const auto length = test::Slow() ? std::chrono::minutes(30) : std::chrono::seconds(3);
  auto model =
      Model::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(), {.threads = 2});
  REQUIRE(model.ok());
  auto engine = Engine::Create(**model, {.context_tokens = 256,
                                         .kv_tokens = 1024,
                                         .kv_host_bytes = 200 << 10,
                                         .max_sequences = 6,
                                         .max_batch_tokens = 64});
  REQUIRE(engine.ok());
  // Alone, with the memory and the batch of one.
  auto alone = Engine::Create(**model, {.context_tokens = 256, .prompt_lookup = false});
  REQUIRE(alone.ok());
  std::mt19937 random(11);
  const auto below = [&](size_t n) { return static_cast<uint32_t>(random() % n); };
  const auto end = std::chrono::steady_clock::now() + length;
  std::vector<Event> events;
  uint64_t compared = 0;
  do {
    std::map<RequestId, Sent> all;
    std::vector<RequestId> paused;
    for (int round = 0; round < 300; ++round) {
      if (below(3) == 0) {
        Sent sent;
        sent.prompt = Tokens(below(4), 1 + below(200));
        if (below(2) == 0) sent.prompt.back() = static_cast<TokenId>(below(400));
        sent.max_tokens = 1 + below(50);
        sent.seed = random();
        GenerationRequest request = Request(sent);
        request.priority = below(6) == 0;
        const auto id = (*engine)->Submit(std::move(request));
        REQUIRE(id.ok());
        all[*id] = std::move(sent);
      }
      if (!all.empty() && below(12) == 0) {
        (*engine)->Cancel(all.begin()->first + below(all.size()));
      }
      if (!all.empty() && below(8) == 0) {
        paused.push_back(all.begin()->first + below(all.size()));
        (*engine)->SetPaused(paused.back(), true);
      }
      if (!paused.empty() && below(8) == 0) {
        (*engine)->SetPaused(paused.back(), false);
        paused.pop_back();
      }
      events.clear();
      (*engine)->Step(events);
      Take(events, all);
    }
    for (const RequestId id : paused) (*engine)->SetPaused(id, false);
    for (events.clear(); (*engine)->Step(events); events.clear()) Take(events, all);
    REQUIRE((*engine)->running() + (*engine)->waiting() == 0);
    const EngineStats stats = (*engine)->stats();
    REQUIRE(stats.kv_blocks_free + stats.kv_blocks_cached == stats.kv_blocks);
    for (const auto& [id, sent] : all) {
      REQUIRE(sent.finished);
      if (id % 7 != 0) continue;
      std::map<RequestId, Sent> one;
      const auto again = (*alone)->Submit(Request(sent));
      one[*again] = {};
      for (events.clear(); (*alone)->Step(events); events.clear()) Take(events, one);
      std::vector<TokenId> expected = one[*again].text;
      if (sent.cancelled) expected.resize(std::min(expected.size(), sent.text.size()));
      REQUIRE(sent.text == expected);
      compared += sent.text.size();
    }
  } while (std::chrono::steady_clock::now() < end);
  CHECK(compared > 100);
}

}  // namespace
}  // namespace hearth::model
