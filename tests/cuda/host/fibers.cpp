// The threads of one block as fibers, see cuda_runtime.h.
#include <ucontext.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "tests/cuda/host/cuda_runtime.h"

namespace cuda_on_host {

Place here;

namespace {

enum class State { kReady, kAtBlockBarrier, kAtWarpBarrier, kDone };

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack;
  State state = State::kReady;
  dim3 thread;
  uint64_t given = 0;  // to the other lanes of its warp
};

constexpr size_t kStackBytes = 128 << 10;

std::vector<std::unique_ptr<Fiber>> fibers;  // kept: stacks are used again
size_t n_fibers = 0;
Fiber* running = nullptr;
ucontext_t scheduler;
const std::function<void()>* kernel_to_run = nullptr;

void Begin() {
  (*kernel_to_run)();
  running->state = State::kDone;
  swapcontext(&running->context, &scheduler);
}

void WaitAs(State state) {
  running->state = state;
  swapcontext(&running->context, &scheduler);
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

void RunBlock(dim3 block) {
  for (size_t i = 0; i < n_fibers; ++i) {
    Fiber& fiber = *fibers[i];
    fiber.state = State::kReady;
    fiber.thread = {static_cast<unsigned>(i) % block.x,
                    static_cast<unsigned>(i) / block.x % block.y,
                    static_cast<unsigned>(i) / block.x / block.y};
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &Begin, 0);
  }
  for (size_t round = 0;; ++round) {
    bool ran = false;
    bool left = false;
    for (size_t n = 0; n < n_fibers; ++n) {
      Fiber& fiber = *fibers[round % 2 == 0 ? n : n_fibers - 1 - n];
      if (fiber.state == State::kReady) {
        running = &fiber;
        here.thread = fiber.thread;
        swapcontext(&scheduler, &fiber.context);
        ran = true;
      }
      left = left || fiber.state != State::kDone;
    }
    if (!left) return;
    bool released = Release(0, n_fibers, State::kAtBlockBarrier);
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

unsigned Lane() {
  const dim3& t = running->thread;
  return (t.x + here.block_dim.x * (t.y + here.block_dim.y * t.z)) % kWarp;
}

uint64_t Exchange(uint64_t value, unsigned from) {
  running->given = value;
  WarpBarrier();
  const dim3& t = running->thread;
  const size_t index = t.x + here.block_dim.x * (t.y + here.block_dim.y * t.z);
  const size_t at = index / kWarp * kWarp + from;
  if (at >= n_fibers) {
    std::fprintf(stderr, "cuda on host: a value of lane %u, which the block does not have\n", from);
    std::abort();
  }
  const uint64_t got = fibers[at]->given;
  WarpBarrier();
  return got;
}

void RunGrid(dim3 grid, dim3 block, const std::function<void()>& kernel) {
  n_fibers = size_t{block.x} * block.y * block.z;
  if (n_fibers == 0 || n_fibers > 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.y > 65535 || grid.z > 65535) {
    std::fprintf(stderr, "cuda on host: a grid of %u,%u,%u blocks of %zu threads\n", grid.x, grid.y,
                 grid.z, n_fibers);
    std::abort();
  }
  while (fibers.size() < n_fibers) {
    fibers.push_back(std::make_unique<Fiber>());
    fibers.back()->stack = std::make_unique<char[]>(kStackBytes);
  }
  kernel_to_run = &kernel;
  here.block_dim = block;
  here.grid_dim = grid;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        here.block = {x, y, z};
        RunBlock(block);
      }
    }
  }
}

}  // namespace cuda_on_host
