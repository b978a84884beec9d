#include "memory/task_repository.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <utility>

#include "memory/sqlite/rows.h"
#include "runtime/base/unicode.h"

namespace hearth::memory {
namespace {

constexpr const char* kSelect =
    "SELECT t.id, t.title, t.status, t.priority, t.due_date, t.notes, t.tags, t.trust, "
    "t.created_at, "
    "t.updated_at FROM tasks t JOIN repositories r ON r.id = t.repository_id WHERE r.name = ?1 ";
constexpr const char* kOrder = "ORDER BY t.priority_rank, t.id";

std::optional<std::string> ToOptional(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getString();
}

Result<Task> ToTask(const Store& store, SQLite::Statement& row) {
  Task task;
  task.id = row.getColumn(0).getInt64();
  task.title = row.getColumn(1).getString();
  const auto status = ParseTaskStatus(row.getColumn(2).getString());
  const auto priority = ParseTaskPriority(row.getColumn(3).getString());
  task.due_date = ToOptional(row.getColumn(4));
  task.notes = ToOptional(row.getColumn(5));
  const auto tags = ParseJson(row.getColumn(6).getString());
  const auto trust = ParseTrust(row.getColumn(7).getString());
  task.created_at = ToTime(row.getColumn(8));
  task.updated_at = ToTime(row.getColumn(9));
  if (!status.ok() || !priority.ok() || !tags.ok() || !tags->is_array() || !trust) {
    return DamagedRow(store, Concat("task ", task.id));
  }
  task.status = *status;
  task.priority = *priority;
  task.trust = *trust;
  for (const auto& tag : *tags) {
    if (!tag.is_string()) return DamagedRow(store, Concat("the tags of task ", task.id));
    task.tags.push_back(tag.get<std::string>());
  }
  return task;
}

Result<std::vector<Task>> ToTasks(const Store& store, SQLite::Statement& rows) {
  std::vector<Task> tasks;
  while (rows.executeStep()) {
    HEARTH_TRY(tasks.emplace_back(), ToTask(store, rows));
  }
  return tasks;
}

void BindOptional(SQLite::Statement& statement, int index, const std::optional<std::string>& text) {
  if (text) {
    statement.bind(index, *text);
  } else {
    statement.bind(index);
  }
}

Status CheckFields(Task& task) {
  HEARTH_CHECK_OK(CheckTitle(task.title));
  HEARTH_CHECK_OK(CheckDueDate(task.due_date));
  HEARTH_CHECK_OK(CheckNotes(task.notes));
  return CheckTags(task.tags);
}

void InsertTask(Store& store, int64_t repository, const Task& task) {
  SQLite::Statement insert(
      store.database(),
      "INSERT INTO tasks (repository_id, id, title, title_folded, status, priority, due_date, "
      "notes, "
      "tags, trust, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, repository);
  insert.bind(2, task.id);
  insert.bind(3, task.title);
  insert.bind(4, CaseFold(task.title));
  insert.bind(5, ToString(task.status));
  insert.bind(6, ToString(task.priority));
  BindOptional(insert, 7, task.due_date);
  BindOptional(insert, 8, task.notes);
  insert.bind(9, DumpJson(Json(task.tags)));
  insert.bind(10, ToString(task.trust));
  insert.bind(11, ToColumn(task.created_at));
  insert.bind(12, ToColumn(task.updated_at));
  insert.exec();
}

}  // namespace

int64_t EnsureRepository(Store& store, const std::string& name) {
  SQLite::Statement insert(store.database(),
                           "INSERT INTO repositories (name, created_at) VALUES (?, ?) "
                           "ON CONFLICT (name) DO NOTHING");
  insert.bind(1, name);
  insert.bind(2, ToColumn(store.clock().Now()));
  insert.exec();
  SQLite::Statement find(store.database(), "SELECT id FROM repositories WHERE name = ?");
  find.bind(1, name);
  find.executeStep();
  return find.getColumn(0).getInt64();
}

Status CheckRepositoryName(std::string_view name) {
  const bool known = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (!name.empty() && name.size() <= 64 && known) return {};
  return MakeError(ErrorCode::kInvalidArgument, "'", name.substr(0, 64),
                   "' cannot name a task repository; use 1 to 64 letters, digits, '.', '_' or '-'");
}

Result<std::vector<RepositoryInfo>> ListRepositories(Store& store) {
  return store.Read([&]() -> Result<std::vector<RepositoryInfo>> {
    SQLite::Statement rows(
        store.database(),
        "SELECT r.name, count(t.id) FROM repositories r "
        "LEFT JOIN tasks t ON t.repository_id = r.id GROUP BY r.id ORDER BY r.name");
    std::vector<RepositoryInfo> found;
    while (rows.executeStep()) {
      found.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getInt64()});
    }
    return found;
  });
}

Result<Task> TaskRepository::Create(const NewTask& fields) {
  Task task;
  task.title = fields.title;
  task.priority = fields.priority;
  task.due_date = fields.due_date;
  task.notes = fields.notes;
  task.tags = fields.tags;
  task.trust = fields.writer;
  HEARTH_CHECK_OK(CheckRepositoryName(name_));
  HEARTH_CHECK_OK(CheckFields(task));
  return store_.Transact([&]() -> Result<Task> {
    const int64_t repository = EnsureRepository(store_, name_);
    SQLite::Statement next(store_.database(),
                           "UPDATE repositories SET last_task_id = last_task_id + 1 WHERE id = ? "
                           "RETURNING last_task_id");
    next.bind(1, repository);
    next.executeStep();
    task.id = next.getColumn(0).getInt64();
    task.created_at = task.updated_at = store_.clock().Now();
    InsertTask(store_, repository, task);
    return task;
  });
}

Result<Task> TaskRepository::Get(int64_t id) {
  return store_.Read([&]() -> Result<Task> {
    SQLite::Statement row(store_.database(), std::string(kSelect) + "AND t.id = ?2");
    row.bind(1, name_);
    row.bind(2, id);
    if (!row.executeStep()) return NoSuchTask(id);
    return ToTask(store_, row);
  });
}

Error TaskRepository::NoSuchTask(int64_t id) {
  constexpr size_t kShown = 20;
  const auto tasks = List();
  if (!tasks.ok()) return tasks.error();
  if (tasks->empty()) {
    return MakeError(ErrorCode::kNotFound, "there is no task ", id, "; the task list is empty");
  }
  std::vector<int64_t> ids;
  for (const auto& task : *tasks) ids.push_back(task.id);
  std::sort(ids.begin(), ids.end());
  std::string list;
  for (size_t i = 0; i < std::min(ids.size(), kShown); ++i) {
    list += (i == 0 ? "" : ", ") + std::to_string(ids[i]);
  }
  if (ids.size() > kShown) list += ", ...";
  return MakeError(ErrorCode::kNotFound, "there is no task ", id, "; the ids are ", list);
}

Result<std::vector<Task>> TaskRepository::List(std::optional<TaskStatus> status) {
  return store_.Read([&]() -> Result<std::vector<Task>> {
    SQLite::Statement rows(store_.database(),
                           std::string(kSelect) + "AND (?2 IS NULL OR t.status = ?2) " + kOrder);
    rows.bind(1, name_);
    if (status) rows.bind(2, ToString(*status));
    return ToTasks(store_, rows);
  });
}

Result<std::vector<Task>> TaskRepository::Search(std::string_view query) {
  if (!IsUtf8(query) || query.find('\0') != std::string_view::npos ||
      CountCodePoints(query) > TaskLimits::kQuery) {
    return MakeError(ErrorCode::kInvalidArgument, "the query must be UTF-8 text of at most ",
                     TaskLimits::kQuery, " characters");
  }
  const std::string folded = CaseFold(query);
  Json words = Json::array();
  for (const auto word : SplitWords(folded)) words.push_back(word);
  return store_.Read([&]() -> Result<std::vector<Task>> {
    SQLite::Statement rows(store_.database(),
                           std::string(kSelect) +
                               "AND NOT EXISTS (SELECT 1 FROM json_each(?2) AS word "
                               "WHERE instr(t.title_folded, word.value) = 0) " +
                               kOrder);
    rows.bind(1, name_);
    rows.bind(2, DumpJson(words));
    return ToTasks(store_, rows);
  });
}

Result<Task> TaskRepository::Update(int64_t id, const TaskUpdate& update) {
  return store_.Transact([&]() -> Result<Task> {
    HEARTH_TRY(Task task, Get(id));
    if (update.title) task.title = *update.title;
    if (update.status) task.status = *update.status;
    if (update.priority) task.priority = *update.priority;
    if (update.due_date) task.due_date = *update.due_date;
    if (update.notes) task.notes = *update.notes;
    if (update.tags) task.tags = *update.tags;
    HEARTH_CHECK_OK(CheckFields(task));
    // Words like a status say nothing that a stranger could have put into them.
    if (update.title || update.notes || update.tags)
      task.trust = Combine(task.trust, update.writer);
    task.updated_at = store_.clock().Now();
    SQLite::Statement change(
        store_.database(),
        "UPDATE tasks SET title = ?3, title_folded = ?4, status = ?5, priority = ?6, due_date = "
        "?7, "
        "notes = ?8, tags = ?9, trust = ?10, updated_at = ?11 "
        "WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) AND id = ?2");
    change.bind(1, name_);
    change.bind(2, id);
    change.bind(3, task.title);
    change.bind(4, CaseFold(task.title));
    change.bind(5, ToString(task.status));
    change.bind(6, ToString(task.priority));
    BindOptional(change, 7, task.due_date);
    BindOptional(change, 8, task.notes);
    change.bind(9, DumpJson(Json(task.tags)));
    change.bind(10, ToString(task.trust));
    change.bind(11, ToColumn(task.updated_at));
    change.exec();
    return task;
  });
}

Result<Task> TaskRepository::Delete(int64_t id) {
  return store_.Transact([&]() -> Result<Task> {
    HEARTH_TRY(Task task, Get(id));
    SQLite::Statement remove(
        store_.database(),
        "DELETE FROM tasks WHERE repository_id = (SELECT id FROM repositories WHERE name = ?1) "
        "AND id = ?2");
    remove.bind(1, name_);
    remove.bind(2, id);
    remove.exec();
    return task;
  });
}

Result<TaskStats> TaskRepository::Stats() {
  return store_.Read([&]() -> Result<TaskStats> {
    SQLite::Statement row(
        store_.database(),
        "SELECT count(*), count(*) FILTER (WHERE t.status = 'pending'), "
        "count(*) FILTER (WHERE t.status = 'in_progress'), "
        "count(*) FILTER (WHERE t.status = 'completed'), "
        "count(*) FILTER (WHERE t.status = 'cancelled'), "
        "count(*) FILTER (WHERE t.priority = 'urgent' AND t.status IN ('pending', 'in_progress')) "
        "FROM tasks t JOIN repositories r ON r.id = t.repository_id WHERE r.name = ?1");
    row.bind(1, name_);
    row.executeStep();
    const auto count = [&](int column) { return row.getColumn(column).getInt64(); };
    return TaskStats{count(0), count(1), count(2), count(3), count(4), count(5)};
  });
}

Status TaskRepository::Import(std::span<const Task> tasks) {
  HEARTH_CHECK_OK(CheckRepositoryName(name_));
  return store_.Transact([&]() -> Status {
    const int64_t repository = EnsureRepository(store_, name_);
    const auto highest = std::max_element(tasks.begin(), tasks.end(),
                                          [](const Task& a, const Task& b) { return a.id < b.id; });
    SQLite::Statement claim(store_.database(),
                            "UPDATE repositories SET last_task_id = ?2 "
                            "WHERE id = ?1 AND last_task_id = 0");
    claim.bind(1, repository);
    claim.bind(2, highest == tasks.end() ? int64_t{0} : highest->id);
    if (claim.exec() != 1) {
      return MakeError(ErrorCode::kConflict, "repository '", name_,
                       "' has had tasks before; import into a fresh one");
    }
    for (Task task : tasks) {
      if (task.id < 1) {
        return MakeError(ErrorCode::kInvalidArgument, "task id ", task.id, " is not positive");
      }
      HEARTH_CHECK_OK(CheckFields(task));
      InsertTask(store_, repository, task);
    }
    return {};
  });
}

}  // namespace hearth::memory
