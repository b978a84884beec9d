// Budget: what one rendering may cost. Templates come with models, from anywhere; a template that
// loops or grows without end stops here.
#pragma once

#include <cstddef>
#include <ctime>

#include "runtime/base/core/result.h"

namespace hearth::serving {

struct RenderLimits {
  size_t max_steps = 4'000'000;        // evaluated nodes and visited elements
  size_t max_copied_bytes = 64 << 20;  // of strings, over the whole rendering
  size_t max_output_bytes = 1 << 20;   // of the prompt, and of any one string
  int max_depth = 600;                 // of evaluations inside each other
  double max_seconds = 0.1;            // of the thread's processor time
};

class Budget {
 public:
  explicit Budget(const RenderLimits& limits) : limits_(limits), start_(ThreadSeconds()) {}

  Status Spend(size_t steps = 1) {
    steps_ += steps;
    if (steps_ > limits_.max_steps)
      return Exhausted("it takes more than ", limits_.max_steps, " steps");
    if (steps_ < next_look_) return {};
    next_look_ = steps_ + 4096;
    if (ThreadSeconds() - start_ <= limits_.max_seconds) return {};
    return Exhausted("it takes more than ", limits_.max_seconds * 1000, " ms");
  }

  // Before a string of that size is made.
  Status SpendString(size_t bytes) {
    copied_ += bytes;
    if (bytes > limits_.max_output_bytes) {
      return Exhausted("it makes a text of more than ", limits_.max_output_bytes, " bytes");
    }
    if (copied_ > limits_.max_copied_bytes) {
      return Exhausted("it copies more than ", limits_.max_copied_bytes, " bytes");
    }
    return {};
  }

  // One evaluation inside another, as long as the object lives.
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) { ++budget_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --budget_.depth_; }
    Status Check() const {
      if (budget_.depth_ <= budget_.limits_.max_depth) return {};
      return Exhausted("it nests deeper than ", budget_.limits_.max_depth,
                       " (a macro without end?)");
    }

   private:
    Budget& budget_;
  };

  const RenderLimits& limits() const { return limits_; }

 private:
  static double ThreadSeconds() {
    timespec now = {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  template <typename... Args>
  static Error Exhausted(const Args&... what) {
    return MakeError(ErrorCode::kResourceExhausted, "rendering was stopped: ", what...);
  }

  const RenderLimits limits_;
  const double start_;
  size_t steps_ = 0;
  size_t next_look_ = 4096;
  size_t copied_ = 0;
  int depth_ = 0;
};

}  // namespace hearth::serving
