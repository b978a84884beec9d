// Task: one entry of a person's task list, and the words that its fields may hold.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/trust.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::memory {

enum class TaskStatus { kPending, kInProgress, kCompleted, kCancelled };
enum class TaskPriority { kUrgent, kHigh, kMedium, kLow };  // most pressing first

// The spelling used in the database, in tool arguments and in JSON, in the enums' order.
inline constexpr std::array<const char*, 4> kTaskStatusNames = {"pending", "in_progress",
                                                                "completed", "cancelled"};
inline constexpr std::array<const char*, 4> kTaskPriorityNames = {"urgent", "high", "medium",
                                                                  "low"};

const char* ToString(TaskStatus status);
const char* ToString(TaskPriority priority);
// An unknown word is kInvalidArgument and the message lists the known ones.
Result<TaskStatus> ParseTaskStatus(std::string_view text);
Result<TaskPriority> ParseTaskPriority(std::string_view text);

// What one task may hold. Lengths are in code points.
struct TaskLimits {
  static constexpr size_t kTitle = 500;
  static constexpr size_t kNotes = 20'000;
  static constexpr size_t kTags = 50;
  static constexpr size_t kTag = 100;
  static constexpr size_t kQuery = 1000;
};

struct Task {
  int64_t id = 0;  // counts from 1 in each repository and is never given out twice
  std::string title;
  TaskStatus status = TaskStatus::kPending;
  TaskPriority priority = TaskPriority::kMedium;
  std::optional<std::string> due_date;  // YYYY-MM-DD
  std::optional<std::string> notes;
  std::vector<std::string> tags;
  Trust trust = Trust::kTrusted;  // of title, notes and tags: their least trusted writer
  TimePoint created_at;
  TimePoint updated_at;

  bool IsOpen() const {
    return status == TaskStatus::kPending || status == TaskStatus::kInProgress;
  }
};

// Every field but trust and updated_at, under the names that the tools and the CLI show.
Json ToJson(const Task& task);

// What a task starts with.
struct NewTask {
  std::string title;
  TaskPriority priority = TaskPriority::kMedium;
  std::optional<std::string> due_date;
  std::optional<std::string> notes;
  std::vector<std::string> tags;
  Trust writer = Trust::kTrusted;
};

// Fields that are set replace the task's; an inner nullopt clears the field.
struct TaskUpdate {
  std::optional<std::string> title;
  std::optional<TaskStatus> status;
  std::optional<TaskPriority> priority;
  std::optional<std::optional<std::string>> due_date;
  std::optional<std::optional<std::string>> notes;
  std::optional<std::vector<std::string>> tags;
  Trust writer = Trust::kTrusted;
};

// Checks the free-text fields and the date against what a task may hold, strips white space off the
// title's ends, and names the field that is wrong.
Status CheckTitle(std::string& title);
Status CheckDueDate(const std::optional<std::string>& due_date);
Status CheckNotes(const std::optional<std::string>& notes);
Status CheckTags(const std::vector<std::string>& tags);

}  // namespace hearth::memory
