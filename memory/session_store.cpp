#include "memory/session_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <cassert>
#include <utility>

#include "memory/sqlite/rows.h"
#include "memory/task_repository.h"
#include "memory/token_codec.h"
#include "runtime/base/ids.h"

namespace hearth::memory {
namespace {

constexpr std::array<const char*, 6> kItemKinds = {"system", "user",      "reasoning",
                                                   "text",   "tool_call", "tool_result"};
constexpr std::array<const char*, 5> kStepStates = {"running", "done", "failed", "cancelled",
                                                    "interrupted"};
constexpr std::array<const char*, 2> kSources = {"rendered", "generated"};

constexpr const char* kSelectSession =
    "SELECT s.id, r.name, s.title, s.model, s.system_prompt, s.epoch, s.created_at, s.updated_at "
    "FROM sessions s JOIN repositories r ON r.id = s.repository_id ";
constexpr const char* kSelectItem =
    "SELECT seq, epoch, turn, step, kind, call_id, payload, trust, created_at FROM items ";
// Text that the store itself wrote from a value that had passed its own limits.
constexpr JsonLimits kPayloadLimits{.max_bytes = size_t{64} << 20,
                                    .max_depth = 256,
                                    .max_values = 10'000'000,
                                    .max_object_members = 1'000'000};

Error NoSuchSession(std::string_view id) {
  return MakeError(ErrorCode::kNotFound, "there is no session '", id.substr(0, 64), "'");
}

template <typename Enum, size_t N>
bool FromName(const std::array<const char*, N>& names, const std::string& text, Enum& value) {
  for (size_t i = 0; i < N; ++i) {
    if (text != names[i]) continue;
    value = static_cast<Enum>(i);
    return true;
  }
  return false;
}

void BindText(SQLite::Statement& statement, int index, std::string_view text) {
  statement.bind(index, std::string(text));
}

Session ToSession(SQLite::Statement& row) {
  return {.id = row.getColumn(0).getString(),
          .repository = row.getColumn(1).getString(),
          .title = row.getColumn(2).getString(),
          .model = row.getColumn(3).getString(),
          .system_prompt = row.getColumn(4).getString(),
          .epoch = row.getColumn(5).getInt(),
          .created_at = ToTime(row.getColumn(6)),
          .updated_at = ToTime(row.getColumn(7))};
}

Result<Item> ToItem(const Store& store, SQLite::Statement& row) {
  Item item;
  item.seq = row.getColumn(0).getInt64();
  item.epoch = row.getColumn(1).getInt();
  item.turn = row.getColumn(2).getInt();
  item.step = row.getColumn(3).getInt();
  if (!row.getColumn(5).isNull()) item.call_id = row.getColumn(5).getString();
  item.created_at = ToTime(row.getColumn(8));
  auto payload = ParseJson(row.getColumn(6).getString(), kPayloadLimits);
  const auto trust = ParseTrust(row.getColumn(7).getString());
  if (!FromName(kItemKinds, row.getColumn(4).getString(), item.kind) || !payload.ok() || !trust) {
    return DamagedRow(store, Concat("item ", item.seq));
  }
  item.payload = *std::move(payload);
  item.trust = *trust;
  return item;
}

Result<std::vector<Item>> ToItems(const Store& store, SQLite::Statement& rows) {
  std::vector<Item> items;
  while (rows.executeStep()) {
    HEARTH_TRY(items.emplace_back(), ToItem(store, rows));
  }
  return items;
}

Result<TokenRun> ToRun(const Store& store, SQLite::Statement& row) {
  TokenRun run;
  run.seq = row.getColumn(0).getInt64();
  run.last_item = row.getColumn(2).getInt64();
  const SQLite::Column ids = row.getColumn(3);
  const std::string_view bytes(static_cast<const char*>(ids.getBlob()),
                               static_cast<size_t>(ids.getBytes()));
  if (!FromName(kSources, row.getColumn(1).getString(), run.source) ||
      !DecodeTokens(bytes, run.ids).ok()) {
    return DamagedRow(store, Concat("token run ", run.seq));
  }
  return run;
}

Result<Step> ToStep(const Store& store, SQLite::Statement& row) {
  Step step;
  step.turn = row.getColumn(0).getInt();
  step.step = row.getColumn(1).getInt();
  auto usage = ParseJson(row.getColumn(3).getString(), kPayloadLimits);
  if (!FromName(kStepStates, row.getColumn(2).getString(), step.state) || !usage.ok()) {
    return DamagedRow(store, Concat("step ", step.turn, ".", step.step));
  }
  step.usage = *std::move(usage);
  step.started_at = ToTime(row.getColumn(4));
  if (!row.getColumn(5).isNull()) step.ended_at = ToTime(row.getColumn(5));
  return step;
}

Status CheckItem(const NewItem& item) {
  const bool of_call = item.kind == ItemKind::kToolCall || item.kind == ItemKind::kToolResult;
  if (of_call != item.call_id.empty()) return {};
  return MakeError(ErrorCode::kInvalidArgument, "an item of kind ", ToString(item.kind),
                   of_call ? " needs a call id" : " has no call id");
}

// A message for a caller, where the schema's own rule would speak of an index.
Status CheckCallIsFree(Store& store, std::string_view id, int epoch, const NewItem& item) {
  if (item.call_id.empty()) return {};
  SQLite::Statement find(store.database(),
                         "SELECT count(*) FROM items WHERE session_id = ? AND epoch = ? AND "
                         "call_id = ? AND kind = ?");
  BindText(find, 1, id);
  find.bind(2, epoch);
  find.bind(3, item.call_id);
  find.bind(4, ToString(item.kind));
  find.executeStep();
  if (find.getColumn(0).getInt() == 0) return {};
  return MakeError(ErrorCode::kConflict, "the session already has the ", ToString(item.kind), " '",
                   item.call_id.substr(0, 64), "'");
}

}  // namespace

const char* ToString(ItemKind kind) { return kItemKinds[static_cast<size_t>(kind)]; }
const char* ToString(StepState state) { return kStepStates[static_cast<size_t>(state)]; }
const char* ToString(TokenRun::Source source) { return kSources[static_cast<size_t>(source)]; }

std::vector<TokenId> Transcript::Tokens() const {
  std::vector<TokenId> tokens;
  for (const auto& run : runs) tokens.insert(tokens.end(), run.ids.begin(), run.ids.end());
  return tokens;
}

Result<Session> SessionStore::Create(const NewSession& fields) {
  HEARTH_CHECK_OK(CheckRepositoryName(fields.repository));
  return store_.Transact([&]() -> Result<Session> {
    const TimePoint now = store_.clock().Now();
    const std::string id = NewId(now);
    SQLite::Statement insert(store_.database(),
                             "INSERT INTO sessions (id, repository_id, title, model, "
                             "system_prompt, created_at, updated_at) "
                             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)");
    insert.bind(1, id);
    insert.bind(2, EnsureRepository(store_, fields.repository));
    insert.bind(3, fields.title);
    insert.bind(4, fields.model);
    insert.bind(5, fields.system_prompt);
    insert.bind(6, ToColumn(now));
    insert.exec();
    SQLite::Statement epoch(store_.database(),
                            "INSERT INTO epochs (session_id, epoch, reason, created_at) "
                            "VALUES (?, 0, '', ?)");
    epoch.bind(1, id);
    epoch.bind(2, ToColumn(now));
    epoch.exec();
    return Get(id);
  });
}

Result<Session> SessionStore::Get(std::string_view id) {
  return store_.Read([&]() -> Result<Session> {
    SQLite::Statement row(store_.database(), std::string(kSelectSession) + "WHERE s.id = ?");
    BindText(row, 1, id);
    if (!row.executeStep()) return NoSuchSession(id);
    return ToSession(row);
  });
}

Result<std::vector<Session>> SessionStore::List(int limit) {
  return store_.Read([&]() -> Result<std::vector<Session>> {
    SQLite::Statement rows(store_.database(), std::string(kSelectSession) +
                                                  "ORDER BY s.updated_at DESC, s.id DESC LIMIT ?");
    rows.bind(1, limit);
    std::vector<Session> sessions;
    while (rows.executeStep()) sessions.push_back(ToSession(rows));
    return sessions;
  });
}

Status SessionStore::Rename(std::string_view id, std::string_view title) {
  return store_.Transact([&]() -> Status {
    SQLite::Statement change(store_.database(), "UPDATE sessions SET title = ? WHERE id = ?");
    BindText(change, 1, title);
    BindText(change, 2, id);
    return change.exec() == 1 ? Status() : Status(NoSuchSession(id));
  });
}

Status SessionStore::Delete(std::string_view id) {
  return store_.Transact([&]() -> Status {
    SQLite::Statement remove(store_.database(), "DELETE FROM sessions WHERE id = ?");
    BindText(remove, 1, id);
    return remove.exec() == 1 ? Status() : Status(NoSuchSession(id));
  });
}

Result<int64_t> SessionStore::TakeSeq(std::string_view id, int& epoch) {
  SQLite::Statement next(store_.database(),
                         "UPDATE sessions SET last_seq = last_seq + 1, updated_at = ? WHERE id = ? "
                         "RETURNING last_seq, epoch");
  next.bind(1, ToColumn(store_.clock().Now()));
  BindText(next, 2, id);
  if (!next.executeStep()) return NoSuchSession(id);
  epoch = next.getColumn(1).getInt();
  return next.getColumn(0).getInt64();
}

Result<int64_t> SessionStore::Append(std::string_view id, const NewItem& item) {
  HEARTH_CHECK_OK(CheckItem(item));
  return store_.Transact([&]() -> Result<int64_t> {
    int epoch = 0;
    HEARTH_TRY(const int64_t seq, TakeSeq(id, epoch));
    HEARTH_CHECK_OK(CheckCallIsFree(store_, id, epoch, item));
    SQLite::Statement insert(
        store_.database(),
        "INSERT INTO items (session_id, seq, epoch, turn, step, kind, call_id, "
        "payload, trust, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    BindText(insert, 1, id);
    insert.bind(2, seq);
    insert.bind(3, epoch);
    insert.bind(4, item.turn);
    insert.bind(5, item.step);
    insert.bind(6, ToString(item.kind));
    if (!item.call_id.empty()) insert.bind(7, item.call_id);
    insert.bind(8, DumpJson(item.payload));
    insert.bind(9, ToString(item.trust));
    insert.bind(10, ToColumn(store_.clock().Now()));
    insert.exec();
    return seq;
  });
}

Result<int64_t> SessionStore::AppendTokens(std::string_view id, const TokenRun& run) {
  return store_.Transact([&]() -> Result<int64_t> {
    int epoch = 0;
    HEARTH_TRY(const int64_t seq, TakeSeq(id, epoch));
    SQLite::Statement insert(
        store_.database(),
        "INSERT INTO token_runs (session_id, seq, epoch, source, last_item, ids, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)");
    const std::string bytes = EncodeTokens(run.ids);
    BindText(insert, 1, id);
    insert.bind(2, seq);
    insert.bind(3, epoch);
    insert.bind(4, ToString(run.source));
    insert.bind(5, run.last_item);
    insert.bind(6, bytes.data(), static_cast<int>(bytes.size()));
    insert.bind(7, ToColumn(store_.clock().Now()));
    insert.exec();
    return seq;
  });
}

Result<int> SessionStore::BeginEpoch(std::string_view id, std::string_view reason,
                                     std::span<const NewItem> items) {
  return store_.Transact([&]() -> Result<int> {
    SQLite::Statement next(store_.database(),
                           "UPDATE sessions SET epoch = epoch + 1 WHERE id = ? RETURNING epoch");
    BindText(next, 1, id);
    if (!next.executeStep()) return NoSuchSession(id);
    const int epoch = next.getColumn(0).getInt();
    next.reset();  // an unfinished statement would keep the nested appends from ending
    SQLite::Statement insert(store_.database(),
                             "INSERT INTO epochs (session_id, epoch, reason, created_at) "
                             "VALUES (?, ?, ?, ?)");
    BindText(insert, 1, id);
    insert.bind(2, epoch);
    BindText(insert, 3, reason);
    insert.bind(4, ToColumn(store_.clock().Now()));
    insert.exec();
    for (const auto& item : items) {
      HEARTH_CHECK_OK(Append(id, item));
    }
    return epoch;
  });
}

Result<Transcript> SessionStore::Load(std::string_view id, std::optional<int> epoch) {
  return store_.Read([&]() -> Result<Transcript> {
    HEARTH_TRY(const Session session, Get(id));
    Transcript transcript;
    transcript.epoch = epoch.value_or(session.epoch);
    SQLite::Statement reason(store_.database(),
                             "SELECT reason FROM epochs WHERE session_id = ? AND epoch = ?");
    BindText(reason, 1, id);
    reason.bind(2, transcript.epoch);
    if (!reason.executeStep()) {
      return MakeError(ErrorCode::kNotFound, "the session has no epoch ", transcript.epoch,
                       "; the last is ", session.epoch);
    }
    transcript.reason = reason.getColumn(0).getString();

    SQLite::Statement items(
        store_.database(),
        std::string(kSelectItem) + "WHERE session_id = ? AND epoch = ? ORDER BY seq");
    BindText(items, 1, id);
    items.bind(2, transcript.epoch);
    HEARTH_TRY(transcript.items, ToItems(store_, items));

    SQLite::Statement runs(store_.database(),
                           "SELECT seq, source, last_item, ids FROM token_runs "
                           "WHERE session_id = ? AND epoch = ? ORDER BY seq");
    BindText(runs, 1, id);
    runs.bind(2, transcript.epoch);
    while (runs.executeStep()) {
      HEARTH_TRY(transcript.runs.emplace_back(), ToRun(store_, runs));
    }
    return transcript;
  });
}

Result<std::vector<Item>> SessionStore::UnansweredCalls(std::string_view id) {
  return store_.Read([&]() -> Result<std::vector<Item>> {
    HEARTH_TRY(const Session session, Get(id));
    SQLite::Statement rows(
        store_.database(),
        std::string(kSelectItem) +
            "AS c WHERE session_id = ?1 AND epoch = ?2 AND kind = 'tool_call' AND NOT EXISTS "
            "(SELECT 1 FROM items r WHERE r.session_id = ?1 AND r.epoch = ?2 AND "
            "r.call_id = c.call_id AND r.kind = 'tool_result') ORDER BY seq");
    BindText(rows, 1, id);
    rows.bind(2, session.epoch);
    return ToItems(store_, rows);
  });
}

Status SessionStore::BeginStep(std::string_view id, int turn, int step) {
  return store_.Transact([&]() -> Status {
    HEARTH_CHECK_OK(Get(id));
    SQLite::Statement other(
        store_.database(),
        "SELECT turn, step, state = 'running' FROM steps WHERE session_id = ?1 AND "
        "(state = 'running' OR (turn = ?2 AND step = ?3))");
    BindText(other, 1, id);
    other.bind(2, turn);
    other.bind(3, step);
    if (other.executeStep()) {
      return MakeError(ErrorCode::kConflict, "step ", other.getColumn(0).getInt(), ".",
                       other.getColumn(1).getInt(), " of the session ",
                       other.getColumn(2).getInt() != 0 ? "is still running" : "was run before");
    }
    SQLite::Statement insert(store_.database(),
                             "INSERT INTO steps (session_id, turn, step, state, usage, started_at) "
                             "VALUES (?, ?, ?, 'running', '{}', ?)");
    BindText(insert, 1, id);
    insert.bind(2, turn);
    insert.bind(3, step);
    insert.bind(4, ToColumn(store_.clock().Now()));
    insert.exec();
    return {};
  });
}

Status SessionStore::EndStep(std::string_view id, int turn, int step, StepState state,
                             const Json& usage) {
  assert(state != StepState::kRunning);
  return store_.Transact([&]() -> Status {
    HEARTH_CHECK_OK(Get(id));
    SQLite::Statement change(
        store_.database(),
        "UPDATE steps SET state = ?, usage = ?, ended_at = ? "
        "WHERE session_id = ? AND turn = ? AND step = ? AND state = 'running'");
    change.bind(1, ToString(state));
    change.bind(2, DumpJson(usage));
    change.bind(3, ToColumn(store_.clock().Now()));
    BindText(change, 4, id);
    change.bind(5, turn);
    change.bind(6, step);
    if (change.exec() == 1) return {};
    return MakeError(ErrorCode::kConflict, "step ", turn, ".", step,
                     " of the session is not running");
  });
}

Result<std::vector<Step>> SessionStore::InterruptSteps(std::string_view id) {
  return store_.Transact([&]() -> Result<std::vector<Step>> {
    HEARTH_TRY(const std::vector<Step> steps, Steps(id));
    std::vector<Step> interrupted;
    for (Step step : steps) {
      if (step.state != StepState::kRunning) continue;
      HEARTH_CHECK_OK(EndStep(id, step.turn, step.step, StepState::kInterrupted, step.usage));
      step.state = StepState::kInterrupted;
      step.ended_at = store_.clock().Now();
      interrupted.push_back(std::move(step));
    }
    return interrupted;
  });
}

Result<std::vector<Step>> SessionStore::Steps(std::string_view id) {
  return store_.Read([&]() -> Result<std::vector<Step>> {
    HEARTH_CHECK_OK(Get(id));
    SQLite::Statement rows(store_.database(),
                           "SELECT turn, step, state, usage, started_at, ended_at FROM steps "
                           "WHERE session_id = ? ORDER BY turn, step");
    BindText(rows, 1, id);
    std::vector<Step> steps;
    while (rows.executeStep()) {
      HEARTH_TRY(steps.emplace_back(), ToStep(store_, rows));
    }
    return steps;
  });
}

}  // namespace hearth::memory
