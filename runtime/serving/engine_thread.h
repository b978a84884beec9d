// EngineThread: the one thread that owns an engine, and the streams that its requests answer on.
//
// Requests, cancellations and resumptions are messages; the thread takes them between two steps.
// Events leave on a bounded channel per request. A reader that does not keep up pauses its own
// sequence and no other, which gives its place and its memory to those that wait until it is read
// again; one that goes away ends it at the next step, which is the next token. With nothing to do
// the thread sleeps.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "model/engine.h"
#include "runtime/base/core/result.h"

namespace hearth::serving {

// What the engine says about one request, for one reader at a time. Its destruction cancels a
// request that has not finished.
class EventStream {
 public:
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Appends the events that are there; false where there are none. The last one is kFinished.
  bool Take(std::vector<model::Event>& out);
  // Blocks until there is one. Only for readers that are sure to take them.
  void Wait();
  void Cancel();

 private:
  friend class EngineThread;
  struct Channel;
  struct Inbox;
  EventStream(std::shared_ptr<Channel> channel, std::shared_ptr<Inbox> inbox);

  std::shared_ptr<Channel> channel_;
  std::shared_ptr<Inbox> inbox_;
};

// Thread-safe.
class EngineThread {
 public:
  // Called on the engine's thread when events have come to a stream that had none. It must not
  // block, and not call back.
  using Waker = std::function<void()>;

  // At most `max_queue` requests wait beside those that run.
  EngineThread(std::unique_ptr<model::Engine> engine, size_t max_queue);
  // What is under way ends with FinishReason::kCancelled.
  ~EngineThread();

  // kResourceExhausted where the queue is full. What the engine refuses comes as an event.
  Result<std::unique_ptr<EventStream>> Submit(model::GenerationRequest request, Waker waker = {});

  uint32_t context_tokens() const { return context_tokens_; }
  // Requests in the engine, and those of them that wait for room.
  size_t running() const { return running_; }
  size_t waiting() const { return waiting_; }
  // Steps of the engine so far.
  uint64_t steps() const { return steps_; }
  // As they were after a late step.
  model::EngineStats stats() const {
    const std::lock_guard lock(stats_mutex_);
    return stats_;
  }

 private:
  using Channel = EventStream::Channel;
  void Run(std::stop_token stop);
  void TakeMessages();
  void Deliver(std::vector<model::Event>& events);
  void End(const std::shared_ptr<Channel>& channel, Error error);

  std::unique_ptr<model::Engine> engine_;
  const uint32_t context_tokens_;
  const size_t most_requests_;
  std::shared_ptr<EventStream::Inbox> inbox_;
  std::atomic<size_t> running_ = 0, waiting_ = 0;
  std::atomic<uint64_t> steps_ = 0;
  mutable std::mutex stats_mutex_;
  model::EngineStats stats_;
  // Of the engine's thread alone.
  struct Reader {
    model::RequestId id;
    std::shared_ptr<Channel> channel;
  };
  std::vector<Reader> readers_;
  bool drafter_failed_ = false;  // and that was said
  std::jthread thread_;
};

}  // namespace hearth::serving
