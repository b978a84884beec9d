// TaskRepository: one named list of tasks in a store.
//
// A cheap handle: make one where it is needed. Thread-safe, since the store is. Each call is one
// transaction, or part of the caller's (Store::Transact). Repositories come into being with their
// first task; reading one that does not exist finds nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memory/store.h"
#include "memory/task.h"

namespace hearth::memory {

inline constexpr const char* kDefaultRepository = "default";

struct TaskStats {
  int64_t total = 0;
  int64_t pending = 0;
  int64_t in_progress = 0;
  int64_t completed = 0;
  int64_t cancelled = 0;
  int64_t urgent_pending = 0;  // urgent, and neither completed nor cancelled
};

class TaskRepository {
 public:
  // The store must outlive the handle.
  TaskRepository(Store& store, std::string name) : store_(store), name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  // Gives the task the next id. kInvalidArgument names the field that cannot be kept.
  Result<Task> Create(const NewTask& task);
  // kNotFound says which ids there are, here and in Update and Delete.
  Result<Task> Get(int64_t id);
  // Most pressing first, then in the order of creation; all of them where no status is given.
  Result<std::vector<Task>> List(std::optional<TaskStatus> status = std::nullopt);
  // Tasks whose title holds every word of the query, in List's order; case does not matter in any
  // script. No words: all tasks.
  Result<std::vector<Task>> Search(std::string_view query);
  Result<Task> Update(int64_t id, const TaskUpdate& update);
  // Removes the task for good and returns what it was. Its id is not given out again.
  Result<Task> Delete(int64_t id);
  Result<TaskStats> Stats();
  // Puts whole tasks with their own ids into a repository that has never had a task: an eval's
  // state, or a copy. All or none.
  Status Import(std::span<const Task> tasks);

 private:
  Error NoSuchTask(int64_t id);

  Store& store_;
  std::string name_;
};

struct RepositoryInfo {
  std::string name;
  int64_t tasks = 0;
};

// The repositories by name; "default" is always there.
Result<std::vector<RepositoryInfo>> ListRepositories(Store& store);

// 1 to 64 letters, digits, '.', '_' and '-' of ASCII.
Status CheckRepositoryName(std::string_view name);

}  // namespace hearth::memory
