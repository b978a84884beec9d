// ServingContext: what the handlers of every wire dialect share.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <variant>

#include "runtime/base/clock.h"
#include "runtime/http/exchange.h"
#include "runtime/http/generation.h"
#include "runtime/http/metrics.h"
#include "runtime/serving/model_registry.h"

namespace hearth::http {

struct ServingContext {
  serving::ModelRegistry& models;
  Metrics& metrics;
  const Clock& clock;
  // Parses, renders, tokenizes, compiles, loads models: what may take longer than a millisecond.
  boost::asio::thread_pool& workers;
  GenerationLimits limits;
};

// A plan, or the answer that refuses the request.
using Planned = std::variant<GenerationPlan, HttpResponse>;

// Plans on a worker (`plan` runs there), then runs the generation.
boost::asio::awaitable<void> PlanAndRun(Exchange& exchange, ServingContext& context,
                                        std::function<Planned()> plan);

}  // namespace hearth::http
