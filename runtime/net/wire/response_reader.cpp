#include "runtime/net/wire/response_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

namespace hearth::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string_view View(string_view text) { return {text.data(), text.size()}; }

std::string Lower(string_view text) {
  std::string lower(text.data(), text.size());
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// Beast's parser, which hands over each part of one response.
class OneResponse final : public http::basic_parser<false> {
 public:
  OneResponse(const HttpLimits& limits, size_t& body_bytes)
      : max_body_(limits.max_body), body_bytes_(body_bytes) {
    header_limit(static_cast<uint32_t>(limits.max_head));
    body_limit(boost::none);
    eager(true);
  }

  void set_sink(const HttpSink* sink) { sink_ = sink; }
  bool too_large() const { return too_large_; }
  bool ended() const { return ended_; }
  bool interim() const { return head.status >= 100 && head.status < 200; }

  HttpHead head;

 private:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code& error) override {
    error = {};
    head.status = code;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code& error) override {
    error = {};
    head.headers.emplace_back(Lower(name), std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& error) override {
    error = {};
    if (!interim()) Tell({}, error);
  }
  void on_body_init_impl(const boost::optional<uint64_t>& size, error_code& error) override {
    error = {};
    if (size && *size > max_body_) TooLarge(error);
  }
  size_t on_body_impl(string_view body, error_code& error) override {
    error = {};
    Tell(View(body), error);
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, string_view, error_code& error) override { error = {}; }
  size_t on_chunk_body_impl(uint64_t, string_view body, error_code& error) override {
    error = {};
    Tell(View(body), error);
    return body.size();
  }
  void on_finish_impl(error_code& error) override { error = {}; }

  void TooLarge(error_code& error) {
    too_large_ = true;
    error = http::error::body_limit;
  }

  void Tell(std::string_view piece, error_code& error) {
    body_bytes_ += piece.size();
    if (body_bytes_ > max_body_) {
      TooLarge(error);
    } else if (!(*sink_)(head, piece)) {
      ended_ = true;
      error = http::error::end_of_stream;
    }
  }

  const size_t max_body_;
  size_t& body_bytes_;
  const HttpSink* sink_ = nullptr;
  bool too_large_ = false;
  bool ended_ = false;
};

}  // namespace

class ResponseReader::Parser {
 public:
  explicit Parser(const HttpLimits& limits) : limits_(limits) {
    one_.emplace(limits_, body_bytes_);
  }

  Result<State> Take(std::string_view bytes, const HttpSink& sink) {
    // Beast wants a head in one piece; what it has not taken is kept for the next time.
    kept_ += bytes;
    size_t at = 0;
    while (at < kept_.size()) {
      one_->set_sink(&sink);
      error_code error;
      at += one_->put(boost::asio::const_buffer(kept_.data() + at, kept_.size() - at), error);
      if (one_->ended()) return State::kEnded;
      if (one_->is_done() && one_->interim() && one_->head.status != 101) {
        // 100 and 103 stand before the response itself, and there may be only so many.
        if (++interim_ > 16) return Broken("it never comes to its answer");
        one_.emplace(limits_, body_bytes_);
        continue;
      }
      if (one_->is_done()) {
        extra_ = at < kept_.size();
        return State::kDone;
      }
      if (error == http::error::need_more) break;
      if (error) return Explain(error);
    }
    kept_.erase(0, at);
    // Only a head or a line between chunks waits for more.
    if (kept_.size() > limits_.max_head) {
      return MakeError(ErrorCode::kResourceExhausted, "its headers are over ", limits_.max_head,
                       " bytes");
    }
    return State::kMore;
  }

  Result<State> TakeEnd() {
    error_code error;
    if (!one_->got_some()) return Broken("it broke off before it answered");
    one_->put_eof(error);
    if (error || !one_->is_done()) return Broken("it broke off");
    return State::kDone;
  }

  const OneResponse& one() const { return *one_; }
  bool keep_alive() const { return one_->keep_alive() && !one_->need_eof() && !extra_; }

 private:
  static Error Broken(const char* why) { return MakeError(ErrorCode::kIo, why); }

  Error Explain(const error_code& error) const {
    if (one_->too_large()) {
      return MakeError(ErrorCode::kResourceExhausted, "its body is over ", limits_.max_body,
                       " bytes");
    }
    if (error == http::error::header_limit) {
      return MakeError(ErrorCode::kResourceExhausted, "its headers are over ", limits_.max_head,
                       " bytes");
    }
    return MakeError(ErrorCode::kIo, "its answer is no HTTP: ", error.message());
  }

  const HttpLimits limits_;
  size_t body_bytes_ = 0;
  std::string kept_;
  std::optional<OneResponse> one_;
  int interim_ = 0;
  bool extra_ = false;  // bytes behind the response that nobody asked for
};

ResponseReader::ResponseReader(const HttpLimits& limits)
    : parser_(std::make_unique<Parser>(limits)) {}
ResponseReader::~ResponseReader() = default;
Result<ResponseReader::State> ResponseReader::Take(std::string_view bytes, const HttpSink& sink) {
  return parser_->Take(bytes, sink);
}
Result<ResponseReader::State> ResponseReader::TakeEnd() { return parser_->TakeEnd(); }
const HttpHead& ResponseReader::head() const { return parser_->one().head; }
bool ResponseReader::has_head() const { return parser_->one().is_header_done(); }
bool ResponseReader::keep_alive() const { return parser_->keep_alive(); }

}  // namespace hearth::net
