// Metrics: counters and histograms of the server, as Prometheus reads them. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/serving/model_registry.h"

namespace hearth::http {

// Durations in seconds, counted in buckets.
class Histogram {
 public:
  void Observe(double seconds);
  void Write(std::string& out, std::string_view name, std::string_view help) const;

 private:
  static constexpr std::array<double, 14> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                     0.25,  0.5,    1,     2.5,  5,     10,   30};
  std::array<uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

// What one finished generation cost.
struct GenerationFigures {
  double first_token_seconds = 0;  // from the request's arrival; 0: none came
  double seconds_per_token = 0;    // of the tokens after the first; 0: there were none
  uint64_t prompt_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t completion_tokens = 0;
  bool cancelled = false;
};

// Values that are read at the moment.
struct Gauges {
  uint64_t connections = 0;
  uint64_t running = 0;
  uint64_t waiting = 0;
  // Of the engines of all loaded models.
  uint64_t kv_bytes = 0;            // that KV may take
  uint64_t kv_bytes_used = 0;       // blocks that hold something
  uint64_t kv_host_bytes = 0;       // of the host's that KV without room on the device may take
  uint64_t kv_host_bytes_used = 0;  // blocks there that hold something
  uint64_t kv_tokens_held = 0;      // tokens of running sequences
  // Of all models since the start: a counter must not fall where a model leaves.
  serving::ModelCounts counts;
};

class Metrics {
 public:
  void CountRequest(std::string_view route, int status, double seconds);
  void CountGeneration(const GenerationFigures& figures);
  std::string Write(const Gauges& gauges) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  Histogram request_seconds_, first_token_, per_token_;
  uint64_t prompt_tokens_ = 0, cached_tokens_ = 0, completion_tokens_ = 0;
  uint64_t generations_ = 0, cancelled_ = 0, cache_hits_ = 0;
};

}  // namespace hearth::http
