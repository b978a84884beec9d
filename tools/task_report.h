// TaskReport: the state of a task list in figures and two sentences, computed, never guessed.
#pragma once

#include <cstdint>
#include <string>

#include "memory/task_repository.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::tools {

struct TaskReport {
  int64_t total_tasks = 0;
  int64_t pending_count = 0;
  int64_t in_progress_count = 0;
  int64_t completed_count = 0;
  int64_t urgent_pending = 0;                     // urgent, and neither completed nor cancelled
  std::string summary;                            // the figures in words
  std::string recommendation;                     // what to do next
  memory::Trust trust = memory::Trust::kTrusted;  // the recommendation may quote a title
};

// One consistent view of the repository.
Result<TaskReport> MakeTaskReport(memory::Store& store, const std::string& repository);

Json ToJson(const TaskReport& report);
// JSON Schema of that object.
Json TaskReportSchema();

}  // namespace hearth::tools
