#include "runtime/main/command_tasks.h"

#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "memory/store.h"
#include "memory/task_repository.h"
#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "runtime/main/exit_codes.h"
#include "runtime/main/settings.h"
#include "tools/task_report.h"

namespace hearth::main {
namespace {

using memory::Task;
using memory::TaskStatus;

// The values of the command line; one object for all subcommands, since only one of them runs.
struct Options {
  std::string repository = memory::kDefaultRepository;
  std::string database;
  bool json = false;

  std::vector<std::string> words;  // a title or a query
  std::vector<std::string> ids;
  // Given or not: an empty one is a value like any other.
  std::optional<std::string> title, priority, due, notes, status;
  std::vector<std::string> tags;
  bool all = false;
};

std::string JoinWords(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// One run of a subcommand: the repository it works on, and how it answers.
class Run {
 public:
  Run(const Options& options, memory::Store& store, std::ostream& out)
      : options_(options), store_(store), tasks_(store, options.repository), out_(out) {}

  Status Add() {
    memory::NewTask fields;
    fields.title = JoinWords(options_.words);
    if (options_.priority) {
      HEARTH_TRY(fields.priority, memory::ParseTaskPriority(*options_.priority));
    }
    fields.due_date = options_.due;
    fields.notes = options_.notes;
    fields.tags = options_.tags;
    HEARTH_TRY(const Task task, tasks_.Create(fields));
    if (options_.json) return Print(ToJson(task));
    out_ << "Added " << Name(task) << "\n";
    return {};
  }

  Status List() {
    std::optional<TaskStatus> status;
    if (options_.status) {
      HEARTH_TRY(status, memory::ParseTaskStatus(*options_.status));
    }
    HEARTH_TRY(const std::vector<Task> found, tasks_.List(status));
    if (status || options_.all) return ShowTasks(found, "No tasks.");
    std::vector<Task> open;
    for (const auto& task : found) {
      if (task.IsOpen()) open.push_back(task);
    }
    HEARTH_CHECK_OK(ShowTasks(open, "No open tasks."));
    if (const size_t closed = found.size() - open.size(); closed != 0 && !options_.json) {
      out_ << closed << " completed or cancelled not shown (--all)\n";
    }
    return {};
  }

  Status Search() {
    HEARTH_TRY(const std::vector<Task> found, tasks_.Search(JoinWords(options_.words)));
    return ShowTasks(found, "No task's title has all of these words.");
  }

  Status SetStatus(TaskStatus status) {
    return ForEachId(
        [&](int64_t id) { return tasks_.Update(id, {.status = status}); },
        [&](const Task& task) { return Concat("Marked ", ToString(status), ": ", Name(task)); });
  }

  Status Remove() {
    return ForEachId([&](int64_t id) { return tasks_.Delete(id); },
                     [&](const Task& task) { return "Removed " + Name(task); });
  }

  // Options that were given; "none" clears a field that may be empty.
  Status Edit() {
    if (!options_.title && !options_.priority && !options_.status && !options_.due &&
        !options_.notes && options_.tags.empty()) {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "nothing to change; give --title, --priority, --status, --due, --notes or --tag");
    }
    memory::TaskUpdate update;
    update.title = options_.title;
    const auto or_none = [](const std::string& text) {
      return text == "none" ? std::optional<std::string>() : std::optional(text);
    };
    if (options_.priority) {
      HEARTH_TRY(update.priority, memory::ParseTaskPriority(*options_.priority));
    }
    if (options_.status) {
      HEARTH_TRY(update.status, memory::ParseTaskStatus(*options_.status));
    }
    if (options_.due) update.due_date.emplace(or_none(*options_.due));
    if (options_.notes) update.notes.emplace(or_none(*options_.notes));
    if (!options_.tags.empty()) {
      const bool none = options_.tags.size() == 1 && options_.tags[0] == "none";
      update.tags = none ? std::vector<std::string>() : options_.tags;
    }
    return ForEachId([&](int64_t id) { return tasks_.Update(id, update); },
                     [&](const Task& task) { return "Changed " + Name(task); });
  }

  Status Report() {
    HEARTH_TRY(const tools::TaskReport report, tools::MakeTaskReport(store_, options_.repository));
    if (options_.json) return Print(ToJson(report));
    out_ << report.summary << "\n" << report.recommendation << "\n";
    return {};
  }

 private:
  static std::string Name(const Task& task) {
    return Concat("#", task.id, " '", OneLine(task.title), "' [", ToString(task.priority), "]",
                  task.due_date ? ", due " + *task.due_date : "");
  }

  Status Print(const Json& value) {
    out_ << DumpJson(value, 2) << "\n";
    return {};
  }

  static Result<int64_t> ParseId(const std::string& text) {
    int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error == std::errc() && end == text.data() + text.size()) return id;
    return MakeError(ErrorCode::kInvalidArgument, "'", Clip(OneLine(text), 40),
                     "' is no task id; ids are the numbers that 'hearth tasks list' shows");
  }

  // All of the ids or none: a wrong one changes nothing.
  Status ForEachId(const std::function<Result<Task>(int64_t)>& change,
                   const std::function<std::string(const Task&)>& say) {
    HEARTH_TRY(const std::vector<Task> changed, store_.Transact([&]() -> Result<std::vector<Task>> {
      std::vector<Task> tasks;
      for (const std::string& text : options_.ids) {
        HEARTH_TRY(const int64_t id, ParseId(text));
        HEARTH_TRY(tasks.emplace_back(), change(id));
      }
      return tasks;
    }));
    if (options_.json) return ShowTasks(changed, "");
    for (const auto& task : changed) out_ << say(task) << "\n";
    return {};
  }

  Status ShowTasks(const std::vector<Task>& tasks, const char* none) {
    if (options_.json) {
      Json list = Json::array();
      for (const auto& task : tasks) list.push_back(ToJson(task));
      return Print(Json{{"tasks", std::move(list)}});
    }
    if (tasks.empty()) {
      out_ << none << "\n";
      return {};
    }
    TextTable table({"ID", "PRIORITY", "STATUS", "DUE", "TITLE", "TAGS", "NOTES"});
    for (const auto& task : tasks) {
      table.Add({std::to_string(task.id), ToString(task.priority), ToString(task.status),
                 task.due_date.value_or("-"), task.title, JoinWords(task.tags),
                 Clip(OneLine(task.notes.value_or("")), 40)});
    }
    constexpr size_t kTitleColumn = 4;
    out_ << table.Render(TerminalWidth(), kTitleColumn);
    return {};
  }

  const Options& options_;
  memory::Store& store_;
  memory::TaskRepository tasks_;
  std::ostream& out_;
};

// Opens the store, runs the command on it, and turns an Error into a line and an exit status.
int Execute(const Options& options, const Clock& clock, std::ostream& out, std::ostream& err,
            const std::function<Status(Run&)>& command) {
  const auto run = [&]() -> Status {
    HEARTH_CHECK_OK(memory::CheckRepositoryName(options.repository));
    HEARTH_TRY(const Settings settings, LoadSettings({.database = options.database}));
    HEARTH_TRY(const auto path, settings.Database());
    HEARTH_TRY(const std::unique_ptr<memory::Store> store, memory::Store::Open(path, clock));
    Run run(options, *store, out);
    return command(run);
  };
  const Status status = run();
  out.flush();
  if (!status.ok()) {
    err << "hearth tasks: " << OneLine(status.error().message) << std::endl;
    return static_cast<int>(ExitCodeFor(status.error().code));
  }
  if (!out) {
    err << "hearth tasks: the output could not be written" << std::endl;
    return static_cast<int>(ExitCode::kFailure);
  }
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

void AddTasksCommand(CLI::App& app, const Clock& clock, std::ostream& out, std::ostream& err,
                     int& exit_status) {
  const auto options = std::make_shared<Options>();
  CLI::App* tasks = app.add_subcommand("tasks", "Show and change the task list");
  tasks->require_subcommand(1);
  tasks->fallthrough();
  tasks->add_option("--repo", options->repository, "Task repository")->capture_default_str();
  tasks->add_option("--db", options->database,
                    "The database file (default: $HEARTH_DB, else hearth.db in the data folder)");
  tasks->add_flag("--json", options->json, "Print JSON");

  const auto command = [&](const char* name, const char* description, auto run) {
    CLI::App* sub = tasks->add_subcommand(name, description);
    sub->fallthrough();
    sub->callback([options, run, &clock, &out, &err, &exit_status] {
      exit_status = Execute(*options, clock, out, err, run);
    });
    return sub;
  };
  // CLI11 takes an empty text for an optional that was not given.
  const auto text = [&](CLI::App* sub, const char* name, auto member, const std::string& help) {
    sub->add_option_function<std::string>(
           name, [options, member](const std::string& value) { *options.*member = value; }, help)
        ->type_name("TEXT");
  };
  const auto fields = [&](CLI::App* sub, const std::string& hint) {
    text(sub, "-p,--priority", &Options::priority, "low, medium, high or urgent");
    text(sub, "-d,--due", &Options::due, "Due date, YYYY-MM-DD" + hint);
    text(sub, "-n,--notes", &Options::notes, "Further details" + hint);
    sub->add_option("-t,--tag", options->tags, "A tag; may be given several times" + hint)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  const auto ids = [&](CLI::App* sub) {
    sub->add_option("ID", options->ids, "Task ids")->required();
    return sub;
  };
  const auto set_status = [](TaskStatus status) {
    return [status](Run& run) { return run.SetStatus(status); };
  };

  CLI::App* add = command("add", "Add a task", [](Run& run) { return run.Add(); });
  add->add_option("TITLE", options->words, "What has to be done")->required();
  fields(add, "");
  CLI::App* list =
      command("list", "List open tasks, most pressing first", [](Run& run) { return run.List(); });
  list->add_flag("-a,--all", options->all, "Completed and cancelled tasks too");
  text(list, "-s,--status", &Options::status, "pending, in_progress, completed or cancelled");
  CLI::App* search = command("search", "Find tasks whose title has every word",
                             [](Run& run) { return run.Search(); });
  search->add_option("WORD", options->words, "Words of the title")->required();
  ids(command("start", "Mark tasks in_progress", set_status(TaskStatus::kInProgress)));
  ids(command("done", "Mark tasks completed", set_status(TaskStatus::kCompleted)));
  ids(command("cancel", "Mark tasks cancelled", set_status(TaskStatus::kCancelled)));
  CLI::App* edit =
      ids(command("edit", "Change fields of tasks", [](Run& run) { return run.Edit(); }));
  text(edit, "--title", &Options::title, "What has to be done");
  text(edit, "-s,--status", &Options::status, "pending, in_progress, completed or cancelled");
  fields(edit, "; none clears it");
  ids(command("rm", "Remove tasks for good", [](Run& run) { return run.Remove(); }));
  command("report", "Counts, and what to do next", [](Run& run) { return run.Report(); });
}

}  // namespace hearth::main
