#include "runtime/http/serving_context.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace hearth::http {
namespace {

boost::asio::awaitable<Planned> CallOnWorker(std::function<Planned()> plan) { co_return plan(); }

}  // namespace

boost::asio::awaitable<void> PlanAndRun(Exchange& exchange, ServingContext& context,
                                        std::function<Planned()> plan) {
  const auto arrived = std::chrono::steady_clock::now();
  auto work = CallOnWorker(std::move(plan));
  Planned planned =
      co_await boost::asio::co_spawn(context.workers, std::move(work), boost::asio::use_awaitable);
  if (auto* refusal = std::get_if<HttpResponse>(&planned)) {
    HttpResponse response = std::move(*refusal);
    co_await exchange.Send(std::move(response));
    co_return;
  }
  GenerationPlan ready = std::move(std::get<GenerationPlan>(planned));
  co_await RunGeneration(exchange, std::move(ready), context.limits, context.metrics, arrived);
}

}  // namespace hearth::http
