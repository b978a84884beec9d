#include "runtime/http/metrics.h"

#include <catch2/catch.hpp>

namespace hearth::http {
namespace {

TEST_CASE("what was counted is written as Prometheus reads it") {
  Metrics metrics;
  metrics.CountRequest("/v1/models", 200, 0.0005);
  metrics.CountRequest("/v1/models", 200, 0.02);
  metrics.CountRequest("other", 404, 100);
  metrics.CountGeneration({.first_token_seconds = 0.2,
                           .seconds_per_token = 0.003,
                           .prompt_tokens = 10,
                           .cached_tokens = 4,
                           .completion_tokens = 7});
  metrics.CountGeneration({.completion_tokens = 1, .cancelled = true});
  const std::string text =
      metrics.Write({.connections = 3, .running = 2, .waiting = 1, .counts = {.steps = 9}});
  for (const char* line : {
           "hearth_requests_total{route=\"/v1/models\",status=\"200\"} 2\n",
           "hearth_requests_total{route=\"other\",status=\"404\"} 1\n",
           "hearth_request_seconds_bucket{le=\"0.001\"} 1\n",
           "hearth_request_seconds_bucket{le=\"0.025\"} 2\n",
           "hearth_request_seconds_bucket{le=\"30\"} 2\n",
           "hearth_request_seconds_bucket{le=\"+Inf\"} 3\n",
           "hearth_request_seconds_count 3\n",
           "hearth_time_to_first_token_seconds_count 1\n",
           "hearth_time_per_output_token_seconds_bucket{le=\"0.005\"} 1\n",
           "hearth_generations_total 2\n",
           "hearth_generations_cancelled_total 1\n",
           "hearth_prompt_tokens_total 10\n",
           "hearth_prompt_tokens_cached_total 4\n",
           "hearth_prefix_cache_hits_total 1\n",
           "hearth_completion_tokens_total 8\n",
           "hearth_connections 3\n",
           "hearth_sequences_running 2\n",
           "hearth_queue_depth 1\n",
           "hearth_engine_steps_total 9\n",
       }) {
    CHECK_THAT(text, Catch::Contains(line));
  }
}

}  // namespace
}  // namespace hearth::http
