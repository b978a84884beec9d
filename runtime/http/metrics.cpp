#include "runtime/http/metrics.h"

#include "runtime/base/core/result.h"

namespace hearth::http {
namespace {

void WriteOne(std::string& out, std::string_view name, std::string_view type, std::string_view help,
              uint64_t value) {
  out += Concat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", name, " ", value,
                "\n");
}

}  // namespace

void Histogram::Observe(double seconds) {
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++counts_[bucket];
  sum_ += seconds;
}

void Histogram::Write(std::string& out, std::string_view name, std::string_view help) const {
  out += Concat("# HELP ", name, " ", help, "\n# TYPE ", name, " histogram\n");
  uint64_t total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += counts_[i];
    const std::string bound = i < kBounds.size() ? Concat(kBounds[i]) : "+Inf";
    out += Concat(name, "_bucket{le=\"", bound, "\"} ", total, "\n");
  }
  out += Concat(name, "_sum ", sum_, "\n", name, "_count ", total, "\n");
}

void Metrics::CountRequest(std::string_view route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(route), status}];
  request_seconds_.Observe(seconds);
}

void Metrics::CountGeneration(const GenerationFigures& figures) {
  const std::lock_guard lock(mutex_);
  ++generations_;
  cancelled_ += figures.cancelled;
  cache_hits_ += figures.cached_tokens > 0;
  prompt_tokens_ += figures.prompt_tokens;
  cached_tokens_ += figures.cached_tokens;
  completion_tokens_ += figures.completion_tokens;
  if (figures.first_token_seconds > 0) first_token_.Observe(figures.first_token_seconds);
  if (figures.seconds_per_token > 0) per_token_.Observe(figures.seconds_per_token);
}

std::string Metrics::Write(const Gauges& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string out =
      "# HELP hearth_requests_total Requests answered, by route and status.\n"
      "# TYPE hearth_requests_total counter\n";
  for (const auto& [key, count] : requests_) {
    out += Concat("hearth_requests_total{route=\"", key.first, "\",status=\"", key.second, "\"} ",
                  count, "\n");
  }
  request_seconds_.Write(out, "hearth_request_seconds",
                         "From a request's head to its answer's end.");
  first_token_.Write(out, "hearth_time_to_first_token_seconds",
                     "From a request's arrival to its first token.");
  per_token_.Write(out, "hearth_time_per_output_token_seconds",
                   "Mean time between the tokens of a reply after the first.");
  WriteOne(out, "hearth_generations_total", "counter", "Replies begun.", generations_);
  WriteOne(out, "hearth_generations_cancelled_total", "counter", "Replies that nobody waited for.",
           cancelled_);
  WriteOne(out, "hearth_prompt_tokens_total", "counter", "Tokens of prompts.", prompt_tokens_);
  WriteOne(out, "hearth_prompt_tokens_cached_total", "counter",
           "Tokens of prompts found in the KV cache.", cached_tokens_);
  WriteOne(out, "hearth_prefix_cache_hits_total", "counter",
           "Replies whose prompt began in the KV cache.", cache_hits_);
  WriteOne(out, "hearth_completion_tokens_total", "counter", "Tokens written.", completion_tokens_);
  WriteOne(out, "hearth_grammar_cache_hits_total", "counter", "Grammars found compiled.",
           gauges.counts.grammar_hits);
  WriteOne(out, "hearth_grammar_cache_misses_total", "counter", "Grammars compiled.",
           gauges.counts.grammar_misses);
  WriteOne(out, "hearth_connections", "gauge", "Open connections.", gauges.connections);
  WriteOne(out, "hearth_sequences_running", "gauge", "Replies being written.", gauges.running);
  WriteOne(out, "hearth_queue_depth", "gauge", "Replies waiting for room.", gauges.waiting);
  WriteOne(out, "hearth_engine_steps_total", "counter", "Passes through the model.",
           gauges.counts.steps);
  WriteOne(out, "hearth_preemptions_total", "counter",
           "Replies that lost their KV memory to others.", gauges.counts.preemptions);
  WriteOne(out, "hearth_guessed_tokens_total", "counter", "Tokens guessed and tried in a pass.",
           gauges.counts.guessed_tokens);
  WriteOne(out, "hearth_guessed_tokens_accepted_total", "counter", "Of these, that came true.",
           gauges.counts.accepted_tokens);
  WriteOne(out, "hearth_kv_bytes", "gauge", "Memory that keys and values may take.",
           gauges.kv_bytes);
  WriteOne(out, "hearth_kv_bytes_used", "gauge", "Of this, what holds something.",
           gauges.kv_bytes_used);
  WriteOne(out, "hearth_kv_host_bytes", "gauge",
           "Memory of the host for keys and values that the device has no room for.",
           gauges.kv_host_bytes);
  WriteOne(out, "hearth_kv_host_bytes_used", "gauge", "Of this, what holds something.",
           gauges.kv_host_bytes_used);
  WriteOne(out, "hearth_kv_blocks_spilled_total", "counter",
           "Blocks of 16 tokens that left the device for the host.", gauges.counts.kv_spilled);
  WriteOne(out, "hearth_kv_blocks_restored_total", "counter", "Blocks that came back from there.",
           gauges.counts.kv_restored);
  WriteOne(out, "hearth_kv_blocks_lost_total", "counter",
           "Blocks that were forgotten for want of room.", gauges.counts.kv_lost);
  WriteOne(out, "hearth_kv_tokens_held", "gauge", "Tokens of replies being written.",
           gauges.kv_tokens_held);
  return out;
}

}  // namespace hearth::http
