// A process that is killed while it writes loses nothing that it had acknowledged.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "memory/session_store.h"
#include "memory/store.h"
#include "memory/task_repository.h"
#include "tests/memory/temp_directory.h"
#include "tests/support/files.h"

namespace hearth::memory {
namespace {

const SystemClock kClock;

// Creates tasks and answers calls for ever; writes a task's id into the pipe once it is committed.
[[noreturn]] void WriteUntilKilled(const std::filesystem::path& path, int pipe) {
  const auto store = Store::Open(path, kClock);
  if (!store.ok()) ::_exit(2);
  TaskRepository tasks(**store, "default");
  SessionStore sessions(**store);
  const auto session = sessions.Create({});
  if (!session.ok()) ::_exit(3);
  for (int n = 0;; ++n) {
    NewItem item{.kind = ItemKind::kToolCall, .call_id = Concat("c", n)};
    if (!sessions.Append(session->id, item).ok()) ::_exit(4);
    item.kind = ItemKind::kToolResult;
    const auto id = (*store)->Transact([&]() -> Result<int64_t> {
      HEARTH_TRY(const Task task,
                 tasks.Create({.title = Concat("task ", n), .notes = session->id}));
      item.payload = task.id;
      HEARTH_CHECK_OK(sessions.Append(session->id, item));
      return task.id;
    });
    if (!id.ok() || ::write(pipe, &*id, sizeof(*id)) != sizeof(*id)) ::_exit(5);
  }
}

TEST_CASE("kill -9 at random moments loses nothing acknowledged") {
  const TempDirectory temp;
  const std::filesystem::path path = temp / "hearth.db";
  const int rounds = test::Slow() ? 1000 : 20;
  std::mt19937 random(20261121);
  std::vector<int64_t> acknowledged;
  std::fflush(nullptr);
  for (int round = 0; round < rounds; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      WriteUntilKilled(path, pipe[1]);
    }
    ::close(pipe[1]);
    // From within the opening (and, in the first round, the migration) to some commits later, which
    // are waited for: how long a commit takes is the machine's affair.
    int64_t id = 0;
    const auto commits = std::uniform_int_distribution<size_t>(0, 12)(random);
    for (size_t n = 0; n < commits; ++n) {
      REQUIRE(::read(pipe[0], &id, sizeof(id)) == sizeof(id));
      acknowledged.push_back(id);
    }
    ::usleep(std::uniform_int_distribution<unsigned>(0, 10'000)(random));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    while (::read(pipe[0], &id, sizeof(id)) == sizeof(id)) acknowledged.push_back(id);
    ::close(pipe[0]);

    auto opened = Store::Open(path, kClock);
    REQUIRE(opened.ok());
    const auto store = *std::move(opened);
    const bool last = round + 1 == rounds;
    if (round % 50 == 49 || rounds == 20 || last) REQUIRE(store->CheckIntegrity().ok());
    TaskRepository tasks(*store, "default");
    if (!acknowledged.empty()) REQUIRE(tasks.Get(acknowledged.back()).ok());
    if (!last) continue;

    CHECK(acknowledged.size() > static_cast<size_t>(rounds));
    for (const int64_t known : acknowledged) REQUIRE(tasks.Get(known).ok());
    // Effect and result are one: every task has the result that names it, and there are no others.
    size_t results = 0;
    SessionStore sessions(*store);
    const auto all = sessions.List(rounds);
    for (const auto& session : *all) {
      const auto transcript = sessions.Load(session.id);
      for (const auto& item : transcript->items) {
        if (item.kind != ItemKind::kToolResult) continue;
        ++results;
        REQUIRE(tasks.Get(item.payload.get<int64_t>())->notes == session.id);
      }
      REQUIRE(sessions.UnansweredCalls(session.id)->size() <= 1);
    }
    const size_t stored = tasks.List()->size();
    CHECK(results == stored);
    // At most one commit a round was in flight when the kill came.
    CHECK(stored <= acknowledged.size() + static_cast<size_t>(rounds));
    WARN(rounds << " kills, " << acknowledged.size() << " acknowledged, " << stored << " stored");
  }
}

}  // namespace
}  // namespace hearth::memory
