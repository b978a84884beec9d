#include "mcp/server/workers.h"

#include <utility>

namespace hearth::mcp {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool Workers::Submit(std::function<void()> job) {
  used_ = true;
  const std::lock_guard lock(mutex_);
  if (stopped_ || jobs_.size() >= max_waiting_) return false;
  jobs_.push_back(std::move(job));
  if (jobs_.size() > idle_ && threads_.size() < most_) threads_.emplace_back([this] { Work(); });
  changed_.notify_all();
  return true;
}

bool Workers::Stop(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, grace, [&] { return jobs_.empty() && busy_ == 0; });
}

void Workers::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [&] { return stopped_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    ++busy_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
}

}  // namespace hearth::mcp
