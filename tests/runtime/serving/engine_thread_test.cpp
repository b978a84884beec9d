#include "runtime/serving/engine_thread.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>

#include "tests/support/files.h"

namespace hearth::serving {
namespace {

model::Model& TinyModel() {
  static const std::unique_ptr<model::Model> model = [] {
    auto loaded = model::Model::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(),
                                     {.threads = 1});
    REQUIRE(loaded.ok());
    return *std::move(loaded);
  }();
  return *model;
}

std::unique_ptr<EngineThread> Start(size_t max_queue = 100, uint32_t max_sequences = 4,
                                    uint32_t kv_tokens = 0) {
  auto engine =
      model::Engine::Create(TinyModel(), {.kv_tokens = kv_tokens, .max_sequences = max_sequences});
  REQUIRE(engine.ok());
  return std::make_unique<EngineThread>(*std::move(engine), max_queue);
}

model::GenerationRequest Request(TokenId first, uint32_t tokens) {
  model::GenerationRequest request;
  request.prompt = {first, 60, 61};
  request.max_tokens = tokens;
  request.sampling.temperature = 0;
  // Goes on until max_tokens.
  for (const TokenId id : TinyModel().tokenizer().end_of_turn()) {
    request.sampling.logit_bias.emplace_back(id, -1000.0f);
  }
  return request;
}

struct Outcome {
  std::vector<TokenId> tokens;
  model::Event last;
};

Outcome ReadAll(EventStream& stream) {
  Outcome outcome;
  std::vector<model::Event> events;
  while (outcome.last.kind != model::Event::Kind::kFinished) {
    stream.Wait();
    events.clear();
    stream.Take(events);
    for (const model::Event& event : events) {
      if (event.kind == model::Event::Kind::kToken) outcome.tokens.push_back(event.token);
      outcome.last = event;
    }
  }
  return outcome;
}

bool Eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST_CASE("requests of many threads get the tokens that each gets alone") {
  const auto engine = Start();
  std::vector<std::vector<TokenId>> alone;
  for (TokenId i = 0; i < 8; ++i) {
    auto stream = engine->Submit(Request(50 + i, 40));
    REQUIRE(stream.ok());
    alone.push_back(ReadAll(**stream).tokens);
    REQUIRE(alone.back().size() == 40);
  }
  std::vector<std::vector<TokenId>> together(8);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        auto stream = engine->Submit(Request(50 + static_cast<TokenId>(i), 40));
        if (stream.ok()) together[i] = ReadAll(**stream).tokens;
      });
    }
  }
  CHECK(together == alone);
}

TEST_CASE("a full queue refuses, and what the engine refuses comes as the last event") {
  const auto engine = Start(1, 1);
  auto running = engine->Submit(Request(50, 1500));
  auto waiting = engine->Submit(Request(51, 3));
  REQUIRE(waiting.ok());
  const auto refused = engine->Submit(Request(52, 3));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kResourceExhausted);
  (*running)->Cancel();
  CHECK(ReadAll(**running).last.reason == model::FinishReason::kCancelled);
  CHECK(ReadAll(**waiting).tokens.size() == 3);

  auto wrong = engine->Submit(Request(999999, 3));
  REQUIRE(wrong.ok());
  const Outcome outcome = ReadAll(**wrong);
  CHECK(outcome.last.reason == model::FinishReason::kError);
  CHECK_FALSE(outcome.last.error.message.empty());
}

TEST_CASE("a reader that goes away ends its request at the next step") {
  const auto engine = Start();
  std::atomic<int> woken = 0;
  auto stream = engine->Submit(Request(50, 1900), [&] { ++woken; });
  REQUIRE(stream.ok());
  REQUIRE(Eventually([&] { return woken > 0; }));
  const uint64_t before = engine->steps();
  stream->reset();
  REQUIRE(Eventually([&] { return engine->running() == 0; }));
  // The step under way, the one that cancels, and what ran before the message was there.
  CHECK(engine->steps() - before < 50);
}

// All that runs is paused.
bool Rests(const EngineThread& engine) {
  uint64_t steps = 0;
  return Eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return std::exchange(steps, engine.steps()) == engine.steps() && engine.running() == 1;
  });
}

TEST_CASE("a reader that does not keep up pauses its own request, and goes on where it was") {
  const auto engine = Start();
  const std::vector<TokenId> expected = [&] {
    auto stream = engine->Submit(Request(50, 1900));
    return ReadAll(**stream).tokens;
  }();
  auto slow = engine->Submit(Request(50, 1900));
  REQUIRE(slow.ok());
  // Paused, the engine has nothing to do: its steps end.
  REQUIRE(Rests(*engine));
  CHECK(engine->running() == 1);
  auto other = engine->Submit(Request(51, 30));
  CHECK(ReadAll(**other).tokens.size() == 30);
  CHECK(ReadAll(**slow).tokens == expected);
}

TEST_CASE(
    "a reader that does not read at all gives its place to those who wait, and has it again") {
  const auto engine = Start(100, 4, 2048);  // room for one long reply
  const std::vector<TokenId> expected = [&] {
    auto stream = engine->Submit(Request(50, 1900));
    return ReadAll(**stream).tokens;
  }();
  auto slow = engine->Submit(Request(50, 1900));
  REQUIRE(Rests(*engine));
  auto other = engine->Submit(Request(51, 1900));
  CHECK(ReadAll(**other).tokens.size() == 1900);
  CHECK(engine->stats().preemptions > 0);
  CHECK(ReadAll(**slow).tokens == expected);
}

TEST_CASE("nobody waits for ever when the thread ends") {
  auto engine = Start(100, 1);
  std::vector<std::unique_ptr<EventStream>> streams;
  for (TokenId i = 0; i < 5; ++i) streams.push_back(*engine->Submit(Request(50 + i, 1900)));
  engine.reset();
  for (const auto& stream : streams) {
    CHECK(ReadAll(*stream).last.reason == model::FinishReason::kCancelled);
  }
}

}  // namespace
}  // namespace hearth::serving
