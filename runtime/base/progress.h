// Progress: tells a waiting person how far a slow thing is (load, prefill, download), on stderr
// alone.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "runtime/base/clock.h"

namespace hearth {

// Silent for the first second. After that a terminal gets one line with a bar, redrawn ten times a
// second at most; anything else (a log file, a pipe) gets a plain line every ten seconds. For one
// thread. Update is cheap: call it as often as you like.
class Progress {
 public:
  struct Options {
    std::FILE* out = stderr;
    bool terminal = false;
    bool bytes = false;  // counts are bytes: shown as MiB
  };
  // With stderr as it is now.
  static Options ForStderr(bool bytes = false);

  // `total` 0 means that nobody knows it. The clock must outlive the object.
  Progress(std::string label, uint64_t total, const Clock& clock, Options options);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Ends the line if one was drawn.
  ~Progress();

  void Update(uint64_t done);

 private:
  std::string Line(uint64_t done, double seconds) const;

  const std::string label_;
  const uint64_t total_;
  const Clock& clock_;
  const Options options_;
  const MonotonicPoint start_;
  MonotonicPoint next_;
  uint64_t done_ = 0;
  bool drawn_ = false;
};

}  // namespace hearth
