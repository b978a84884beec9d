#include "runtime/serving/engine_thread.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "runtime/base/log.h"

namespace hearth::serving {

namespace {
// A reader this many events behind pauses its sequence until it has taken them. Most replies are
// shorter: they finish, and give their KV back, however slowly they are read.
constexpr size_t kMostPending = 1024;
}  // namespace

struct EventStream::Channel {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<model::Event> events;
  bool paused = false;
  bool finished = false;
  EngineThread::Waker waker;  // never changes
};

struct EventStream::Inbox {
  struct Submission {
    model::GenerationRequest request;
    std::shared_ptr<Channel> channel;
  };
  std::mutex mutex;
  std::condition_variable arrived;
  bool closed = false;
  size_t requests = 0;  // submitted and not finished
  std::vector<Submission> submissions;
  std::vector<std::shared_ptr<Channel>> cancelled, resumed;

  bool empty() const { return submissions.empty() && cancelled.empty() && resumed.empty(); }
};

EventStream::EventStream(std::shared_ptr<Channel> channel, std::shared_ptr<Inbox> inbox)
    : channel_(std::move(channel)), inbox_(std::move(inbox)) {}

EventStream::~EventStream() { Cancel(); }

bool EventStream::Take(std::vector<model::Event>& out) {
  bool resumes = false;
  {
    const std::lock_guard lock(channel_->mutex);
    if (channel_->events.empty()) return false;
    std::ranges::move(channel_->events, std::back_inserter(out));
    channel_->events.clear();
    resumes = std::exchange(channel_->paused, false);
  }
  if (resumes) {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->resumed.push_back(channel_);
    inbox_->arrived.notify_one();
  }
  return true;
}

void EventStream::Wait() {
  std::unique_lock lock(channel_->mutex);
  channel_->arrived.wait(lock, [&] { return !channel_->events.empty() || channel_->finished; });
}

void EventStream::Cancel() {
  {
    const std::lock_guard lock(channel_->mutex);
    if (channel_->finished) return;
  }
  const std::lock_guard lock(inbox_->mutex);
  inbox_->cancelled.push_back(channel_);
  inbox_->arrived.notify_one();
}

EngineThread::EngineThread(std::unique_ptr<model::Engine> engine, size_t max_queue)
    : engine_(std::move(engine)),
      context_tokens_(engine_->context_tokens()),
      most_requests_(engine_->max_sequences() + max_queue),
      inbox_(std::make_shared<EventStream::Inbox>()),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

EngineThread::~EngineThread() {
  thread_.request_stop();
  {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->closed = true;
    inbox_->arrived.notify_one();
  }
  thread_.join();
}

Result<std::unique_ptr<EventStream>> EngineThread::Submit(model::GenerationRequest request,
                                                          Waker waker) {
  auto channel = std::make_shared<Channel>();
  channel->waker = std::move(waker);
  const std::lock_guard lock(inbox_->mutex);
  if (inbox_->closed) return MakeError(ErrorCode::kCancelled, "the model is being unloaded");
  if (inbox_->requests >= most_requests_) {
    return MakeError(ErrorCode::kResourceExhausted, "the queue is full: ", inbox_->requests,
                     " requests are being answered or wait; try again later");
  }
  ++inbox_->requests;
  inbox_->submissions.push_back({std::move(request), channel});
  inbox_->arrived.notify_one();
  return std::unique_ptr<EventStream>(new EventStream(std::move(channel), inbox_));
}

void EngineThread::TakeMessages() {
  std::vector<EventStream::Inbox::Submission> submissions;
  std::vector<std::shared_ptr<Channel>> cancelled, resumed;
  {
    const std::lock_guard lock(inbox_->mutex);
    submissions.swap(inbox_->submissions);
    cancelled.swap(inbox_->cancelled);
    resumed.swap(inbox_->resumed);
  }
  for (auto& [request, channel] : submissions) {
    const auto id = engine_->Submit(std::move(request));
    if (id.ok()) {
      readers_.push_back({*id, std::move(channel)});
    } else {
      End(channel, id.error());
    }
  }
  const auto find = [&](const std::shared_ptr<Channel>& channel) {
    return std::ranges::find(readers_, channel, &Reader::channel);
  };
  for (const auto& channel : resumed) {
    if (const auto reader = find(channel); reader != readers_.end()) {
      engine_->SetPaused(reader->id, false);
    }
  }
  for (const auto& channel : cancelled) {
    if (const auto reader = find(channel); reader != readers_.end()) engine_->Cancel(reader->id);
  }
}

// The last event of a request that the engine never had, or will not finish.
void EngineThread::End(const std::shared_ptr<Channel>& channel, Error error) {
  model::Event event;
  event.kind = model::Event::Kind::kFinished;
  event.reason = error.code == ErrorCode::kCancelled ? model::FinishReason::kCancelled
                                                     : model::FinishReason::kError;
  event.error = std::move(error);
  {
    const std::lock_guard lock(channel->mutex);
    channel->events.push_back(std::move(event));
    channel->finished = true;
    channel->arrived.notify_one();
  }
  if (channel->waker) channel->waker();
  const std::lock_guard lock(inbox_->mutex);
  --inbox_->requests;
}

void EngineThread::Deliver(std::vector<model::Event>& events) {
  // A step's events of one request lie together or apart; each reader is woken once.
  std::vector<std::shared_ptr<Channel>> woken;
  for (model::Event& event : events) {
    const auto reader = std::ranges::find(readers_, event.request, &Reader::id);
    if (reader == readers_.end()) continue;
    const std::shared_ptr<Channel> channel = reader->channel;
    const bool finished = event.kind == model::Event::Kind::kFinished;
    bool pauses = false;
    {
      const std::lock_guard lock(channel->mutex);
      if (channel->events.empty()) woken.push_back(channel);
      channel->events.push_back(std::move(event));
      channel->finished = finished;
      pauses = !channel->paused && channel->events.size() >= kMostPending;
      channel->paused |= pauses;
    }
    if (pauses) engine_->SetPaused(reader->id, true);
    if (!finished) continue;
    readers_.erase(reader);
    const std::lock_guard lock(inbox_->mutex);
    --inbox_->requests;
  }
  for (const auto& channel : woken) {
    channel->arrived.notify_one();
    if (channel->waker) channel->waker();
  }
}

void EngineThread::Run(std::stop_token stop) {
  std::vector<model::Event> events;
  bool busy = false;
  while (true) {
    {
      std::unique_lock lock(inbox_->mutex);
      const auto called = [&] { return inbox_->closed || !inbox_->empty(); };
      if (!busy) inbox_->arrived.wait(lock, called);
      if (stop.stop_requested()) break;
    }
    TakeMessages();
    events.clear();
    busy = engine_->Step(events);
    ++steps_;
    if (const Status& drafter = engine_->drafter_status(); !drafter.ok() && !drafter_failed_) {
      drafter_failed_ = true;
      Log(LogLevel::kWarn, "the draft model has failed, replies are written without its guesses: ",
          drafter.error().message);
    }
    running_ = engine_->running();
    waiting_ = engine_->waiting();
    if (const std::unique_lock lock(stats_mutex_, std::try_to_lock); lock)
      stats_ = engine_->stats();
    Deliver(events);
  }
  // Nothing may wait for events that never come.
  TakeMessages();
  for (const Reader& reader : std::exchange(readers_, {})) {
    End(reader.channel, MakeError(ErrorCode::kCancelled, "the model is being unloaded"));
  }
}

}  // namespace hearth::serving
