#include "memory/sqlite/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>

namespace hearth::memory {
namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE repositories (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last_task_id INTEGER NOT NULL DEFAULT 0,   -- the highest task id ever given out
  created_at INTEGER NOT NULL
) STRICT;
INSERT INTO repositories (name, created_at) VALUES ('default', 0);

CREATE TABLE tasks (
  repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  id INTEGER NOT NULL CHECK (id >= 1),
  title TEXT NOT NULL CHECK (title <> ''),
  title_folded TEXT NOT NULL,                -- the title after Unicode case folding, for search
  status TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled')),
  priority TEXT NOT NULL CHECK (priority IN ('urgent', 'high', 'medium', 'low')),
  priority_rank INTEGER NOT NULL GENERATED ALWAYS AS
    (CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END) VIRTUAL,
  due_date TEXT CHECK (due_date IS NULL OR due_date GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  notes TEXT,
  tags TEXT NOT NULL,                        -- JSON array of strings
  trust TEXT NOT NULL CHECK (trust IN ('trusted', 'untrusted')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (repository_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_by_priority ON tasks (repository_id, priority_rank, id);

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  title TEXT NOT NULL,
  model TEXT NOT NULL,
  system_prompt TEXT NOT NULL,
  epoch INTEGER NOT NULL DEFAULT 0,          -- the one that grows
  last_seq INTEGER NOT NULL DEFAULT 0,       -- of items and token runs
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_use ON sessions (updated_at);

CREATE TABLE epochs (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  reason TEXT NOT NULL,                      -- why the one before it ended
  created_at INTEGER NOT NULL,
  PRIMARY KEY (session_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
  session_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  step INTEGER NOT NULL,
  kind TEXT NOT NULL
    CHECK (kind IN ('system', 'user', 'reasoning', 'text', 'tool_call', 'tool_result')),
  call_id TEXT,                              -- what joins a tool_result to its tool_call
  payload TEXT NOT NULL,                     -- JSON
  trust TEXT NOT NULL CHECK (trust IN ('trusted', 'untrusted')),
  created_at INTEGER NOT NULL,
  UNIQUE (session_id, seq),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, epoch) ON DELETE CASCADE,
  CHECK ((call_id IS NOT NULL) = (kind IN ('tool_call', 'tool_result')))
) STRICT;
CREATE INDEX items_by_epoch ON items (session_id, epoch, seq);
-- A call is made once and answered once, whatever crashed in between.
CREATE UNIQUE INDEX items_by_call ON items (session_id, epoch, call_id, kind)
  WHERE call_id IS NOT NULL;
CREATE TRIGGER items_are_append_only BEFORE UPDATE ON items
  BEGIN SELECT RAISE (ABORT, 'transcript items are append-only'); END;

CREATE TABLE token_runs (
  session_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('rendered', 'generated')),
  last_item INTEGER NOT NULL,                -- seq of the last item that the runs up to here cover
  ids BLOB NOT NULL,                         -- LEB128, one number a token
  created_at INTEGER NOT NULL,
  UNIQUE (session_id, seq),
  FOREIGN KEY (session_id, epoch) REFERENCES epochs (session_id, epoch) ON DELETE CASCADE
) STRICT;
CREATE INDEX token_runs_by_epoch ON token_runs (session_id, epoch, seq);
CREATE TRIGGER token_runs_are_append_only BEFORE UPDATE ON token_runs
  BEGIN SELECT RAISE (ABORT, 'token runs are append-only'); END;

CREATE TABLE steps (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  turn INTEGER NOT NULL,
  step INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
  usage TEXT NOT NULL,                       -- JSON object
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  PRIMARY KEY (session_id, turn, step)
) STRICT, WITHOUT ROWID;
-- A step is stored before the next begins.
CREATE UNIQUE INDEX steps_running ON steps (session_id) WHERE state = 'running';
)sql";

constexpr std::array<const char*, 1> kMigrations = {kFirst};

int ReadPragma(SQLite::Database& database, const char* pragma) {
  return database.execAndGet(std::string("PRAGMA ") + pragma).getInt();
}

}  // namespace

std::span<const char* const> Migrations() { return kMigrations; }

Status CheckOrigin(SQLite::Database& database, const std::string& path) {
  // One view of the file: another process may be filling it.
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::DEFERRED);
  const int id = ReadPragma(database, "application_id");
  const int version = ReadPragma(database, "user_version");
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  transaction.commit();
  if (id != kApplicationId && !(empty && id == 0 && version == 0)) {
    return MakeError(ErrorCode::kInvalidArgument, path,
                     " is a database of another program; choose another file");
  }
  if (version > static_cast<int>(Migrations().size())) {
    return MakeError(ErrorCode::kUnsupported, path, " was written by a newer hearth (schema ",
                     version, ", this program knows up to ", Migrations().size(),
                     "); update hearth or choose another file");
  }
  return {};
}

void Migrate(SQLite::Database& database) {
  const int target = static_cast<int>(Migrations().size());
  while (ReadPragma(database, "user_version") < target) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    // Read again under the lock: another process may have been first.
    const int version = ReadPragma(database, "user_version");
    if (version >= target) return;
    database.exec(Migrations()[static_cast<size_t>(version)]);
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec("PRAGMA user_version = " + std::to_string(version + 1));
    transaction.commit();
  }
}

}  // namespace hearth::memory
