#include "memory/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "memory/sqlite/schema.h"

namespace hearth::memory {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInMemory = ":memory:";
constexpr int kMaxValueBytes = 64 << 20;

Error ToError(const SQLite::Exception& exception, const std::string& path) {
  const auto error = [&](ErrorCode code, const char* what) {
    return MakeError(code, path, ": ", what, " (", exception.what(), ")");
  };
  switch (exception.getErrorCode() & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(ErrorCode::kConflict, "another process keeps the database busy; try again");
    case SQLITE_FULL:
      return error(
          ErrorCode::kResourceExhausted,
          "no space is left for the database; nothing was changed, free some and try again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return error(
          ErrorCode::kIo,
          "the database cannot be written; check the rights of the file and its directory");
    case SQLITE_NOTADB:
      return error(ErrorCode::kInvalidArgument,
                   "this file is no hearth database; choose another file");
    case SQLITE_CORRUPT:
      return error(ErrorCode::kIo,
                   "the database is damaged; restore a copy, or save what can be read with "
                   "'sqlite3 FILE .recover'");
    case SQLITE_CANTOPEN:
      return error(ErrorCode::kIo, "the database cannot be opened; check the path and its rights");
    case SQLITE_IOERR:
      return error(ErrorCode::kIo, "reading or writing the database failed; check the disk");
    case SQLITE_TOOBIG:
      return error(ErrorCode::kInvalidArgument, "a value is too large to be stored");
    case SQLITE_CONSTRAINT:
      return error(ErrorCode::kConflict, "the change contradicts what is stored");
    default:
      return error(ErrorCode::kInternal, "the database refused a statement");
  }
}

Status SystemError(const fs::path& path, const char* what) {
  const int number = errno;
  return MakeError(ErrorCode::kIo, path.string(), ": ", what, ": ", std::strerror(number));
}

// Like create_directories, but each directory that it makes is for the owner alone.
Status MakeDirectories(const fs::path& directory) {
  std::error_code error;
  if (directory.empty() || fs::is_directory(directory, error)) return {};
  HEARTH_CHECK_OK(MakeDirectories(directory.parent_path()));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError(directory, "cannot make this directory for the database");
  }
  return {};
}

// Makes the file with mode 0600, or takes it from group and others; SQLite gives the -wal and -shm
// files the rights of the database itself.
Status MakePrivateFile(const fs::path& path) {
  HEARTH_CHECK_OK(MakeDirectories(path.parent_path()));
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (file < 0 && (errno == EACCES || errno == EROFS)) {
    return SystemError(path,
                       "the database cannot be written; check the rights of the file and its "
                       "directory");
  }
  if (file < 0) return SystemError(path, "the database cannot be opened");
  struct stat status{};
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const bool open_to_others = (status.st_mode & 077) != 0;
  if (regular && open_to_others && status.st_uid == ::geteuid()) ::fchmod(file, 0600);
  ::close(file);
  if (!regular) return MakeError(ErrorCode::kInvalidArgument, path.string(), " is not a file");
  return {};
}

// Two processes that turn the same fresh file into WAL mode meet in a lock for which SQLite does
// not wait by itself.
void EnterWalMode(SQLite::Database& database, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& exception) {
      const bool busy = (exception.getErrorCode() & 0xFF) == SQLITE_BUSY;
      if (!busy || std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Configure(SQLite::Database& database, const StoreOptions& options) {
  sqlite3* handle = database.getHandle();
  // A damaged or hostile file must not run code through its schema.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  EnterWalMode(database, options.busy_timeout);
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA foreign_keys = ON");
  if (options.max_bytes != 0) {
    const auto page = static_cast<uint64_t>(database.execAndGet("PRAGMA page_size").getInt64());
    database.exec("PRAGMA max_page_count = " + std::to_string(options.max_bytes / page));
  }
}

}  // namespace

struct Store::State {
  std::string path;
  const Clock& clock;
  SQLite::Database database;
  std::optional<SQLite::Statement> version;  // of Version, made once
  std::recursive_mutex mutex;
  int depth = 0;  // of Transact and Read calls inside each other
  Mode mode = Mode::kRead;

  bool Lost() { return sqlite3_get_autocommit(database.getHandle()) != 0; }
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const fs::path& path, const Clock& clock,
                                           const StoreOptions& options) {
  const std::string name = path.string();
  if (name.empty()) return MakeError(ErrorCode::kInvalidArgument, "the database's path is empty");
  const bool on_disk = name != kInMemory;
  if (on_disk) HEARTH_CHECK_OK(MakePrivateFile(path));
  try {
    auto state = std::unique_ptr<State>(
        new State{name, clock,
                  SQLite::Database(name, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                                   static_cast<int>(options.busy_timeout.count()))});
    HEARTH_CHECK_OK(CheckOrigin(state->database, name));
    Configure(state->database, options);
    Migrate(state->database);
    return std::unique_ptr<Store>(new Store(std::move(state)));
  } catch (const SQLite::Exception& exception) {
    return ToError(exception, name);
  }
}

Status Store::Run(Mode mode, const std::function<Status()>& body) {
  const std::lock_guard lock(state_->mutex);
  struct Depth {
    int& depth;
    explicit Depth(int& d) : depth(d) { ++depth; }
    ~Depth() { --depth; }
  } depth(state_->depth);
  try {
    return state_->depth == 1 ? RunOutermost(mode, body) : RunNested(mode, body);
  } catch (const SQLite::Exception& exception) {
    return ToError(exception, state_->path);
  }
}

Status Store::RunOutermost(Mode mode, const std::function<Status()>& body) {
  SQLite::Database& database = state_->database;
  state_->mode = mode;
  database.exec(mode == Mode::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
  struct Rollback {
    Store::State& state;
    ~Rollback() {
      // After some failures SQLite has already undone everything by itself.
      if (!state.Lost())
        sqlite3_exec(state.database.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
  } rollback{*state_};
  HEARTH_CHECK_OK(body());
  if (state_->Lost()) {
    return MakeError(ErrorCode::kIo, state_->path, ": the transaction was undone by the database");
  }
  database.exec("COMMIT");
  return {};
}

Status Store::RunNested(Mode mode, const std::function<Status()>& body) {
  if (state_->Lost()) {
    return MakeError(ErrorCode::kIo, state_->path, ": the transaction was undone by the database");
  }
  if (mode == Mode::kRead) return body();
  if (state_->mode == Mode::kRead) {
    return MakeError(ErrorCode::kInternal, "a change was attempted while reading the store");
  }
  state_->database.exec("SAVEPOINT nested");
  struct Rollback {
    Store::State& state;
    bool released = false;
    ~Rollback() {
      if (released || state.Lost()) return;
      sqlite3_exec(state.database.getHandle(), "ROLLBACK TO nested; RELEASE nested", nullptr,
                   nullptr, nullptr);
    }
  } rollback{*state_};
  HEARTH_CHECK_OK(body());
  state_->database.exec("RELEASE nested");
  rollback.released = true;
  return {};
}

Result<uint64_t> Store::Version() {
  const std::lock_guard lock(state_->mutex);
  try {
    if (!state_->version) state_->version.emplace(state_->database, "PRAGMA data_version");
    state_->version->executeStep();
    // The pragma counts what other connections commit; our own changes SQLite counts as rows.
    const auto others = static_cast<uint32_t>(state_->version->getColumn(0).getInt());
    state_->version->reset();
    const auto own = static_cast<uint32_t>(sqlite3_total_changes(state_->database.getHandle()));
    return uint64_t{others} << 32 | own;
  } catch (const SQLite::Exception& exception) {
    return ToError(exception, state_->path);
  }
}

Status Store::CheckIntegrity() {
  return Read([this]() -> Status {
    SQLite::Statement check(database(), "PRAGMA integrity_check(1)");
    check.executeStep();
    const std::string verdict = check.getColumn(0).getString();
    if (verdict == "ok") return {};
    return MakeError(ErrorCode::kIo, path(), ": the database is damaged: ", verdict);
  });
}

const Clock& Store::clock() const { return state_->clock; }
const std::string& Store::path() const { return state_->path; }
SQLite::Database& Store::database() { return state_->database; }

}  // namespace hearth::memory
