// The threads of one block as fibers, see cuda_runtime.h.
#include <setjmp.h>
#include <ucontext.h>

#include <cstdio>
#include <memory>
#include <tuple>
#include <vector>

#include "tests/cuda/host/cuda_runtime.h"
#include "tests/cuda/host/products_in_flight.h"

namespace cuda_on_host {

Place here;
cudaError_t answer = cudaSuccess;
Recorded* recording = nullptr;
size_t pinned_left = SIZE_MAX;
int graph_launches = 0;
size_t launches = 0;
float product_fault = 0;
void (*complain)(const char*) = [](const char* what) {
  std::fprintf(stderr, "cuda on host: %s\n", what);
  std::abort();
};

namespace {

enum class State { kReady, kAtBlockBarrier, kAtWarpBarrier, kWaitsForEarlier, kDone };

struct Fiber {
  std::unique_ptr<char[]> stack;  // once it has begun
  jmp_buf place;  // where it goes on; unlike swapcontext, _setjmp asks the kernel for nothing
  State state = State::kReady;
  dim3 thread;
  // To the other lanes of its warp, in turns: who gives for the second time after a lane has passed
  // the barrier between, which it reached with the first in hand.
  alignas(16) char given[2][kMostGiven] = {};
  unsigned turn = 0;
  bool waited = false;  // for the kernels ahead
  bool unfenced = false;
  ProductsInFlight products;
  std::vector<std::function<void()>> later;
};

constexpr size_t kStackBytes = 128 << 10;

std::vector<std::unique_ptr<Fiber>> fibers;  // kept: stacks are used again
size_t n_fibers = 0;
Fiber* running = nullptr;
jmp_buf scheduler;
const std::function<void()>* kernel_to_run = nullptr;
bool runs_early = false;
constexpr size_t kMostShared = 227 << 10;
alignas(1024) unsigned char dynamic_shared[kMostShared];
size_t shared_size = 0;

// A launch that waits for the next one to start before it, and one that the running grid has
// started before.
std::function<void()> pending, ahead;
std::vector<std::unique_ptr<Fiber>> fibers_ahead;
bool alone = false;  // the next launch is none of a pair

void WaitAs(State state) {
  running->state = state;
  if (_setjmp(running->place) == 0) _longjmp(scheduler, 1);
}

// A fiber is begun once, and then is a thread of one block after the other.
[[noreturn]] void Live() {
  while (true) {
    (*kernel_to_run)();
    if (!running->later.empty()) complain("copies that are never waited for");
    if (running->products.any()) complain("products that are never waited for");
    if (runs_early && !running->waited) complain("a thread never waits for the kernels ahead");
    WaitAs(State::kDone);
  }
}

// Until it waits or ends.
void Resume(Fiber& fiber) {
  running = &fiber;
  here.thread = fiber.thread;
  if (_setjmp(scheduler) != 0) return;
  if (fiber.stack) _longjmp(fiber.place, 1);
  fiber.stack = std::make_unique<char[]>(kStackBytes);
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack.get();
  context.uc_stack.ss_size = kStackBytes;
  context.uc_link = nullptr;
  makecontext(&context, &Live, 0);
  setcontext(&context);
}

// Lets those go on who all wait at one barrier; true where there were some. Threads that have
// returned are not waited for.
bool Release(size_t first, size_t last, State barrier) {
  bool any = false;
  for (size_t i = first; i < last; ++i) {
    const State state = fibers[i]->state;
    if (state == barrier)
      any = true;
    else if (state != State::kDone)
      return false;
  }
  for (size_t i = first; any && i < last; ++i) {
    if (fibers[i]->state == barrier) fibers[i]->state = State::kReady;
  }
  return any;
}

// Runs the launch ahead, while the threads of the running block wait for it.
void RunAhead() {
  const auto state = std::tuple(here, n_fibers, kernel_to_run, runs_early, shared_size);
  std::swap(fibers, fibers_ahead);
  std::exchange(ahead, nullptr)();
  std::swap(fibers, fibers_ahead);
  std::tie(here, n_fibers, kernel_to_run, runs_early, shared_size) = state;
  std::memset(dynamic_shared, 0xa5, shared_size);
}

void RunBlock(dim3 block) {
  std::memset(dynamic_shared, 0xa5, shared_size);
  for (size_t i = 0; i < n_fibers; ++i) {
    Fiber& fiber = *fibers[i];
    fiber.state = State::kReady;
    fiber.turn = 0;
    fiber.waited = false;
    fiber.unfenced = false;
    fiber.thread = {static_cast<unsigned>(i) % block.x,
                    static_cast<unsigned>(i) / block.x % block.y,
                    static_cast<unsigned>(i) / block.x / block.y};
  }
  for (size_t round = 0;; ++round) {
    bool ran = false;
    bool left = false;
    for (size_t n = 0; n < n_fibers; ++n) {
      Fiber& fiber = *fibers[round % 2 == 0 ? n : n_fibers - 1 - n];
      if (fiber.state == State::kReady) {
        Resume(fiber);
        ran = true;
      }
      left = left || fiber.state != State::kDone;
    }
    if (!left) return;
    bool released = Release(0, n_fibers, State::kAtBlockBarrier);
    if (Release(0, n_fibers, State::kWaitsForEarlier)) {
      RunAhead();
      released = true;
    }
    for (size_t i = 0; i < n_fibers; i += kWarp) {
      released =
          Release(i, std::min<size_t>(i + kWarp, n_fibers), State::kAtWarpBarrier) || released;
    }
    if (!ran && !released) {
      std::fprintf(stderr, "cuda on host: not all threads of block %u,%u reach a barrier\n",
                   here.block.x, here.block.y);
      std::abort();
    }
  }
}

}  // namespace

void BlockBarrier() { WaitAs(State::kAtBlockBarrier); }
void WarpBarrier() { WaitAs(State::kAtWarpBarrier); }

namespace {
size_t IndexInBlock() {
  const dim3& t = running->thread;
  return t.x + here.block_dim.x * (t.y + size_t{here.block_dim.y} * t.z);
}
}  // namespace

unsigned Lane() { return IndexInBlock() % kWarp; }

void Give(const void* bytes, size_t n) {
  const unsigned turn = running->turn ^= 1;
  std::memcpy(running->given[turn], bytes, n);
  WarpBarrier();
}
const void* Given(unsigned lane) {
  const size_t at = IndexInBlock() / kWarp * kWarp + lane;
  if (at >= n_fibers) {
    std::fprintf(stderr, "cuda on host: a value of lane %u, which the block does not have\n", lane);
    std::abort();
  }
  return fibers[at]->given[running->turn];
}
uint64_t Exchange(uint64_t value, unsigned from) {
  Give(&value, sizeof(value));
  std::memcpy(&value, Given(from), sizeof(value));
  return value;
}

void Later(std::function<void()> work) {
  if (IndexInBlock() % 2 == 0) return work();
  running->later.push_back(std::move(work));
}
void DoLater() {
  for (const auto& work : running->later) work();
  running->later.clear();
}

bool overlap = false;
void WaitForEarlier() {
  running->waited = true;
  if (ahead) WaitAs(State::kWaitsForEarlier);
}
void Start(std::function<void()> launch, bool early) {
  if (!overlap || !early) {
    Finish();
    return launch();
  }
  if (std::exchange(alone, false)) return launch();
  if (!pending) {
    pending = std::move(launch);
    return;
  }
  ahead = std::exchange(pending, nullptr);
  launch();
}
void Finish() {
  static bool odd = false;
  alone = odd = !odd;
  if (pending) std::exchange(pending, nullptr)();
}

unsigned char* DynamicShared() { return dynamic_shared; }
uint32_t SharedAddress(const void* shared) {
  const auto* at = static_cast<const unsigned char*>(shared);
  if (at < dynamic_shared || at >= dynamic_shared + shared_size) {
    complain("an address that is not of dynamic shared memory");
  }
  return kSharedBase + static_cast<uint32_t>(at - dynamic_shared);
}
const unsigned char* SharedAt(uint32_t address) {
  if (address < kSharedBase || address + 2 > kSharedBase + shared_size) {
    complain("a matrix that is not all in dynamic shared memory");
  }
  return dynamic_shared + (address - kSharedBase);
}
ProductsInFlight& Products() { return running->products; }
void SetUnfenced(bool unfenced) { running->unfenced = unfenced; }
bool AnyUnfenced() {
  return std::any_of(fibers.begin(), fibers.begin() + static_cast<ptrdiff_t>(n_fibers),
                     [](const auto& fiber) { return fiber->unfenced; });
}

void RunGrid(dim3 grid, dim3 block, size_t shared_bytes, bool early,
             const std::function<void()>& kernel) {
  ++launches;
  n_fibers = size_t{block.x} * block.y * block.z;
  if (n_fibers == 0 || n_fibers > 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.y > 65535 || grid.z > 65535 || shared_bytes > kMostShared) {
    std::fprintf(stderr, "cuda on host: a grid of %u,%u,%u blocks of %zu threads\n", grid.x, grid.y,
                 grid.z, n_fibers);
    std::abort();
  }
  while (fibers.size() < n_fibers) {
    fibers.push_back(std::make_unique<Fiber>());
  }
  kernel_to_run = &kernel;
  runs_early = early;
  shared_size = shared_bytes;
  here.block_dim = block;
  here.grid_dim = grid;
  const size_t blocks = size_t{grid.x} * grid.y * grid.z;
  const bool backwards = launches % 2 != 0;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t at = backwards ? blocks - 1 - i : i;
    here.block = {static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x % grid.y),
                  static_cast<unsigned>(at / grid.x / grid.y)};
    RunBlock(block);
  }
  if (ahead) std::exchange(ahead, nullptr)();  // no thread has waited for it
}

}  // namespace cuda_on_host
