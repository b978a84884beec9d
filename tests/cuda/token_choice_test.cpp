// Tokens drawn by the device beside those that Sampler draws.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <random>

#include "model/backend/cuda/row_chooser.h"
#include "model/sampling/sampler.h"

namespace hearth::model::cuda {
namespace {

constexpr float kNever = -INFINITY;

// A set in one of its forms, and what it points to.
struct Allowed {
  std::vector<TokenId> list;
  std::vector<uint32_t> bits;
  TokenSet set;
};

// One token's way: what the sampler has seen, the logits, the set.
struct Case {
  SamplingParams params;
  std::vector<std::pair<TokenId, bool>> seen;
  std::vector<float> logits;
  std::unique_ptr<Allowed> allowed;  // may be null

  const TokenSet* set() const { return allowed ? &allowed->set : nullptr; }
  Sampler MakeSampler() const {
    Sampler sampler(params);
    for (const auto& [token, generated] : seen) sampler.Observe(token, generated);
    return sampler;
  }
};

class Cases {
 public:
  explicit Cases(uint32_t seed) : random_(seed) {}

  bool Chance(unsigned of_ten) { return random_() % 10 < of_ten; }
  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  std::vector<float> Logits(size_t n) {
    std::normal_distribution<float> normal(0, static_cast<float>(0.5 + 6 * Uniform()));
    std::vector<float> logits(n);
    for (float& x : logits) x = normal(random_);
    // Ties, among them the two zeros.
    if (Chance(3)) {
      for (float& x : logits) x = std::round(2 * x) / 2;
    }
    if (Chance(2)) Spoil(logits, std::numeric_limits<float>::quiet_NaN());
    if (Chance(2)) Spoil(logits, kNever);
    return logits;
  }

  std::unique_ptr<Allowed> Set(size_t vocab) {
    if (Chance(3)) return nullptr;
    auto allowed = std::make_unique<Allowed>();
    TokenSet& set = allowed->set;
    const unsigned form = random_() % 3;
    const double share = Chance(5) ? 0.7 : 20.0 / static_cast<double>(vocab);
    for (size_t id = 0; id < vocab; ++id) {
      if (Uniform() < share) allowed->list.push_back(static_cast<TokenId>(id));
    }
    if (allowed->list.empty()) allowed->list.push_back(static_cast<TokenId>(random_() % vocab));
    if (form == 0) {
      set.kind = TokenSet::Kind::kList;
      set.list = allowed->list;
      return allowed;
    }
    // Bits past the vocabulary mean nothing; words may be missing at the end.
    allowed->bits.assign((vocab + 31) / 32, 0);
    for (const TokenId id : allowed->list) allowed->bits[size_t(id) / 32] |= 1u << (id % 32);
    if (vocab % 32 != 0) allowed->bits.back() |= ~0u << vocab % 32;
    set.kind = TokenSet::Kind::kBitmask;
    if (form == 2) {
      set.kind = TokenSet::Kind::kBaseAndList;
      allowed->bits.resize(allowed->bits.size() / 2);
      set.list = allowed->list;
    }
    set.bits = allowed->bits;
    return allowed;
  }

  SamplingParams Params(size_t vocab) {
    SamplingParams p;
    p.seed = random_();
    p.temperature = Chance(2) ? 0 : static_cast<float>(0.05 + 1.5 * Uniform());
    if (Chance(4)) p.top_k = 1 + random_() % (Chance(5) ? 50 : 1500);
    if (Chance(4)) p.top_p = static_cast<float>(Chance(1) ? 0 : Uniform());
    if (Chance(3)) p.min_p = static_cast<float>(Chance(1) ? 1 : 0.2 * Uniform());
    if (Chance(3)) p.repetition_penalty = static_cast<float>(0.8 + Uniform());
    if (Chance(3)) p.presence_penalty = static_cast<float>(2 * Uniform() - 0.5);
    if (Chance(3)) p.frequency_penalty = static_cast<float>(Uniform() - 0.3);
    if (Chance(3)) p.dry_multiplier = static_cast<float>(Uniform());
    for (unsigned i = 0; Chance(8) && i < 20; ++i) {
      // Ids that there are not, and some that come twice.
      const auto id = static_cast<TokenId>(random_() % (vocab + 3)) - 1;
      p.logit_bias.emplace_back(id, static_cast<float>(10 * Uniform() - 5));
      if (Chance(3)) p.logit_bias.emplace_back(id, 0.1f);
    }
    if (Chance(3)) {
      std::vector<TokenId> barred;
      for (size_t id = random_() % 7; id < vocab; id += 1 + random_() % 97) {
        barred.push_back(static_cast<TokenId>(id));
      }
      p.barred = std::make_shared<const std::vector<TokenId>>(std::move(barred));
    }
    return p;
  }

  Case Any(size_t vocab) {
    Case made{.params = Params(vocab), .logits = Logits(vocab), .allowed = Set(vocab)};
    const size_t words = std::min<size_t>(vocab, 2 + random_() % 40);
    for (size_t i = random_() % 100; i > 0; --i) {
      made.seen.emplace_back(static_cast<TokenId>(random_() % words), Chance(5));
    }
    return made;
  }

 private:
  void Spoil(std::vector<float>& logits, float with) {
    const size_t n = Chance(1) ? logits.size() : 1 + logits.size() / 10;
    for (size_t i = 0; i < n; ++i) logits[random_() % logits.size()] = with;
  }

  std::mt19937 random_;
};

// The tokens that the device gives for rows of one vocabulary; `after` gets the rows.
std::vector<TokenId> Choose(Device& device, std::span<const Case> cases,
                            std::vector<float>* after = nullptr) {
  const size_t vocab = cases[0].logits.size();
  std::vector<float> logits;
  for (const Case& c : cases) logits.insert(logits.end(), c.logits.begin(), c.logits.end());
  DeviceArray<float> on_device;
  on_device.Upload(device, logits);
  device.Wait();
  RowChooser chooser(static_cast<uint32_t>(vocab));
  chooser.Begin();
  // Heads that nobody asks for stay with the host.
  for (size_t i = 0; i < cases.size(); ++i) {
    Sampler sampler = cases[i].MakeSampler();
    std::vector<LogitChange> changes;
    sampler.Changes(changes);
    TokenChoice choice{.allowed = cases[i].set(), .changes = changes};
    REQUIRE(sampler.Describe(choice));
    chooser.Choose(i, choice);
  }
  std::vector<TokenId> chosen(cases.size(), 12345);
  chooser.Run(device, on_device.data(), chosen);
  REQUIRE(device.Lost().ok());
  if (after != nullptr) {
    after->resize(logits.size());
    device.Note(cudaMemcpyAsync(after->data(), on_device.data(), logits.size() * sizeof(float),
                                cudaMemcpyDeviceToHost, device.stream()));
    device.Wait();
  }
  return chosen;
}

bool SameBits(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

TEST_CASE("the device draws what the sampler draws, by all parameters and sets") {
  Device device = *Device::Open();
  Cases cases(11);
  size_t all = 0;
  size_t undecided = 0;
  for (const size_t vocab : {1u, 31u, 509u, 2048u, 2049u, 7000u}) {
    CAPTURE(vocab);
    for (int round = 0; round < 24; ++round) {
      std::vector<Case> batch(8);
      for (Case& c : batch) c = cases.Any(vocab);
      std::vector<float> after;
      const std::vector<TokenId> chosen = Choose(device, batch, &after);
      for (size_t i = 0; i < batch.size(); ++i) {
        CAPTURE(round, i, batch[i].params.temperature, batch[i].params.top_k, batch[i].params.top_p,
                batch[i].params.min_p);
        Sampler sampler = batch[i].MakeSampler();
        Sampler elsewhere = batch[i].MakeSampler();
        std::vector<float> row = batch[i].logits;
        sampler.Adjust(row);
        bool same = true;
        for (size_t id = 0; id < vocab; ++id) same &= SameBits(row[id], after[i * vocab + id]);
        CHECK(same);
        const TokenId drawn = sampler.Draw(row, batch[i].set());
        ++all;
        undecided += chosen[i] < 0;
        if (chosen[i] < 0) continue;
        CHECK(chosen[i] == drawn);
        // And what comes next is drawn alike.
        elsewhere.Drew();
        if (batch[i].params.temperature == 0) continue;
        TokenChoice next, expected;
        REQUIRE(elsewhere.Describe(next));
        REQUIRE(sampler.Describe(expected));
        CHECK(next.uniform == expected.uniform);
      }
    }
  }
  CHECK(all == 6 * 24 * 8);
  // Rows without a chance at all, and flat fronts.
  CHECK(undecided < all / 10);
}

TEST_CASE("vocabularies of real models are drawn from alike") {
  Device device = *Device::Open();
  Cases cases(5);
  for (const size_t vocab : {49152u, 151936u}) {
    std::vector<Case> batch(6);
    for (Case& c : batch) c = {.logits = cases.Logits(vocab), .allowed = cases.Set(vocab)};
    batch[0].params.temperature = 0;
    batch[2].params = {.temperature = 0.7f, .top_k = 40, .top_p = 0.9f};
    batch[3].params = {.top_k = 1000};
    batch[4].params = {.temperature = 0.6f, .top_p = 0.95f};
    batch[5].params = {.temperature = 0.8f, .min_p = 0.05f};
    for (uint64_t seed = 0; seed < 3; ++seed) {
      for (Case& c : batch) c.params.seed = seed;
      const std::vector<TokenId> chosen = Choose(device, batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        CAPTURE(vocab, seed, i);
        if (chosen[i] < 0 && i >= 2 && i <= 4) continue;  // ties may fill a front
        CHECK(chosen[i] == batch[i].MakeSampler().Draw(batch[i].logits, batch[i].set()));
      }
    }
  }
}

TEST_CASE("drawn tokens are spread as their chances are") {
  Device device = *Device::Open();
  // Over chunks, with weights 3, 2, 1 and nothing between.
  std::vector<float> logits(5000, kNever);
  logits[7] = std::log(3.0f);
  logits[2100] = std::log(2.0f);
  logits[4999] = 0;
  for (const float top_p : {1.0f, 0.99f}) {
    std::map<TokenId, int> counts;
    constexpr size_t kDraws = 600;
    for (size_t first = 0; first < kDraws; first += 100) {
      std::vector<Case> batch(100);
      for (size_t i = 0; i < batch.size(); ++i) {
        batch[i] = {.params = {.top_p = top_p, .seed = first + i}, .logits = logits};
      }
      for (const TokenId token : Choose(device, batch)) ++counts[token];
    }
    REQUIRE(counts.size() == 3);
    // Within four standard deviations.
    CHECK(std::abs(counts[7] - 300) < 50);
    CHECK(std::abs(counts[2100] - 200) < 47);
    CHECK(std::abs(counts[4999] - 100) < 37);
  }
}

TEST_CASE("what cannot be decided is left to the host") {
  Device device = *Device::Open();
  const auto choose = [&](const SamplingParams& params, std::vector<float> logits) {
    Case one{.params = params, .logits = std::move(logits)};
    return Choose(device, std::span(&one, 1))[0];
  };
  const std::vector<float> even(5000, 1.0f);
  CHECK(choose({.top_k = 3}, even) == -1);
  CHECK(choose({.top_p = 0.5f}, even) == -1);
  CHECK(choose({.min_p = 0.5f}, even) >= 0);
  // 1,024 of 4,000 steps downwards hold too little.
  std::vector<float> slope(4000);
  for (size_t i = 0; i < slope.size(); ++i) slope[i] = -0.0001f * static_cast<float>(i);
  CHECK(choose({.top_p = 0.9f}, slope) == -1);
  CHECK(choose({.top_p = 0.1f}, slope) >= 0);
  // The third lies out of sight, and the likelier two are not three.
  CHECK(choose({.top_k = 3}, {0, -1, -90, -95}) == -1);
  CHECK(choose({.top_k = 2}, {0, -1, -90, -95}) >= 0);
  CHECK(choose({.temperature = 0}, {kNever, kNever}) == -1);
  CHECK(choose({}, {kNever, std::numeric_limits<float>::quiet_NaN()}) == -1);
  CHECK(choose({}, {kNever, INFINITY, 3}) == 1);
  CHECK(choose({.top_k = 1}, {kNever, INFINITY, 3}) == 1);
  CHECK(choose({.top_p = 0}, {1, 2, 2}) == 1);
  // The zeros are equal.
  CHECK(choose({.temperature = 0}, {-1, -0.0f, 0.0f}) == 1);
}

}  // namespace
}  // namespace hearth::model::cuda
