#include "tests/bench/model_bench/measures.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "model/engine.h"
#include "model/evaluator.h"

namespace hearth::bench {
namespace {

using model::Engine;
using model::Evaluator;

constexpr uint32_t kPrompt = 32;  // tokens before those that are decoded
constexpr uint32_t kDelta = 32;   // tokens of a further turn
constexpr uint32_t kSpare = 16;   // a block that is not full

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<TokenId> Tokens(uint32_t text, uint32_t n, uint32_t vocab) {
  std::vector<TokenId> ids(n);
  for (uint32_t i = 0; i < n; ++i) {
    ids[i] = static_cast<TokenId>((text * 7919u + i * 104729u + 13u) % vocab);
  }
  return ids;
}

// Where an engine's requests begin to write, and where they end.
struct Times {
  double submitted = 0;
  double first = 0;      // the last request's first token
  double end = 0;        // of everything
  uint32_t counted = 0;  // tokens after `first`
};

// Allows a few tokens, then half of all, in turns: what a grammar's sets look like.
class Sets : public model::TokenConstraint {
 public:
  explicit Sets(uint32_t vocab) : half_((vocab + 31) / 32, 0xaaaaaaaau) {
    for (uint32_t id = 1; id < vocab; id += vocab / 20 + 1)
      few_.push_back(static_cast<TokenId>(id));
  }
  Status Fill(TokenSet& out) override {
    if (n_ % 2 == 0) {
      out = {.kind = TokenSet::Kind::kList, .list = few_};
    } else {
      out = {.kind = TokenSet::Kind::kBitmask, .bits = half_};
    }
    return {};
  }
  bool Accept(TokenId) override {
    ++n_;
    return true;
  }
  void Rollback(int n) override { n_ -= static_cast<size_t>(n); }
  int AllowedPrefix(std::span<const TokenId>) override { return 0; }
  void ForcedRun(std::vector<TokenId>&) override {}
  bool CanEnd() const override { return false; }

 private:
  size_t n_ = 0;
  std::vector<TokenId> few_;
  std::vector<uint32_t> half_;
};

// How tokens are drawn.
struct Drawing {
  float temperature = 0;
  bool constrained = false;
};

class Bench {
 public:
  Bench(model::Model& model, const model::DeviceSpeed& speed, const Work& work, Report& report)
      : model_(model), speed_(speed), work_(work), report_(report) {}

  Status Run() {
    const uint32_t longest = std::max(work_.prompt, work_.context + 2 * kDelta + kSpare);
    const uint32_t most = model_.config().context_length;
    if (std::max(longest, kPrompt + work_.tokens + kSpare) > most) {
      return MakeError(ErrorCode::kInvalidArgument, "a prompt of ", work_.prompt,
                       " tokens, a context of ", work_.context, " or ", work_.tokens,
                       " decoded ones do not fit into the model's context of ", most);
    }
    HEARTH_CHECK_OK(Decode("decode", 1));
    HEARTH_CHECK_OK(Prefill());
    if (work_.sequences > 1) {
      HEARTH_CHECK_OK(Decode(Concat("decode, ", work_.sequences, " sequences"), work_.sequences));
    }
    HEARTH_CHECK_OK(LongContext());
    return Delta();
  }

 private:
  uint32_t vocab() const { return model_.config().vocab_size; }
  double WeightBytes() const { return static_cast<double>(model_.bytes_per_token()); }

  Result<std::unique_ptr<Engine>> NewEngine(uint32_t tokens_each, uint32_t sequences) {
    model::EngineOptions options;
    options.kv_type = work_.kv_type;
    options.context_tokens = tokens_each;
    options.kv_tokens = tokens_each * sequences + kSpare * sequences;
    options.max_sequences = sequences;
    options.prompt_lookup = false;
    HEARTH_TRY(auto engine, Engine::Create(model_, options));
    kv_bytes_ = static_cast<double>(engine->stats().kv_bytes_per_block) / 16;
    return engine;
  }

  // Sends the prompts and takes the time.
  Result<Times> Write(Engine& engine, const std::vector<std::vector<TokenId>>& prompts,
                      uint32_t tokens, const Drawing& drawing = {}) {
    Times times;
    times.submitted = Now();
    for (const auto& prompt : prompts) {
      model::GenerationRequest request;
      request.prompt = prompt;
      request.max_tokens = tokens;
      request.stop_tokens = {-1};
      request.sampling.temperature = drawing.temperature;
      if (drawing.constrained) request.constraint = std::make_unique<Sets>(vocab());
      HEARTH_CHECK_OK(engine.Submit(std::move(request)));
    }
    size_t begun = 0;
    size_t in_step = 0;
    std::vector<model::RequestId> seen;
    std::vector<model::Event> events;
    while (engine.Step(events)) {
      in_step = 0;
      for (const model::Event& event : events) {
        if (event.kind == model::Event::Kind::kFinished &&
            event.reason == model::FinishReason::kError) {
          return event.error;
        }
        if (event.kind != model::Event::Kind::kToken) continue;
        ++in_step;
        if (std::ranges::find(seen, event.request) == seen.end()) {
          seen.push_back(event.request);
          ++begun;
        }
      }
      if (times.first != 0) times.counted += static_cast<uint32_t>(in_step);
      if (times.first == 0 && begun == prompts.size()) times.first = Now();
      events.clear();
    }
    times.end = Now();
    return times;
  }

  // Tokens a second that memory allows, all sequences together, each with so much behind it.
  double DecodeLimit(double sequences, double context) const {
    return sequences * speed_.copy_rate / (WeightBytes() + sequences * kv_bytes_ * context);
  }

  // Tokens a second.
  Result<double> DecodeRate(uint32_t sequences, const Drawing& drawing) {
    std::vector<std::vector<TokenId>> prompts;
    for (uint32_t i = 0; i < sequences; ++i) prompts.push_back(Tokens(i, kPrompt, vocab()));
    HEARTH_TRY(const auto engine, NewEngine(kPrompt + work_.tokens + kSpare, sequences));
    double best = 0;
    for (int round = 0; round < work_.rounds; ++round) {
      HEARTH_TRY(const Times times, Write(*engine, prompts, work_.tokens, drawing));
      best = std::max(best, times.counted / (times.end - times.first));
    }
    return best;
  }

  Status Decode(const std::string& name, uint32_t sequences) {
    HEARTH_TRY(const double best, DecodeRate(sequences, {}));
    const double context = kPrompt + work_.tokens / 2.0;
    if (sequences == 1) {
      report_.Say("weight_bytes_per_token", WeightBytes());
      report_.Say("kv_bytes_per_token_of_context", kv_bytes_);
      one_limit_ = DecodeLimit(1, context);
    }
    // Many together are held against as many alone: what is read once may be shared.
    report_.Add({name, "tokens/s", best, sequences * one_limit_});
    // What drawing costs beside the likeliest token, which needs no more than a look at all.
    HEARTH_TRY(const double drawn, DecodeRate(sequences, {.temperature = 0.8f}));
    report_.Add({name + ", drawn", "tokens/s", drawn, best});
    HEARTH_TRY(const double bound, DecodeRate(sequences, {.constrained = true}));
    report_.Add({name + ", constrained", "tokens/s", bound, best});
    return {};
  }

  // Operations of a prompt's products (the head's: one row), and of its attention to all before.
  double ProductOperations(double tokens) const {
    const model::ModelConfig& c = model_.config();
    const double used = c.experts.n_experts == 0 ? 1 : c.experts.n_used;
    const double layer = 2.0 * c.q_size() * c.d_model + 2.0 * c.kv_size() * c.d_model +
                         used * 3.0 * c.d_model * c.d_ff;
    return 2 * (tokens * c.n_layers * layer + double{1} * c.vocab_size * c.d_model);
  }
  double AttentionOperations(double tokens, double behind) const {
    const model::ModelConfig& c = model_.config();
    return 4.0 * c.n_layers * c.q_size() * tokens * (behind + (tokens + 1) / 2);
  }
  double ByArithmetic(double tokens, double operations) const {
    return speed_.matrix_rate == 0 ? 0 : tokens * speed_.matrix_rate / operations;
  }

  Result<double> Append(Evaluator& evaluator, std::span<const TokenId> tokens) {
    const Evaluator::Input input[] = {{0, tokens, Evaluator::Want::kLast}};
    const double start = Now();
    HEARTH_CHECK_OK(
        evaluator.Append(input, [](size_t, uint32_t, std::span<const float>) {}, kChunk));
    return Now() - start;
  }

  Status Prefill() {
    const uint32_t n = work_.prompt;
    HEARTH_TRY(const auto evaluator, Evaluator::Create(model_, work_.kv_type, n));
    const auto tokens = Tokens(0, n, vocab());
    double best = 1e30;
    for (int round = 0; round < work_.rounds; ++round) {
      evaluator->Reset(1);
      HEARTH_TRY(const double seconds, Append(*evaluator, tokens));
      best = std::min(best, seconds);
    }
    const double operations = ProductOperations(n) + AttentionOperations(n, 0);
    report_.Add({Concat("prefill of ", n), "tokens/s", n / best, ByArithmetic(n, operations)});
    return {};
  }

  // A rate of work that made a run longer; 0 where the difference is lost in the noise.
  static double ByDifference(double work, double without, double with) {
    constexpr double kNoise = 1.02;
    return with > without * kNoise ? work / (with - without) : 0;
  }

  // Attention alone is what a step takes longer with much behind it than with little.
  Status LongContext() {
    const uint32_t context = work_.context;
    const uint32_t chunk = std::min(work_.prompt, kChunk);
    HEARTH_TRY(const auto evaluator,
               Evaluator::Create(model_, work_.kv_type,
                                 context + (chunk + work_.tokens) * (work_.rounds + 1)));
    const auto text = Tokens(3, std::max(context, chunk), vocab());
    const auto piece = std::span(text).first(chunk);
    double step[2] = {1e30, 1e30};
    double read[2] = {1e30, 1e30};
    for (const size_t is_long : {0u, 1u}) {
      evaluator->Reset(1);
      if (is_long) HEARTH_CHECK_OK(Append(*evaluator, std::span(text).first(context)));
      for (int round = 0; round < work_.rounds; ++round) {
        if (!is_long) evaluator->Reset(1);
        HEARTH_TRY(const double reading, Append(*evaluator, piece));
        read[is_long] = std::min(read[is_long], reading);
      }
      if (!is_long) evaluator->Reset(1);
      for (uint32_t i = 0; i < work_.tokens; ++i) {
        HEARTH_TRY(const double one, Append(*evaluator, std::span(text).subspan(i, 1)));
        step[is_long] = std::min(step[is_long], one);
      }
    }
    const double bytes = kv_bytes_ * context;
    const double operations = AttentionOperations(chunk, context) - AttentionOperations(chunk, 0);
    report_.Add({Concat("attention to ", context, ", decoding"), "B/s",
                 ByDifference(bytes, step[0], step[1]), speed_.copy_rate});
    report_.Add({Concat("attention to ", context, ", reading"), "op/s",
                 ByDifference(operations, read[0], read[1]), speed_.matrix_rate});
    step_at_length_ = step[1];
    return {};
  }

  // A further turn of a session whose keys and values are there.
  Status Delta() {
    HEARTH_TRY(const auto engine, NewEngine(work_.context + kDelta * 2 + kSpare, 1));
    double best = 1e30;
    for (int round = 0; round < work_.rounds; ++round) {
      auto text = Tokens(5, work_.context, vocab());
      HEARTH_CHECK_OK(Write(*engine, {text}, 1));
      const auto more = Tokens(static_cast<uint32_t>(round) + 6, kDelta, vocab());
      text.insert(text.end(), more.begin(), more.end());
      HEARTH_TRY(const Times times, Write(*engine, {text}, 1));
      best = std::min(best, times.first - times.submitted);
    }
    report_.Add({Concat("first token of ", kDelta, " more after ", work_.context), "ms", best * 1e3,
                 step_at_length_ * 1e3, true});
    return {};
  }

  static constexpr uint32_t kChunk = 4096;  // tokens of a pass

  model::Model& model_;
  const model::DeviceSpeed& speed_;
  const Work& work_;
  Report& report_;
  double kv_bytes_ = 0;  // of a token
  double one_limit_ = 0;
  double step_at_length_ = 0;
};

}  // namespace

Status Measure(model::Model& model, const model::DeviceSpeed& speed, const Work& work,
               Report& report) {
  return Bench(model, speed, work, report).Run();
}

}  // namespace hearth::bench
