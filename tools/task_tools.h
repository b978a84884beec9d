// The task manager's tools over a store: get_current_time, create_task, list_tasks,
// update_task_status, search_tasks, delete_task and task_report.
//
// They work on the repository that the call's context names and take the time from its clock. A
// result's text says what happened in words a person would read; titles and notes stand in it on
// one line each, in quotes, and the result's trust is that of the least trusted task shown. Lists
// show at most kMaxListedTasks and say how many more there are.
#pragma once

#include "memory/store.h"
#include "runtime/base/core/result.h"
#include "tools/toolset.h"

namespace hearth::tools {

inline constexpr size_t kMaxListedTasks = 50;

struct TaskToolOptions {
  // list_tasks takes a cursor and gives the next one, for clients that want all of a long list. A
  // small model is better off without a parameter that it hardly ever needs.
  bool paged = false;
};

// The store must outlive the toolset.
Status AddTaskTools(Toolset& toolset, memory::Store& store, const TaskToolOptions& options = {});

}  // namespace hearth::tools
