#include "runtime/http/server.h"

#include <boost/asio/post.hpp>

#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/http/mcp.h"

namespace hearth::http {
namespace {

bool IsOnNetwork(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.socket_path.empty() && !IsLoopbackHost(endpoint.host)) return true;
  }
  return false;
}

ServerOptions WithNetwork(ServerOptions options) {
  options.access.on_network = IsOnNetwork(options.endpoints);
  return options;
}

bool IsJson(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::erase_if(type, [](char c) { return c == ' ' || c == '\t'; });
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return type == "application/json";
}

}  // namespace

Status CheckServerOptions(const ServerOptions& options) {
  if (!IsOnNetwork(options.endpoints) || !options.access.tokens.empty()) return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   "an address that other machines can reach needs a token, so that strangers "
                   "cannot use the server; make one with: hearth config make-token");
}

Server::Server(ServerOptions options, serving::ModelRegistry& models, const Clock& clock)
    : options_(WithNetwork(std::move(options))),
      models_(models),
      access_(options_.access),
      workers_(options_.workers),
      context_{models_, metrics_, clock, workers_, options_.generation} {}

Server::~Server() { workers_.join(); }

Result<std::unique_ptr<Server>> Server::Create(ServerOptions options,
                                               serving::ModelRegistry& models, const Clock& clock) {
  HEARTH_CHECK_OK(CheckServerOptions(options));
  std::unique_ptr<Server> server(new Server(std::move(options), models, clock));
  AddOpenAiRoutes(server->router_, server->context_, server->options_.openai);
  if (server->options_.mcp != nullptr) AddMcpRoutes(server->router_, *server->options_.mcp);
  server->AddOwnRoutes();
  HEARTH_TRY(server->listener_,
             Listener::Create(server->options_.endpoints, server->options_.limits, *server));
  return server;
}

void Server::AddOwnRoutes() {
  const auto answer = [this](const char* path, std::function<HttpResponse()> make) {
    router_.Add({"GET", path, path,
                 [make = std::move(make)](Exchange& exchange) -> boost::asio::awaitable<void> {
                   return exchange.Send(make());
                 }});
  };
  answer("/", [] {
    HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = "hearth is running\n";
    return response;
  });
  answer("/healthz", [] {
    HttpResponse response;
    response.body = R"({"status":"ok"})";
    return response;
  });
  answer("/readyz", [this] { return Ready(); });
  answer("/metrics", [this] { return MetricsPage(); });
}

HttpResponse Server::Ready() const {
  HttpResponse response;
  if (ready_) {
    response.body = R"({"status":"ready"})";
    return response;
  }
  const std::lock_guard lock(mutex_);
  response.status = 503;
  response.headers.emplace_back("Retry-After", "1");
  response.body = DumpJson({{"status", not_ready_}});
  return response;
}

HttpResponse Server::MetricsPage() const {
  Gauges gauges;
  gauges.connections = listener_->connections();
  for (const auto& model : models_.Loaded()) {
    gauges.running += model->engine().running();
    gauges.waiting += model->engine().waiting();
    const model::EngineStats stats = model->engine().stats();
    gauges.kv_bytes += stats.kv_blocks * stats.kv_bytes_per_block;
    gauges.kv_bytes_used += (stats.kv_blocks - stats.kv_blocks_free) * stats.kv_bytes_per_block;
    gauges.kv_host_bytes += stats.kv_host_blocks * stats.kv_bytes_per_block;
    gauges.kv_host_bytes_used += stats.kv_host_blocks_used * stats.kv_bytes_per_block;
    gauges.kv_tokens_held += stats.kv_tokens_held;
  }
  gauges.counts = models_.Counts();
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_.Write(gauges);
  return response;
}

std::optional<HttpResponse> Server::Admit(const HttpRequest& head) {
  if (auto refusal = access_.Check(head)) return Refuse(refusal->status, refusal->why);
  if (AccessPolicy::IsPreflight(head)) {
    HttpResponse response;
    response.status = 204;
    response.content_type.clear();
    return response;
  }
  std::string allowed;
  const Route* route = router_.Find(head.method, head.path, allowed);
  if (route == nullptr && !allowed.empty()) {
    HttpResponse response = Refuse(
        405, Concat(head.method, " is not for ", head.path.substr(0, 200), "; use ", allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  if (route == nullptr) {
    return Refuse(404, Concat("there is nothing at ", head.path.substr(0, 200)));
  }
  if (route->method == "POST" && !IsJson(head.Header("content-type"))) {
    return Refuse(415, "the body must be JSON: Content-Type: application/json");
  }
  const std::string_view encoding = head.Header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return Refuse(415, "a body with a Content-Encoding is not supported");
  }
  return std::nullopt;
}

boost::asio::awaitable<void> Server::Handle(Exchange& exchange) {
  std::string allowed;
  return router_.Find(exchange.request().method, exchange.request().path, allowed)
      ->handle(exchange);
}

HttpResponse Server::Refuse(int status, const std::string& why) {
  return OpenAiError({status, why, "", status == 404 ? "not_found" : "", 0});
}

Headers Server::CommonHeaders(const HttpRequest& head) {
  Headers headers = access_.CorsHeaders(head);
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  return headers;
}

void Server::Answered(const HttpRequest& request, int status, double seconds) {
  std::string allowed;
  const Route* route = router_.Find(request.method, request.path, allowed);
  metrics_.CountRequest(route != nullptr ? route->label : "other", status, seconds);
  Log(LogLevel::kDebug, request.method, " ", request.path.substr(0, 200), " ", status, " ",
      static_cast<int>(seconds * 1000), " ms");
}

void Server::LoadDefaultModel() {
  const auto entry = models_.Find(models_.default_id());
  if (!entry) {  // no default model: each loads when it is asked for
    ready_ = true;
    return;
  }
  const auto model = models_.Get(*entry);
  if (model.ok()) {
    Log(LogLevel::kInfo, entry->id, " is loaded");
    ready_ = true;
    return;
  }
  Log(LogLevel::kError, model.error().message);
  const std::lock_guard lock(mutex_);
  not_ready_ = "the default model could not be loaded";
}

void Server::Run() {
  boost::asio::post(workers_, [this] { LoadDefaultModel(); });
  listener_->Run();
}

void Server::Stop() { listener_->Stop(options_.grace); }

}  // namespace hearth::http
