#include "tools/task_tools.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memory/task_repository.h"
#include "runtime/base/text.h"
#include "runtime/base/time_format.h"
#include "tools/task_report.h"

namespace hearth::tools {
namespace {

using memory::Task;
using memory::TaskRepository;
using memory::TaskStatus;

constexpr size_t kShownNotes = 200;

// ---- Schemas ----

Json Object(Json properties, Json required = Json::array()) {
  return Json{{"type", "object"},
              {"additionalProperties", false},
              {"properties", std::move(properties)},
              {"required", std::move(required)}};
}

Json Names(const std::array<const char*, 4>& names) { return Json(names); }

Json TaskIdSchema() { return Json{{"type", "integer"}, {"minimum", 1}}; }

Json TaskSchema() {
  const Json text_or_null = {{"type", {"string", "null"}}};
  return Object({{"id", TaskIdSchema()},
                 {"title", {{"type", "string"}}},
                 {"status", {{"type", "string"}, {"enum", Names(memory::kTaskStatusNames)}}},
                 {"priority", {{"type", "string"}, {"enum", Names(memory::kTaskPriorityNames)}}},
                 {"due_date", text_or_null},
                 {"notes", text_or_null},
                 {"tags", {{"type", "array"}, {"items", {{"type", "string"}}}}},
                 {"created_at", {{"type", "string"}}}},
                {"id", "title", "status", "priority", "due_date", "notes", "tags", "created_at"});
}

Json TaskListSchema(bool paged = false) {
  Json properties = {{"tasks", {{"type", "array"}, {"items", TaskSchema()}}},
                     {"total", {{"type", "integer"}, {"minimum", 0}}}};
  if (paged) properties["next_cursor"] = {{"type", "string"}};
  return Object(std::move(properties), {"tasks", "total"});
}

// ---- Words ----

std::string Quoted(const std::string& title) { return "'" + OneLine(title) + "'"; }

std::string Describe(const Task& task) {
  std::string text =
      Concat("#", task.id, ": ", Quoted(task.title), " [", ToString(task.priority), "]");
  if (task.status != TaskStatus::kPending) text += Concat(" ", ToString(task.status));
  if (task.due_date) text += ", due " + *task.due_date;
  for (size_t i = 0; i < task.tags.size(); ++i) {
    text += (i == 0 ? ", tags: " : ", ") + OneLine(task.tags[i]);
  }
  if (task.notes && !task.notes->empty()) {
    text += ", notes: '" + Clip(OneLine(*task.notes), kShownNotes) + "'";
  }
  return text;
}

ToolResult ShowOne(std::string text, const Task& task) {
  ToolResult result;
  result.text = std::move(text);
  result.structured = ToJson(task);
  result.task_ids = {task.id};
  result.trust = task.trust;
  return result;
}

// The tasks from `begin` on, as many as a list shows; a cursor is the id of the last task shown.
ToolResult ShowList(const std::string& heading, const std::vector<Task>& tasks, size_t begin = 0,
                    bool paged = false) {
  ToolResult result;
  result.text = heading;
  Json shown = Json::array();
  const size_t end = std::min(tasks.size(), begin + kMaxListedTasks);
  for (size_t i = begin; i < end; ++i) {
    result.text += "\n" + Describe(tasks[i]);
    result.task_ids.push_back(tasks[i].id);
    result.trust = Combine(result.trust, tasks[i].trust);
    shown.push_back(ToJson(tasks[i]));
  }
  result.structured = Json{{"tasks", std::move(shown)}, {"total", tasks.size()}};
  if (end == tasks.size()) return result;
  result.text += Concat("\n... and ", tasks.size() - end, " more; ");
  if (paged) {
    const std::string cursor = std::to_string(tasks[end - 1].id);
    result.structured["next_cursor"] = cursor;
    result.text += "list_tasks with the cursor " + cursor + " goes on";
  } else {
    result.text += "search_tasks finds them by title";
  }
  return result;
}

// The index behind the task that the cursor names.
Result<size_t> BeginOfPage(const std::vector<Task>& tasks, const std::string& cursor) {
  const auto last = std::ranges::find_if(
      tasks, [&](const Task& task) { return std::to_string(task.id) == cursor; });
  if (last != tasks.end()) return static_cast<size_t>(last - tasks.begin()) + 1;
  return MakeError(ErrorCode::kInvalidArgument, "the cursor '", Clip(OneLine(cursor), 40),
                   "' leads nowhere any more; call list_tasks without one");
}

std::string CountTasks(size_t count, const std::string& kind) {
  return Concat(count, " ", kind, kind.empty() ? "" : " ", count == 1 ? "task" : "tasks");
}

// A missing task is no dead end: the error says what to call.
Error WithAdvice(Error error) {
  if (error.code == ErrorCode::kNotFound) error.message += "; call list_tasks to see the tasks";
  return error;
}

// ---- Arguments; the schema has made sure of their types ----

std::optional<std::string> OptionalText(const Json& arguments, const char* name) {
  const Json* value = FindMember(arguments, name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return value->get<std::string>();
}

int64_t TaskId(const Json& arguments) {
  const Json& id = *FindMember(arguments, "task_id");
  // Beyond int64 there is no task, whatever the number.
  return id.is_number_unsigned() && id.get<uint64_t>() > INT64_MAX ? 0 : id.get<int64_t>();
}

// ---- Tools ----

Tool CurrentTimeTool() {
  Tool tool;
  tool.name = "get_current_time";
  tool.title = "Current time";
  tool.description =
      "Current date, weekday and time in a time zone. Use it to work out today, tomorrow, next "
      "Friday.";
  tool.parameters = Object(
      {{"timezone",
        {{"type", "string"}, {"description", "IANA name such as Europe/Paris; UTC if left out"}}}});
  tool.output = Object({{"timezone", {{"type", "string"}}},
                        {"time", {{"type", "string"}}},
                        {"date", {{"type", "string"}, {"format", "date"}}}},
                       {"timezone", "time", "date"});
  tool.annotations = {.read_only = true};
  tool.examples = {{"What time is it in Paris?",
                    {{"timezone", "Europe/Paris"}},
                    "Saturday 2026-11-21 13:00 CET",
                    "It is 13:00 in Paris."}};
  tool.handler = [](const ToolCall& call) -> Result<ToolResult> {
    const std::string zone = OptionalText(call.arguments, "timezone").value_or("UTC");
    const TimePoint now = call.context.clock.Now();
    HEARTH_TRY(const std::string time, FormatInZone(now, zone));
    HEARTH_TRY(const std::string date, FormatInZone(now, zone, "%F"));
    ToolResult result;
    result.text = time;
    result.structured = Json{{"timezone", zone}, {"time", time}, {"date", date}};
    return result;
  };
  return tool;
}

Tool CreateTaskTool(memory::Store& store) {
  Tool tool;
  tool.name = "create_task";
  tool.title = "Create a task";
  tool.description = "Add one task.";
  tool.parameters =
      Object({{"title", {{"type", "string"}, {"minLength", 1}}},
              {"priority", {{"type", "string"}, {"enum", {"low", "medium", "high", "urgent"}}}},
              {"due_date",
               {{"type", {"string", "null"}}, {"format", "date"}, {"description", "YYYY-MM-DD"}}},
              {"notes", {{"type", {"string", "null"}}}},
              {"tags", {{"type", "array"}, {"items", {{"type", "string"}}}}}},
             {"title"});
  tool.output = TaskSchema();
  tool.examples = {{"Remind me to call mom",
                    {{"title", "Call mom"}},
                    "Created task #1: 'Call mom' [medium]",
                    "I added 'Call mom' to your tasks."},
                   {"Add an urgent task to pay the rent",
                    {{"title", "Pay the rent"}, {"priority", "urgent"}},
                    "Created task #2: 'Pay the rent' [urgent]",
                    "I added 'Pay the rent' as an urgent task."}};
  tool.handler = [&store](const ToolCall& call) -> Result<ToolResult> {
    memory::NewTask fields;
    fields.title = OptionalText(call.arguments, "title").value_or("");
    if (const auto priority = OptionalText(call.arguments, "priority")) {
      HEARTH_TRY(fields.priority, memory::ParseTaskPriority(*priority));
    }
    fields.due_date = OptionalText(call.arguments, "due_date");
    fields.notes = OptionalText(call.arguments, "notes");
    if (const Json* tags = FindMember(call.arguments, "tags")) {
      fields.tags = tags->get<std::vector<std::string>>();
    }
    fields.writer = call.context.writer;
    HEARTH_TRY(const Task task, TaskRepository(store, call.context.repository).Create(fields));
    return ShowOne("Created task " + Describe(task), task);
  };
  return tool;
}

Tool ListTasksTool(memory::Store& store, bool paged) {
  Tool tool;
  tool.name = "list_tasks";
  tool.title = "List tasks";
  tool.description = "List tasks, most pressing first.";
  Json filters = {"all"};
  for (const char* name : memory::kTaskStatusNames) filters.push_back(name);
  Json properties = {{"filter_status", {{"type", "string"}, {"enum", filters}}}};
  if (paged) {
    properties["cursor"] = {
        {"type", "string"},
        {"description", "next_cursor of the page before; none: the first page"}};
  }
  tool.parameters = Object(std::move(properties));
  tool.output = TaskListSchema(paged);
  tool.annotations = {.read_only = true};
  tool.examples = {{"What do I have to do?", Json::object(),
                    "2 tasks, most pressing first:\n  #2: 'Pay the rent' [urgent] pending\n  #1: "
                    "'Call mom' [medium] pending",
                    "You have two tasks: 'Pay the rent' and 'Call mom'."},
                   {"Which tasks are done?",
                    {{"filter_status", "completed"}},
                    "No completed tasks.",
                    "No task is completed yet."}};
  tool.handler = [&store, paged](const ToolCall& call) -> Result<ToolResult> {
    std::optional<TaskStatus> status;
    const std::string filter = OptionalText(call.arguments, "filter_status").value_or("all");
    if (filter != "all") {
      HEARTH_TRY(status, memory::ParseTaskStatus(filter));
    }
    HEARTH_TRY(const std::vector<Task> tasks,
               TaskRepository(store, call.context.repository).List(status));
    const std::string kind = status ? filter : "";
    if (tasks.empty())
      return ShowList(Concat("No ", kind, kind.empty() ? "" : " ", "tasks."), tasks);
    size_t begin = 0;
    if (const auto cursor = OptionalText(call.arguments, "cursor")) {
      HEARTH_TRY(begin, BeginOfPage(tasks, *cursor));
    }
    return ShowList(CountTasks(tasks.size(), kind) + ", most pressing first:", tasks, begin, paged);
  };
  return tool;
}

Tool UpdateTaskStatusTool(memory::Store& store) {
  Tool tool;
  tool.name = "update_task_status";
  tool.title = "Set a task's status";
  tool.description = "Set the status of a task.";
  tool.parameters =
      Object({{"task_id", TaskIdSchema()},
              {"new_status", {{"type", "string"}, {"enum", Names(memory::kTaskStatusNames)}}}},
             {"task_id", "new_status"});
  tool.output = TaskSchema();
  tool.annotations = {.idempotent = true};
  tool.examples = {{"I finished task 1",
                    {{"task_id", 1}, {"new_status", "completed"}},
                    "Task #1 'Call mom' is now completed (it was pending).",
                    "Task 1, 'Call mom', is completed."},
                   {"Start task 2",
                    {{"task_id", 2}, {"new_status", "in_progress"}},
                    "Task #2 'Pay the rent' is now in progress (it was pending).",
                    "Task 2, 'Pay the rent', is in progress."}};
  tool.handler = [&store](const ToolCall& call) -> Result<ToolResult> {
    HEARTH_TRY(const TaskStatus status,
               memory::ParseTaskStatus(*OptionalText(call.arguments, "new_status")));
    const int64_t id = TaskId(call.arguments);
    TaskRepository tasks(store, call.context.repository);
    return store.Transact([&]() -> Result<ToolResult> {
      const auto before = tasks.Get(id);
      if (!before.ok()) return WithAdvice(before.error());
      HEARTH_TRY(const Task task,
                 tasks.Update(id, {.status = status, .writer = call.context.writer}));
      const bool same = before->status == status;
      return ShowOne(Concat("Task #", id, " ", Quoted(task.title),
                            same ? " was already " : " is now ", ToString(status),
                            same ? "." : Concat(" (it was ", ToString(before->status), ").")),
                     task);
    });
  };
  return tool;
}

Tool SearchTasksTool(memory::Store& store) {
  Tool tool;
  tool.name = "search_tasks";
  tool.title = "Search tasks";
  tool.description = "Find tasks whose title has every word of the query.";
  tool.parameters = Object({{"query", {{"type", "string"}}}}, {"query"});
  tool.output = TaskListSchema();
  tool.annotations = {.read_only = true};
  tool.examples = {{"Find the task about the rent",
                    {{"query", "rent"}},
                    "1 task:\n  #2: 'Pay the rent' [urgent] in progress",
                    "It is task 2, 'Pay the rent'."}};
  tool.handler = [&store](const ToolCall& call) -> Result<ToolResult> {
    const std::string query = *OptionalText(call.arguments, "query");
    HEARTH_TRY(const std::vector<Task> tasks,
               TaskRepository(store, call.context.repository).Search(query));
    const std::string words = Clip(Quoted(query), 80);
    if (tasks.empty()) {
      return ShowList(Concat("No task's title has every word of ", words,
                             "; try one word of it, or list_tasks."),
                      tasks);
    }
    return ShowList(Concat(CountTasks(tasks.size(), ""), " found for ", words, ":"), tasks);
  };
  return tool;
}

Tool DeleteTaskTool(memory::Store& store) {
  Tool tool;
  tool.name = "delete_task";
  tool.title = "Delete a task";
  tool.description = "Remove a task for good.";
  tool.parameters = Object({{"task_id", TaskIdSchema()}}, {"task_id"});
  tool.output = Object({{"deleted", TaskIdSchema()}}, {"deleted"});
  tool.annotations = {.destructive = true, .idempotent = true};
  tool.examples = {{"Delete task 2",
                    {{"task_id", 2}},
                    "Deleted task #2 'Pay the rent' for good.",
                    "I deleted 'Pay the rent'."}};
  tool.handler = [&store](const ToolCall& call) -> Result<ToolResult> {
    const auto task = TaskRepository(store, call.context.repository).Delete(TaskId(call.arguments));
    if (!task.ok()) return WithAdvice(task.error());
    ToolResult result;
    result.text = Concat("Deleted task #", task->id, " ", Quoted(task->title), " for good.");
    result.structured = Json{{"deleted", task->id}};
    result.trust = task->trust;
    return result;
  };
  return tool;
}

Tool TaskReportTool(memory::Store& store) {
  Tool tool;
  tool.name = "task_report";
  tool.title = "Task report";
  tool.description = "Counts of tasks by status, a summary, and what to do next.";
  tool.parameters = Object(Json::object());
  tool.output = TaskReportSchema();
  tool.annotations = {.read_only = true};
  tool.examples = {{"How am I doing?", Json::object(),
                    "1 task: 0 pending, 0 in progress, 1 completed; nothing urgent is open.",
                    "Your only task is completed."}};
  tool.handler = [&store](const ToolCall& call) -> Result<ToolResult> {
    HEARTH_TRY(const TaskReport report, MakeTaskReport(store, call.context.repository));
    ToolResult result;
    result.text = report.summary + " " + report.recommendation;
    result.structured = ToJson(report);
    result.trust = report.trust;
    return result;
  };
  return tool;
}

}  // namespace

Status AddTaskTools(Toolset& toolset, memory::Store& store, const TaskToolOptions& options) {
  for (Tool& tool :
       std::vector<Tool>{CurrentTimeTool(), CreateTaskTool(store),
                         ListTasksTool(store, options.paged), UpdateTaskStatusTool(store),
                         SearchTasksTool(store), DeleteTaskTool(store), TaskReportTool(store)}) {
    tool.durability = Durability::kOwnStore;
    HEARTH_CHECK_OK(toolset.Add(std::move(tool)));
  }
  return {};
}

}  // namespace hearth::tools
