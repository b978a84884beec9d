// Sessions that do not fit into the device's KV memory together, one after the other and together:
// work that drives KV to the host and back.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "model/engine.h"

namespace hearth::test {

struct Turns {
  std::vector<std::vector<TokenId>> answers;  // in the order of the requests
  uint32_t cached_tokens = 0;
  model::EngineStats stats;
};

// `rounds` turns of three sessions of 40 tokens and 13 more each turn, then two requests at once
// that write 40 tokens each. Ids are below 250. A context is 128 tokens; memory as in the options.
inline Turns TakeTurns(model::Model& model, model::EngineOptions options, int rounds) {
  options.context_tokens = 128;
  options.prompt_lookup = false;
  auto engine = model::Engine::Create(model, options);
  REQUIRE(engine.ok());
  Turns turns;
  const auto submit = [&](std::vector<TokenId> prompt, uint32_t tokens) {
    return *(*engine)->Submit({.prompt = std::move(prompt),
                               .sampling = {.temperature = 0},
                               .max_tokens = tokens,
                               .stop_tokens = {-1}});
  };
  const auto drain = [&] {
    std::map<model::RequestId, std::vector<TokenId>> texts;
    std::vector<model::Event> events;
    for (int i = 0; (*engine)->Step(events); ++i) {
      REQUIRE(i < 2000);
      for (const model::Event& event : std::exchange(events, {})) {
        if (event.kind == model::Event::Kind::kToken) texts[event.request].push_back(event.token);
        if (event.kind != model::Event::Kind::kFinished) continue;
        REQUIRE(event.reason == model::FinishReason::kLength);
        turns.cached_tokens += event.usage.cached_tokens;
      }
    }
    for (const auto& [id, text] : texts) turns.answers.push_back(text);
  };
  std::vector<std::vector<TokenId>> sessions(3);
  for (size_t i = 0; i < sessions.size(); ++i) {
    for (TokenId t = 0; t < 40; ++t) {
      sessions[i].push_back(static_cast<TokenId>((70 * i + static_cast<size_t>(t * t) * 7) % 250));
    }
  }
  for (int round = 0; round < rounds; ++round) {
    for (auto& session : sessions) {
      submit(session, 8);
      drain();
      const auto& answer = turns.answers.back();
      session.insert(session.end(), answer.begin(), answer.end());
      for (TokenId t = 0; t < 5; ++t) session.push_back((round * 31 + t * 17) % 250);
    }
  }
  for (size_t i = 0; i < 2; ++i) submit({sessions[i].begin(), sessions[i].begin() + 50}, 40);
  drain();
  turns.stats = (*engine)->stats();
  return turns;
}

// The same with memory for little more than one session, and the host for the rest, as with memory
// for all.
inline void CheckTurns(model::Model& model, int rounds) {
  const Turns all = TakeTurns(model, {.kv_tokens = 2048}, rounds);
  const uint64_t block_bytes = all.stats.kv_bytes_per_block;
  CHECK(all.stats.kv_blocks_spilled == 0);
  const Turns spilled =
      TakeTurns(model, {.kv_tokens = 144, .kv_host_bytes = 100 * block_bytes}, rounds);
  CHECK(spilled.answers == all.answers);
  CHECK(spilled.stats.kv_blocks == 9);
  CHECK(spilled.stats.kv_host_blocks == 100);
  CHECK(spilled.stats.kv_blocks_on_host > 0);
  CHECK(spilled.stats.kv_blocks_spilled > 0);
  CHECK(spilled.stats.kv_blocks_restored > 0);
  CHECK(spilled.stats.kv_blocks_lost == 0);
  CHECK(spilled.stats.preemptions > 0);
  // But for ends of blocks: where no block is free they are not copied.
  CHECK(spilled.cached_tokens + 16 * all.answers.size() > all.cached_tokens);
}

}  // namespace hearth::test
