// engine_bench: what the engine's own mechanisms are worth, without a server around them.
//
//   engine_bench --model FILE [--threads N] [--rounds N] WORK...
//
// Works: lookup (a list is copied), prose (where a lookup finds little), drafter (scripted: each
// guess is right with a probability of 60 or 80 per cent), clients (eight sequences with guesses
// and without), lora (rank 16 on every matrix), chunks, passes, turn, kv, rss. One JSON object a
// line. The variants of a work take turns, and the best of the rounds counts: a shared machine only
// ever adds time.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>

#include "model/engine.h"
#include "model/evaluator.h"
#include "model/gguf_writer.h"
#include "model/quant.h"

namespace hearth::model {
namespace {

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

template <typename T>
T Need(Result<T> result) {
  if (!result.ok()) Fail(result.error().message);
  return *std::move(result);
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  statm >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Run {
  std::vector<std::vector<TokenId>> texts;
  double tokens_per_second = 0;  // of decoding: from the last first token to the end
  EngineStats stats;
};

// Writes `count` tokens for each prompt.
Run Write(Model& model, const std::vector<std::vector<TokenId>>& prompts, uint32_t count,
          EngineOptions options,
          const std::function<void(size_t, GenerationRequest&)>& change = {}) {
  options.max_sequences = std::max<uint32_t>(16, static_cast<uint32_t>(prompts.size()));
  const auto engine = Need(Engine::Create(model, options));
  std::map<RequestId, size_t> places;
  for (size_t i = 0; i < prompts.size(); ++i) {
    GenerationRequest request;
    request.prompt = prompts[i];
    request.max_tokens = count;
    request.stop_tokens = {-1};
    request.sampling.temperature = 0;
    if (change) change(i, request);
    places[Need(engine->Submit(std::move(request)))] = i;
  }
  Run run;
  run.texts.resize(prompts.size());
  std::vector<Event> events;
  size_t begun = 0, counted = 0;
  double start = 0;
  while (engine->Step(events)) {
    for (const Event& event : events) {
      if (event.kind == Event::Kind::kFinished && event.reason == FinishReason::kError) {
        Fail(event.error.message);
      }
      if (event.kind != Event::Kind::kToken) continue;
      std::vector<TokenId>& text = run.texts[places[event.request]];
      begun += text.empty();
      text.push_back(event.token);
      counted += start > 0;
    }
    if (start == 0 && begun == prompts.size()) start = Now();
    events.clear();
  }
  run.tokens_per_second = static_cast<double>(counted) / (Now() - start);
  run.stats = engine->stats();
  return run;
}

// The best of some rounds for each variant, which take turns.
struct Variant {
  const char* name;
  std::function<Run()> run;
  Run best;
};
void TakeTurns(int rounds, std::vector<Variant>& variants) {
  for (int round = 0; round < rounds; ++round) {
    for (Variant& variant : variants) {
      Run run = variant.run();
      if (run.tokens_per_second > variant.best.tokens_per_second) variant.best = std::move(run);
    }
  }
}

void Print(const char* work, const std::vector<Variant>& variants) {
  std::printf("{\"work\": \"%s\"", work);
  for (const Variant& v : variants) {
    const EngineStats& stats = v.best.stats;
    std::printf(", \"%s\": {\"tok_s\": %.1f, \"ratio\": %.3f, \"steps\": %llu", v.name,
                v.best.tokens_per_second,
                v.best.tokens_per_second / variants[0].best.tokens_per_second,
                static_cast<unsigned long long>(stats.steps));
    if (stats.guessed_tokens > 0) {
      std::printf(", \"guessed\": %llu, \"accepted\": %llu",
                  static_cast<unsigned long long>(stats.guessed_tokens),
                  static_cast<unsigned long long>(stats.accepted_tokens));
    }
    std::printf("}");
  }
  std::printf("}\n");
  std::fflush(stdout);
}

std::vector<TokenId> Chat(const Model& model, const std::string& text) {
  return model.tokenizer().Encode(
      "<|im_start|>user\n" + text + "<|im_end|>\n<|im_start|>assistant\n", {.parse_special = true});
}

std::string List() {
  const char* const kLines[] = {"The red bicycle stands behind the garden wall",
                                "Maria sings every morning in the kitchen",
                                "The old clock in the hall is always late",
                                "Three boats came back before the storm",
                                "My brother collects stamps from Portugal",
                                "The baker opens his shop at six",
                                "A cat sleeps on the warm roof",
                                "Rain fell on the village all night long",
                                "The teacher reads a story about dragons",
                                "Two children built a house of snow",
                                "The train to Vienna leaves from platform nine",
                                "Grandmother keeps honey in a blue jar",
                                "The river carries leaves to the sea",
                                "An owl calls from the tall pine tree",
                                "The painter mixes yellow with a little green",
                                "Our neighbour plays the violin on Sundays"};
  std::string list;
  for (const char* line : kLines) list += Concat("- ", line, ".\n");
  return list;
}

std::vector<TokenId> RandomTokens(const Model& model, uint32_t seed, size_t n) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& t : tokens) t = static_cast<TokenId>(random() % model.config().vocab_size);
  return tokens;
}

class ScriptedDrafter : public Drafter {
 public:
  ScriptedDrafter(size_t prompt, std::vector<TokenId> text, double right)
      : prompt_(prompt), text_(std::move(text)) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (size_t i = 0; i < text_.size(); ++i) right_.push_back(uniform(random) < right);
  }
  Status Draft(uint64_t, std::span<const TokenId> tokens, const Sampler&, uint32_t most,
               std::vector<TokenId>& out) override {
    for (size_t i = tokens.size() - prompt_; i < text_.size() && most > 0; ++i, --most) {
      out.push_back(right_[i] ? text_[i] : (text_[i] + 1) % 1000);
    }
    return {};
  }
  void Forget(uint64_t) override {}

 private:
  size_t prompt_;
  std::vector<TokenId> text_;
  std::vector<bool> right_;
};

struct Bench {
  Model& model;
  int rounds;

  void Guess(const char* work, const std::vector<std::vector<TokenId>>& prompts, uint32_t count,
             float temperature) {
    const auto run = [&](bool lookup) {
      return Write(model, prompts, count, {.prompt_lookup = lookup},
                   [&](size_t i, GenerationRequest& request) {
                     request.sampling.temperature = temperature;
                     request.sampling.seed = i;
                   });
    };
    std::vector<Variant> variants = {{"plain", [&] { return run(false); }, {}},
                                     {"guessing", [&] { return run(true); }, {}}};
    TakeTurns(rounds, variants);
    if (variants[0].best.texts != variants[1].best.texts) Fail("guesses changed a text");
    Print(work, variants);
  }

  void Lookup() {
    Guess("lookup", {Chat(model, "Write this list again, exactly as it is:\n" + List())}, 180, 0);
  }
  void Prose() {
    Guess("prose", {Chat(model, "Write a long story about a lighthouse.")}, 300, 1);
    Guess("random", {RandomTokens(model, 3, 300)}, 300, 1);
  }
  void Clients() {
    std::vector<std::vector<TokenId>> stories, lists;
    for (int i = 0; i < 8; ++i) {
      stories.push_back(Chat(model, Concat("Write long story number ", i, " about a lighthouse.")));
      lists.push_back(Chat(model, Concat("Write list ", i, " again, exactly as it is:\n", List())));
    }
    Guess("clients, prose", stories, 128, 0.8f);
    Guess("clients, lists", lists, 128, 0);
  }

  void Scripted() {
    const std::vector<TokenId> prompt = RandomTokens(model, 1, 64);
    constexpr uint32_t kCount = 128;
    const std::vector<TokenId> text = Write(model, {prompt}, kCount, {}).texts[0];
    const auto run = [&](double right) {
      EngineOptions options = {.prompt_lookup = false};
      if (right > 0) {
        options.drafter = std::make_shared<ScriptedDrafter>(prompt.size(), text, right);
      }
      Run made = Write(model, {prompt}, kCount, options);
      if (made.texts[0] != text) Fail("guesses changed a text");
      return made;
    };
    std::vector<Variant> variants = {{"plain", [&] { return run(0); }, {}},
                                     {"60", [&] { return run(0.6); }, {}},
                                     {"80", [&] { return run(0.8); }, {}},
                                     {"90", [&] { return run(0.9); }, {}}};
    TakeTurns(rounds, variants);
    Print("drafter", variants);
  }

  std::string WriteAdapter() const {
    const ModelConfig& c = model.config();
    constexpr uint64_t kRank = 16;
    const std::string path =
        std::filesystem::temp_directory_path() / Concat("hearth-lora-", getpid(), ".gguf");
    const auto writer = Need(GgufWriter::Create(path));
    writer->AddString("general.type", "adapter");
    writer->AddString("adapter.type", "lora");
    writer->AddString("general.architecture", c.architecture);
    writer->AddFloat32("adapter.lora.alpha", 16);
    struct Matrix {
      const char* name;
      uint64_t cols, rows;
    };
    const Matrix matrices[] = {
        {"attn_q", c.d_model, c.q_size()},  {"attn_k", c.d_model, c.kv_size()},
        {"attn_v", c.d_model, c.kv_size()}, {"attn_output", c.q_size(), c.d_model},
        {"ffn_gate", c.d_model, c.d_ff},    {"ffn_up", c.d_model, c.d_ff},
        {"ffn_down", c.d_ff, c.d_model}};
    const auto each = [&](const auto& visit) {
      for (uint32_t i = 0; i < c.n_layers; ++i) {
        for (const Matrix& m : matrices) {
          const std::string name = Concat("blk.", i, ".", m.name, ".weight");
          visit(name + ".lora_a", m.cols, kRank);
          visit(name + ".lora_b", kRank, m.rows);
        }
      }
    };
    each([&](const std::string& name, uint64_t cols, uint64_t rows) {
      writer->AddTensor(name, TensorType::kF16, std::vector<uint64_t>{cols, rows});
    });
    std::mt19937 random(1);
    each([&](const std::string&, uint64_t cols, uint64_t rows) {
      std::vector<uint16_t> halves(cols * rows);
      for (uint16_t& h : halves) {
        h = FloatToHalf((static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f) * 0.01f);
      }
      if (!writer->WriteData(std::as_bytes(std::span(halves))).ok()) Fail("cannot write " + path);
    });
    if (!writer->Finish().ok()) Fail("cannot write " + path);
    return path;
  }

  void Lora() {
    const std::string path = WriteAdapter();
    const auto adapter = Need(LoraAdapter::Load(path, model));
    std::filesystem::remove(path);
    for (const size_t sequences : {1u, 4u}) {
      std::vector<std::vector<TokenId>> prompts;
      for (uint32_t i = 0; i < sequences; ++i) prompts.push_back(RandomTokens(model, i, 64));
      // `adapted`: how many of the sequences have it.
      const auto run = [&](size_t adapted) {
        return Write(model, prompts, 128, {.prompt_lookup = false},
                     [&](size_t i, GenerationRequest& request) {
                       if (i < adapted) request.adapter = adapter;
                     });
      };
      std::vector<Variant> variants = {{"none", [&] { return run(0); }, {}},
                                       {"all", [&] { return run(sequences); }, {}}};
      if (sequences > 1) variants.push_back({"one", [&] { return run(1); }, {}});
      TakeTurns(rounds, variants);
      Print(Concat("lora, ", sequences, " sequences").c_str(), variants);
    }
  }

  void Chunks() {
    const uint32_t length = std::min(2048u, model.config().context_length - 1);
    const std::vector<TokenId> prompt = RandomTokens(model, 9, length);
    const auto evaluator = Need(Evaluator::Create(model, KvType::kF16, length));
    const auto ignore = [](size_t, uint32_t, std::span<const float>) {};
    std::map<uint32_t, double> best;
    for (int round = 0; round < rounds; ++round) {
      for (const uint32_t chunk : {512u, 256u, 128u, 96u, 64u, 32u}) {
        evaluator->Reset(1);
        const Evaluator::Input input[] = {{0, prompt, Evaluator::Want::kLast}};
        const double start = Now();
        if (!evaluator->Append(input, ignore, chunk).ok()) Fail("no room");
        best[chunk] = std::max(best[chunk], length / (Now() - start));
      }
    }
    std::printf("{\"work\": \"chunks\", \"prompt\": %u", length);
    for (const auto& [chunk, speed] : best) {
      std::printf(", \"%u\": {\"tok_s\": %.0f, \"ratio\": %.3f, \"pass_ms\": %.1f}", chunk, speed,
                  speed / best[512], chunk / speed * 1e3);
    }
    std::printf("}\n");
  }

  // What a pass over n tokens of one sequence costs that has 600 already, with logits of all: what
  // guesses are weighed against.
  void Passes() {
    const std::vector<TokenId> prompt = RandomTokens(model, 9, 600);
    const auto evaluator = Need(Evaluator::Create(model, KvType::kF16, 8192));
    const auto ignore = [](size_t, uint32_t, std::span<const float>) {};
    std::map<uint32_t, double> best;
    for (int round = 0; round < 3 * rounds; ++round) {
      for (const uint32_t n : {1u, 2u, 3u, 4u, 5u, 6u, 8u, 12u, 16u}) {
        evaluator->Reset(1);
        const Evaluator::Input context[] = {{0, prompt, Evaluator::Want::kNothing}};
        if (!evaluator->Append(context, ignore).ok()) Fail("no room");
        for (int i = 0; i < 5; ++i) {
          const Evaluator::Input input[] = {{0, std::span(prompt).first(n), Evaluator::Want::kAll}};
          const double start = Now();
          if (!evaluator->Append(input, ignore).ok()) Fail("no room");
          const double seconds = Now() - start;
          best[n] = best.contains(n) ? std::min(best[n], seconds) : seconds;
        }
      }
    }
    std::printf("{\"work\": \"passes\"");
    for (const auto& [n, seconds] : best) {
      std::printf(", \"%u\": {\"ms\": %.2f, \"ratio\": %.2f}", n, seconds * 1e3, seconds / best[1]);
    }
    std::printf("}\n");
  }

  // The second turn of a chat of 1,945 tokens, from its submission to its first token, beside one
  // pass over what it adds.
  void Turn() {
    std::vector<TokenId> first = RandomTokens(model, 4, 1945);
    std::vector<TokenId> second = first;
    for (const TokenId t : RandomTokens(model, 5, 17)) second.push_back(t);
    const auto evaluator = Need(Evaluator::Create(model, KvType::kF16, 8192));
    const auto ignore = [](size_t, uint32_t, std::span<const float>) {};
    double turn = 1e9, pass = 1e9;
    for (int round = 0; round < rounds; ++round) {
      const auto engine = Need(Engine::Create(model, {}));
      for (const auto* prompt : {&first, &second}) {
        GenerationRequest request;
        request.prompt = *prompt;
        request.max_tokens = 1;
        request.stop_tokens = {-1};
        const double start = Now();
        Need(engine->Submit(std::move(request)));
        std::vector<Event> events;
        while (events.empty() || events.back().kind != Event::Kind::kFinished) engine->Step(events);
        if (prompt == &second) turn = std::min(turn, Now() - start);
      }
      evaluator->Reset(1);
      const Evaluator::Input context[] = {{0, first, Evaluator::Want::kNothing}};
      if (!evaluator->Append(context, ignore).ok()) Fail("no room");
      const Evaluator::Input added[] = {
          {0, std::span(second).subspan(1945), Evaluator::Want::kLast}};
      const double start = Now();
      if (!evaluator->Append(added, ignore).ok()) Fail("no room");
      pass = std::min(pass, Now() - start);
    }
    std::printf("{\"work\": \"turn\", \"second_turn_ms\": %.1f, \"one_pass_ms\": %.1f}\n",
                turn * 1e3, pass * 1e3);
  }

  // Sequences of 100 to 2,000 tokens, uniformly drawn: how much of what they hold is empty, and how
  // many are at work in the memory of 16,384 tokens.
  void Kv() {
    const auto fill = [&](uint32_t kv_tokens, uint32_t n, double& wasted) {
      EngineOptions options = {.context_tokens = 2048,
                               .kv_tokens = kv_tokens,
                               .max_sequences = n,
                               .prompt_lookup = false};
      const auto engine = Need(Engine::Create(model, options));
      std::mt19937 random(7);
      for (uint32_t i = 0; i < n; ++i) {
        // Half of each is prompt; the rest is written.
        const uint32_t length = 100 + static_cast<uint32_t>(random() % 1901);
        GenerationRequest request;
        request.prompt = RandomTokens(model, i, length / 2);
        request.max_tokens = length - length / 2;
        request.stop_tokens = {-1};
        if (!engine->Submit(std::move(request)).ok()) Fail("refused");
      }
      std::vector<Event> events;
      uint64_t most = 0;
      double wasted_sum = 0;
      int steps = 0;
      for (; steps < 400 && engine->Step(events); ++steps) {
        events.clear();
        const EngineStats stats = engine->stats();
        const double held = stats.kv_blocks_held * 16.0;
        if (held > 0) wasted_sum += 1 - static_cast<double>(stats.kv_tokens_held) / held;
        most = std::max<uint64_t>(most, engine->running());
      }
      wasted = wasted_sum / steps;
      return most;
    };
    double wasted = 0, ignored = 0;
    fill(64 * 2048, 64, wasted);
    const uint64_t held = fill(16384, 64, ignored);
    std::printf("{\"work\": \"kv\", \"wasted\": %.4f, \"held_in_16384\": %llu}\n", wasted,
                static_cast<unsigned long long>(held));
  }
};

int Main(int argc, char** argv) {
  std::string path;
  ModelOptions options;
  int rounds = 3;
  std::set<std::string> works;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) Fail(argument + " wants a value");
      return argv[++i];
    };
    if (argument == "--model") {
      path = value();
    } else if (argument == "--threads") {
      options.threads = std::stoi(value());
    } else if (argument == "--rounds") {
      rounds = std::stoi(value());
    } else {
      works.insert(argument);
    }
  }
  if (path.empty() || works.empty()) Fail("usage: engine_bench --model FILE WORK...");
  const double before = ResidentMib();
  const auto model = Need(Model::Load(path, options));
  if (works.contains("rss")) {
    const uint32_t context = std::min(16384u, model->config().context_length);
    const auto engine =
        Need(Engine::Create(*model, {.context_tokens = context, .kv_tokens = 16384}));
    const auto file = Need(GgufFile::Open(path));
    const double weights = static_cast<double>(WeightBytes(*file)) / (1 << 20);
    std::printf(
        "{\"work\": \"rss\", \"resident_mib\": %.1f, \"weights_mib\": %.1f, \"program_mib\": "
        "%.1f, \"over_weights_mib\": %.1f}\n",
        ResidentMib(), weights, before, ResidentMib() - weights);
  }
  Bench bench = {*model, rounds};
  if (works.contains("lookup")) bench.Lookup();
  if (works.contains("prose")) bench.Prose();
  if (works.contains("clients")) bench.Clients();
  if (works.contains("drafter")) bench.Scripted();
  if (works.contains("lora")) bench.Lora();
  if (works.contains("chunks")) bench.Chunks();
  if (works.contains("passes")) bench.Passes();
  if (works.contains("turn")) bench.Turn();
  if (works.contains("kv")) bench.Kv();
  return 0;
}

}  // namespace
}  // namespace hearth::model

int main(int argc, char** argv) { return hearth::model::Main(argc, argv); }
