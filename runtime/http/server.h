// Server: the daemon's HTTP side: access rules, routes, health, metrics, around one listener.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "mcp/http_endpoint.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/http/access_policy.h"
#include "runtime/http/listener.h"
#include "runtime/http/openai.h"
#include "runtime/http/router.h"
#include "runtime/http/serving_context.h"
#include "runtime/serving/model_registry.h"

namespace hearth::http {

struct ServerOptions {
  std::vector<Endpoint> endpoints;
  ListenerLimits limits;
  AccessRules access;  // on_network is found from the endpoints
  GenerationLimits generation;
  OpenAiOptions openai;
  size_t workers = 2;
  mcp::HttpEndpoint* mcp = nullptr;       // served at /mcp; must outlive the server
  std::chrono::milliseconds grace{1200};  // for requests in flight, when the server stops
};

// Refused: an address that others can reach, without a token.
Status CheckServerOptions(const ServerOptions& options);

class Server : private Site {
 public:
  // Binds, where the options pass the check. The registry and the clock
  // must outlive it.
  static Result<std::unique_ptr<Server>> Create(ServerOptions options,
                                                serving::ModelRegistry& models, const Clock& clock);
  ~Server() override;

  // Serves until Stop has done its work. Loads the default model beside it.
  void Run();
  // From any thread. Run returns within the grace and half a second.
  void Stop();
  std::vector<Endpoint> endpoints() const { return listener_->endpoints(); }

 private:
  Server(ServerOptions options, serving::ModelRegistry& models, const Clock& clock);

  std::optional<HttpResponse> Admit(const HttpRequest& head) override;
  boost::asio::awaitable<void> Handle(Exchange& exchange) override;
  HttpResponse Refuse(int status, const std::string& why) override;
  Headers CommonHeaders(const HttpRequest& head) override;
  void Answered(const HttpRequest& request, int status, double seconds) override;

  void AddOwnRoutes();
  HttpResponse Ready() const;
  HttpResponse MetricsPage() const;
  void LoadDefaultModel();

  const ServerOptions options_;
  serving::ModelRegistry& models_;
  const AccessPolicy access_;
  Metrics metrics_;
  boost::asio::thread_pool workers_;
  ServingContext context_;
  Router router_;
  std::unique_ptr<Listener> listener_;
  std::atomic<bool> ready_ = false;
  std::string not_ready_ = "the model is loading";  // guarded by mutex_
  mutable std::mutex mutex_;
};

}  // namespace hearth::http
