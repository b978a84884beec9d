#include "runtime/http/listener.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <cstring>
#include <ctime>
#include <set>

#include "runtime/base/log.h"
#include "runtime/http/beast/request_head.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
using Milliseconds = std::chrono::milliseconds;

// How long a closing connection may go on sending, so that it still reads our answer.
constexpr Milliseconds kLingerTime{1000};
// After requests in flight were told to end.
constexpr Milliseconds kEndingTime{400};

std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  char text[40];
  std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

bool SayLower(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(x) == y; });
}

}  // namespace

class Session;

struct Listener::State {
  State(const ListenerLimits& l, Site& s) : limits(l), site(s), timer(context) {}
  ~State() { stopping = false; }  // the context takes the sessions that are left with it

  asio::awaitable<void> Accept(std::shared_ptr<tcp::acceptor> acceptor);
  asio::awaitable<void> AcceptLocal(
      std::shared_ptr<asio::local::stream_protocol::acceptor> acceptor);
  void Take(asio::generic::stream_protocol::socket socket, bool local);
  void BeginStop(Milliseconds grace);
  Status Bind(const Endpoint& endpoint);
  Status BindLocal(const Endpoint& endpoint);

  const ListenerLimits limits;
  Site& site;
  // Sessions live in the context's coroutines: what they touch outlives it.
  std::set<Session*> sessions;
  std::atomic<size_t> connections = 0;
  uint64_t body_bytes = 0;  // reserved by all sessions
  bool stopping = false;
  asio::io_context context{1};
  asio::steady_timer timer;  // of Stop
  std::vector<std::shared_ptr<tcp::acceptor>> acceptors;
  std::vector<std::shared_ptr<asio::local::stream_protocol::acceptor>> local_acceptors;
  std::vector<Endpoint> endpoints;
};

// Session: one connection.
class Session : public Exchange {
 public:
  Session(Listener::State& owner, asio::generic::stream_protocol::socket socket, bool local,
          bool refused)
      : owner_(owner), stream_(std::move(socket)), local_(local), refused_(refused) {
    owner_.sessions.insert(this);
    owner_.connections = owner_.sessions.size();
  }
  ~Session() override {
    owner_.sessions.erase(this);
    owner_.connections = owner_.sessions.size();
    ReleaseBody();
    if (owner_.stopping && owner_.sessions.empty()) owner_.timer.cancel();
  }

  asio::awaitable<void> Run();
  // The server stops: a connection that waits for a request is closed.
  void CloseIfIdle() {
    if (!busy_) Close();
  }
  void Close() {
    error_code ignored;
    stream_.socket().close(ignored);
  }
  void TellToEnd() {
    ending_ = true;
    if (on_ending_) on_ending_();
  }

  const HttpRequest& request() const override { return request_; }
  asio::any_io_executor executor() override { return stream_.get_executor(); }
  asio::awaitable<void> Send(HttpResponse response) override;
  asio::awaitable<void> BeginStream(HttpResponse head) override;
  asio::awaitable<void> Write(std::string piece) override;
  bool ending() const override { return ending_; }
  void OnEnding(std::function<void()> callback) override { on_ending_ = std::move(callback); }

 private:
  // One request and its answer; false where the connection is over.
  asio::awaitable<bool> Serve();
  asio::awaitable<bool> ReadBody(RequestParser& parser, bool expects_continue);
  asio::awaitable<void> Answer();
  // Completes when the client has gone.
  asio::awaitable<void> Watch();
  asio::awaitable<void> Linger();
  asio::awaitable<bool> Refuse(int status, std::string why);
  std::string Head(const HttpResponse& response, bool chunked);
  asio::awaitable<void> WriteAll(std::string bytes);
  void ReleaseBody() { owner_.body_bytes -= std::exchange(reserved_, 0); }

  Listener::State& owner_;
  Stream stream_;
  beast::flat_buffer buffer_;
  HttpRequest request_;
  const bool local_;
  const bool refused_;  // too many connections: every request is answered by 503
  bool busy_ = false;
  bool ending_ = false;
  bool keep_alive_ = false;
  bool http11_ = false;
  bool answered_ = false;
  bool streaming_ = false;
  bool chunked_ = false;
  int status_ = 0;
  uint64_t reserved_ = 0;
  std::function<void()> on_ending_;
};

asio::awaitable<void> Session::Run() {
  try {
    while (co_await Serve()) {
    }
  } catch (const boost::system::system_error&) {
    // The client has gone, or was too slow to take what we sent.
  } catch (const std::exception& error) {
    Log(LogLevel::kError, "a connection was closed: ", error.what());
  }
}

asio::awaitable<bool> Session::Refuse(int status, std::string why) {
  keep_alive_ = false;
  HttpResponse response = owner_.site.Refuse(status, why);
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  const auto started = std::chrono::steady_clock::now();
  co_await Send(std::move(response));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  owner_.site.Answered(request_, status, took.count());
  co_await Linger();
  co_return false;
}

asio::awaitable<bool> Session::Serve() {
  request_ = {};
  request_.local_socket = local_;
  answered_ = streaming_ = chunked_ = busy_ = false;
  on_ending_ = nullptr;
  status_ = 0;
  error_code error;
  if (buffer_.size() == 0) {
    stream_.expires_after(owner_.limits.idle_time);
    const size_t read = co_await stream_.async_read_some(buffer_.prepare(4096),
                                                         redirect_error(use_awaitable, error));
    if (error) co_return false;
    buffer_.commit(read);
  }
  busy_ = true;
  RequestParser parser;
  parser.header_limit(owner_.limits.max_head_bytes);
  parser.body_limit(owner_.limits.max_body_bytes);
  stream_.expires_after(owner_.limits.head_time);
  co_await beast::http::async_read_header(stream_, buffer_, parser,
                                          redirect_error(use_awaitable, error));
  if (error == beast::error::timeout) co_return false;
  if (error == beast::http::error::end_of_stream || error == asio::error::connection_reset ||
      error == beast::http::error::partial_message) {
    co_return false;
  }
  if (error == beast::http::error::header_limit) {
    co_return co_await Refuse(
        431, Concat("the request's head is larger than ", owner_.limits.max_head_bytes, " bytes"));
  }
  if (error == beast::http::error::body_limit) {
    co_return co_await Refuse(
        413, Concat("the request's body is larger than ", owner_.limits.max_body_bytes, " bytes"));
  }
  if (error.category() == beast::http::make_error_code(beast::http::error::bad_method).category()) {
    co_return co_await Refuse(400, "this is no HTTP request: " + error.message());
  }
  if (error) co_return false;

  const auto& message = parser.get();
  http11_ = message.version() >= 11;
  keep_alive_ = message.keep_alive() && !owner_.stopping && !refused_;
  if (!TakeHead(message, request_)) {
    co_return co_await Refuse(400, "the request's target is no path");
  }
  if (refused_) {
    co_return co_await Refuse(503, "too many connections; try again later");
  }
  const auto length = parser.content_length();
  if (length && *length > owner_.limits.max_body_bytes) {
    co_return co_await Refuse(
        413, Concat("the request's body is larger than ", owner_.limits.max_body_bytes, " bytes"));
  }
  const auto started = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  const bool has_body = !parser.is_done();
  if (auto refusal = owner_.site.Admit(request_)) {
    if (has_body) keep_alive_ = false;
    const int status = refusal->status;
    co_await Send(*std::move(refusal));
    owner_.site.Answered(request_, status, seconds());
    if (has_body) co_await Linger();
    co_return keep_alive_;
  }
  if (has_body) {
    const bool expects = SayLower(request_.Header("expect"), "100-continue");
    if (!co_await ReadBody(parser, expects)) co_return false;
  }
  request_.body = std::move(parser.get().body());
  co_await Answer();
  owner_.site.Answered(request_, status_, seconds());
  ReleaseBody();
  co_return keep_alive_ && !owner_.stopping;
}

asio::awaitable<bool> Session::ReadBody(RequestParser& parser, bool expects_continue) {
  const uint64_t wanted = parser.content_length().value_or(owner_.limits.max_body_bytes);
  if (owner_.body_bytes + wanted > owner_.limits.max_all_bodies_bytes) {
    co_return co_await Refuse(503, "too many large requests at once; try again later");
  }
  reserved_ = wanted;
  owner_.body_bytes += wanted;
  error_code error;
  if (expects_continue) {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await WriteAll(std::move(go_on));
  }
  stream_.expires_after(owner_.limits.body_time);
  co_await beast::http::async_read(stream_, buffer_, parser, redirect_error(use_awaitable, error));
  if (error == beast::http::error::body_limit) {
    co_return co_await Refuse(
        413, Concat("the request's body is larger than ", owner_.limits.max_body_bytes, " bytes"));
  }
  if (error.category() == beast::http::make_error_code(beast::http::error::bad_chunk).category() &&
      error && error != beast::http::error::partial_message &&
      error != beast::http::error::end_of_stream) {
    co_return co_await Refuse(400, "the request's body is malformed: " + error.message());
  }
  co_return !error;
}

asio::awaitable<void> Session::Answer() {
  using namespace asio::experimental::awaitable_operators;  // NOLINT: how Asio spells "either"
  co_await (Watch() || owner_.site.Handle(*this));
  on_ending_ = nullptr;
  if (!answered_) throw boost::system::system_error(asio::error::connection_reset);
  if (streaming_ && chunked_) {
    std::string last = "0\r\n\r\n";
    co_await WriteAll(std::move(last));
  }
}

asio::awaitable<void> Session::Watch() {
  // A client may send its next request early; what is more waits in the kernel.
  constexpr size_t kMostAhead = 16 << 10;
  error_code error;
  while (!error && buffer_.size() < kMostAhead) {
    stream_.expires_never();
    const size_t read = co_await stream_.async_read_some(buffer_.prepare(4096),
                                                         redirect_error(use_awaitable, error));
    if (!error) buffer_.commit(read);
  }
  if (error) co_return;
  asio::steady_timer forever(stream_.get_executor(), asio::steady_timer::time_point::max());
  co_await forever.async_wait(use_awaitable);
}

std::string Session::Head(const HttpResponse& response, bool chunked) {
  const auto reason =
      beast::http::obsolete_reason(static_cast<beast::http::status>(response.status));
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(reason.data(), reason.size());
  head += "\r\nDate: " + HttpDate();
  if (!response.content_type.empty()) head += "\r\nContent-Type: " + response.content_type;
  if (chunked) {
    head += "\r\nTransfer-Encoding: chunked";
  } else if (!streaming_ && response.status != 204) {
    head += "\r\nContent-Length: " + std::to_string(response.body.size());
  }
  for (const auto& [name, value] : owner_.site.CommonHeaders(request_)) {
    head += "\r\n" + name + ": " + value;
  }
  for (const auto& [name, value] : response.headers) head += "\r\n" + name + ": " + value;
  if (!keep_alive_) {
    head += "\r\nConnection: close";
  } else if (!http11_) {
    head += "\r\nConnection: keep-alive";
  }
  return head + "\r\n\r\n";
}

asio::awaitable<void> Session::WriteAll(std::string bytes) {
  stream_.expires_after(owner_.limits.write_time);
  co_await asio::async_write(stream_, asio::buffer(bytes), use_awaitable);
}

asio::awaitable<void> Session::Send(HttpResponse response) {
  answered_ = true;
  status_ = response.status;
  if (owner_.stopping) keep_alive_ = false;
  std::string bytes = Head(response, false);
  if (request_.method != "HEAD") bytes += response.body;
  co_await WriteAll(std::move(bytes));
}

asio::awaitable<void> Session::BeginStream(HttpResponse head) {
  answered_ = streaming_ = true;
  status_ = head.status;
  chunked_ = http11_;
  if (!http11_ || owner_.stopping) keep_alive_ = false;
  std::string bytes = Head(head, chunked_);
  co_await WriteAll(std::move(bytes));
}

asio::awaitable<void> Session::Write(std::string piece) {
  if (piece.empty()) co_return;  // an empty chunk would end the answer
  if (!chunked_) {
    co_await WriteAll(std::move(piece));
    co_return;
  }
  char size[24];
  std::snprintf(size, sizeof(size), "%zx\r\n", piece.size());
  std::string bytes = size + piece + "\r\n";
  co_await WriteAll(std::move(bytes));
}

asio::awaitable<void> Session::Linger() {
  error_code error;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
  stream_.expires_after(kLingerTime);
  constexpr size_t kMostRead = 1 << 20;
  char scrap[4096];
  for (size_t read = 0; !error && read < kMostRead;) {
    read +=
        co_await stream_.async_read_some(asio::buffer(scrap), redirect_error(use_awaitable, error));
  }
}

void Listener::State::Take(asio::generic::stream_protocol::socket socket, bool local) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  // Some more are told to come back; beyond that they are dropped.
  const size_t refused = limits.max_connections / 2;
  if (stopping || sessions.size() >= limits.max_connections + refused) {
    socket.close(ignored);
    return;
  }
  const bool full = sessions.size() >= limits.max_connections;
  auto session = std::make_unique<Session>(*this, std::move(socket), local, full);
  asio::co_spawn(
      context,
      [session = std::move(session)]() -> asio::awaitable<void> { co_await session->Run(); },
      asio::detached);
}

asio::awaitable<void> Listener::State::Accept(std::shared_ptr<tcp::acceptor> acceptor) {
  while (acceptor->is_open()) {
    asio::generic::stream_protocol::socket socket(context);
    error_code error;
    co_await acceptor->async_accept(socket, redirect_error(use_awaitable, error));
    if (!error) {
      Take(std::move(socket), false);
    } else if (acceptor->is_open() && error != asio::error::operation_aborted) {
      // Out of descriptors, most likely: some will be given back.
      asio::steady_timer pause(context, Milliseconds(50));
      co_await pause.async_wait(redirect_error(use_awaitable, error));
    }
  }
}

asio::awaitable<void> Listener::State::AcceptLocal(
    std::shared_ptr<asio::local::stream_protocol::acceptor> acceptor) {
  while (acceptor->is_open()) {
    asio::generic::stream_protocol::socket socket(context);
    error_code error;
    co_await acceptor->async_accept(socket, redirect_error(use_awaitable, error));
    if (!error) {
      Take(std::move(socket), true);
    } else if (acceptor->is_open() && error != asio::error::operation_aborted) {
      asio::steady_timer pause(context, Milliseconds(50));
      co_await pause.async_wait(redirect_error(use_awaitable, error));
    }
  }
}

std::string Endpoint::Describe() const {
  if (!socket_path.empty()) return "unix:" + socket_path;
  const bool is_v6 = host.find(':') != std::string::npos;
  return Concat("http://", is_v6 ? "[" : "", host, is_v6 ? "]" : "", ":", port);
}

Status Listener::State::BindLocal(const Endpoint& endpoint) {
  const std::string& path = endpoint.socket_path;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return MakeError(ErrorCode::kInvalidArgument, path, ": a socket's path has at most ",
                     sizeof(sockaddr_un::sun_path) - 1, " bytes");
  }
  struct stat info = {};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return MakeError(ErrorCode::kConflict, path, " exists and is no socket; name another path");
    }
    // A socket that nobody listens on is left over from a server that was killed.
    asio::local::stream_protocol::socket probe(context);
    error_code error;
    probe.connect(asio::local::stream_protocol::endpoint(path), error);
    if (!error) {
      return MakeError(ErrorCode::kConflict, "another server listens on ", path,
                       "; stop it or name another path");
    }
    ::unlink(path.c_str());
  }
  auto acceptor = std::make_shared<asio::local::stream_protocol::acceptor>(context);
  error_code error;
  acceptor->open(asio::local::stream_protocol(), error);
  // The file is made for its owner alone, whatever the umask is.
  const mode_t before = ::umask(0177);
  if (!error) acceptor->bind(asio::local::stream_protocol::endpoint(path), error);
  ::umask(before);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return MakeError(ErrorCode::kIo, "cannot listen on ", path, ": ", error.message());
  local_acceptors.push_back(std::move(acceptor));
  endpoints.push_back(endpoint);
  return {};
}

Status Listener::State::Bind(const Endpoint& endpoint) {
  if (!endpoint.socket_path.empty()) return BindLocal(endpoint);
  error_code error;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port),
                                      tcp::resolver::numeric_service, error);
  if (error) {
    return MakeError(ErrorCode::kInvalidArgument, "the host ", endpoint.host,
                     " has no address here: ", error.message());
  }
  auto acceptor = std::make_shared<tcp::acceptor>(context);
  const tcp::endpoint address = found.begin()->endpoint();
  acceptor->open(address.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(address, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return MakeError(ErrorCode::kConflict, endpoint.host, ":", endpoint.port,
                     " is taken by another program",
                     endpoint.port == 11434 ? " (Ollama listens there by default)" : "",
                     "; stop it, or choose another port with --port or HEARTH_HOST");
  }
  if (error) {
    return MakeError(ErrorCode::kIo, "cannot listen on ", endpoint.Describe(), ": ",
                     error.message());
  }
  Endpoint actual = endpoint;
  actual.port = acceptor->local_endpoint().port();
  endpoints.push_back(actual);
  acceptors.push_back(std::move(acceptor));
  return {};
}

void Listener::State::BeginStop(Milliseconds grace) {
  if (stopping) return;
  stopping = true;
  error_code ignored;
  for (const auto& acceptor : acceptors) acceptor->close(ignored);
  for (const auto& acceptor : local_acceptors) acceptor->close(ignored);
  for (const Endpoint& endpoint : endpoints) {
    if (!endpoint.socket_path.empty()) ::unlink(endpoint.socket_path.c_str());
  }
  for (Session* session : sessions) session->CloseIfIdle();
  if (sessions.empty()) return;
  timer.expires_after(grace);
  timer.async_wait([this](error_code error) {
    if (error) return;
    for (Session* session : sessions) session->TellToEnd();
    timer.expires_after(kEndingTime);
    timer.async_wait([this](error_code cancelled) {
      if (cancelled) return;
      for (Session* session : sessions) session->Close();
    });
  });
}

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::Create(const std::vector<Endpoint>& endpoints,
                                                   const ListenerLimits& limits, Site& site) {
  auto state = std::make_unique<State>(limits, site);
  for (const Endpoint& endpoint : endpoints) HEARTH_CHECK_OK(state->Bind(endpoint));
  State& s = *state;
  for (const auto& acceptor : s.acceptors) {
    asio::co_spawn(s.context, s.Accept(acceptor), asio::detached);
  }
  for (const auto& acceptor : s.local_acceptors) {
    asio::co_spawn(s.context, s.AcceptLocal(acceptor), asio::detached);
  }
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

void Listener::Run() { state_->context.run(); }

void Listener::Stop(Milliseconds grace) {
  asio::post(state_->context, [state = state_.get(), grace] { state->BeginStop(grace); });
}

asio::any_io_executor Listener::executor() { return state_->context.get_executor(); }

std::vector<Endpoint> Listener::endpoints() const { return state_->endpoints; }

size_t Listener::connections() const { return state_->connections; }

}  // namespace hearth::http
