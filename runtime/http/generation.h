// Generation: from a request's plan to the bytes of its answer, in any wire dialect.
//
// A dialect plans (on a worker thread: parses, prepares, may load a model) and gives a ReplyWriter;
// RunGeneration submits the plan, follows the engine's events on the listener's thread, and sends
// what the writer makes of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/http/api_error.h"
#include "runtime/http/exchange.h"
#include "runtime/http/metrics.h"
#include "runtime/serving/local_model.h"

namespace hearth::http {

// Turns what happens into the bytes of one dialect. Each function gives what is to be sent, often
// nothing. One reply, one thread.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;
  // Pieces are sent as they come; else all of it, when it is over.
  virtual bool streams() const = 0;
  virtual std::string content_type() const = 0;
  virtual std::string Begin() = 0;
  virtual std::string Delta(size_t choice, const serving::ChatDelta& delta) = 0;
  virtual std::string ChoiceEnd(size_t choice, const serving::ChatReply& reply) = 0;
  // After the last choice.
  virtual std::string End() = 0;
  // The answer fails after it began.
  virtual std::string Failure(const ApiError& error) = 0;
  // The answer fails before it began.
  virtual HttpResponse Refusal(const ApiError& error) = 0;
  // Keeps a silent line alive and means nothing; `done` of `total` prompt tokens are read.
  virtual std::string KeepAlive(uint32_t done, uint32_t total) = 0;
};

struct GenerationPlan {
  std::shared_ptr<const serving::LocalModel> model;
  std::vector<serving::PreparedReply> prompts;
  struct Choice {
    size_t prompt = 0;  // which of them
    uint64_t seed = 0;
  };
  std::vector<Choice> choices;
  std::unique_ptr<ReplyWriter> writer;
};

struct GenerationLimits {
  std::chrono::milliseconds keep_alive{2000};  // silence on a stream, at most
  std::chrono::seconds longest{1800};          // the whole answer
};

// The client's going away ends it and what the engine does for it, within a token.
boost::asio::awaitable<void> RunGeneration(Exchange& exchange, GenerationPlan plan,
                                           GenerationLimits limits, Metrics& metrics,
                                           std::chrono::steady_clock::time_point arrived);

// What a dialect answers for an Error of the serving room.
ApiError ToApiError(const Error& error);

}  // namespace hearth::http
