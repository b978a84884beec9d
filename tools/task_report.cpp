#include "tools/task_report.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "runtime/base/text.h"

namespace hearth::tools {
namespace {

using memory::Task;
using memory::TaskStats;

std::string Counted(int64_t count, const char* one, const char* many) {
  return Concat(count, " ", count == 1 ? one : many);
}

std::string Summarize(const TaskStats& stats) {
  if (stats.total == 0) return "The task list is empty.";
  std::string text =
      Concat(Counted(stats.total, "task", "tasks"), ": ", stats.pending, " pending, ",
             stats.in_progress, " in progress, ", stats.completed, " completed");
  if (stats.cancelled != 0) text += Concat(", ", stats.cancelled, " cancelled");
  if (stats.urgent_pending != 0) {
    text +=
        Concat("; ", Counted(stats.urgent_pending, "urgent task is", "urgent tasks are"), " open");
  }
  return text + ".";
}

// The most pressing open task; among equals the one that is due first. Null where nothing is open.
const Task* MostPressing(const std::vector<Task>& tasks) {
  const auto rank = [](const Task& task) {
    return std::make_tuple(!task.IsOpen(), task.priority, task.due_date.value_or("9999-99-99"),
                           task.id);
  };
  const auto first = std::min_element(
      tasks.begin(), tasks.end(), [&](const Task& a, const Task& b) { return rank(a) < rank(b); });
  return first == tasks.end() || !first->IsOpen() ? nullptr : &*first;
}

std::string Recommend(const Task& task) {
  return Concat(task.status == memory::TaskStatus::kInProgress ? "Go on with #" : "Start with #",
                task.id, " '", Clip(OneLine(task.title), 80), "' (", ToString(task.priority),
                task.due_date ? ", due " + *task.due_date : "", ").");
}

}  // namespace

Result<TaskReport> MakeTaskReport(memory::Store& store, const std::string& repository) {
  return store.Read([&]() -> Result<TaskReport> {
    memory::TaskRepository repository_tasks(store, repository);
    HEARTH_TRY(const TaskStats stats, repository_tasks.Stats());
    HEARTH_TRY(const std::vector<Task> tasks, repository_tasks.List());
    TaskReport report{.total_tasks = stats.total,
                      .pending_count = stats.pending,
                      .in_progress_count = stats.in_progress,
                      .completed_count = stats.completed,
                      .urgent_pending = stats.urgent_pending,
                      .summary = Summarize(stats)};
    if (const Task* next = MostPressing(tasks)) {
      report.recommendation = Recommend(*next);
      report.trust = next->trust;
    } else {
      report.recommendation =
          stats.total == 0 ? "Add the first task." : "Nothing is open: well done.";
    }
    return report;
  });
}

Json ToJson(const TaskReport& report) {
  return Json{{"total_tasks", report.total_tasks},
              {"pending_count", report.pending_count},
              {"in_progress_count", report.in_progress_count},
              {"completed_count", report.completed_count},
              {"urgent_pending", report.urgent_pending},
              {"summary", report.summary},
              {"recommendation", report.recommendation}};
}

Json TaskReportSchema() {
  const Json count = {{"type", "integer"}, {"minimum", 0}};
  const Json sentence = {{"type", "string"}, {"minLength", 1}};
  const Json properties = {{"total_tasks", count},       {"pending_count", count},
                           {"in_progress_count", count}, {"completed_count", count},
                           {"urgent_pending", count},    {"summary", sentence},
                           {"recommendation", sentence}};
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items()) required.push_back(name);
  return Json{{"type", "object"},
              {"additionalProperties", false},
              {"properties", properties},
              {"required", required}};
}

}  // namespace hearth::tools
