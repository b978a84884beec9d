// TaskTable: calls that were detached from their request (extension io.modelcontextprotocol/tasks).
//
// A task is working, input_required, completed, failed or cancelled; the last three are final. Its
// owner polls it until its time to live is over. Tasks live in memory: they end with the process,
// as the work does.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/request.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

// One task. Thread-safe.
class Task {
 public:
  // Hears of every change, on the thread that made it; may be empty.
  using OnChange = std::function<void(const Task& task)>;

  Task(std::string id, std::string owner, const Clock& clock, std::stop_source stop,
       OnChange on_change = {});

  const std::string& id() const { return id_; }
  const std::string& owner() const { return owner_; }

  // The members of a Task object; with what the state brings (result, error, inputRequests) where
  // `detailed`.
  Json Describe(bool detailed) const;

  // ---- The worker's side ----
  // Waits for the client's answers; kCancelled where the task is cancelled meanwhile.
  Result<std::vector<Json>> Ask(std::span<const Question> questions);
  void Say(std::string_view message);
  void Complete(Json result);
  void Fail(Json error);

  // ---- The client's side ----
  // Takes answers to open questions; others are ignored.
  void Answer(const Json& answers);
  void Cancel();

  bool final() const;
  bool expired() const;

 private:
  void SetState(const char* state);
  void Tell() const;  // without the lock

  const std::string id_;
  const std::string owner_;
  const Clock& clock_;
  std::stop_source stop_;
  const OnChange on_change_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  const char* state_ = "working";
  std::string message_;
  TimePoint created_;
  TimePoint updated_;
  Json outcome_;  // the result or the error
  std::map<std::string, Question> open_;
  std::map<std::string, Json> answers_;
};

// Thread-safe.
class TaskTable {
 public:
  TaskTable(const Clock& clock, size_t most, Task::OnChange on_change = {})
      : clock_(clock), most_(most), on_change_(std::move(on_change)) {}

  // Null where there are too many.
  std::shared_ptr<Task> Create(std::string owner, std::stop_source stop);
  // Null where there is none, or it is somebody else's.
  std::shared_ptr<Task> Find(std::string_view id, std::string_view owner);
  void CancelAll();

 private:
  const Clock& clock_;
  const size_t most_;
  const Task::OnChange on_change_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Task>, std::less<>> tasks_;
};

}  // namespace hearth::mcp
