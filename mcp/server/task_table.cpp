#include "mcp/server/task_table.h"

#include <chrono>
#include <utility>

#include "runtime/base/ids.h"
#include "runtime/base/time_format.h"

namespace hearth::mcp {
namespace {

constexpr std::chrono::hours kTimeToLive{1};
constexpr int kPollMilliseconds = 500;

}  // namespace

Task::Task(std::string id, std::string owner, const Clock& clock, std::stop_source stop,
           OnChange on_change)
    : id_(std::move(id)),
      owner_(std::move(owner)),
      clock_(clock),
      stop_(std::move(stop)),
      on_change_(std::move(on_change)),
      created_(clock.Now()),
      updated_(created_) {}

Json Task::Describe(bool detailed) const {
  const std::lock_guard lock(mutex_);
  const std::string_view state = state_;
  Json task = {{"taskId", id_}, {"status", state}};
  if (!message_.empty()) task["statusMessage"] = message_;
  task["createdAt"] = FormatRfc3339(created_);
  task["lastUpdatedAt"] = FormatRfc3339(updated_);
  task["ttlMs"] = std::chrono::milliseconds(kTimeToLive).count();
  task["pollIntervalMs"] = kPollMilliseconds;
  if (!detailed) return task;
  if (state == "completed") task["result"] = outcome_;
  if (state == "failed") task["error"] = outcome_;
  if (state == "input_required") {
    Json requests = Json::object();
    for (const auto& [key, question] : open_) {
      requests[key] = {{"method", question.method}, {"params", question.params}};
    }
    task["inputRequests"] = std::move(requests);
  }
  return task;
}

void Task::SetState(const char* state) {
  state_ = state;
  updated_ = clock_.Now();
  changed_.notify_all();
}

void Task::Tell() const {
  if (on_change_) on_change_(*this);
}

Result<std::vector<Json>> Task::Ask(std::span<const Question> questions) {
  {
    const std::lock_guard lock(mutex_);
    for (const Question& question : questions) open_[question.key] = question;
    SetState("input_required");
  }
  Tell();
  std::unique_lock lock(mutex_);
  const bool answered = changed_.wait(lock, stop_.get_token(), [&] { return open_.empty(); });
  if (!answered) return MakeError(ErrorCode::kCancelled, "the task was cancelled");
  SetState("working");
  std::vector<Json> answers;
  for (const Question& question : questions) answers.push_back(std::move(answers_[question.key]));
  lock.unlock();
  Tell();
  return answers;
}

void Task::Say(std::string_view message) {
  {
    const std::lock_guard lock(mutex_);
    message_ = message;
    updated_ = clock_.Now();
  }
  Tell();
}

void Task::Complete(Json result) {
  {
    const std::lock_guard lock(mutex_);
    if (std::string_view(state_) == "cancelled") return;
    outcome_ = std::move(result);
    SetState("completed");
  }
  Tell();
}

void Task::Fail(Json error) {
  {
    const std::lock_guard lock(mutex_);
    if (std::string_view(state_) == "cancelled") return;
    outcome_ = std::move(error);
    SetState("failed");
  }
  Tell();
}

void Task::Answer(const Json& answers) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, answer] : answers.get_ref<const Json::object_t&>()) {
    if (open_.erase(key) == 0) continue;
    answers_[key] = answer;
    updated_ = clock_.Now();
  }
  if (open_.empty()) changed_.notify_all();
}

void Task::Cancel() {
  {
    const std::lock_guard lock(mutex_);
    const std::string_view state = state_;
    if (state == "completed" || state == "failed" || state == "cancelled") return;
    SetState("cancelled");
  }
  stop_.request_stop();
  Tell();
}

bool Task::final() const {
  const std::lock_guard lock(mutex_);
  const std::string_view state = state_;
  return state == "completed" || state == "failed" || state == "cancelled";
}

bool Task::expired() const {
  const std::lock_guard lock(mutex_);
  return clock_.Now() - updated_ > kTimeToLive;
}

std::shared_ptr<Task> TaskTable::Create(std::string owner, std::stop_source stop) {
  const std::lock_guard lock(mutex_);
  std::erase_if(tasks_,
                [](const auto& entry) { return entry.second->final() && entry.second->expired(); });
  if (tasks_.size() >= most_) return nullptr;
  auto task =
      std::make_shared<Task>(RandomHex(16), std::move(owner), clock_, std::move(stop), on_change_);
  tasks_[task->id()] = task;
  return task;
}

std::shared_ptr<Task> TaskTable::Find(std::string_view id, std::string_view owner) {
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(id);
  return found == tasks_.end() || found->second->owner() != owner ? nullptr : found->second;
}

void TaskTable::CancelAll() {
  std::vector<std::shared_ptr<Task>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, task] : tasks_) all.push_back(task);
  }
  for (const auto& task : all) task->Cancel();
}

}  // namespace hearth::mcp
