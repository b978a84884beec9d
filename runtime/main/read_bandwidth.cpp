#include "runtime/main/read_bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

namespace hearth::main {

Processors::Processors() {
  CPU_ZERO(&set);
  (void)sched_getaffinity(0, sizeof(set), &set);
}

double ReadBandwidth(int threads, const Processors& processors) {
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
      (void)sched_setaffinity(0, sizeof(processors.set), &processors.set);
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
    const auto start = std::chrono::steady_clock::now();
    together.arrive_and_wait();
    together.arrive_and_wait();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(bytes) / seconds.count());
  }
  readers.clear();
  munmap(memory, bytes);
  // The sums must be seen to be used, or nothing is read.
  return sums[0] == 0 ? 0 : best;
}

}  // namespace hearth::main
