#include "runtime/main/bench.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "model/evaluator.h"

namespace hearth::main {
namespace {

using model::Evaluator;

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Bytes per second that `threads` threads read from memory together: each sums a buffer of its own.
double ReadBandwidth(int threads) {
  // One word of each line: the memory hands out whole lines.
  struct alignas(64) Line {
    uint64_t word;
  };
  constexpr size_t kLines = (size_t{512} << 20) / sizeof(Line);  // over all threads
  constexpr size_t kPage = 4096 / sizeof(Line);
  const size_t share = kLines / static_cast<size_t>(threads);
  const size_t n = share * static_cast<size_t>(threads);
  // On huge pages: with small ones this measures how fast addresses are translated.
  const size_t bytes = n * sizeof(Line);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  (void)madvise(memory, bytes, MADV_HUGEPAGE);
  std::memset(memory, 1, bytes);
  const std::span lines(static_cast<const Line*>(memory), n);
  std::vector<uint64_t> sums(static_cast<size_t>(threads));
  std::barrier together(threads + 1);  // started threads wait: their start is not the memory's
  constexpr int kRepetitions = 10;
  std::vector<std::jthread> readers;
  for (size_t t = 0; t < sums.size(); ++t) {
    readers.emplace_back([&, t] {
      for (int repetition = 0; repetition < kRepetitions; ++repetition) {
        together.arrive_and_wait();
        uint64_t sum = 0;
        const Line* at = lines.data() + t * share;
        for (size_t i = 0; i < share; ++i) {
          sum += at[i].word;
          // A page ahead: the hardware's own prefetch stops at the end of each.
          __builtin_prefetch(at + i + kPage);
        }
        sums[t] += sum;
        together.arrive_and_wait();
      }
    });
  }
  double best = 0;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const double seconds = Seconds([&] {
      together.arrive_and_wait();
      together.arrive_and_wait();
    });
    best = std::max(best, static_cast<double>(bytes) / seconds);
  }
  readers.clear();
  munmap(memory, bytes);
  // The sums must be seen to be used, or nothing is read.
  return sums[0] == 0 ? 0 : best;
}

// Ordinary token ids: what is written does not matter for speed, but equal ids would be too kind.
TokenId TokenAt(uint32_t sequence, uint32_t position, uint32_t vocab) {
  return static_cast<TokenId>((sequence * 7919u + position * 104729u + 13u) % vocab);
}

std::vector<TokenId> Tokens(uint32_t sequence, uint32_t n, uint32_t vocab) {
  std::vector<TokenId> ids(n);
  for (uint32_t i = 0; i < n; ++i) ids[i] = TokenAt(sequence, i, vocab);
  return ids;
}

}  // namespace

Result<Json> RunBench(const BenchOptions& options) {
  std::unique_ptr<model::Model> model;
  Status loaded;
  const double load_seconds = Seconds([&] {
    auto result = model::Model::Load(options.model_path, options.model);
    if (result.ok()) {
      model = *std::move(result);
    } else {
      loaded = result.error();
    }
  });
  HEARTH_CHECK_OK(loaded);
  const uint32_t vocab = model->config().vocab_size;
  const uint32_t longest = std::max(options.prompt + 1, options.depth + options.generate);
  if (longest > model->config().context_length) {
    return MakeError(ErrorCode::kInvalidArgument, "--prompt, --depth and --gen ask for ", longest,
                     " tokens; the model's context is ", model->config().context_length);
  }
  HEARTH_TRY(const auto evaluator,
             Evaluator::Create(*model, options.kv_type, longest * options.batch));
  const auto ignore = [](size_t, uint32_t, std::span<const float>) {};
  Status failed;
  const auto append = [&](std::span<const Evaluator::Input> inputs) {
    if (Status status = evaluator->Append(inputs, ignore); !status.ok()) failed = status;
  };

  double prefill_seconds = 1e30;
  double first_token_seconds = 1e30;
  double decode_seconds = 1e30;
  for (uint32_t repetition = 0; repetition < options.repetitions && failed.ok(); ++repetition) {
    if (options.prompt > 0) {
      evaluator->Reset(1);
      const auto prompt = Tokens(0, options.prompt, vocab);
      const Evaluator::Input whole[] = {{0, prompt, Evaluator::Want::kLast}};
      const double prefill = Seconds([&] { append(whole); });
      const auto next = Tokens(1, 1, vocab);
      const Evaluator::Input one[] = {{0, next, Evaluator::Want::kLast}};
      const double first = Seconds([&] { append(one); });
      prefill_seconds = std::min(prefill_seconds, prefill);
      first_token_seconds = std::min(first_token_seconds, prefill + first);
    }
    if (options.generate > 0) {
      evaluator->Reset(options.batch);
      std::vector<std::vector<TokenId>> contexts;
      std::vector<Evaluator::Input> inputs;
      for (uint32_t s = 0; s < options.batch; ++s) {
        contexts.push_back(Tokens(s, options.depth, vocab));
      }
      for (uint32_t s = 0; s < options.batch && options.depth > 0; ++s) {
        inputs.push_back({s, contexts[s], Evaluator::Want::kNothing});
      }
      append(inputs);
      std::vector<TokenId> next(options.batch);
      inputs.clear();
      for (uint32_t s = 0; s < options.batch; ++s) {
        inputs.push_back({s, std::span(next).subspan(s, 1), Evaluator::Want::kLast});
      }
      decode_seconds = std::min(decode_seconds, Seconds([&] {
                                  for (uint32_t i = 0; i < options.generate && failed.ok(); ++i) {
                                    for (uint32_t s = 0; s < options.batch; ++s)
                                      next[s] = TokenAt(s, options.depth + i, vocab);
                                    append(inputs);
                                  }
                                }));
    }
  }
  HEARTH_CHECK_OK(failed);

  rusage usage{};  // before the buffers of the bandwidth measurement
  getrusage(RUSAGE_SELF, &usage);
  const int threads = options.model.threads > 0
                          ? options.model.threads
                          : static_cast<int>(std::thread::hardware_concurrency());
  const double read = ReadBandwidth(std::max(threads, 1));
  Json report = {
      {"model", options.model_path}, {"backend", model->DescribeBackend()},
      {"threads", threads},          {"prompt", options.prompt},
      {"gen", options.generate},     {"depth", options.depth},
      {"batch", options.batch},      {"load_ms", load_seconds * 1e3},
  };
  if (options.prompt > 0) {
    report["prefill_tok_s"] = options.prompt / prefill_seconds;
    report["ttft_ms"] = first_token_seconds * 1e3;
  }
  const auto weight_bytes = static_cast<double>(model->bytes_per_token());
  if (options.generate > 0) {
    const double steps_per_second = options.generate / decode_seconds;
    report["decode_tok_s"] = steps_per_second * options.batch;
    report["bandwidth_share"] = steps_per_second * weight_bytes / read;
  }
  report["peak_rss_mb"] = static_cast<double>(usage.ru_maxrss) / 1024;
  report["weight_mb_per_token"] = weight_bytes / 1e6;
  report["read_gb_s"] = read / 1e9;
  return report;
}

}  // namespace hearth::main
