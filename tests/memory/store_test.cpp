#include "memory/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "memory/sqlite/schema.h"
#include "memory/task_repository.h"
#include "tests/memory/temp_directory.h"

namespace hearth::memory {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;

unsigned ModeOf(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

std::unique_ptr<Store> OpenOrFail(const fs::path& path, const StoreOptions& options = {}) {
  auto store = Store::Open(path, kClock, options);
  if (!store.ok()) FAIL(store.error().message);
  return *std::move(store);
}

// The error that opening gives.
Error OpenError(const fs::path& path) {
  const auto store = Store::Open(path, kClock);
  return store.ok() ? Error{ErrorCode::kInternal, "it opened"} : store.error();
}

bool Says(const Error& error, const std::string& text) {
  INFO(error.message);
  return error.message.find(text) != std::string::npos;
}

size_t CountTasks(Store& store) { return TaskRepository(store, "default").List()->size(); }

TEST_CASE("the file and its directories are the owner's alone") {
  const TempDirectory temp;
  const fs::path path = temp / "a" / "b" / "hearth.db";
  const ::mode_t mask = ::umask(0);
  {
    const auto store = OpenOrFail(path);
    REQUIRE(TaskRepository(*store, "default").Create({.title = "x"}).ok());
    CHECK(ModeOf(temp / "a") == 0700);
    CHECK(ModeOf(temp / "a" / "b") == 0700);
    for (const char* suffix : {"", "-wal", "-shm"}) CHECK(ModeOf(path.string() + suffix) == 0600);
  }
  ::chmod(path.c_str(), 0644);
  OpenOrFail(path);
  CHECK(ModeOf(path) == 0600);
  ::umask(mask);
}

TEST_CASE("the file is in WAL mode, synchronous, and holds foreign keys") {
  const TempDirectory temp;
  const auto store = OpenOrFail(temp / "hearth.db");
  const auto pragma = [&](const char* name) {
    return store->database().execAndGet(std::string("PRAGMA ") + name).getString();
  };
  CHECK(pragma("journal_mode") == "wal");
  CHECK(pragma("synchronous") == "2");
  CHECK(pragma("foreign_keys") == "1");
  CHECK(pragma("busy_timeout") == "5000");
  CHECK(store->CheckIntegrity().ok());
}

TEST_CASE("what is no hearth database of ours is refused and left alone") {
  const TempDirectory temp;

  SECTION("text") {
    std::ofstream(temp / "x.db") << std::string(5000, 'x');
    const Error error = OpenError(temp / "x.db");
    CHECK(error.code == ErrorCode::kInvalidArgument);
    CHECK(Says(error, "no hearth database"));
  }
  SECTION("another program's database") {
    {
      SQLite::Database other((temp / "x.db").string(),
                             SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      other.exec("CREATE TABLE theirs (a)");
    }
    CHECK(Says(OpenError(temp / "x.db"), "another program"));
    SQLite::Database other((temp / "x.db").string(), SQLite::OPEN_READWRITE);
    CHECK(other.execAndGet("PRAGMA journal_mode").getString() == "delete");
    CHECK_FALSE(other.tableExists("tasks"));
  }
  SECTION("a newer schema") {
    OpenOrFail(temp / "x.db")->database().exec("PRAGMA user_version = 99");
    const Error error = OpenError(temp / "x.db");
    CHECK(error.code == ErrorCode::kUnsupported);
    CHECK(Says(error, "newer hearth (schema 99, this program knows up to"));
  }
  SECTION("a directory") { CHECK(Says(OpenError(temp.path()), "cannot be opened")); }
  SECTION("a pipe") {
    REQUIRE(::mkfifo((temp / "x.db").c_str(), 0600) == 0);
    CHECK(Says(OpenError(temp / "x.db"), "is not a file"));
  }
  SECTION("a path through a file") {
    std::ofstream(temp / "file") << "x";
    CHECK(Says(OpenError(temp / "file" / "x.db"), "file"));
  }
  SECTION("no path") { CHECK(Says(OpenError(""), "empty")); }
}

TEST_CASE("a damaged file ends in errors that say so") {
  const TempDirectory temp;
  const fs::path path = temp / "hearth.db";
  {
    const auto store = OpenOrFail(path);
    for (int i = 0; i < 200; ++i) {
      REQUIRE(TaskRepository(*store, "default").Create({.title = std::string(200, 'x')}).ok());
    }
  }
  const auto size = fs::file_size(path);
  REQUIRE(size > 40'000);

  SECTION("pages overwritten") {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192);
    file << std::string(size - 8192, '\xA5');
    file.close();
  }
  SECTION("cut short") { fs::resize_file(path, 20'000); }

  const auto store = Store::Open(path, kClock);
  Error error;
  if (!store.ok()) {
    error = store.error();
  } else {
    const auto tasks = TaskRepository(**store, "default").List();
    REQUIRE_FALSE(tasks.ok());
    error = tasks.error();
    CHECK_FALSE((*store)->CheckIntegrity().ok());
  }
  CHECK(error.code == ErrorCode::kIo);
  CHECK(Says(error, "damaged"));
  CHECK(Says(error, path.string()));
}

TEST_CASE("a full database refuses the change and keeps the rest") {
  const TempDirectory temp;
  const auto store = OpenOrFail(temp / "hearth.db", {.max_bytes = 256 * 1024});
  TaskRepository tasks(*store, "default");
  Error error;
  size_t created = 0;
  for (; created < 1000; ++created) {
    const auto task = tasks.Create({.title = "x", .notes = std::string(10'000, 'n')});
    if (!task.ok()) {
      error = task.error();
      break;
    }
  }
  CHECK(error.code == ErrorCode::kResourceExhausted);
  CHECK(Says(error, "no space"));
  CHECK(created > 5);
  CHECK(CountTasks(*store) == created);
  CHECK(store->CheckIntegrity().ok());
  REQUIRE(tasks.Delete(1).ok());
  CHECK(tasks.Create({.title = "fits again"}).ok());
}

TEST_CASE("a file that may not be written is refused with a reason") {
  const TempDirectory temp;
  const fs::path path = temp / "hearth.db";
  OpenOrFail(path);
  ::chmod(path.c_str(), 0444);
  ::chmod(temp.path().c_str(), 0555);
  std::fflush(nullptr);
  // The super-user may write anything, so a child that is somebody else tries.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(3);
    const auto store = Store::Open(path, kClock);
    ::_exit(!store.ok() && store.error().code == ErrorCode::kIo &&
                    store.error().message.find("cannot be written") != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::chmod(temp.path().c_str(), 0755);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a transaction is all or nothing") {
  const auto store = OpenOrFail(":memory:");
  TaskRepository tasks(*store, "default");

  SECTION("an error undoes it") {
    const Status status = store->Transact([&]() -> Status {
      CHECK(tasks.Create({.title = "a"}).ok());
      return MakeError(ErrorCode::kCancelled, "no");
    });
    CHECK(status.error().code == ErrorCode::kCancelled);
    CHECK(CountTasks(*store) == 0);
  }
  SECTION("an exception undoes it and goes on") {
    CHECK_THROWS_AS(store->Transact([&]() -> Status {
      CHECK(tasks.Create({.title = "a"}).ok());
      throw std::runtime_error("boom");
    }),
                    std::runtime_error);
    CHECK(CountTasks(*store) == 0);
    CHECK(tasks.Create({.title = "b"}).ok());
  }
  SECTION("an inner failure undoes the inner part alone") {
    const auto kept = store->Transact([&]() -> Result<int64_t> {
      HEARTH_TRY(const Task task, tasks.Create({.title = "outer"}));
      const Status inner = store->Transact([&]() -> Status {
        CHECK(tasks.Create({.title = "inner"}).ok());
        return MakeError(ErrorCode::kNotFound, "no");
      });
      CHECK_FALSE(inner.ok());
      return task.id;
    });
    REQUIRE(kept.ok());
    CHECK(*kept == 1);
    CHECK(CountTasks(*store) == 1);
  }
  SECTION("an inner success goes with the outer failure") {
    CHECK_FALSE(store
                    ->Transact([&]() -> Status {
                      CHECK(store->Transact([&] { return tasks.Create({.title = "a"}); }).ok());
                      return MakeError(ErrorCode::kCancelled, "no");
                    })
                    .ok());
    CHECK(CountTasks(*store) == 0);
  }
  SECTION("reading does not write") {
    const auto created = store->Read([&] { return tasks.Create({.title = "a"}); });
    REQUIRE_FALSE(created.ok());
    CHECK(Says(created.error(), "while reading"));
  }
}

TEST_CASE("threads share a store") {
  const TempDirectory temp;
  const auto store = OpenOrFail(temp / "hearth.db");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      TaskRepository tasks(*store, "default");
      for (int i = 0; i < 25; ++i) {
        if (!tasks.Create({.title = "x"}).ok() || !tasks.List().ok()) std::abort();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(CountTasks(*store) == 100);
  CHECK(TaskRepository(*store, "default").Get(100).ok());
}

TEST_CASE("a busy database is waited for, then reported") {
  const TempDirectory temp;
  const auto holder = OpenOrFail(temp / "hearth.db");
  const auto other =
      OpenOrFail(temp / "hearth.db", {.busy_timeout = std::chrono::milliseconds(50)});
  const Status status = holder->Transact([&]() -> Status {
    CHECK(TaskRepository(*holder, "default").Create({.title = "a"}).ok());
    const auto blocked = TaskRepository(*other, "default").Create({.title = "b"});
    REQUIRE_FALSE(blocked.ok());
    CHECK(blocked.error().code == ErrorCode::kConflict);
    CHECK(Says(blocked.error(), "busy"));
    CHECK(CountTasks(*other) == 0);  // reading goes on beside the writer
    return {};
  });
  CHECK(status.ok());
  CHECK(CountTasks(*other) == 1);
}

TEST_CASE("processes that open and fill one fresh file at once lose nothing") {
  const TempDirectory temp;
  const fs::path path = temp / "hearth.db";
  constexpr int kProcesses = 4;
  constexpr int kEach = 30;
  std::fflush(nullptr);
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    const auto store = Store::Open(path, kClock, {.busy_timeout = std::chrono::seconds(30)});
    if (!store.ok()) {
      std::fprintf(stderr, "opening: %s\n", store.error().message.c_str());
      ::_exit(2);
    }
    TaskRepository tasks(**store, "default");
    for (int i = 0; i < kEach; ++i) {
      if (!tasks.Create({.title = Concat("task ", i, " of ", p)}).ok()) ::_exit(1);
    }
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const auto store = OpenOrFail(path);
  CHECK(CountTasks(*store) == kProcesses * kEach);
  CHECK(TaskRepository(*store, "default").Get(kProcesses * kEach).ok());
  for (int p = 0; p < kProcesses; ++p) {
    CHECK(TaskRepository(*store, "default").Search(Concat("of ", p))->size() >= kEach);
  }
  CHECK(store->CheckIntegrity().ok());
}

TEST_CASE("the version changes with every change, whoever makes it, and with nothing else") {
  const TempDirectory temp;
  const auto store = OpenOrFail(temp / "hearth.db");
  const auto other = OpenOrFail(temp / "hearth.db");
  TaskRepository tasks(*store, "default");
  REQUIRE(tasks.Create({.title = "one"}).ok());
  const uint64_t first = *store->Version();
  CHECK(*store->Version() == first);
  CHECK(tasks.List()->size() == 1);
  CHECK(*store->Version() == first);
  REQUIRE(tasks.Update(1, {.title = "two"}).ok());
  const uint64_t second = *store->Version();
  CHECK(second != first);
  REQUIRE(TaskRepository(*other, "default").Create({.title = "three"}).ok());
  const uint64_t third = *store->Version();
  CHECK(third != second);
  CHECK(*store->Version() == third);
  const Status inside = store->Transact([&]() -> Status {
    const auto now = store->Version();
    CHECK(now.ok());
    return {};
  });
  CHECK(inside.ok());
}

}  // namespace
}  // namespace hearth::memory
