#include "model/sampling/sampler.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace hearth::model {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The distribution that the parameters define, written down as plainly as the comment in
// sampling.h: temperature, top-k, top-p, min-p, each on what the one before left.
std::map<TokenId, double> NaiveDistribution(const std::vector<float>& logits,
                                            const SamplingParams& params) {
  struct Entry {
    TokenId id;
    double weight;
  };
  std::vector<Entry> entries;
  for (size_t i = 0; i < logits.size(); ++i) {
    entries.push_back(
        {static_cast<TokenId>(i), std::exp(static_cast<double>(logits[i]) / params.temperature)});
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.weight > b.weight; });
  if (params.top_k != 0 && params.top_k < entries.size()) entries.resize(params.top_k);
  double total = 0;
  for (const Entry& e : entries) total += e.weight;
  size_t kept = 0;
  for (double mass = 0; kept < entries.size() && (kept == 0 || mass < params.top_p * total);) {
    mass += entries[kept++].weight;
  }
  entries.resize(kept);
  std::erase_if(entries,
                [&](const Entry& e) { return e.weight < params.min_p * entries[0].weight; });
  total = 0;
  for (const Entry& e : entries) total += e.weight;
  std::map<TokenId, double> distribution;
  for (const Entry& e : entries) distribution[e.id] = e.weight / total;
  return distribution;
}

std::vector<float> RandomLogits(uint32_t seed, size_t n, float spread) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(n);
  for (float& x : logits) x = normal(random);
  return logits;
}

TEST_CASE("a barred token is never drawn, whatever speaks for it") {
  SamplingParams params;
  params.barred = std::make_shared<const std::vector<TokenId>>(std::vector<TokenId>{1, 3});
  params.logit_bias = {{1, 100.0f}};
  params.repetition_penalty = 1.3f;
  params.presence_penalty = 1;
  for (const float temperature : {0.0f, 1.0f}) {
    for (const uint32_t top_k : {0u, 3u}) {
      params.temperature = temperature;
      params.top_k = top_k;
      Sampler sampler(params);
      sampler.Observe(3, true);
      for (int i = 0; i < 100; ++i) {
        std::vector<float> logits = {0, 9, 1, 8, -kInfinity};
        sampler.Adjust(logits);
        const TokenId drawn = sampler.Draw(logits, nullptr);
        REQUIRE((drawn == 0 || drawn == 2));
        sampler.Observe(drawn, true);
      }
    }
  }
}

TEST_CASE("drawn tokens follow the distribution that the filters leave") {
  struct Case {
    float temperature;
    uint32_t top_k;
    float top_p;
    float min_p;
  };
  const Case cases[] = {
      {1, 0, 1, 0},    {0.5f, 0, 1, 0}, {2, 0, 1, 0},          {1, 5, 1, 0},        {1, 0, 0.7f, 0},
      {1, 0, 1, 0.2f}, {1, 8, 0.8f, 0}, {1.5f, 8, 0.9f, 0.1f}, {0.7f, 1, 0.5f, 1},  {1, 0, 0, 0},
      {1, 64, 1, 0},   {1, 1000, 1, 0}, {3, 10, 0.6f, 0},      {0.05f, 0, 0.99f, 0}};
  const std::vector<float> logits = RandomLogits(3, 40, 2);
  for (const Case& c : cases) {
    SamplingParams params;
    params.temperature = c.temperature;
    params.top_k = c.top_k;
    params.top_p = c.top_p;
    params.min_p = c.min_p;
    params.seed = 42;
    CAPTURE(c.temperature, c.top_k, c.top_p, c.min_p);
    const auto expected = NaiveDistribution(logits, params);
    Sampler sampler(params);
    constexpr int kDraws = 20000;
    std::map<TokenId, int> counts;
    for (int i = 0; i < kDraws; ++i) ++counts[sampler.Draw(logits, nullptr)];
    double chi_square = 0;
    int classes = 0;
    for (const auto& [id, count] : counts) REQUIRE(expected.contains(id));
    for (const auto& [id, p] : expected) {
      if (p * kDraws < 5) continue;  // too rare for the approximation
      ++classes;
      chi_square += std::pow(counts[id] - p * kDraws, 2) / (p * kDraws);
    }
    REQUIRE(classes > 0);
    // Five deviations above the mean of a chi-square distribution; the seed is fixed.
    CHECK(chi_square < classes + 5 * std::sqrt(2.0 * classes));
  }
}

TEST_CASE("temperature 0 takes the most likely token and the smallest id of equals") {
  Sampler sampler({.temperature = 0});
  CHECK(sampler.Draw(std::vector<float>{1, 3, 2}, nullptr) == 1);
  CHECK(sampler.Draw(std::vector<float>{1, 3, 3, 3}, nullptr) == 1);
  CHECK(sampler.Draw(std::vector<float>{-5, -5}, nullptr) == 0);
  const std::vector<TokenId> list = {2, 3};
  const TokenSet allowed = {.kind = TokenSet::Kind::kList, .list = list};
  CHECK(sampler.Draw(std::vector<float>{9, 9, 1, 1}, &allowed) == 2);
}

TEST_CASE("top-k keeps the smaller ids of equals") {
  SamplingParams params;
  params.top_k = 2;
  Sampler sampler(params);
  const std::vector<float> logits(10, 1.0f);
  for (int i = 0; i < 200; ++i) CHECK(sampler.Draw(logits, nullptr) < 2);
}

TEST_CASE("every kind of token set limits the draw to its tokens, each counted once") {
  const std::vector<float> logits(70, 0.5f);  // all alike: each allowed token is as likely
  const std::vector<TokenId> list = {3, 33, 69};
  const std::vector<uint32_t> bits = {1u << 3 | 1u << 7, 1u << 1, 1u << 4};
  struct Case {
    TokenSet set;
    std::vector<TokenId> allowed;
  };
  const Case cases[] = {
      {{.kind = TokenSet::Kind::kOne, .one = 69}, {69}},
      {{.kind = TokenSet::Kind::kList, .list = list}, {3, 33, 69}},
      {{.kind = TokenSet::Kind::kBitmask, .bits = bits}, {3, 7, 33, 68}},
      {{.kind = TokenSet::Kind::kBaseAndList, .list = list, .bits = bits}, {3, 7, 33, 68, 69}},
  };
  for (const Case& c : cases) {
    Sampler sampler({.seed = 5});
    std::map<TokenId, int> counts;
    constexpr int kDraws = 4000;
    for (int i = 0; i < kDraws; ++i) ++counts[sampler.Draw(logits, &c.set)];
    REQUIRE(counts.size() == c.allowed.size());
    const double expected = static_cast<double>(kDraws) / static_cast<double>(c.allowed.size());
    for (const TokenId id : c.allowed) {
      CHECK(std::abs(counts[id] - expected) < 5 * std::sqrt(expected));
    }
  }
}

TEST_CASE("equal sets give equal draws, however they are written down") {
  const std::vector<float> logits = RandomLogits(4, 70, 1);
  const std::vector<TokenId> list = {3, 9, 33, 64, 69};
  const std::vector<TokenId> some = {9, 33, 64};
  const std::vector<uint32_t> base = {1u << 3 | 1u << 9, 0, 1u << 5};
  const std::vector<uint32_t> bits = {1u << 3 | 1u << 9, 1u << 1, 1u | 1u << 5};
  const TokenSet sets[] = {{.kind = TokenSet::Kind::kList, .list = list},
                           {.kind = TokenSet::Kind::kBaseAndList, .list = some, .bits = base},
                           {.kind = TokenSet::Kind::kBitmask, .bits = bits}};
  std::vector<std::vector<TokenId>> draws;
  for (const TokenSet& set : sets) {
    Sampler sampler({.seed = 8});
    draws.emplace_back();
    for (int i = 0; i < 100; ++i) draws.back().push_back(sampler.Draw(logits, &set));
  }
  CHECK(draws[0] == draws[1]);
  CHECK(draws[0] == draws[2]);
}

TEST_CASE("top-p keeps as many as it takes, also of a flat distribution") {
  const std::vector<float> logits(5000, 1.0f);
  for (const float top_p : {0.001f, 0.02f, 0.5f, 0.9f}) {
    Sampler sampler({.top_p = top_p, .seed = 3});
    TokenId largest = 0;
    for (int i = 0; i < 20000; ++i) largest = std::max(largest, sampler.Draw(logits, nullptr));
    // Equals stay in the order of their ids, so those that are kept are the first.
    CHECK(largest < std::ceil(5000 * top_p) + 1);
    CHECK(largest > 5000 * top_p * 0.98 - 2);
  }
}

TEST_CASE("bits behind the vocabulary are no tokens") {
  const std::vector<uint32_t> bits = {0xffffffffu, 0xffffffffu};
  const TokenSet all = {.kind = TokenSet::Kind::kBitmask, .bits = bits};
  Sampler sampler({.seed = 1});
  for (int i = 0; i < 500; ++i) CHECK(sampler.Draw(std::vector<float>(35, 0.0f), &all) < 35);
}

TEST_CASE("NaN is never drawn while there is anything else") {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingParams params;
    params.temperature = temperature;
    for (const uint32_t top_k : {0u, 2u}) {
      params.top_k = top_k;
      Sampler sampler(params);
      for (int i = 0; i < 100; ++i) {
        CHECK(sampler.Draw(std::vector<float>{kNaN, 1, kNaN, 2}, nullptr) % 2 == 1);
        CHECK(sampler.Draw(std::vector<float>{kNaN, -kInfinity, 3}, nullptr) == 2);
        const TokenId any = sampler.Draw(std::vector<float>{kNaN, kNaN, -kInfinity}, nullptr);
        CHECK((any >= 0 && any < 3));
      }
    }
  }
}

TEST_CASE("equal seeds draw equal tokens, other seeds others") {
  const std::vector<float> logits = RandomLogits(9, 100, 0.5f);
  const auto draw = [&](uint64_t seed) {
    Sampler sampler({.seed = seed});
    std::vector<TokenId> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(sampler.Draw(logits, nullptr));
    return tokens;
  };
  CHECK(draw(1) == draw(1));
  CHECK(draw(1) != draw(2));
  // Pinned: the numbers are SplitMix64's on every machine.
  Sampler sampler({.seed = 0});
  const std::vector<float> even(1000, 0.0f);
  // 0xe220a8397b1dcdaf / 2^64 = 0.8833…, 0x6e789e6aa1b965f4 / 2^64 = 0.4315…
  CHECK(sampler.Draw(even, nullptr) == 883);
  CHECK(sampler.Draw(even, nullptr) == 431);
}

// The tokens that are ever drawn.
std::map<TokenId, int> Drawn(const std::vector<float>& logits, SamplingParams params, int n) {
  std::map<TokenId, int> counts;
  Sampler sampler(params);
  for (int i = 0; i < n; ++i) ++counts[sampler.Draw(logits, nullptr)];
  return counts;
}

TEST_CASE("typical sampling keeps the tokens whose information is nearest to the entropy") {
  // Shares of 0.5, 0.25, 0.125, ...: the entropy is close to two bits, so that the second, of
  // exactly two bits, comes first, then those of one and three.
  std::vector<float> logits;
  for (int i = 0; i < 20; ++i) logits.push_back(-static_cast<float>(i) * std::log(2.0f));
  SamplingParams params;
  params.typical_p = 0.2f;
  CHECK(Drawn(logits, params, 200).size() == 1);
  CHECK(Drawn(logits, params, 200).contains(1));
  params.typical_p = 0.3f;
  const auto two = Drawn(logits, params, 2000);
  CHECK(two.size() == 2);
  CHECK((two.contains(0) || two.contains(2)));
  params.typical_p = 1.0f;
  CHECK(Drawn(logits, params, 2000).size() > 6);
}

TEST_CASE("XTC leaves the least likely of those above the threshold") {
  // 0.4, 0.3, 0.2, 0.06, 0.04
  std::vector<float> logits;
  for (const float p : {0.4f, 0.3f, 0.2f, 0.06f, 0.04f}) logits.push_back(std::log(p));
  SamplingParams params;
  params.xtc_threshold = 0.1f;
  params.xtc_probability = 1.0f;
  auto counts = Drawn(logits, params, 4000);
  CHECK(counts.size() == 3);
  CHECK(counts[2] == Approx(4000 * 0.2 / 0.3).margin(120));
  params.xtc_probability = 0.5f;
  counts = Drawn(logits, params, 4000);
  CHECK(counts[0] == Approx(2000 * 0.4).margin(120));
  params.xtc_threshold = 0.35f;  // only one is above: it stays
  params.xtc_probability = 1.0f;
  counts = Drawn(logits, params, 4000);
  CHECK(counts[0] == Approx(4000 * 0.4).margin(120));
}

TEST_CASE("the top of all tokens is the same, gathered at once or sorted") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::vector<float> logits = RandomLogits(seed, 300, 2);
    for (size_t i = 0; i < logits.size(); i += 3) logits[i] = std::round(logits[i]);  // equals
    logits[seed] = kNaN;
    SamplingParams params = {.top_k = 5 + seed, .seed = seed};
    std::vector<uint32_t> every(10, ~0u);
    every.back() = (1u << (300 - 288)) - 1;
    const TokenSet all = {.kind = TokenSet::Kind::kBitmask, .bits = every};
    Sampler at_once(params);
    Sampler sorted(params);
    for (int i = 0; i < 50; ++i) CHECK(at_once.Draw(logits, nullptr) == sorted.Draw(logits, &all));
  }
}

TEST_CASE("penalties change the logits of what was seen") {
  SamplingParams params;
  params.repetition_penalty = 2;
  params.presence_penalty = 0.25f;
  params.frequency_penalty = 0.5f;
  params.logit_bias = {{4, 1.5f}, {99, 5.0f}, {-1, 5.0f}};
  Sampler sampler(params);
  sampler.Observe(0, false);  // prompt
  sampler.Observe(1, true);
  sampler.Observe(1, true);
  sampler.Observe(2, true);
  std::vector<float> logits = {3, 4, -1, 7, 1};
  sampler.Adjust(logits);
  CHECK(logits[0] == 1.5f);                     // halved; the prompt has no presence
  CHECK(logits[1] == 4 / 2.0f - 0.25f - 1.0f);  // seen twice
  CHECK(logits[2] == -1 * 2.0f - 0.25f - 0.5f);
  CHECK(logits[3] == 7);
  CHECK(logits[4] == 2.5f);  // biased, not seen
}

TEST_CASE("bias comes before the repetition penalty") {
  SamplingParams params;
  params.repetition_penalty = 2;
  params.logit_bias = {{0, 3.0f}};
  Sampler sampler(params);
  sampler.Observe(0, true);
  std::vector<float> logits = {1};
  sampler.Adjust(logits);
  CHECK(logits[0] == 2);  // (1 + 3) / 2
}

TEST_CASE("the repetition penalty forgets what is further back than its window") {
  SamplingParams params;
  params.repetition_penalty = 2;
  params.penalty_window = 2;
  Sampler sampler(params);
  for (const TokenId id : {0, 1, 2, 3}) sampler.Observe(id, true);
  std::vector<float> logits(4, 8.0f);
  sampler.Adjust(logits);
  CHECK(logits == std::vector<float>{8, 8, 4, 4});
  sampler.Observe(3, true);
  logits.assign(4, 8.0f);
  sampler.Adjust(logits);
  CHECK(logits == std::vector<float>{8, 8, 8, 4});  // once, though it was seen twice
}

TEST_CASE("log probabilities are those of the softmax") {
  const std::vector<float> logits = {1, 2, 3, 1000};
  CHECK(LogProbabilities(logits).Of(3) == Approx(0).margin(1e-6));
  CHECK(LogProbabilities(logits).Of(0) == Approx(-999));
  const std::vector<float> small = {0, std::log(3.0f)};
  CHECK(LogProbabilities(small).Of(0) == Approx(std::log(0.25)));
  // A broken logit is like one that can never be drawn.
  const std::vector<float> broken = {kNaN, 0, std::log(3.0f)};
  CHECK(LogProbabilities(broken).Of(1) == Approx(std::log(0.25)));
}

TEST_CASE("the likeliest tokens come in order, ties by id, broken logits last") {
  const std::vector<float> logits = {1, 5, kNaN, 5, 4};
  const LogProbabilities probabilities(logits);
  CHECK(probabilities.Likeliest(0).empty());
  CHECK(probabilities.Likeliest(1) == std::vector<TokenId>{1});
  CHECK(probabilities.Likeliest(4) == std::vector<TokenId>{1, 3, 4, 0});
  CHECK(probabilities.Likeliest(20) == std::vector<TokenId>{1, 3, 4, 0, 2});
}

TEST_CASE("values out of range are refused by the name of their field") {
  struct Case {
    std::string name;
    void (*set)(SamplingParams&);
  };
  const Case cases[] = {
      {"temperature", [](SamplingParams& p) { p.temperature = -0.1f; }},
      {"temperature", [](SamplingParams& p) { p.temperature = kNaN; }},
      {"temperature", [](SamplingParams& p) { p.temperature = kInfinity; }},
      {"top_p", [](SamplingParams& p) { p.top_p = 1.5f; }},
      {"min_p", [](SamplingParams& p) { p.min_p = -1; }},
      {"repetition_penalty", [](SamplingParams& p) { p.repetition_penalty = 0; }},
      {"presence_penalty", [](SamplingParams& p) { p.presence_penalty = 101; }},
      {"frequency_penalty", [](SamplingParams& p) { p.frequency_penalty = kNaN; }},
      {"penalty_window", [](SamplingParams& p) { p.penalty_window = 1u << 31; }},
      {"dry_multiplier", [](SamplingParams& p) { p.dry_multiplier = -1; }},
      {"dry_base", [](SamplingParams& p) { p.dry_base = 0.5f; }},
      {"dry_allowed_length", [](SamplingParams& p) { p.dry_allowed_length = 0; }},
      {"dry_window", [](SamplingParams& p) { p.dry_window = 1u << 31; }},
      {"typical_p", [](SamplingParams& p) { p.typical_p = 2; }},
      {"xtc_probability", [](SamplingParams& p) { p.xtc_probability = kNaN; }},
      {"xtc_threshold", [](SamplingParams& p) { p.xtc_threshold = -1; }},
      {"logit_bias", [](SamplingParams& p) { p.logit_bias = {{1, kNaN}}; }},
  };
  CHECK(SamplingParams().Check().ok());
  for (const Case& c : cases) {
    SamplingParams params;
    c.set(params);
    const Status status = params.Check();
    CAPTURE(c.name);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kInvalidArgument);
    CHECK(status.error().message.starts_with(c.name));
  }
}

}  // namespace
}  // namespace hearth::model
