// A decode step takes no memory: every call of operator new of the program is counted. Sanitizers
// have their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "model/engine.h"
#include "tests/support/files.h"

namespace {
std::atomic<size_t> allocations{0};

void* Allocate(size_t bytes, size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(bytes)
          : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(size_t bytes) { return Allocate(bytes, 1); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace hearth::model {
namespace {

TEST_CASE("a decode step allocates nothing") {
  auto model =
      Model::Load(test::Golden("inference/tiny/llama-test-F16.gguf").string(), {.threads = 2});
  REQUIRE(model.ok());
  for (const size_t sequences : {1u, 3u}) {
    CAPTURE(sequences);
    // Texts of a model this small repeat themselves, but the passes that guesses make larger take
    // memory once.
    auto engine = Engine::Create(**model, {.prompt_lookup = false});
    REQUIRE(engine.ok());
    for (size_t i = 0; i < sequences; ++i) {
      GenerationRequest request;
      request.prompt = {1, 2, static_cast<TokenId>(3 + i)};
      request.max_tokens = 1200;
      request.stop_tokens = {0x7fffffff};  // none that is ever drawn
      request.sampling.temperature = i == 0 ? 0.0f : 0.8f;
      REQUIRE((*engine)->Submit(std::move(request)).ok());
    }
    std::vector<Event> events;
    events.reserve(16);
    constexpr int kWarm = 20;
    constexpr int kCounted = 1100;  // over all borders at which a buffer could grow, past 1024
    for (int step = 0; step < kWarm; ++step) {
      events.clear();
      REQUIRE((*engine)->Step(events));
    }
    const size_t before = allocations.load();
    size_t tokens = 0;
    for (int step = 0; step < kCounted; ++step) {
      events.clear();
      (*engine)->Step(events);
      tokens += events.size();
    }
    const size_t taken = allocations.load() - before;
    CHECK(taken == 0);
    CHECK(tokens == sequences * kCounted);
  }
}

}  // namespace
}  // namespace hearth::model
#endif
