#include "runtime/http/generation.h"

#include "runtime/base/log.h"
#include "runtime/http/wakeup.h"

namespace hearth::http {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// One of a request's replies on its way.
struct Choice {
  std::unique_ptr<serving::EventStream> stream;
  std::unique_ptr<serving::ReplyReader> reader;
  bool done = false;
  uint64_t tokens = 0;
  Clock::time_point first, last;
  uint32_t prefilled = 0;
};

class Run {
 public:
  Run(GenerationPlan plan, Metrics& metrics, Clock::time_point arrived)
      : plan_(std::move(plan)), metrics_(metrics), arrived_(arrived) {}
  // The client went away: what was not finished is counted, and ends with its streams.
  ~Run() {
    for (const Choice& choice : choices_) {
      if (!choice.done) Count(choice, nullptr);
    }
  }

  Status Submit(const std::function<void()>& waker);
  // Takes what the engine has said and adds to output() what the writer makes of it.
  void Follow();
  void Fail(const ApiError& error) {
    failure_ = error;
    for (Choice& choice : choices_) choice.stream->Cancel();
  }

  bool heard() const { return heard_; }  // the engine has said something
  bool done() const { return left_ == 0; }
  const std::optional<ApiError>& failure() const { return failure_; }
  std::string& output() { return output_; }
  ReplyWriter& writer() { return *plan_.writer; }
  uint32_t prefilled() const { return choices_[0].prefilled; }
  uint32_t prompt_tokens() const { return static_cast<uint32_t>(plan_.prompts[0].prompt.size()); }

 private:
  void Finish(size_t index, Choice& choice);
  void Count(const Choice& choice, const serving::ChatReply* reply);

  GenerationPlan plan_;
  Metrics& metrics_;
  const Clock::time_point arrived_;
  std::vector<Choice> choices_;
  size_t left_ = 0;
  bool heard_ = false;
  std::string output_;
  std::optional<ApiError> failure_;
  std::vector<model::Event> events_;
};

Status Run::Submit(const std::function<void()>& waker) {
  choices_.reserve(plan_.choices.size());
  for (size_t i = 0; i < plan_.choices.size(); ++i) {
    const serving::PreparedReply& prompt = plan_.prompts[plan_.choices[i].prompt];
    Choice choice;
    HEARTH_TRY(choice.stream, plan_.model->Start(prompt, plan_.choices[i].seed, waker));
    choice.reader = plan_.model->MakeReader(prompt, [this, i](const serving::ChatDelta& delta) {
      if (delta.kind == serving::ChatDelta::Kind::kPrefill) choices_[i].prefilled = delta.done;
      output_ += plan_.writer->Delta(i, delta);
    });
    choices_.push_back(std::move(choice));
    ++left_;
  }
  return {};
}

void Run::Follow() {
  for (size_t i = 0; i < choices_.size() && !failure_; ++i) {
    Choice& choice = choices_[i];
    if (choice.done) continue;
    events_.clear();
    if (!choice.stream->Take(events_)) continue;
    if (!std::exchange(heard_, true)) output_ += plan_.writer->Begin();
    for (const model::Event& event : events_) {
      if (event.kind == model::Event::Kind::kToken) {
        choice.last = Clock::now();
        if (choice.tokens++ == 0) choice.first = choice.last;
      }
      choice.reader->Push(event);
    }
    if (choice.reader->finished()) {
      Finish(i, choice);
    } else if (choice.reader->stopped()) {
      choice.stream->Cancel();
    }
  }
}

void Run::Finish(size_t index, Choice& choice) {
  const auto reply = choice.reader->Take();
  choice.done = true;
  --left_;
  if (!reply.ok()) {
    Count(choice, nullptr);
    Fail(ToApiError(reply.error()));
    return;
  }
  Count(choice, &*reply);
  if (reply->reason == model::FinishReason::kCancelled) {
    Fail({503, "the server is shutting down", "", "", 1});
    return;
  }
  output_ += plan_.writer->ChoiceEnd(index, *reply);
}

void Run::Count(const Choice& choice, const serving::ChatReply* reply) {
  GenerationFigures figures;
  if (choice.tokens > 0) figures.first_token_seconds = SecondsBetween(arrived_, choice.first);
  if (choice.tokens > 1) {
    figures.seconds_per_token =
        SecondsBetween(choice.first, choice.last) / static_cast<double>(choice.tokens - 1);
  }
  figures.completion_tokens = choice.tokens;
  figures.cancelled = reply == nullptr;
  if (reply != nullptr) {
    figures.prompt_tokens = reply->usage.prompt_tokens;
    figures.cached_tokens = reply->usage.cached_tokens;
    figures.completion_tokens = reply->usage.completion_tokens;
  }
  metrics_.CountGeneration(figures);
}

}  // namespace

ApiError ToApiError(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
      return {400, error.message, "", "", 0};
    case ErrorCode::kNotFound:
      return {404, error.message, "", "", 0};
    case ErrorCode::kResourceExhausted:
      return {429, error.message, "", "", 1};
    case ErrorCode::kCancelled:
      return {503, "the server is shutting down", "", "", 1};
    case ErrorCode::kConflict:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return {500, error.message, "", "", 0};
}

boost::asio::awaitable<void> RunGeneration(Exchange& exchange, GenerationPlan plan,
                                           GenerationLimits limits, Metrics& metrics,
                                           Clock::time_point arrived) {
  Wakeup wakeup(exchange.executor());
  Run run(std::move(plan), metrics, arrived);
  const Status submitted = run.Submit(wakeup.waker());
  if (!submitted.ok()) {
    HttpResponse refusal = run.writer().Refusal(ToApiError(submitted.error()));
    co_await exchange.Send(std::move(refusal));
    co_return;
  }
  exchange.OnEnding(wakeup.waker());
  const bool streams = run.writer().streams();
  const Clock::time_point deadline = arrived + limits.longest;
  bool begun = false;
  Clock::time_point spoke = Clock::now();
  while (!run.done()) {
    run.Follow();
    if (!run.failure() && exchange.ending() && !run.done()) {
      run.Fail({503, "the server is shutting down", "", "", 1});
    }
    if (!run.failure() && Clock::now() > deadline) {
      run.Fail({503, Concat("the answer took longer than ", limits.longest.count(), " seconds"), "",
                "", 0});
    }
    if (run.failure()) break;
    const bool silent = Clock::now() - spoke >= limits.keep_alive;
    if (streams && silent && run.output().empty()) {
      run.output() += run.writer().KeepAlive(run.prefilled(), run.prompt_tokens());
    }
    if (streams && !run.output().empty()) {
      if (!begun) {
        HttpResponse head;
        head.content_type = run.writer().content_type();
        head.headers.emplace_back("Cache-Control", "no-cache");
        co_await exchange.BeginStream(std::move(head));
        begun = true;
      }
      std::string piece = std::exchange(run.output(), {});
      co_await exchange.Write(std::move(piece));
      spoke = Clock::now();
      continue;  // while the client took it, more may have come
    }
    if (!run.done()) co_await wakeup.Wait(limits.keep_alive);
  }
  if (run.failure() && !begun) {
    HttpResponse refusal = run.writer().Refusal(*run.failure());
    co_await exchange.Send(std::move(refusal));
    co_return;
  }
  std::string rest = std::exchange(run.output(), {});
  rest += run.failure() ? run.writer().Failure(*run.failure()) : run.writer().End();
  if (begun) {
    co_await exchange.Write(std::move(rest));
  } else {
    HttpResponse response;
    response.content_type = run.writer().content_type();
    response.body = std::move(rest);
    co_await exchange.Send(std::move(response));
  }
}

}  // namespace hearth::http
