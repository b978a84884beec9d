#include "runtime/main/mcp_resources.h"

#include <charconv>
#include <functional>
#include <set>

#include "memory/session_store.h"
#include "memory/task_repository.h"
#include "runtime/base/text.h"
#include "runtime/base/time_format.h"
#include "tools/task_report.h"

namespace hearth::main {
namespace {

constexpr std::string_view kTask = "task://";
constexpr std::string_view kSession = "session://";
constexpr std::string_view kAllTasks = "tasks://all";
constexpr std::string_view kReport = "tasks://report";
constexpr const char* kJson = "application/json";
constexpr const char* kBoardType = "text/html;profile=mcp-app";
constexpr int kListedSessions = 50;

Json Describe(std::string_view uri, const std::string& name, const std::string& title,
              const std::string& description, const char* type) {
  return {{"uri", uri},
          {"name", name},
          {"title", title},
          {"description", description},
          {"mimeType", type}};
}

std::string SessionTitle(const memory::Session& session) {
  const std::string title = Clip(OneLine(session.title), 80);
  return title.empty() ? "Session of " + FormatRfc3339(session.created_at) : title;
}

Error NoSuchResource(std::string_view uri) {
  return MakeError(ErrorCode::kNotFound, "there is no resource ", Clip(OneLine(uri), 100),
                   "; resources/list and resources/templates/list say which there are");
}

}  // namespace

std::vector<Json> TaskResources::List() {
  std::vector<Json> all = {
      Describe(kAllTasks, "tasks", "All tasks", "Every task, most pressing first", kJson),
      Describe(kReport, "report", "Task report", "Counts, a summary, and what to do next", kJson),
      Describe(kTaskBoardUri, "task-board", "Task board", "A view of the tasks by status",
               kBoardType)};
  const auto tasks = memory::TaskRepository(store_, repository_).List();
  if (tasks.ok()) {
    for (const auto& task : *tasks) {
      Json entry = Describe(Concat(kTask, task.id), Concat("task-", task.id),
                            Clip(OneLine(task.title), 80), Concat("Task ", task.id), kJson);
      entry["annotations"] = {{"lastModified", FormatRfc3339(task.updated_at)}};
      all.push_back(std::move(entry));
    }
  }
  const auto sessions = memory::SessionStore(store_).List(kListedSessions);
  if (sessions.ok()) {
    for (const auto& session : *sessions) {
      if (session.repository != repository_) continue;
      all.push_back(Describe(Concat(kSession, session.id), "session-" + session.id,
                             SessionTitle(session), "A conversation with the assistant", kJson));
    }
  }
  return all;
}

std::vector<Json> TaskResources::Templates() {
  return {{{"uriTemplate", "task://{id}"},
           {"name", "task"},
           {"title", "A task"},
           {"description", "One task by its id"},
           {"mimeType", kJson}},
          {{"uriTemplate", "session://{id}"},
           {"name", "session"},
           {"title", "A session"},
           {"description", "One conversation with the assistant by its id"},
           {"mimeType", kJson}}};
}

Result<Json> TaskResources::ReadTask(std::string_view id) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) {
    return MakeError(ErrorCode::kNotFound, "a task's id is a number");
  }
  HEARTH_TRY(const memory::Task task, memory::TaskRepository(store_, repository_).Get(number));
  return ToJson(task);
}

Result<Json> TaskResources::ReadAllTasks() {
  HEARTH_TRY(const auto tasks, memory::TaskRepository(store_, repository_).List());
  Json list = Json::array();
  for (const auto& task : tasks) list.push_back(ToJson(task));
  return Json{{"tasks", std::move(list)}, {"total", tasks.size()}};
}

Result<Json> TaskResources::ReadSession(std::string_view id) {
  memory::SessionStore sessions(store_);
  HEARTH_TRY(const memory::Session session, sessions.Get(id));
  if (session.repository != repository_) {
    return MakeError(ErrorCode::kNotFound, "that session belongs to another task repository");
  }
  HEARTH_TRY(const memory::Transcript transcript, sessions.Load(id));
  Json items = Json::array();
  for (const auto& item : transcript.items) {
    items.push_back(
        {{"kind", memory::ToString(item.kind)}, {"turn", item.turn}, {"content", item.payload}});
  }
  return Json{{"id", session.id},
              {"title", session.title},
              {"model", session.model},
              {"created_at", FormatRfc3339(session.created_at)},
              {"updated_at", FormatRfc3339(session.updated_at)},
              {"items", std::move(items)}};
}

Result<Json> TaskResources::ReadJson(std::string_view uri) {
  if (uri == kAllTasks) return ReadAllTasks();
  if (uri == kReport) {
    HEARTH_TRY(const auto report, tools::MakeTaskReport(store_, repository_));
    return tools::ToJson(report);
  }
  if (uri.starts_with(kTask)) return ReadTask(uri.substr(kTask.size()));
  if (uri.starts_with(kSession)) return ReadSession(uri.substr(kSession.size()));
  return NoSuchResource(uri);
}

Result<Json> TaskResources::Read(std::string_view uri, mcp::Request&) {
  if (uri == kTaskBoardUri) {
    return Json::array({{{"uri", uri}, {"mimeType", kBoardType}, {"text", TaskBoardPage()}}});
  }
  HEARTH_TRY(const Json content, ReadJson(uri));
  return Json::array({{{"uri", uri}, {"mimeType", kJson}, {"text", DumpJson(content, 2)}}});
}

std::vector<std::string> TaskResources::Complete(std::string_view uri_template,
                                                 std::string_view variable,
                                                 std::string_view value) {
  std::vector<std::string> values;
  if (variable != "id") return values;
  const auto add = [&](std::string id) {
    if (id.starts_with(value)) values.push_back(std::move(id));
  };
  if (uri_template == "task://{id}") {
    const auto tasks = memory::TaskRepository(store_, repository_).List();
    if (tasks.ok()) {
      for (const auto& task : *tasks) add(std::to_string(task.id));
    }
  } else if (uri_template == "session://{id}") {
    const auto sessions = memory::SessionStore(store_).List();
    if (sessions.ok()) {
      for (const auto& session : *sessions) {
        if (session.repository == repository_) add(session.id);
      }
    }
  }
  return values;
}

mcp::ResourceProvider::Changes TaskResources::Look(const std::vector<std::string>& watched) {
  const std::hash<std::string> hash;
  const std::lock_guard lock(mutex_);
  Changes changes;
  std::map<std::string, size_t> now;
  for (const std::string& uri : watched) {
    const auto content = ReadJson(uri);
    now[uri] = content.ok() ? hash(DumpJson(*content)) : 0;
    const auto before = seen_.find(uri);
    if (before != seen_.end() && before->second != now[uri]) changes.uris.push_back(uri);
  }
  seen_ = std::move(now);
  std::string names;
  const auto tasks = memory::TaskRepository(store_, repository_).List();
  if (tasks.ok()) {
    std::map<int64_t, std::string> by_id;  // an order that a change of priority leaves alone
    for (const auto& task : *tasks) by_id[task.id] = task.title;
    for (const auto& [id, title] : by_id) names += Concat(id, " ", title, "\n");
  }
  const size_t list = hash(names);
  changes.list = seen_list_ != 0 && seen_list_ != list;
  seen_list_ = list;
  return changes;
}

}  // namespace hearth::main
