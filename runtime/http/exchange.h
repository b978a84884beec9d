// Exchange: one request, and the means to answer it. All of it runs on the listener's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

#include "runtime/http/http_message.h"

namespace hearth::http {

// A handler that is waiting ends with boost::system::system_error when the client has gone.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const HttpRequest& request() const = 0;
  virtual boost::asio::any_io_executor executor() = 0;

  // The whole answer.
  virtual boost::asio::awaitable<void> Send(HttpResponse response) = 0;
  // The answer's head; pieces follow, each on its way at once. Waits while the client reads slowly.
  virtual boost::asio::awaitable<void> BeginStream(HttpResponse head) = 0;
  virtual boost::asio::awaitable<void> Write(std::string piece) = 0;

  // True when the server is about to end and the answer should be brought to an end.
  virtual bool ending() const = 0;
  // Is called when that becomes true.
  virtual void OnEnding(std::function<void()> callback) = 0;
};

// What a listener serves.
class Site {
 public:
  virtual ~Site() = default;
  // Looks at a request before its body is read; an answer refuses it. Must not block.
  virtual std::optional<HttpResponse> Admit(const HttpRequest& head) = 0;
  // Answers a request.
  virtual boost::asio::awaitable<void> Handle(Exchange& exchange) = 0;
  // The answer to what is no proper request: 400, 408, 413, 431, 503.
  virtual HttpResponse Refuse(int status, const std::string& why) = 0;
  // Headers that every answer to this request gets.
  virtual Headers CommonHeaders(const HttpRequest& head) = 0;
  // Hears about each answer.
  virtual void Answered(const HttpRequest& request, int status, double seconds) = 0;
};

}  // namespace hearth::http
