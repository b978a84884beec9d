#include "runtime/net/http_client.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "runtime/net/proxy.h"
#include "runtime/net/wire/byte_stream.h"
#include "runtime/net/wire/response_reader.h"
#include "runtime/net/wire/tls.h"
#include "runtime/net/wire/wait.h"

namespace hearth::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kMostRedirects = 5;
constexpr size_t kMostIdle = 8;
constexpr std::chrono::seconds kIdleTime{4};  // servers close idle connections after five and more

bool IsFollowed(const HttpRequest& request, const HttpHead& head) {
  const int status = head.status;
  const bool is_redirect =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  return request.follow && is_redirect && !head.Find("location").empty();
}

// Names and values come from configuration and from servers; a line break in one would be another
// header.
bool IsSafe(const HttpHeaders& headers) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const auto is_token = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return std::ranges::all_of(headers, [&](const auto& header) {
    return !header.first.empty() && std::ranges::all_of(header.first, is_token) &&
           std::ranges::none_of(header.second, is_control);
  });
}

// A proxy wants the whole address.
std::string WriteHead(const HttpRequest& request, bool to_proxy) {
  const std::string target = (to_proxy ? request.url.origin() : "") + request.url.target;
  std::string text = request.method + " " + target +
                     " HTTP/1.1\r\nHost: " + request.url.authority() +
                     "\r\nUser-Agent: hearth\r\nAccept-Encoding: identity\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (!request.body.empty() || request.method == "POST") {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n";
}

}  // namespace

std::string_view HttpHead::Find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string HttpHead::content_type() const {
  std::string_view value = Find("content-type");
  value = value.substr(0, value.find(';'));
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  std::string type(value);
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return type;
}

class HttpClient::Impl {
 public:
  explicit Impl(HttpClientOptions options) : options_(std::move(options)) {}

  Result<HttpHead> Stream(HttpRequest request, const HttpLimits& limits, const HttpSink& sink,
                          std::stop_token stop) {
    if (!IsSafe(request.headers)) {
      return MakeError(ErrorCode::kInvalidArgument, "a header for ", request.url.host,
                       " has characters that none may have");
    }
    const StopDescriptor stop_descriptor(std::move(stop));
    const SteadyPoint end = SteadyClock::now() + limits.longest;
    for (int hop = 0; hop <= kMostRedirects; ++hop) {
      auto head = Once(request, limits, sink, stop_descriptor, end);
      if (!head.ok()) {
        return MakeError(head.error().code, request.url.authority(), ": ", head.error().message);
      }
      if (!IsFollowed(request, *head)) return head;
      const auto target = request.url.Resolve(head->Find("location"));
      if (!target.ok()) {
        return MakeError(ErrorCode::kIo, request.url.authority(),
                         " sends us somewhere: ", target.error().message);
      }
      if (target->origin() != request.url.origin()) {
        return MakeError(ErrorCode::kUnsupported, request.url.authority(), " sends us to ",
                         target->origin(), "; use that address if you trust it");
      }
      if (request.method != "GET" && head->status < 307) {
        return MakeError(ErrorCode::kUnsupported, request.url.authority(), " sends us to ",
                         target->ToString(), "; use that address");
      }
      request.url = *target;
    }
    return MakeError(ErrorCode::kIo, request.url.authority(), " sends us in a circle");
  }

 private:
  struct Idle {
    std::string origin;
    std::unique_ptr<ByteStream> stream;
    SteadyPoint since;
  };

  // One request and its response; of a redirect the sink hears nothing.
  Result<HttpHead> Once(const HttpRequest& request, const HttpLimits& limits, const HttpSink& sink,
                        const StopDescriptor& stop, SteadyPoint end) {
    HEARTH_TRY(const auto proxy, ProxyFor(request.url, options_.environment));
    HEARTH_TRY(auto stream,
               Connect(request.url, proxy, {std::min(end, Later(limits.connect)), stop}));
    const std::string head = WriteHead(request, proxy && !request.url.secure());
    // Small requests go out in one piece, so that they fill one packet.
    constexpr size_t kSmall = 16 << 10;
    const bool small = request.body.size() <= kSmall;
    const auto wait = [&] { return Wait{std::min(end, Later(limits.silence)), stop}; };
    HEARTH_CHECK_OK(stream->Write(small ? head + request.body : head, wait()));
    if (!small) HEARTH_CHECK_OK(stream->Write(request.body, wait()));
    ResponseReader reader(limits);
    const HttpSink shown = [&](const HttpHead& got, std::string_view piece) {
      return IsFollowed(request, got) || sink(got, piece);
    };
    std::array<char, 16 << 10> buffer;
    for (;;) {
      HEARTH_TRY(const size_t count, stream->Read(buffer.data(), buffer.size(), wait()));
      const auto state = count == 0 ? reader.TakeEnd() : reader.Take({buffer.data(), count}, shown);
      if (!state.ok()) return state.error();
      if (*state == ResponseReader::State::kMore) continue;
      if (*state == ResponseReader::State::kDone && count > 0 && reader.keep_alive()) {
        Keep(request.url.origin(), std::move(stream));
      }
      return reader.head();
    }
  }

  static SteadyPoint Later(std::chrono::milliseconds by) { return SteadyClock::now() + by; }

  Result<std::unique_ptr<ByteStream>> Connect(const Url& url, const std::optional<Url>& proxy,
                                              const Wait& wait) {
    if (auto kept = TakeIdle(url.origin())) return kept;
    const Url& peer = proxy ? *proxy : url;
    HEARTH_TRY(auto tcp, ConnectTcp(peer.host, peer.port, options_.public_only && !proxy, wait));
    if (!url.secure()) return tcp;
    if (proxy) HEARTH_CHECK_OK(OpenTunnel(*tcp, url, wait));
    HEARTH_TRY(TlsContext* const tls, Tls());
    return tls->Connect(std::move(tcp), url.host, wait);
  }

  // Asks a proxy to pass bytes on to the host (RFC 9110, section 9.3.6).
  static Status OpenTunnel(ByteStream& tcp, const Url& url, const Wait& wait) {
    constexpr size_t kMostHead = 16 << 10;
    const std::string host = Concat(url.authority(), url.port == 443 ? ":443" : "");
    HEARTH_CHECK_OK(
        tcp.Write(Concat("CONNECT ", host, " HTTP/1.1\r\nHost: ", host, "\r\n\r\n"), wait));
    std::string head;
    // Byte by byte: what follows the head belongs to the host.
    while (!head.ends_with("\r\n\r\n")) {
      char byte = 0;
      HEARTH_TRY(const size_t count, tcp.Read(&byte, 1, wait));
      head += byte;
      if (count == 0 || head.size() > kMostHead) {
        return MakeError(ErrorCode::kIo, "the proxy gave no answer");
      }
    }
    if (head.starts_with("HTTP/1.") && head.substr(8, 3) == " 20") return {};
    return MakeError(ErrorCode::kIo, "the proxy refused: ", head.substr(0, head.find('\r')));
  }

  Result<TlsContext*> Tls() {
    const std::lock_guard lock(mutex_);
    if (tls_ == nullptr) {
      HEARTH_TRY(tls_, TlsContext::Create(options_.certificates));
    }
    return tls_.get();
  }

  std::unique_ptr<ByteStream> TakeIdle(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    const SteadyPoint oldest = SteadyClock::now() - kIdleTime;
    std::erase_if(idle_, [&](const Idle& idle) {
      return idle.since < oldest || (idle.origin == origin && idle.stream->Stale());
    });
    const auto found =
        std::ranges::find_if(idle_, [&](const Idle& idle) { return idle.origin == origin; });
    if (found == idle_.end()) return nullptr;
    auto stream = std::move(found->stream);
    idle_.erase(found);
    return stream;
  }

  void Keep(std::string origin, std::unique_ptr<ByteStream> stream) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() >= kMostIdle) idle_.erase(idle_.begin());
    idle_.push_back({std::move(origin), std::move(stream), SteadyClock::now()});
  }

  const HttpClientOptions options_;
  std::mutex mutex_;
  std::unique_ptr<TlsContext> tls_;
  std::vector<Idle> idle_;
};

HttpClient::HttpClient(HttpClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() = default;

Result<HttpHead> HttpClient::Stream(const HttpRequest& request, const HttpLimits& limits,
                                    const HttpSink& sink, std::stop_token stop) {
  return impl_->Stream(request, limits, sink, std::move(stop));
}

Result<HttpResponse> HttpClient::Fetch(const HttpRequest& request, const HttpLimits& limits,
                                       std::stop_token stop) {
  HttpResponse response;
  HEARTH_TRY(response.head, Stream(
                                request, limits,
                                [&](const HttpHead&, std::string_view piece) {
                                  response.body += piece;
                                  return true;
                                },
                                std::move(stop)));
  return response;
}

}  // namespace hearth::net
