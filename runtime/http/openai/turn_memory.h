// TurnMemory: what the model thought before its tool calls, for clients that do not send it back.
//
// An agent's turn goes on from where the model stopped, so its reasoning belongs into the next
// prompt; many clients drop it. Replies with calls are kept by the id of their first call (which
// nobody can guess) and put back where the message that comes is the one that was sent. Bounded;
// the oldest are forgotten. Thread-safe.
#pragma once

#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "runtime/serving/chat.h"

namespace hearth::http::openai {

class TurnMemory {
 public:
  explicit TurnMemory(size_t max_bytes) : max_bytes_(max_bytes) {}

  // A reply with calls that have the ids the client was given.
  void Keep(const serving::Message& reply);
  // Adds reasoning, and the model's own words, to an assistant message that lacks them.
  void Complete(serving::Message& message);

 private:
  struct Entry {
    serving::Message message;
    size_t bytes;
  };
  const size_t max_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the newest first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_call_;
  size_t bytes_ = 0;
};

}  // namespace hearth::http::openai
