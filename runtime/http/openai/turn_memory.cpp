#include "runtime/http/openai/turn_memory.h"

#include <algorithm>

namespace hearth::http::openai {
namespace {

bool SameCalls(const serving::Message& a, const serving::Message& b) {
  return std::ranges::equal(a.calls, b.calls, [](const auto& x, const auto& y) {
    return x.id == y.id && x.name == y.name && x.arguments == y.arguments;
  });
}

}  // namespace

void TurnMemory::Keep(const serving::Message& reply) {
  if (reply.calls.empty()) return;
  constexpr size_t kOverhead = 512;
  const size_t bytes = 2 * reply.raw.size() + reply.reasoning.size() + kOverhead;
  if (bytes > max_bytes_) return;
  const std::lock_guard lock(mutex_);
  entries_.push_front({reply, bytes});
  by_call_[reply.calls[0].id] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    by_call_.erase(entries_.back().message.calls[0].id);
    entries_.pop_back();
  }
}

void TurnMemory::Complete(serving::Message& message) {
  if (message.calls.empty()) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_call_.find(message.calls[0].id);
  if (found == by_call_.end()) return;
  const serving::Message& kept = found->second->message;
  // A client that changed what was said means what it sends.
  if (!SameCalls(kept, message) || kept.content != message.content) return;
  if (message.reasoning.empty()) message.reasoning = kept.reasoning;
  if (message.reasoning == kept.reasoning) message.raw = kept.raw;
}

}  // namespace hearth::http::openai
